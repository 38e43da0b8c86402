"""Find faults in a clean table that no limit of one column shows: what changed within the table.

A screen looks at every column and tells the worst one, and all beyond its limit:

damaged     share of texts with the marks of a wrong encoding or of escaped HTML
repeated    share of rows that equal an earlier one in all but the key and the outcomes
constant    share of the most frequent value
jump        how far the distribution moves from one part of the table to the next: the largest
            distance of the two cumulative shares, beyond chance; of categories half the sum of
            differences
stuck       share of one value in a part, beyond that in the usual part; 0 does not count
volume      rows of a week over the usual of the weeks before it and of those after it, or the
            other way round: logs may begin and end slowly
missing_by  share of missing values in a group of another column, beyond the share over all rows
cut         share of running texts that have one length, beyond those one letter shorter or longer
leak        share of the target's variance that one column explains alone, out of fold
dated       share of the variance of the row's time that one column explains alone, out of fold
told        share of texts that have their row's target among their numbers, beyond that of others
spellings   share of rows whose value has a more frequent spelling, but for capitals and spaces
silent      rows with a 1, or with one of few categories, that were to be expected in the longest
            run of rows that has none

Parts are of one size, in the order of time or else of the table. Of the columns of the key only
marks, the kinds of ids and the number of rows by time are looked at.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrace.base.marks import ENTITY, MOJIBAKE
from retrace.base.params import Params
from retrace.checks.alike import alike_rows, design_effect
from retrace.checks.columns import explained, groups, is_text, is_time, missing, numbers, parts
from retrace.checks.numbered import LEVELS, comparable, is_prose, shares_by_part, to_codes

MARKS = f"{MOJIBAKE}|{ENTITY}"
PARTS, PART_ROWS = 20, 250  # smaller parts tell too little
GROUPS, GROUP_ROWS = 30, 100
WEEK_ROWS, WEEKS_AROUND = 20, 4
LEAK_PARTS, LEAK_ROWS, LEAK_GROUPS = 5, 1000, 500
CUT_LEAST = 10  # letters
SOME_ORDERS = 0.1  # of all: fewer have a column late, or change it, by a fault
KEEPS: tuple[Literal["first", "last"], ...] = ("first", "last")
TOLD_WITHIN = 0.002  # of the target: it may be rounded
FEWEST_OF_CLASS = 30
OF_KEYS = ("damaged", "jump", "volume")
MOST_ROWS = 200_000  # every k-th row of a longer table is enough, but for repeated ones

Floats = NDArray[np.float64]


class Screens(Params):
    """`screens` of checks.yaml: the most that passes, by screen; these hold on public data."""

    damaged: float = 0.001
    repeated: float = 0.01
    constant: float = 0.999
    jump: float = 0.15
    stuck: float = 0.5
    volume: float = 4.0
    missing_by: float = 0.5
    cut: float = 0.1
    leak: float = 0.8
    dated: float = 0.5
    told: float = 0.03
    spellings: float = 0.05
    silent: float = 40.0


@dataclass(frozen=True)
class Roles:
    """What the columns of a world are.

    time: when a row happened; without it rows have no order that matters. outcomes: known only
    afterwards, the target first. exempt: columns by screen that it must not look at, since they
    change so by nature; `count_*` are all that begin so.
    """

    key: tuple[str, ...]
    time: str | None = None
    outcomes: tuple[str, ...] = ()
    exempt: dict[str, tuple[str, ...]] = field(default_factory=dict)


def screen(rows: pd.DataFrame, limits: Screens, roles: Roles) -> list[dict[str, Any]]:
    """Return records as those of checks, all soft: column, check, level, found, limit, passed."""
    if rows.empty:
        return []
    step = -(-len(rows) // MOST_ROWS)
    rows = rows.astype({name: "str" for name in rows if rows[name].dtype == "category"})
    ordered = rows.sort_values(roles.time, kind="stable") if roles.time else rows
    thin = ordered.iloc[::step]
    records = []
    for name, look in SCREENS.items():
        limit = getattr(limits, name)
        left_out = (*(() if name in OF_KEYS else roles.key), *roles.exempt.get(name, ()))
        found = look(ordered if name in ("repeated", "volume") else thin, roles)
        values: dict[str, float] = {}
        for column, value in found:
            if not _is_one_of(column, left_out) and not np.isnan(value):
                values[column] = max(float(value), values.get(column, 0.0))
        worst = max(values, key=lambda column: values[column], default=None)
        for column, value in values.items():
            if column == worst or value > limit:
                records.append(
                    {
                        "column": column,
                        "check": name,
                        "level": "soft",
                        "found": round(float(value), 6),
                        "limit": f"at most {limit:g}",
                        "passed": bool(value <= limit),
                    }
                )
    return records


def _is_one_of(column: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(column, one) for one in patterns)


Found = Iterator[tuple[str, float]]  # columns and values


def _damaged(rows: pd.DataFrame, _: Roles) -> Found:
    for name in map(str, rows):
        if is_text(rows[name]):
            yield name, float(rows[name].str.contains(MARKS, regex=True).mean())


def _repeated(rows: pd.DataFrame, roles: Roles) -> Found:
    # The message names the key: what differs in nothing else was given two of them.
    others = rows.drop(columns=[*roles.key, *roles.outcomes])
    yield f"all but {', '.join(roles.key)}", float(others.duplicated().mean())


def _constant(rows: pd.DataFrame, _: Roles) -> Found:
    for name in map(str, rows):
        present = rows[name][~missing(rows[name])]
        if len(present) > 1:
            yield name, float(present.value_counts(normalize=True).iloc[0])


def _jump(rows: pd.DataFrame, roles: Roles) -> Found:
    edges = parts(len(rows), PARTS, PART_ROWS)
    if len(edges) < 3:
        return
    alike = alike_rows(rows, roles.key, roles.time)
    columns = list(comparable(rows, roles.key, roles.time))
    looks = len(columns) * (len(edges) - 2)  # so often chance may have moved one far
    for name, column in columns:
        codes = to_codes(column)
        shares = shares_by_part(codes, edges)
        moved = np.diff(shares, axis=0)
        is_category = column.dtype == "category"
        distance = np.abs(moved).sum(axis=1) / 2
        if not is_category:
            distance = np.abs(np.cumsum(moved, axis=1)).max(axis=1)
        size = np.diff(edges) / design_effect(codes, alike, edges, is_category)
        # Dvoretzky-Kiefer-Wolfowitz at 1 % of all looks; a sum over levels has as many chances.
        chance = np.sqrt(np.log(2 * looks / 0.01) / 2 * (1 / size[1:] + 1 / size[:-1]))
        beyond = np.sort(np.maximum(distance - chance, 0.0))
        # A change begins and ends, and both may fall inside a part: four edges at most. What moves
        # as far at a fifth one moves by its nature, with the season or with growth.
        usual = beyond[-5] if len(beyond) >= 5 else 0.0
        yield name, float(beyond[-1] - usual)


def _stuck(rows: pd.DataFrame, _: Roles) -> Found:
    edges = parts(len(rows), PARTS, PART_ROWS)
    part = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
    for name in rows:
        codes, values = pd.factorize(rows[name])
        if rows[name].dtype == bool or len(values) < LEVELS:
            continue
        there = ~(missing(rows[name]) | (rows[name] == 0)).to_numpy(bool)
        cells = np.bincount(
            (part * len(values) + codes)[there], minlength=len(values) * part.max() + len(values)
        )
        counts = cells.reshape(-1, len(values))
        enough = counts.sum(axis=1) >= PART_ROWS // 2
        if enough.any():
            shares = (counts.max(axis=1) / counts.sum(axis=1).clip(min=1))[enough]
            yield str(name), float(shares.max() - np.median(shares))


def _volume(rows: pd.DataFrame, roles: Roles) -> Found:
    if roles.time is None or rows.empty:
        return
    week = (rows[roles.time].astype("int64") // (7 * 86_400_000_000)).to_numpy()
    counts = np.bincount(week - week.min())[1:-1].astype(float)  # both ends are cut
    filled = np.flatnonzero(counts)
    gaps = filled[:-1][np.diff(filled) > 1] + 1  # a week of each
    mean = float(counts[filled].mean()) if len(filled) else 0.0
    apart = np.diff(filled).max(initial=0) > WEEKS_AROUND  # few rows in another year
    worst = mean + 1 if apart and mean >= WEEK_ROWS else 0.0
    for number in (*filled, *gaps):
        count, place = counts[number], int(np.searchsorted(filled, number))
        after = filled[place + (count > 0) :][:WEEKS_AROUND]
        around = [counts[weeks] for weeks in (filled[:place][-WEEKS_AROUND:], after)]
        if min(map(len, around)) == WEEKS_AROUND:
            usual = sorted(float(np.median(weeks)) for weeks in around)
            if max(count, usual[0]) >= WEEK_ROWS:
                worst = max(worst, (usual[0] + 1) / (count + 1), (count + 1) / (usual[1] + 1))
    yield roles.time, worst


def _missing_by(rows: pd.DataFrame, roles: Roles) -> Found:
    late, changing = set[str](), set[str]()
    if len(roles.key) > 1:
        rows, late, changing = _last_rows(rows, roles.key[0])
    gone = pd.DataFrame({name: missing(rows[name]) for name in rows if name not in late})
    gone = gone.loc[:, gone.any()]
    worst = dict.fromkeys(map(str, gone), 0.0)
    for by in rows:
        group = rows[by].astype("str") if rows[by].dtype == bool else rows[by]
        if by in changing or not is_text(group) or group.nunique() > GROUPS:
            continue
        size = group.map(group.value_counts())
        # What has no category has no sub-category either: that is no fault of the group.
        asked = (size >= GROUP_ROWS).to_numpy() & ~missing(group).to_numpy(bool)
        shares = gone[asked].groupby(group).mean()
        for name in gone:
            if name != by and len(shares):
                beyond = float(shares[name].max() - gone[name].mean())
                worst[str(name)] = max(worst[str(name)], beyond)
    yield from worst.items()


def _last_rows(rows: pd.DataFrame, owner: str) -> tuple[pd.DataFrame, set[str], set[str]]:
    """Return the last row of each order, the columns that are often filled after the first row
    only, and those that change on the way. What comes with a step need not come to every order, and
    where an order ended is no group of orders."""
    first, last = (rows.drop_duplicates(owner, keep=keep).set_index(owner) for keep in KEEPS)
    first = first.loc[last.index]
    late, changing = set(), set()
    for name in last:
        filled = ~missing(last[name])
        if float((missing(first[name]) & filled).sum()) > SOME_ORDERS * float(filled.sum()):
            late.add(str(name))
        present = rows.loc[~missing(rows[name]), [owner, name]]
        if len(present.drop_duplicates()) > (1 + SOME_ORDERS) * present[owner].nunique():
            changing.add(str(name))
    return last.reset_index(), late, changing


def _leak(rows: pd.DataFrame, roles: Roles) -> Found:
    if not roles.outcomes:
        return
    rows = rows[rows[roles.outcomes[0]].notna()]
    edges = parts(len(rows), LEAK_PARTS, LEAK_ROWS)
    target = rows[roles.outcomes[0]]
    for name in map(str, rows):
        if name in roles.outcomes:
            continue
        found = []
        for start, stop in pairwise(edges):
            part, aim = rows[name].iloc[start:stop], target.iloc[start:stop]
            if is_time(part) and roles.time and name != roles.time:  # a promise that is the end
                part = (part - rows[roles.time].iloc[start:stop]).dt.total_seconds()
            if aim.nunique() <= LEVELS and not aim.value_counts().min() >= FEWEST_OF_CLASS:
                continue  # one burst of frauds is told by its day, and that is no leak
            codes = groups(part, int(np.clip(len(part) // 20, 1, LEAK_GROUPS)))
            found.append(explained(aim.rank(pct=True).to_numpy(), codes))
        if found:
            yield name, max(found)


def _dated(rows: pd.DataFrame, roles: Roles) -> Found:
    if roles.time is None or len(rows) < LEAK_ROWS:
        return
    when = rows[roles.time].rank(pct=True).to_numpy()
    for name in map(str, rows):
        column = rows[name]
        if name == roles.time or name in roles.outcomes:
            continue
        if is_time(column):
            column = (column - rows[roles.time]).dt.total_seconds()
        yield name, explained(when, groups(column, min(len(rows) // 20, LEAK_GROUPS)))


def _told(rows: pd.DataFrame, roles: Roles) -> Found:
    if not roles.outcomes or is_time(rows[roles.outcomes[0]]) or is_text(rows[roles.outcomes[0]]):
        return
    rows = rows[rows[roles.outcomes[0]].notna()]
    if rows[roles.outcomes[0]].nunique() <= LEVELS:
        return
    edges = parts(len(rows), LEAK_PARTS, LEAK_ROWS)
    for name in map(str, rows):
        if not is_text(rows[name]) or name in roles.outcomes:
            continue
        found = []
        for start, stop in pairwise(edges):
            part = rows.iloc[start : stop : -(-(stop - start) // LEAK_ROWS)]
            target = part[roles.outcomes[0]].astype(float).to_numpy()
            said = numbers(part[name])
            own, other = (
                np.mean([_near(float(aim), one) for aim, one in zip(aims, said, strict=True)])
                for aims in (target, np.roll(target, 1))
            )
            found.append(float(own - other))
        yield name, max(found)


def _near(aim: float, said: list[float]) -> bool:
    return any(abs(one - aim) <= TOLD_WITHIN * abs(aim) for one in said)


def _cut(rows: pd.DataFrame, _: Roles) -> Found:
    for name in map(str, rows):
        if not is_prose(rows[name]):
            continue
        texts = rows[name].drop_duplicates()  # a phrase that many use is not cut
        if len(texts) < PART_ROWS:
            continue
        edges, found = parts(len(texts), LEAK_PARTS, LEAK_ROWS), []
        for start, stop in pairwise(edges):
            lengths = texts.iloc[start:stop].str.len().to_numpy(np.int64)
            shares = np.r_[0, np.bincount(lengths), np.zeros(CUT_LEAST)] / (stop - start)
            beyond = shares[1:-1] - np.maximum(shares[:-2], shares[2:])
            found.append(float(beyond[CUT_LEAST:].max()))
        yield name, max(found)


def _spellings(rows: pd.DataFrame, _: Roles) -> Found:
    for name in map(str, rows):
        if not is_text(rows[name]) or is_prose(rows[name]):
            continue
        counts = rows[name].value_counts()
        alike = counts.groupby(counts.index.str.lower().str.strip()).agg(["sum", "max"])
        yield name, float((alike["sum"] - alike["max"]).sum() / len(rows))


def _silent(rows: pd.DataFrame, roles: Roles) -> Found:
    # Rows of one order are alike: they count for one.
    alike = len(rows) / rows[roles.key[0]].nunique() if len(roles.key) > 1 else 1.0
    for name in map(str, rows):
        column = rows[name]
        if is_time(column) or column.nunique() > GROUPS:
            continue
        if not is_text(column) and not column.isin([0, 1]).all():
            continue
        codes, values = pd.factorize(column)
        if [*values] == [""]:  # nothing that could be silent
            continue
        for code, value in enumerate(values):
            if is_text(column) or value == 1:
                places = np.flatnonzero(codes == code)
                gap = float((np.diff(np.r_[-1, places, len(rows)]) - 1).max())
                rest = len(rows) - gap
                # Neighbours may be alike as well, as the hours of a holiday: what counts is how
                # often a run of them begins. Of rows drawn one by one that is share · (1 - share).
                begins = 1 + int((np.diff(places) > 1).sum())
                share = min(len(places) / rest, 1 - 1 / rest)
                expected = min(len(places) / alike, begins / (1 - share))
                yield name, gap * expected / rest


SCREENS: dict[str, Callable[[pd.DataFrame, Roles], Found]] = {
    "damaged": _damaged,
    "repeated": _repeated,
    "constant": _constant,
    "jump": _jump,
    "stuck": _stuck,
    "volume": _volume,
    "missing_by": _missing_by,
    "cut": _cut,
    "leak": _leak,
    "dated": _dated,
    "told": _told,
    "spellings": _spellings,
    "silent": _silent,
}
