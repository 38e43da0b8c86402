"""A copy of the project to break, at the size of a drill."""

from pathlib import Path
from typing import Any

from tests.conftest import SMALL, change_params, commit, copy_project
from tests.drills import Size

# On top of the tests' parameters: the DAG of each world, run alone, in at most 20 s.
TINY: dict[str, Any] = {
    "orders": {"simulate": {"orders": 600, "futures": 4}},
    **{
        name: {
            "train": {"max_rounds": 25},
            "backtest": {"first_periods": 16, "train": {"max_rounds": 10}},
        }
        for name in ("order_completion", "order_stuck")
    },
}


def project(folder: Path, size: Size, changes: dict[str, Any] | None = None) -> Path:
    """Make `folder` a committed copy of the project in which nothing has run yet.

    Small parameters but for `full`; then `changes` to params.yaml.
    """
    folder.mkdir(parents=True, exist_ok=True)
    copy_project(folder)
    if size != "full":
        change_params(folder, SMALL)
        change_params(folder, TINY)
    change_params(folder, changes or {})
    (folder / "dvc.lock").unlink(missing_ok=True)
    commit(folder, "Parameters of a drill")
    return folder
