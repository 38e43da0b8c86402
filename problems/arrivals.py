"""What is doubted about a fact when it comes, in every problem: what cannot be, clocks that are
off, values that stand still, and outcomes far outside of what was told.

A world adds what only it can know, in problems/<world>/arrivals.py.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from problems.contract import Problem
from problems.served import ArrivalParams, Arrivals, Arriving, Ends, Suspicion
from retrace.base.arrays import Arrays
from retrace.encode.encoding import to_scale

CANNOT_BE = 10.0
SAME, PREDICTION = "same", "prediction"  # columns of `Arriving.newest`
MINUTE = np.timedelta64(60_000_000, "us")


def worst(
    problem: Problem, fact: Arriving, part: Arrivals, settings: ArrivalParams, *, is_row: bool
) -> Suspicion | None:
    """Return the strongest suspicion from a score of 1 on; None where there is none."""
    if is_row:
        found = [*_of_row(problem, fact, settings), *part.rows(problem, fact, settings)]
    else:
        found = [*_of_outcome(problem, fact, settings), *part.outcomes(problem, fact, settings)]
    found = [one for one in found if one.score >= 1]
    return max(found, key=lambda one: one.score, default=None)


def _of_row(problem: Problem, fact: Arriving, settings: ArrivalParams) -> Iterator[Suspicion]:
    yield from outside(settings.rows.limits, fact.told)
    names = [one for one in [problem.time] if one and one in fact.told]  # others may be plans
    yield from _ahead(fact, names, settings.ahead_minutes)
    yield from _repeated(fact, settings.rows.repeats, "all but its key and time")


def _of_outcome(problem: Problem, fact: Arriving, settings: ArrivalParams) -> Iterator[Suspicion]:
    yield from outside(settings.limits, {**fact.row, **fact.told})
    yield from _ahead(fact, fact.told, settings.ahead_minutes)
    yield from _before_its_row(problem, fact)
    if problem.task == "regression":
        yield from _repeated(fact, settings.repeats, problem.target)
        yield from _off_the_interval(problem, fact, settings.improbable)
    else:
        yield from _unlikely_class(problem, fact, settings.unlikely)
    if problem.task == "binary":
        yield from _run_of_ones(problem, fact, settings.unlikely_run)


def outside(limits: Mapping[str, Ends], columns: Arrays) -> Iterator[Suspicion]:
    """Yield columns whose value cannot be; one that is missing is not looked at."""
    for name, limit in limits.items():
        value = number(columns, name)
        if limit.least is not None and value < limit.least:
            words = f"{name} is {value:g}; less than {limit.least:g} cannot be"
            yield Suspicion("impossible", CANNOT_BE, words)
        if limit.most is not None and value > limit.most:
            words = f"{name} is {value:g}; more than {limit.most:g} cannot be"
            yield Suspicion("impossible", CANNOT_BE, words)


def number(columns: Arrays, name: str) -> float:
    """Return a column's number; NaN where it is not there."""
    return float(columns[name][0]) if name in columns else math.nan


def time(columns: Arrays, name: str | None) -> np.datetime64:
    """Return a column's moment; NaT where it is not there."""
    if name is None or name not in columns:
        return np.datetime64("NaT", "us")
    found: np.datetime64 = columns[name][0]
    return found


def _ahead(fact: Arriving, names: Iterable[str], most_minutes: float | None) -> Iterator[Suspicion]:
    """Yield times that have not come yet."""
    if most_minutes is None:
        return
    for name in names:
        values = fact.told[name]
        if values.dtype.kind == "M" and values[0] > fact.received_at:
            minutes = (values[0] - fact.received_at) / MINUTE
            if minutes > most_minutes:
                words = f"{name} is {minutes:,.0f} minutes ahead of the server's clock"
                yield Suspicion("clock", CANNOT_BE, words)


def _before_its_row(problem: Problem, fact: Arriving) -> Iterator[Suspicion]:
    known_at, at = time(fact.told, problem.known_at), time({**fact.row, **fact.told}, problem.time)
    if known_at < at:  # not where one of them is missing
        minutes = (at - known_at) / MINUTE
        words = f"{problem.known_at} is {minutes:,.0f} minutes before {problem.time} of its row"
        yield Suspicion("clock", CANNOT_BE, words)


