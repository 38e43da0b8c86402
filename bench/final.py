"""What the final fit's rounds and rows are worth, on the features as `dvc repro` left them.

    python -m bench.final order_completion
    python -m bench.final order_completion --without 2024-11 2024-12

First: are the rounds kept that fewer rows had chosen, or scaled by the rows? The older half of the
training rows chooses them on validation; all training rows are fitted with both, and judged on the
calibration window, which chose neither. Then, for the report, the judged fit on the test window
with its rounds kept and scaled, and without the rows of some months.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

import stages  # noqa: F401  (before NumPy: pins its instructions)
from problems import parts
from problems.contract import Problem
from problems.parts import find_problem
from retrace.base import paths
from retrace.encode.encoding import Encoding, from_scale
from retrace.fit.bundle import Bundle
from retrace.judge.comparison import paired_difference
from retrace.judge.metrics import METRICS
from stages.train import read_encoded, read_fitted
from workflow.blocks import blocks_of
from workflow.final import EncodedRows
from workflow.refit import refit
from workflow.train import TrainParams, fit_bundle, uncalibrated

Floats = NDArray[np.float64]


def say(
    problem: Problem, title: str, model: Bundle, rows: EncodedRows, base: Floats | None
) -> Floats:
    """Print the metric, the bias and the gain in mean loss over `base`; return losses."""
    metric = METRICS[problem.metric]
    scores = model.scores(rows.window[0], names=["point"])["point"]
    outcome, found = from_scale(rows.window[1], problem.scale), uncalibrated(problem, scores)
    losses: Floats = np.asarray(metric.losses(outcome, found), np.float64)
    said = f"{title:40} {problem.metric} {metric(outcome, found):9.4f}"
    said += f"  bias {np.mean(found - outcome):+9.4f}"
    if base is not None:
        _, blocks = blocks_of(problem, rows.keys)
        gain = paired_difference(losses, base, blocks=blocks)
        said += f"  gain {gain.mean:+.4f} ({gain.lower:+.4f} to {gain.upper:+.4f})"
    print(said, flush=True)
    return losses


def with_rounds(chosen: Bundle, factor: float) -> Bundle:
    rounds = {name: round(factor * count) for name, count in chosen.card["rounds"].items()}
    return replace(chosen, card={**chosen.card, "rounds": rounds})


def grown(problem: Problem, encoding: Encoding, params: TrainParams) -> None:
    """Compare rounds kept and scaled where the training rows double."""
    train, valid, calibration = (
        read_encoded(problem, name, encoding.columns) for name in ("train", "valid", "calibration")
    )
    age = train.keys[problem.time].rank() if problem.time else np.arange(len(train.keys))
    half = train.take(np.asarray(age < len(train.keys) / 2))
    windows = {"train": half.window, "valid": valid.window, "calibration": calibration.window}
    chosen, _ = fit_bundle(problem, encoding, windows, params, intervals=False)
    base = None
    for title, factor in (("rounds kept", 1.0), ("rounds doubled", 2.0)):
        model = refit(problem, with_rounds(chosen, factor), encoding, train.window, params)
        losses = say(problem, f"calibration, {title}", model, calibration, base)
        base = losses if base is None else base


def judged(problem: Problem, months: Sequence[str], params: TrainParams) -> None:
    """Refit the judged model, its rounds kept and scaled, and without the rows of some months."""
    chosen = Bundle.load_judged(paths.bundle(problem.name))
    fitted = read_fitted(problem, "judged")
    test = read_encoded(problem, "judged/test", fitted.encoding.columns)
    test = test.take(np.isfinite(test.window[1]))
    counts = chosen.card["rows"]
    parts_of: dict[str, tuple[float, NDArray[np.bool_] | slice]] = {
        "rounds kept": (1.0, slice(None)),
        "rounds scaled by rows": (counts["fitted"] / counts["train"], slice(None)),
    }
    if months:
        of_row = fitted.rows.keys[problem.time].dt.strftime("%Y-%m")
        parts_of[f"without {', '.join(months)}"] = (1.0, ~of_row.isin(months).to_numpy())
    base = None
    for title, (factor, rows) in parts_of.items():
        window = fitted.rows.take(rows).window
        model = refit(
            problem, with_rounds(chosen, factor), fitted.encoding, window, params, names=("point",)
        )
        losses = say(problem, f"test, {title}", model, test, base)
        base = losses if base is None else base


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("problem")
    parser.add_argument("--without", nargs="*", default=[], metavar="MONTH")
    options = parser.parse_args()
    problem = find_problem(options.problem)
    params = parts.settings(TrainParams, problem, "train")
    grown(problem, Encoding.load(paths.features(problem.name)), params)
    judged(problem, options.without, params)


if __name__ == "__main__":
    main()
