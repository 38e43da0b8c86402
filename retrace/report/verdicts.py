"""The model against its baselines and its interval against its promise, in plain words."""

import math
from dataclasses import dataclass
from typing import Literal

from retrace.base.tables import Column
from retrace.report.inputs import ProblemInputs
from retrace.report.numbers import THIN, amount, count, interval, number, percent

Mood = Literal["good", "bad", "open", "plain"]
NAMES = {"rule": "the rule", "naive": "the naive average", "oracle": "the oracle"}


@dataclass(frozen=True)
class Verdict:
    """The model against one baseline.

    `value` is the baseline's headline metric. `short` goes beside a bar, `sentence` stands alone.
    `difference` with its 95 % bounds is above zero where the model is better: the share by which
    its metric is, or where no such share follows from losses, the loss that it saves.
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


def verdicts(problem: ProblemInputs) -> list[Verdict]:
    """Judge the model against each baseline that `evaluate` compared it with."""
    return [_verdict(problem, name) for name in NAMES if name in problem.comparison]


def headline_of(problem: ProblemInputs) -> tuple[str, float, Column]:
    """Return the key, the value and the words of the headline."""
    key = next(key for key in problem.figures if not key.startswith("valid_"))
    return key, problem.figures[key], problem.words[key]


def measured_in(problem: ProblemInputs) -> str:
    """Say what the differences of all verdicts are."""
    judged = [name for name in NAMES if name in problem.comparison]
    if all(_in_shares(problem, _value(problem, name)) for name in judged):
        return f"share by which the {problem.metric['words']} is better"
    return f"{problem.metric['loss']} saved"


def _in_shares(problem: ProblemInputs, value: float | None) -> bool:
    return bool(value) and problem.metric["of_losses"] is not None


def _value(problem: ProblemInputs, baseline: str) -> float | None:
    """Return a baseline's headline metric, or None when the metrics do not have it."""
    key, model, _ = headline_of(problem)
    direct = problem.figures.get(f"{baseline}_{key}")
    ratio = problem.figures.get("oracle_ratio") if baseline == "oracle" else None
    return direct if direct is not None or not ratio else model / ratio


def _verdict(problem: ProblemInputs, baseline: str) -> Verdict:
    found = problem.comparison[baseline]
    losses = [found[name] for name in ("loss_difference", "lower_95", "upper_95")]
    value, (_, model, words) = _value(problem, baseline), headline_of(problem)
    sign = 1 if losses[1] > 0 else -1 if losses[2] < 0 else 0
    better = "better" if sign > 0 else "worse"
    if value and "share_lower_95" in found and _in_shares(problem, value):
        shares = found["share_lower_95"], found["share_upper_95"]
        lower, upper = (_share_saved(problem, share) for share in shares)
        difference = (value - model) / value
        near, far = sorted((abs(lower), abs(upper)))
        size = f"{percent(abs(difference))} "
        bounds = f"{_bare(near)} to {percent(far)}" if sign else _either_way(lower, upper)
    else:
        difference, lower, upper = losses
        near, far = sorted((abs(lower), abs(upper)))
        size, loss = "", problem.metric["loss"]
        side = f"{'lower' if sign > 0 else 'higher'} by {interval(near, far)}"
        bounds = f"{loss} {side}" if sign else f"{loss} {interval(-upper, -lower)} higher"
    against = "" if value is None else f"{words.words} {number(model)} vs {number(value)}, "
    name = NAMES[baseline]
    mood: Mood = "good" if sign > 0 else "bad" if sign < 0 else "open"
    if sign:
        short = f"{size}{better}, certain ({bounds})"
        sentence = f"{size}{better} than {name}: {against}certain (95 % interval: {bounds})."
    else:
        short = f"uncertain ({bounds})"
        sentence = f"no certain difference from {name}: {against}95 % interval: {bounds}."
    if baseline == "oracle":
        mood = "plain"
        if sign < 0:
            short = f"{size}short of the best ({bounds})"
    sentence = sentence[0].upper() + sentence[1:]
    return Verdict(
        baseline, value, mood, short, sentence, difference, lower, upper, int(found["rows"])
    )


def warnings_of(problem: ProblemInputs) -> list[str]:
    """Return what the fit warns of, and whether the rule does as well on rows that chose."""
    said = [str(one) for one in problem.card.get("warnings", [])]
    found = problem.comparison.get("valid_rule")
    if found is None or found["loss_difference"] > 0:
        return said
    loss = f"its {problem.metric['loss']} is {number(-found['loss_difference'])} higher"
    bounds = interval(-found["upper_95"], -found["lower_95"])
    return [
        f"the model does not beat the rule on {count(found['rows'])} rows of validation: {loss} "
        f"(95 %: {bounds}). Use the rule, or bring more rows or better columns.",
        *said,
    ]


def _share_saved(problem: ProblemInputs, share: float) -> float:
    """Return the share by which the metric is better where the mean loss is, by `share`."""
    return 1 - math.sqrt(1 - share) if problem.metric["of_losses"] == "root" else share


def _bare(share: float) -> str:
    return percent(share).removesuffix(f"{THIN}%")


def _either_way(lower: float, upper: float) -> str:
    return f"{percent(-lower)} worse to {percent(upper)} better"


@dataclass(frozen=True)
class Worth:
    """What the model costs, and what it saves against the rule; `short` for the first screen."""

    short: str
    sentence: str


def worth(problem: ProblemInputs) -> Worth | None:
    """Return what the model is worth in money; None where the problem says no costs."""
    for key, column in problem.words.items():
        if column.kind != "money" or key.startswith(tuple(f"{name}_" for name in NAMES)):
            continue
        cost, rule = problem.figures[key], problem.figures.get(f"rule_{key}")
        told = f"{amount(column, cost)} {column.words.removeprefix('cost ')}"
        if not rule:
            return Worth(told, f"{column.words.capitalize()}: {amount(column, cost)}.")
        saved = rule - cost
        change = f"{amount(column, abs(saved))} ({percent(abs(saved / rule))})"
        less = "less" if saved >= 0 else "more"
        return Worth(
            f"{told}, {change} {less} than the rule",
            f"{column.words[0].upper() + column.words[1:]}: {amount(column, cost)}, with the rule "
            f"{amount(column, rule)}; the model {'saves' if saved >= 0 else 'costs'} {change}"
            f"{'' if saved >= 0 else ' more'}.",
        )
    return None


@dataclass(frozen=True)
class Coverage:
    """The share of outcomes inside the interval, against the promised `level`."""

    level: float
    share: float
    mood: Mood
    words: str


def judge_coverage(problem: ProblemInputs) -> Coverage | None:
    """Say whether the interval keeps its promise, as far as chance lets one tell.

    The share varies by chance with the test rows and with the calibration rows that set the width.
    What the test rows do is measured, in blocks of rows that are not independent; the calibration
    rows do as much, for their number.
    """
    key = next((key for key in problem.figures if key.startswith("coverage_")), None)
    if key is None:
        return None
    share, level = problem.figures[key], int(key.removeprefix("coverage_")) / 100
    found = problem.comparison["coverage"]
    rows = problem.card.get("rows", {})
    calibration = rows.get("held", rows.get("calibration"))
    both = math.sqrt(1 + found["rows"] / calibration) if calibration else 1.0
    noise = both * (found["upper_95"] - found["lower_95"]) / 2
    promise = percent(level)
    if abs(share - level) <= noise:
        return Coverage(level, share, "good", f"inside the {promise} interval")
    if share > level:
        return Coverage(level, share, "open", f"inside, too many for {promise}")
    return Coverage(level, share, "bad", f"inside, too few for {promise}")
