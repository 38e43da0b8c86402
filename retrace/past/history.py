"""What was known of an entity at a moment: decayed means of its earlier outcomes.

Two ways to the same bits. `Outcomes` answers many questions in one sorted pass over a table;
`Memories` is fed outcome by outcome, as serving does, and answers a few. An outcome counts from the
moment when it became *known*, and is seen from the next tick on. An entity's numbers depend on its
own outcomes only, so a table of memories can be partitioned by entity.

The mean of an entity at time t weighs each outcome by 2^(-(t - known_at) / half-life). Sums are of
whole numbers, the same in any order: an outcome enters grown by 2^(time since its half-life began /
half-life), in units of 2^-32, and all sums are halved when a half-life ends. Half-lives begin at
multiples of themselves since 1970, for all entities alike, so that nothing overflows.

Levels back off from wide (region) to narrow (customer): a level's effect is its mean of what the
wider levels left unexplained, drawn towards zero while little is known.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self, overload

import numpy as np
import pandas as pd

from retrace.base.clock import DAY, Floats, Times, micros
from retrace.base.errors import RetraceError
from retrace.past.state import NotKept
from retrace.past.timeline import Ints, Numbers, Timeline

UNIT = 2.0**32  # of one outcome's weight when its half-life begins
MOST = 2**62  # of a sum
KEPT = 2  # ticks of a memory: questions of the newest one must not see it
COLUMNS = {
    "entity_type": "str",
    "entity_id": "str",
    "at": "datetime64[us, UTC]",  # the tick in which the newest of these outcomes became known
    "period": "int64",  # the half-life of that tick; sums are grown since it began
    "value": "int64",
    "weight": "int64",
    "count": "int64",
}


@dataclass(frozen=True)
class Known:
    """What is known of each queried entity; all arrays have shape (n_queries,).

    mean is NaN and weight 0 where nothing is known. `weight` is decayed to the moment of the query,
    in outcomes; `count` is not decayed. `effect` is the mean, drawn towards zero while little is
    known; zero where nothing is.
    """

    mean: Floats
    weight: Floats
    count: Floats
    effect: Floats


@dataclass(frozen=True)
class Level:
    """One kind of entity, and how fast what is known of it fades.

    prior_weight : the number of outcomes that zero counts for
    tick : microseconds; what becomes known within a tick is seen from the next one on
    """

    entity: str
    half_life_days: float
    prior_weight: float
    tick: int = 1

    @property
    def half_life(self) -> int:
        """Microseconds."""
        return round(self.half_life_days * DAY)


class Outcomes:
    """Outcomes of entities of one level, sorted, with their decayed running sums.

    entity   : codes from 0, shape (n_outcomes,)
    known_at : datetime64[us]; NaT where an outcome is not known
    value    : NaN where there is none
    """

    def __init__(self, entity: Numbers, known_at: Times, value: Floats, level: Level) -> None:
        there = ~(np.isnat(known_at) | np.isnan(value))
        who, at, values = entity[there], micros(known_at[there]), value[there]
        self.level = level
        tick = at // level.tick
        period = tick * level.tick // level.half_life
        grown, weight = _whole(values, at, period, level.half_life)
        self._line = Timeline(who, tick, {"value": grown, "weight": weight})
        self._who: Ints = np.sort(who).astype(np.int64)
        self._tick = self._line.moment(self._who, np.arange(len(who)))
        self._period = self._tick * level.tick // level.half_life
        self._count = np.arange(len(who)) - self._line.first(self._who) + 1
        self._value, self._weight = self._running_sums(float(np.abs(values).max(initial=1.0)))

    def known(self, entity: Numbers, at: Times) -> Known:
        """Return what was known of each entity at its moment; shape (n_queries,)."""
        asked = micros(at)
        end = self._line.position(entity, asked // self.level.tick, "left")
        there = end > self._line.first(entity)
        if not len(self._who):
            sums = np.zeros((4, len(asked)), np.int64)
        else:
            place = np.maximum(end - 1, 0)
            columns = (self._period, self._value, self._weight, self._count)
            sums = np.array([np.where(there, column[place], 0) for column in columns])
        return _decayed(sums, asked, self.level.half_life, self.level.prior_weight)

    def memories(self) -> dict[str, Ints]:
        """Return the newest KEPT ticks of each entity, oldest first: `entity` (its
        code), `tick`, `period`, `value`, `weight` and `count`."""
        who, tick = self._who, self._tick
        last = np.flatnonzero(np.r_[(np.diff(who) != 0) | (np.diff(tick) != 0), len(who) > 0])
        after = np.searchsorted(who[last], who[last], side="right")
        last = last[after - np.arange(len(last)) <= KEPT]
        columns: dict[str, Ints] = {
            "entity": who,
            "tick": tick,
            "period": self._period,
            "value": self._value,
            "weight": self._weight,
            "count": self._count,
        }
        return {name: column[last] for name, column in columns.items()}

    def _running_sums(self, largest: float) -> tuple[Ints, Ints]:
        """Sum within each entity and half-life; what was before it enters halved by half-lives.

        A sum is at most four times the half-life's outcomes: twice grown, and twice with those of
        the half-lives before.
        """
        who, period, n = self._who, self._period, len(self._who)
        new = np.r_[n > 0, (np.diff(who) != 0) | (np.diff(period) != 0)][:n]
        starts = np.flatnonzero(new)
        segment = np.cumsum(new) - 1
        first = np.searchsorted(who[starts], who[starts])  # of the entity's segments
        nth = np.arange(len(starts)) - first
        passed = np.diff(period[starts], prepend=0)
        ends = np.r_[starts[1:], n][: len(starts)]
        if not largest * 4 * UNIT * int((ends - starts).max(initial=0)) < MOST:
            raise _too_much(largest)
        found = []
        for name in ("value", "weight"):
            total = self._line.total(name, starts, ends)
            before = np.zeros(len(starts), np.int64)
            for step in range(1, int(nth.max(initial=0)) + 1):
                here = np.flatnonzero(nth == step)
                before[here] = _halved(before[here - 1] + total[here - 1], passed[here])
            inside = self._line.total(name, starts[segment], np.arange(n) + 1)
            found.append(inside + before[segment])
        return found[0], found[1]


Entry = tuple[int, int, int, int, int]  # tick, period, value, weight, count


class Memories:
    """What is known of entities of several levels, kept up to date outcome by outcome."""

    def __init__(self, levels: Sequence[Level]) -> None:
        self.levels = {level.entity: level for level in levels}
        self._entries: dict[str, dict[str, list[Entry]]] = {name: {} for name in self.levels}

    def add_levels(self, levels: Iterable[Level]) -> None:
        """Take up levels that are not there yet."""
        for level in levels:
            if level.entity not in self.levels:
                self.levels[level.entity] = level
                self._entries[level.entity] = {}

    def known(self, ids: Mapping[str, Sequence[str]], at: Times) -> dict[str, Known]:
        """Return what was known at each moment, by entity type; `ids` has one of each moment."""
        asked = micros(at)
        moments, n = asked.tolist(), len(asked)
        found: list[Entry] = []
        half_lives: list[int] = []
        priors: list[float] = []
        for kind, names in ids.items():
            level, entries = self.levels[kind], self._entries[kind]
            half_lives += [level.half_life] * n
            priors += [level.prior_weight] * n
            found += [
                _newest_before(entries.get(name), moment // level.tick, level, name)
                for name, moment in zip(names, moments, strict=True)
            ]
        sums = np.array(found, np.int64).reshape(-1, 5).T[1:]
        when = np.array(moments * len(ids), np.int64)
        all_known = _decayed(sums, when, np.array(half_lives, np.int64), np.array(priors))
        parts = (all_known.mean, all_known.weight, all_known.count, all_known.effect)
        return {
            kind: Known(*[part[place * n : place * n + n] for part in parts])
            for place, kind in enumerate(ids)
        }

    def add(self, kind: str, name: str, value: float, known_at: np.datetime64) -> None:
        """Add one outcome. An entity's outcomes come in the order in which they become known."""
        if math.isnan(value):
            return
        level = self.levels[kind]
        at = int(known_at.astype("datetime64[us]").astype(np.int64))
        tick = at // level.tick
        period = tick * level.tick // level.half_life
        one = _whole(np.array([value]), np.array([at]), np.array([period]), level.half_life)
        entries = self._entries[kind].setdefault(name, [])
        last = entries[-1] if entries else (tick, period, 0, 0, 0)
        if tick < last[0]:
            raise RetraceError(
                f"An outcome of {kind} {name}, known at {known_at}, comes after one known at "
                f"{_moment(last[0], level)}. Give outcomes in the order in which they become known."
            )
        passed = period - last[1]
        total, weight = (
            _halved(last[place], passed) + int(new[0])
            for place, new in zip((2, 3), one, strict=True)
        )
        if not max(abs(total), weight, abs(value) * 4 * UNIT) < MOST:
            raise _too_much(value)
        if entries and tick == last[0]:
            entries.pop()
        entries.append((tick, period, total, weight, last[4] + 1))
        del entries[:-KEPT]

    def entities(self) -> Iterator[tuple[str, str]]:
        """Return (kind, name) of all of which something is known."""
        for kind, entries in self._entries.items():
            yield from ((kind, name) for name in entries)

    def part(self, kind: str, name: str) -> list[Entry] | None:
        """Return the entries of one entity; None where nothing is known."""
        return self._entries[kind].get(name)

    def put(self, kind: str, name: str, part: Sequence[Sequence[int]]) -> None:
        """Take in what `part` returned."""
        self._entries[kind][name] = [(one[0], one[1], one[2], one[3], one[4]) for one in part]

    def remember(self, kind: str, names: Sequence[str], outcomes: Outcomes) -> None:
        """Take over what is known after all of a level's outcomes; names[code] is an id."""
        entries = self._entries[kind]
        found = outcomes.memories()
        who = found.pop("entity").tolist()
        rows = zip(*(column.tolist() for column in found.values()), strict=True)
        for code, entry in zip(who, rows, strict=True):
            entries.setdefault(names[code], []).append(entry)

    def to_table(self) -> pd.DataFrame:
        """Return COLUMNS, one row per entity and kept tick, sorted."""
        rows = [
            (kind, name, tick * self.levels[kind].tick, *sums)
            for kind in sorted(self._entries)
            for name in sorted(self._entries[kind])
            for tick, *sums in self._entries[kind][name]
        ]
        table = pd.DataFrame(rows, columns=list(COLUMNS))
        at = table["at"].to_numpy(np.int64).astype("datetime64[us]")
        return table.assign(at=pd.Series(at).dt.tz_localize("UTC")).astype(COLUMNS)

    @classmethod
    def from_table(cls, table: pd.DataFrame, levels: Sequence[Level]) -> Self:
        """Read rows of `to_table`; rows of other entity types are left out."""
        found = cls(levels)
        kinds, names = (table[name].tolist() for name in ("entity_type", "entity_id"))
        at = micros(table["at"].dt.tz_localize(None).to_numpy("datetime64[us]")).tolist()
        sums = [table[name].tolist() for name in ("period", "value", "weight", "count")]
        for kind, name, moment, *entry in zip(kinds, names, at, *sums, strict=True):
            if kind in found.levels:
                tick = moment // found.levels[kind].tick
                period, value, weight, count = entry
                entries = found._entries[kind].setdefault(name, [])
                entries.append((tick, period, value, weight, count))
        return found