def _repeated(fact: Arriving, most: int | None, what: str) -> Iterator[Suspicion]:
    """Yield that a source tells the same again and again; it may be stuck."""
    if most is None or SAME not in fact.newest:
        return
    differs = np.flatnonzero(~fact.newest[SAME])
    run = len(fact.newest[SAME]) - (int(differs[-1]) + 1 if len(differs) else 0) + 1
    if run >= most:
        words = f"its source has told the same {run} times in a row ({what})"
        yield Suspicion("repeated", run / most, words)


def half_widths(problem: Problem, fact: Arriving) -> float:
    """Return how far the outcome is from the prediction that was told, on the fitted scale and in
    half-widths of the interval's side; negative below, NaN where nothing was told."""
    told = [fact.answer.get(one) for one in (PREDICTION, "lower", "upper")]
    if any(type(one) not in (int, float) for one in told):
        return math.nan
    values = np.array([number(fact.told, problem.target), *map(float, told)])  # type: ignore[arg-type]
    outcome, prediction, lower, upper = to_scale(values, problem.scale).tolist()
    side = upper - prediction if outcome > prediction else prediction - lower
    return (outcome - prediction) / side if side > 0 else math.nan


def _off_the_interval(problem: Problem, fact: Arriving, most: float | None) -> Iterator[Suspicion]:
    off = half_widths(problem, fact)
    if most is None or not abs(off) >= most:
        return
    low, high, middle = (fact.answer[one] for one in ("lower", "upper", PREDICTION))
    words = (
        f"{problem.target} is {number(fact.told, problem.target):g}, and {middle:.4g} "
        f"({low:.4g} to {high:.4g}) was told: {abs(off):.1f} half-widths off"
    )
    yield Suspicion("improbable", abs(off) / most, words)


def _unlikely_class(problem: Problem, fact: Arriving, least: float | None) -> Iterator[Suspicion]:
    if least is None or PREDICTION not in fact.answer:
        return
    label = fact.told[problem.target][0]
    if problem.task == "binary":
        one = float(fact.answer[PREDICTION])
        chance = one if label == 1 else 1 - one
    else:
        chance = float(fact.answer.get(f"probability_{label}", math.nan))
    if chance < least:
        words = f"{problem.target} is {label}, whose probability was {chance:.2g}"
        yield Suspicion("improbable", least / max(chance, 1e-9), words)


def _run_of_ones(problem: Problem, fact: Arriving, least: float | None) -> Iterator[Suspicion]:
    """Yield a 1 among more of them than the probabilities that were told explain."""
    label, newest = number(fact.told, problem.target), fact.newest
    told = fact.answer.get(PREDICTION)
    if least is None or label != 1 or told is None or problem.target not in newest:
        return
    known = ~np.isnan(newest[PREDICTION])
    ones = int(newest[problem.target][known].sum()) + 1
    expected = float(newest[PREDICTION][known].sum()) + float(told)
    chance = at_least(ones, expected)
    if ones > 1 and chance < least:
        words = (
            f"{ones} of the newest {int(known.sum()) + 1} labels are 1, and {expected:.2g} were to "
            "be expected by their probabilities"
        )
        yield Suspicion("repeated", math.log(max(chance, 1e-300)) / math.log(least), words)


def at_least(count: int, mean: float) -> float:
    """Return the chance of so many events or more, of a Poisson mean."""
    term = math.exp(-mean)
    below = 0.0
    for place in range(count):
        below += term
        term *= mean / (place + 1)
    if below < 1 - 1e-9:
        return 1 - below
    total = 0.0  # the tail itself, where the difference would only be rounding
    for place in range(count, count + 100):
        total += term
        term *= mean / (place + 1)
    return total


def same_text(told: Arrays, names: Any) -> str:
    """Return the values of columns as one text, by which a repetition is known."""
    return "\x1f".join(str(told[name][0]) for name in names if name in told)
