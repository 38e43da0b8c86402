"""A problem that is only in memory, for the stages to run on in the test's own process."""

import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
import yaml

from problems.contract import Problem, World
from retrace.base.files import write_table
from retrace.judge import plots

TRAIN = {
    "learning_rate": 0.1,
    "max_rounds": 60,
    "early_stopping_rounds": 10,
    "min_data_in_leaf": 20,
    "num_leaves": 8,
}
BLOCK = {
    "split": {"by": "time", "train": 0.6, "valid": 0.07, "calibration": 0.07, "test": 0.26},
    "train": TRAIN,
    "backtest": {"first_periods": 9, "train": {"max_rounds": 15}},
    "evaluate": {"slice_min_rows": 20},
    **{name: {} for name in ("encode", "text", "features", "gate")},
}


def small_world(
    folder: Path, monkeypatch: pytest.MonkeyPatch, problem: Problem, rows: pd.DataFrame
) -> None:
    """Make `problem` one that stages find, and `folder` the current one, with its clean table.

    Stages draw no PNG that other tests see drawn: it takes longer than the model that it shows.
    """
    for picture in ("predicted_png", "precision_recall_png"):
        monkeypatch.setattr(plots, picture, lambda *of: None)
    name = problem.world
    package = ModuleType(f"problems.{name}")
    package.__path__ = []
    part = ModuleType(f"problems.{name}.problem")
    part.PROBLEMS = {problem.name: problem}  # type: ignore[attr-defined]
    schema = ModuleType(f"problems.{name}.schema")
    schema.WORLD = World(name, schema=None, key=problem.key)  # type: ignore[attr-defined]
    for module in (package, part, schema):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.chdir(folder)
    entry = {problem.name: {"world": name}}
    params = {"problems": entry, "backtests": entry, problem.name: BLOCK}
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    write_table(rows, Path(f"data/clean/{name}.parquet"))
