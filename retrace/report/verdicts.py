"""The model against its baselines and its interval against its promise, in plain words."""

import math
from dataclasses import dataclass
from typing import Literal

from retrace.report.inputs import ProblemInputs
from retrace.report.numbers import (
    BASELINES,
    HIGHER_IS_BETTER,
    coverage_level,
    interval,
    number,
    percent,
    split_unit,
)

Mood = Literal["good", "bad", "open", "plain"]
NAMES = {"rule": "the rule", "naive": "the naive average", "oracle": "the oracle"}
LOSSES = {
    "rmsle": "squared log error",
    "mae": "absolute error",
    "average_precision": "log loss",
}


@dataclass(frozen=True)
class Verdict:
    """The model against one baseline.

    `value` is the baseline's headline metric. `short` goes beside a bar, `sentence` stands alone.
    `lower` and `upper` bound the baseline's loss minus the model's, with 95 % confidence.
    """

    baseline: str
    value: float | None
    mood: Mood
    short: str
    sentence: str
    difference: float
    lower: float
    upper: float
    rows: int

    @property
    def interval(self) -> str:
        return interval(self.lower, self.upper)


def verdicts(problem: ProblemInputs) -> list[Verdict]:
    """Judge the model against each baseline that `evaluate` compared it with."""
    return [_verdict(problem, name) for name in BASELINES if name in problem.comparison]


def baseline_value(problem: ProblemInputs, baseline: str) -> float | None:
    """Return a baseline's headline metric, or None when the metrics do not have it."""
    key, model = next(iter(problem.figures.items()))
    direct = problem.figures.get(f"{baseline}_{key}")
    ratio = problem.figures.get("oracle_ratio") if baseline == "oracle" else None
    return direct if direct is not None or not ratio else model / ratio


def loss_name(headline: str) -> str:
    """Name the loss whose difference the intervals are about."""
    stem, unit = split_unit(headline)
    name = LOSSES.get(stem, "loss")
    return f"{name} in {unit}" if unit and stem != "rmsle" else name


def _verdict(problem: ProblemInputs, baseline: str) -> Verdict:
    found = problem.comparison[baseline]
    lower, upper = found["lower_95"], found["upper_95"]
    key, model = next(iter(problem.figures.items()))
    value = baseline_value(problem, baseline)
    sign = 1 if lower > 0 else -1 if upper < 0 else 0
    change = _change(key, model, value)
    share = f"{percent(abs(change))} " if change is not None and change * sign > 0 else ""
    against = "" if value is None else f"{_metric(key)} {number(model)} vs {number(value)}, "
    bounds = f"{percent(0.95)} interval of the loss difference {interval(lower, upper)}"
    name = NAMES[baseline]
    if sign:
        word = "better" if sign > 0 else "worse"
        short = f"{share}{word}, certain"
        sentence = f"{share}{word} than {name}: {against}certain ({bounds})"
    else:
        short = "uncertain, includes zero"
        sentence = f"no certain difference from {name}: {against}{bounds} includes zero"
    mood: Mood = "good" if sign > 0 else "bad" if sign < 0 else "open"
    if baseline == "oracle":
        mood = "plain"
        if sign < 0:
            short = f"{share}short of the best"
    return Verdict(
        baseline, value, mood, short, sentence[0].upper() + sentence[1:] + ".",
        found["loss_difference"], lower, upper, int(found["rows"]),
    )  # fmt: skip


def _metric(key: str) -> str:
    words = split_unit(key)[0].replace("_", " ")
    return words if words == "average precision" else words.upper()


def _change(key: str, model: float, value: float | None) -> float | None:
    """Return the model's relative improvement over a baseline's value; above zero is better."""
    if not value:
        return None
    higher = split_unit(key)[0] in HIGHER_IS_BETTER
    if higher:  # more than twice as good is no per cent to read
        return (model - value) / value if model <= 2 * value else None
    return (value - model) / value


@dataclass(frozen=True)
class Coverage:
    """The share of outcomes inside the interval, against the promised `level`."""

    level: float
    share: float
    mood: Mood
    words: str


def coverage(problem: ProblemInputs) -> Coverage | None:
    """Say whether the interval keeps its promise, as far as chance lets one tell.

    The share varies by chance with the test rows and with the calibration rows that set the width.
    What the test rows do is measured, in blocks of rows that are not independent; the calibration
    rows do as much, for their number.
    """
    for key, share in problem.figures.items():
        level = coverage_level(key)
        if level is None:
            continue
        found = problem.comparison["coverage"]
        calibration = problem.card.get("rows", {}).get("calibration")
        both = math.sqrt(1 + found["rows"] / calibration) if calibration else 1.0
        noise = both * (found["upper_95"] - found["lower_95"]) / 2
        promise = percent(level)
        if abs(share - level) <= noise:
            return Coverage(level, share, "good", f"inside the {promise} interval")
        if share > level:
            return Coverage(level, share, "open", f"inside, too many for {promise}")
        return Coverage(level, share, "bad", f"inside, too few for {promise}")
    return None
