"""Compare LightGBM's objectives for one problem, on its features as `dvc repro` left them.

    python -m bench.objectives service_time

Each is fitted on the training window and chosen by the validation window, where each booster also
stops; the test window is shown beside it. MAE in the problem's unit, and the mean error (bias).
"""

import sys

import numpy as np
from numpy.typing import NDArray

import stages  # noqa: F401  (before NumPy: pins its instructions)
from problems import parts
from problems.parts import find_problem
from retrace.base import paths
from retrace.encode.encoding import Encoding, from_scale
from retrace.fit.boosters import fit_booster
from retrace.judge.comparison import paired_difference
from stages.windows import read_window
from workflow.train import TrainParams, layout_of

OBJECTIVES: dict[str, tuple[str, dict[str, object]]] = {
    "L2 of the log": ("scaled", {"objective": "regression", "metric": "rmse"}),
    "L1 of the log": ("scaled", {"objective": "regression_l1", "metric": "mae"}),
    "quantile 0.5 of the log": (
        "scaled",
        {"objective": "quantile", "alpha": 0.5, "metric": "quantile"},
    ),
    "Huber of the log": ("scaled", {"objective": "huber", "alpha": 0.5, "metric": "mae"}),
    "gamma": ("link", {"objective": "gamma", "metric": "gamma"}),
    "gamma, times the median ratio": ("link", {"objective": "gamma", "metric": "gamma"}),
}


def main(name: str) -> None:
    problem = find_problem(name)
    params = parts.settings(TrainParams, problem, "train")
    encoding = Encoding.load(paths.features(name))
    windows = {
        window: read_window(problem, window, encoding.columns)
        for window in ("train", "valid", "test")
    }
    layout = layout_of(problem, encoding, {"objective": "regression"})
    base: NDArray[np.float64] | None = None
    for title, (kind, objective) in OBJECTIVES.items():
        wanted = {
            window: (columns, from_scale(y, problem.scale) if kind == "link" else y)
            for window, (columns, y) in windows.items()
        }
        fit = fit_booster(
            wanted["train"],
            wanted["valid"],
            layout,
            params,
            objective,
        )
        errors, factor = {}, 1.0
        for window in ("valid", "test"):
            columns, scaled = windows[window]
            raw = layout.scaled("point", fit.booster.predict(columns, raw_score=True), columns)
            found = np.exp(raw) if kind == "link" else from_scale(raw, problem.scale)
            outcome = from_scale(scaled, problem.scale)
            if title.endswith("ratio") and window == "valid":
                factor = float(np.median(outcome / found))
            errors[window] = factor * found - outcome
        loss = np.abs(errors["valid"])
        base = loss if base is None else base
        difference = paired_difference(base, loss)
        print(
            f"{title:30} {fit.booster.best_iteration:5} rounds  valid MAE {loss.mean():8.3f} "
            f"({difference.mean:+.3f}, 95 % {difference.lower:+.3f} to {difference.upper:+.3f})  "
            f"test MAE {np.abs(errors['test']).mean():8.3f}  bias {errors['test'].mean():+8.2f}"
        )


if __name__ == "__main__":
    main(sys.argv[1])
