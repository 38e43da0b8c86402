"""What the champion says of today's rows, and which of them it was fitted on."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pandas as pd

from experiments.git import git, json_at
from experiments.promotion.bundles import fetch, fetch_bundle
from experiments.promotion.registry import Assigned
from problems.contract import Problem
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.files import read_table, write_table
from retrace.fit.bundle import JUDGED
from retrace.judge.metrics import said
from workflow.evaluate import TOLD

SCRIPT = Path(__file__).with_name("as_champion.py")
Keyed = TypeVar("Keyed", pd.Series, pd.Series | pd.DataFrame)
WINDOWS = ("train", "valid", "calibration")  # that a model without a final fit has seen


@dataclass(frozen=True)
class Prediction:
    """The champion's predictions, indexed by the problem's key.

    `stored_because` is empty where its own code predicted today's rows; else it says why these are
    the predictions that it made when it was new. `fitted` are the keys of rows that it has seen,
    None where that is no longer known.
    """

    values: pd.Series | pd.DataFrame  # of several classes a column of probabilities each
    outcomes: pd.Series | None  # of stored predictions, as they were then
    stored_because: str
    fitted: pd.MultiIndex | None
    told: pd.Series | None = None  # what it tells, which may be a quantile; of a regression


def predict_as(
    problem: Problem, champion: Assigned, bundle_tag: str, keys: pd.DataFrame, folder: Path
) -> Prediction:
    """Return the champion's predictions of the rows with these keys; `folder` is scratch space.

    Raises RetraceError when its bundle is gone or damaged, or when it cannot be compared at all.
    """
    bundle = fetch_bundle(
        bundle_tag, champion.commit, paths.bundle(problem.name), folder / "champion"
    )
    write_table(keys, folder / "keys.parquet")
    target = folder / "predictions.parquet"
    with worktree(champion.commit, folder / "worktree") as code:
        why = _run(code, problem, bundle, folder / "keys.parquet", target)
    fitted = _fitted(problem, champion, bundle_tag, folder)
    told = json_at(champion.commit, paths.tables(problem.name) / "tables.json").get(TOLD, "")
    key = list(problem.key)
    if not why:
        found = read_table(target).set_index(key)
        return Prediction(_keyed(said(found)), None, "", fitted, _told(problem, found, told))
    stored = fetch(
        bundle_tag, champion.commit, paths.predictions(problem.name), folder / "stored.parquet"
    )
    found = read_table(stored).set_index(key)
    values, then = _keyed(said(found)), _keyed(found["outcome"])
    return Prediction(values, then, why, fitted, _told(problem, found, told))


def _told(problem: Problem, found: pd.DataFrame, name: str) -> pd.Series | None:
    """Return the forecast that was told, the prediction where nothing was chosen; None where that
    is not among what is found, and of a classifier."""
    name = name or "prediction"
    return _keyed(found[name]) if problem.task == "regression" and name in found else None


@contextmanager
def worktree(commit: str, path: Path) -> Iterator[Path]:
    """Check a commit out beside this copy, for as long as it is needed."""
    git("worktree", "prune")  # what a killed promotion has left
    git("worktree", "add", "--quiet", "--detach", str(path.absolute()), commit)
    try:
        yield path.absolute()
    finally:
        shutil.rmtree(path, ignore_errors=True)
        git("worktree", "prune")


def _run(code: Path, problem: Problem, bundle: Path, keys: Path, target: Path) -> str:
    """Predict with the worktree's code; return why it cannot, or nothing."""
    files = (bundle, paths.clean(problem.world), keys, target)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.read_text("utf-8"), problem.name]
        + [str(path.absolute()) for path in files],
        cwd=code,
        env={**os.environ, "PYTHONPATH": str(code), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode < 0:
        raise RetraceError(
            f"the champion's code was stopped by signal {-done.returncode}, perhaps for lack of "
            "memory. Nothing was promoted; run the same command again."
        )
    lines = done.stderr.strip().splitlines()
    return (lines[-1] if lines else f"status {done.returncode}") if done.returncode else ""


def _fitted(problem: Problem, champion: Assigned, tag: str, folder: Path) -> pd.MultiIndex | None:
    """Return the keys of the rows that its judged model has seen."""
    final = (folder / "champion" / JUDGED).exists()
    found = []
    for number, window in enumerate(["judged/fitted"] if final else WINDOWS):
        try:
            path = fetch(
                tag,
                champion.commit,
                paths.window(problem.name, window),
                folder / f"fitted-{number}.parquet",
            )
        except RetraceError:
            return None
        found.append(read_table(path, list(problem.key)))
    return pd.MultiIndex.from_frame(pd.concat(found))


def _keyed(values: Keyed) -> Keyed:
    """Return the values with a MultiIndex also where the key is one column."""
    index = values.index
    if not isinstance(index, pd.MultiIndex):
        index = pd.MultiIndex.from_arrays([index], names=[index.name])
    return values.set_axis(index)
