"""An answer as people read it, and where its drawing has what; lengths are of a line of 1,000."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from problems.contract import Problem
from problems.served import Page
from retrace.base.tables import Column, Table
from retrace.report.numbers import MINUS, amount, cells, number, percent
from serving.explore import EXPLORED

WIDTH = 1000
RARE = 0.1  # a threshold below it is drawn on a scale of logs
LEAST = 1e-4  # where that scale begins


@dataclass(frozen=True)
class Mark:
    """A place on the line, with what it is and its value in words."""

    at: float
    words: str
    text: str


@dataclass(frozen=True)
class Shown:
    """An answer in words, and its drawing.

    headline : what to tell or to do; `detail` says how sure that is
    low, high : where the interval is on the line
    marks : prediction and what else has a place
    ticks : of the axis
    bars : of several classes, with the length of each
    """

    headline: str
    detail: str
    words: str  # of the drawing, for who does not see it
    low: float = 0.0
    high: float = 0.0
    marks: list[Mark] = field(default_factory=list)
    ticks: list[Mark] = field(default_factory=list)
    bars: list[Mark] = field(default_factory=list)


def shown(problem: Problem, page: Page, said: Mapping[str, Any], level: float) -> Shown:
    """Return how to show what was answered; `level` is that of the interval."""
    if problem.task == "regression":
        return _interval(problem, said, level)
    if problem.task == "binary":
        return _probability(page, said)
    shares = {
        name.removeprefix("probability_"): float(value)
        for name, value in said.items()
        if name.startswith("probability_")
    }
    best = max(shares.items(), key=lambda item: item[1])
    bars = [Mark(WIDTH * share, name, percent(share)) for name, share in shares.items()]
    bars.sort(key=lambda bar: -bar.at)
    words = ", ".join(f"{bar.words} {bar.text}" for bar in bars[:10])
    return Shown(best[0], f"with a probability of {percent(best[1])}", words, bars=bars[:10])


def _interval(problem: Problem, answer: Mapping[str, Any], level: float) -> Shown:
    decision = answer["decision"]
    unit = Column("", problem.unit)
    middle, low, high = (float(answer[name]) for name in ("prediction", "lower", "upper"))
    told, by = float(decision["tell"]), str(decision["by"])
    values = [middle, low, high, told]
    ticks = _ticks(min(values), max(values))
    start, end = ticks[0], ticks[-1]

    def at(value: float) -> float:
        return WIDTH * (value - start) / (end - start)

    marks = [Mark(at(middle), "forecast", amount(unit, middle))]
    detail = f"{percent(level)} of such cases are between {number(low)} and {amount(unit, high)}."
    if by != "prediction":
        marks.append(Mark(at(told), "to tell", amount(unit, told)))
        why = f"to tell what {by.removeprefix('p')} % stay below costs least"
        if by == EXPLORED:
            why = "this one was drawn from the interval, to learn what comes of it"
        detail += f" The forecast is {amount(unit, middle)}; {why}."
    words = ", ".join(f"{mark.words} {mark.text}" for mark in marks)
    words += f", interval from {number(low)} to {amount(unit, high)}"
    named = [Mark(at(tick), "", number(tick)) for tick in ticks]
    return Shown(amount(unit, told), detail, words, at(low), at(high), marks, named)


def _probability(page: Page, answer: Mapping[str, Any]) -> Shown:
    decision = answer["decision"]
    share, threshold = float(answer["prediction"]), decision.get("threshold")
    rare = threshold is not None and threshold < RARE
    if rare:
        scale = -math.log10(LEAST)
        named = [Mark(WIDTH * n / 4, "", percent(LEAST * 10**n)) for n in range(5)]
    else:
        named = [Mark(WIDTH * n / 4, "", percent(n / 4)) for n in range(5)]

    def at(value: float) -> float:
        if rare:
            return WIDTH * (1 + math.log10(max(value, LEAST)) / scale)
        return WIDTH * min(value, 1.0)

    marks = [Mark(at(share), "probability", percent(share))]
    words = f"probability {percent(share)}"
    if threshold is None:
        return Shown(percent(share), "", words, 0.0, at(share), marks, named)
    marks.append(Mark(at(threshold), "act from", percent(threshold)))
    act, leave = page.decisions
    detail = (
        f"The probability is {percent(share)}; from {percent(threshold)} on to {act} costs less."
    )
    words += f", threshold {percent(threshold)}"
    headline = act if decision["act"] else leave
    return Shown(headline, detail, words, 0.0, at(share), marks, named)


def _ticks(low: float, high: float) -> list[float]:
    """Return round numbers, evenly apart, the first at or below `low`, the last at or above
    `high`."""
    span = (high - low) or abs(high) or 1.0
    rough = span / 4
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * one for one in (1, 2, 2.5, 5, 10) if size * one >= rough)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [step * n for n in range(first, max(last, first + 1) + 1)]


@dataclass(frozen=True)
class Moved:
    """A reason in words; `length` is a share of the longest, below 0 to the left."""

    words: str
    value: str
    effect: str
    length: float


def moved(page: Page, reasons: Sequence[Mapping[str, Any]]) -> list[Moved]:
    """Return reasons as people read them, each beside the others."""
    lengths = [_length(one) for one in reasons]
    longest = max(map(abs, lengths), default=0.0) or 1.0
    found = []
    for one, length in zip(reasons, lengths, strict=True):
        text = _effect(float(one["effect"]), str(one["effect_unit"]))
        found.append(Moved(str(one["words"]), _value(page, one), text, length / longest))
    return found


def _length(reason: Mapping[str, Any]) -> float:
    """Return an effect on a scale where twice as much and half as much are as long."""
    effect = float(reason["effect"])
    if not str(reason["effect_unit"]).startswith("%"):
        return effect
    return math.log(max(1 + effect / 100, 1e-9))


def _effect(effect: float, unit: str) -> str:
    sign = "+" if effect > 0 else MINUS
    if unit == "%":
        return f"{sign}{percent(abs(effect) / 100)}"
    if unit.startswith("%"):
        return f"{unit.split()[-1]} ×{number(1 + effect / 100)}"
    return f"{sign}{number(abs(effect))} {unit}"


def _value(page: Page, reason: Mapping[str, Any]) -> str:
    value, column = reason["value"], page.column(reason["column"])
    if isinstance(value, str):
        return value or "none"
    if column is not None and column.kind == "text":  # the number itself says nothing
        return ""
    if value is None:
        return "none"
    return amount(column or Column(""), float(value))


@dataclass(frozen=True)
class TableShown:
    """A table as text; `is_number` by column."""

    title: str
    heads: list[str]
    is_number: list[bool]
    rows: list[list[str]]


def table_shown(table: Table) -> TableShown:
    return TableShown(
        table.title,
        [_head(column) for column in table.columns.values()],
        [column.kind != "text" for column in table.columns.values()],
        written(table.columns, table.frame.to_dict("records")),  # type: ignore[arg-type]
    )


def written(columns: Mapping[str, Column], rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return rows of a table as text, each column written alike."""
    by_column = [
        cells(column, [str(row[name]) for row in rows]) for name, column in columns.items()
    ]
    return [list(row) for row in zip(*by_column, strict=True)]


def heads(columns: Mapping[str, Column]) -> list[str]:
    return [_head(column) for column in columns.values()]


def _head(column: Column) -> str:
    return f"{column.words}, {column.unit}" if column.unit else column.words
