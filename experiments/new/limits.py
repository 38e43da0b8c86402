"""Limits of a clean table that would have caught a broken file, and are silent on the next month.

Each is what the months so far have shown, with as much room beyond as lay between them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from experiments.new.question import Question
from retrace.checks.columns import missing, parts
from retrace.checks.screens import Roles, Screens, screen

BLOCKS, BLOCK_ROWS = 12, 50  # of a table without months
MONTHS = 4  # the fewest that are taken as they are
ROOM = 0.5  # of the median, that a value may move at least
HARD = 20.0  # times as far, where the target is another quantity
MISSING = 0.05  # share of gaps beyond those so far
CONSTANT = 20.0  # times fewer rows with another value, from which a target is no longer one
TOP = 0.25  # of the most frequent value
ROWS = 0.5  # of the rows so far: fewer are a file that was cut
DIGITS = 3
# Screens of what a table may do by nature, or was told of by `traps`; the others find faults.
BY_NATURE = ("jump", "silent", "stuck", "volume", "constant", "leak", "dated", "repeated")
OF_OUTCOMES = "missing_by"  # a group of open cases has no outcome yet
# Columns that say when a row was; what a new month does to them, though the past has not yet.
CALENDAR = re.compile(r"(?i)(^|_)(year|yr|quarter|season|month|mnth|week|day)(_of_[a-z]+)?$")
OF_CALENDAR = ("dated", "constant", "jump")

Limits = dict[str, dict[str, Any]]


def limits(
    clean: pd.DataFrame, columns: Mapping[str, str], target: str, time: str | None
) -> dict[str, Limits]:
    """Return checks by column, as checks.yaml has them; `columns` are sorts by name."""
    blocks = _blocks(clean, time)
    found: dict[str, Limits] = {}
    for name, sort in columns.items():
        checks = dict(_of_column([block[name] for block in blocks], sort, hard=name == target))
        if checks:
            found[name] = checks
    return found


def moving(
    clean: pd.DataFrame, question: Question, outcomes: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Return, by screen, the columns that do already what it looks for: seasons, years, flags that
    are rare, and outcomes that some group has not. The next month would do the same; of a time's
    parts one that is not yet there.
    """
    key = question.key or "row_id"
    found: dict[str, list[str]] = {}
    for one in screen(clean, Screens(), Roles((key,), question.time, tuple(outcomes))):
        open_cases = one["check"] == OF_OUTCOMES and one["column"] in outcomes
        if not one["passed"] and (one["check"] in BY_NATURE or open_cases):
            found.setdefault(one["check"], []).append(one["column"])
    calendar = [name for name in map(str, clean) if question.time and CALENDAR.search(name)]
    for check in OF_CALENDAR if calendar else ():
        found[check] = list(dict.fromkeys([*found.get(check, []), *calendar]))
    return {name: tuple(columns) for name, columns in found.items()}


def rows_min(clean: pd.DataFrame) -> int:
    return max(1, int(ROWS * len(clean)))


def _blocks(clean: pd.DataFrame, time: str | None) -> list[pd.DataFrame]:
    if time is not None:
        rows = clean[clean[time].notna()]
        month = rows[time].dt.tz_localize(None).dt.to_period("M")
        found = [part for _, part in rows.groupby(month) if len(part) >= BLOCK_ROWS]
        if len(found) >= MONTHS:
            return found
        clean = rows.sort_values(time, kind="stable")
    edges = parts(len(clean), BLOCKS, BLOCK_ROWS)
    return [clean.iloc[start:stop] for start, stop in pairwise(edges)]


def _of_column(
    blocks: list[pd.Series], sort: str, *, hard: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    gaps = np.array([missing(one).mean() for one in blocks])
    most = min(1.0, float(gaps.max() + np.ptp(gaps) + MISSING))
    if most < 1 and sort != "flag":
        yield "missing_share", {"soft": {"most": _up(most)}}
    if sort in ("number", "whole", "flag"):
        yield from _of_numbers(blocks, sort, hard)
    elif sort == "words":
        tops = np.array([_top(one) for one in blocks])
        most = float(np.nanmax(tops) + TOP)
        if most < 1:
            yield "top_share", {"soft": {"most": _up(most)}}


def _of_numbers(
    blocks: list[pd.Series], sort: str, hard: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    values = [one.dropna().to_numpy(np.float64) for one in blocks]
    values = [one for one in values if len(one)]
    if not values:
        return
    few = sort == "flag" or len(np.unique(np.concatenate(values))) <= 20
    middle = np.array([np.mean(one) if few else np.median(one) for one in values])
    low, high = float(middle.min()), float(middle.max())
    room = max(high - low, ROOM * abs(float(np.median(middle))), _spread(values) / 4)
    least, most = low - room, high + room
    if min(float(one.min()) for one in values) >= 0:
        least = max(least, low / 4)
    if few:  # a mean lies between the values, whatever happens
        lowest, highest = (float(bound(map(bound, values))) for bound in (min, max))
        if least <= lowest and most >= highest and not hard:
            return
        least, most = max(least, lowest), min(most, highest)
    found: dict[str, Any] = {"soft": _range(least, most)}
    if hard and not few:
        far = {"most": _up(high + HARD * room)}
        found = {
            "hard": far if least >= 0 else _range(low - HARD * room, high + HARD * room),
            **found,
        }
    yield "mean" if few else "p50", found
    if hard:  # a constant is no target
        top = max(_top(pd.Series(one)) for one in values)
        yield "top_share", {"hard": {"most": _up(1 - (1 - top) / CONSTANT)}}


def _spread(values: list[np.ndarray]) -> float:
    return float(np.subtract(*np.quantile(np.concatenate(values), [0.75, 0.25])))


def _top(column: pd.Series) -> float:
    there = column[~missing(column)]
    return float(there.value_counts(normalize=True).iloc[0]) if len(there) else float("nan")


def _range(least: float, most: float) -> dict[str, float]:
    return {"least": _down(least), "most": _up(most)}


def _up(value: float) -> float:
    return -_down(-value)


def _down(value: float) -> float:
    """Round down to a few digits."""
    if value == 0:
        return 0.0
    unit = 10.0 ** (np.floor(np.log10(abs(value))) - DIGITS + 1)
    return float(f"{np.floor(value / unit) * unit:.{DIGITS + 1}g}")