NOTHING: Entry = (0, 0, 0, 0, 0)


def _newest_before(entries: list[Entry] | None, tick: int, level: Level, name: str) -> Entry:
    if not entries:
        return NOTHING
    for entry in reversed(entries):
        if entry[0] < tick:
            return entry
    if len(entries) == KEPT:
        raise NotKept(
            f"What was known of {level.entity} {name} at {_moment(tick, level)} is no longer kept: "
            f"its newest outcome became known at {_moment(entries[-1][0], level)}. Ask for a later "
            "moment, or look the past up in one pass over the clean rows."
        )
    return NOTHING


def _moment(tick: int, level: Level) -> np.datetime64:
    return np.datetime64(tick * level.tick, "us")


def _whole(value: Floats, at: Ints, period: Ints, half_life: int) -> tuple[Ints, Ints]:
    """Return values and weights, grown since the half-life began, in whole numbers."""
    growth = np.exp2(at / half_life - period) * UNIT
    with np.errstate(invalid="ignore"):
        return np.rint(value * growth).astype(np.int64), np.rint(growth).astype(np.int64)


def _decayed(sums: Ints, at: Ints, half_life: int | Ints, prior_weight: float | Floats) -> Known:
    """Answer from running sums, whose rows are period, value, weight and count."""
    period, value, grown, count = sums
    with np.errstate(invalid="ignore", over="ignore"):
        mean = value / grown
        weight = grown / (np.exp2(at / half_life - period) * UNIT)
    effect = weight * np.where(weight > 0, mean, 0.0) / (weight + prior_weight)
    return Known(mean, weight, count.astype(np.float64), effect)


@overload
def _halved(total: int, times: int) -> int: ...
@overload
def _halved(total: Ints, times: Ints) -> Ints: ...
def _halved(total: int | Ints, times: int | Ints) -> int | Ints:
    """Halve whole numbers so many times, rounded to the nearest."""
    if isinstance(total, int):
        times = min(int(times), 62)
        return (total + (1 << times - 1)) >> times if times else total
    times = np.minimum(times, 62)
    half = np.left_shift(1, np.maximum(times - 1, 0)) * (times > 0)
    return np.asarray(np.right_shift(total + half, times))


def _too_much(value: float) -> RetraceError:
    return RetraceError(
        f"The outcomes of one entity are too large or too many for exact sums (one is {value:g}). "
        "Give their logs, or a shorter half-life."
    )
