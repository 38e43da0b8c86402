"""The problems' own tables for the page: headings in words, with units, and digits by column."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from retrace.report.numbers import (
    MINUS,
    SHORT,
    STEMS,
    number,
    percent,
    split_baseline,
    split_unit,
    to_number,
)
from retrace.report.pictures import Drawing, Rows, drawing
from retrace.report.verdicts import NAMES

# Tables in the order of the page, by name; others follow, under their names.
TITLES = {
    "service_level": "On time, by what is planned",
    "routes": "Whole routes",
    "months": "Month by month",
    "fairness": "Who is planned shorter?",
    "visits": "Service times found from events, against the true ones",
    "planned_bands": "By planned time",
    "suggested_bands": "By suggested price",
    "cost_curve": "What alerts cost, by threshold",
    "weeks": "Week by week",
    "changes": "What changed, and when the alarm rang",
    "retrainings": "Alarms and retrainings",
    "drift": "What drifted most: importance × PSI",
    "told": "What customers are told, and what it costs",
    "progress": "By the order's events so far",
    "looked_at": "Looking at the most likely ones",
}
# Columns whose names do not say it all; a unit is the end of a name.
COLUMNS = {
    "planned_with": "planned with",
    "mean_error_of_sum": "error of the route's sum",
    "mean_sum_of_errors": "errors of its stops, added up",
    "relative_bias": "bias beyond that of all",
    "lower_95": "95 % from",
    "upper_95": "to",
    "planned_shorter": "planned shorter",
    "median_interval": "median width of the interval",
    "suggested": "suggested price",
    "planned": "planned time",
    "median_actual": "median of the real times",
    "christmas_share": "Christmas share",
    "by_gate": "promoted by the gate",
    "false_alarm": "false alarm",
    "delay_days": "days until then",
    "psi": "PSI",
    "q_value": "q-value",
    "weight": "importance × PSI",
    "gain": "gain against the champion",
    "gate_reasons": "the gate's reasons",
    "optimistic": "too early by",
    "pessimistic": "too late by",
    "optimistic_share": "too early, share",
    "looked_at": "looked at",
    "looked_at_share": "looked at, share",
    "events_so_far": "events so far",
}
SHARES = ("share", "coverage", "_on_time")
FLAGS = ("planned_shorter", "retrained", "by_gate", "false_alarm")


@dataclass(frozen=True)
class Heading:
    """A column: its name in words, its unit, and whether it has numbers."""

    name: str
    unit: str
    is_number: bool


@dataclass(frozen=True)
class OwnTable:
    """A table as the page shows it; `drawing` is its picture, where one fits."""

    name: str
    title: str
    headings: list[Heading]
    rows: list[list[str]]
    drawing: Drawing | None


def own_tables(tables: dict[str, Rows]) -> list[OwnTable]:
    """Return the tables that have rows, in the order of the page."""
    known = list(TITLES)
    order = sorted(tables, key=lambda n: (known.index(n) if n in known else len(known), n))
    return [_table(name, _whole(tables[name])) for name in order if tables[name]]


def _whole(rows: Rows) -> Rows:
    """Give every row the columns of the first: a CSV may have rows that are short or too long."""
    names = [name for name in rows[0] if name is not None]
    return [{name: row.get(name) or "" for name in names} for row in rows]


def _table(name: str, rows: Rows) -> OwnTable:
    columns = {column: [row[column] for row in rows] for column in rows[0]}
    first = next(iter(columns), "")
    texts = [cells(key, cell, key == first) for key, cell in columns.items()]
    return OwnTable(
        name=name,
        title=TITLES.get(name, name.replace("_", " ").capitalize()),
        headings=[heading(key, cell, key == first) for key, cell in columns.items()],
        rows=[list(row) for row in zip(*texts, strict=True)],
        drawing=drawing(rows),
    )


def heading(column: str, texts: list[str], is_first: bool = False) -> Heading:
    """Name a column: `rule_mae_seconds` is "MAE of the rule" in seconds."""
    has_numbers = any(to_number(text) is not None for text in texts)
    numeric = has_numbers and not is_first and column not in FLAGS
    owner, rest = split_baseline(column) if numeric else ("", column)
    stem, unit = split_unit(rest)
    name = COLUMNS.get(stem) or SHORT.get(stem) or STEMS.get(stem) or stem.replace("_", " ")
    return Heading(f"{name} of {NAMES[owner]}" if owner else name, unit, numeric)


def cells(column: str, texts: list[str], is_first: bool = False) -> list[str]:
    """Write a column's values with the same decimals, shares as per cent; other texts as given."""
    values = [to_number(text) for text in texts]
    known = [value for value in values if value is not None]
    write: Callable[[float], str] = number
    if column == "slice":
        return [text.replace("_", " ") for text in texts]
    if is_first:
        return texts
    if column in FLAGS and set(known) <= {0, 1}:
        write = _yes_or_no
    elif column.endswith(SHARES) and all(0 <= value <= 1 for value in known):
        write = percent
    elif (decimals := _decimals(known)) is not None:
        write = partial(_fixed, decimals=decimals)
    return [
        text if value is None else write(value) for value, text in zip(values, texts, strict=True)
    ]


def _decimals(values: list[float]) -> int | None:
    """Return the decimals that give the largest three digits, None where the least would vanish."""
    sizes = [abs(value) for value in values if value]
    if not sizes or all(size.is_integer() for size in sizes):
        return 0
    decimals = max(0, 2 - math.floor(math.log10(max(sizes))))
    return decimals if min(sizes) >= 0.5 * 10**-decimals else None


def _fixed(value: float, decimals: int) -> str:
    text = f"{abs(value):,.{decimals}f}"
    return MINUS + text if value < 0 else text


def _yes_or_no(value: float) -> str:
    return "yes" if value else "no"
