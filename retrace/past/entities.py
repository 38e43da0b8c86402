"""What earlier rows of the same customer, machine or town came to: for any table, by names alone.

Of each entity: the mean of its outcomes, decayed, and how many are known; how many rows it had, how
many a day since the first, and the days since the last. An outcome counts from the moment when it
was known, and what happens at one instant does not see each other.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from pydantic import Field

from retrace.base.arrays import Arrays
from retrace.base.clock import DAY, Floats, Ints, Times, micros
from retrace.base.params import AUTO, Params, Switch
from retrace.past import history, waiting
from retrace.past.history import Level, Memories, Outcomes
from retrace.past.state import Entity, Event, NotKept, Part, in_order, union
from retrace.past.timeline import Codes, Timeline
from retrace.past.waiting import WaitingRows

COLUMNS = {**waiting.COLUMNS, **history.COLUMNS, "first": "int64"}
ROWS = "_rows"  # of an entity type: its rows, beside its outcomes
KEPT = 2  # moments of an entity: questions of the newest one must not see it


class EntityParams(Params):
    """`<problem>.features` of a table with a history of entities."""

    half_life_days: float = Field(180.0, gt=0)  # of an outcome; assumed
    prior_rows: float = Field(5.0, ge=0)  # outcomes that the mean of nothing known counts for
    history: Switch = AUTO  # whether models see it; `auto`: if it helps later rows


@dataclass(frozen=True)
class Followed:
    """The columns of a table that say whose rows they are, what came of them, and when."""

    entities: tuple[str, ...]
    target: str
    key: str
    time: str
    known_at: str

    def levels(self, settings: EntityParams) -> list[Level]:
        return [Level(name, settings.half_life_days, settings.prior_rows) for name in self.entities]

    def known(self, rows: Arrays) -> Times:
        """Return when each outcome is known, never before its prediction; NaT for none."""
        at = np.maximum(rows[self.known_at], rows[self.time])
        return np.where(np.isnan(self.values(rows)), np.datetime64("NaT", "us"), at)

    def values(self, rows: Arrays) -> Floats:
        return np.asarray(rows[self.target], np.float64)

    def as_of(self, rows: Arrays, past: Arrays, settings: EntityParams) -> Arrays:
        """Return what was known of each row's entities at its own time, in one sorted pass."""
        found: dict[str, Floats] = {}
        at = micros(rows[self.time])
        for level in self.levels(settings):
            name = level.entity
            codes = Codes(_texts(past, name))
            who = codes.of if rows is past else codes.find(_texts(rows, name))
            outcomes = Outcomes(codes.of, self.known(past), self.values(past), level)
            line = Timeline(codes.of, micros(past[self.time]))
            first, end = line.first(who), line.position(who, at, "left")
            there = end > first
            begun, last = (
                line.moment(np.where(there, who, 0), np.where(there, place, 0))
                for place in (first, end - 1)
            )
            known = outcomes.known(who, rows[self.time])
            found |= _columns(name, known.effect, known.count, end - first, at - begun, at - last)
        return found

    def at_end(self, past: Arrays, settings: EntityParams) -> "EntityState":
        """Return the state after all of the clean rows."""
        state = state_of(self).empty(settings)
        for event in self.events(past):
            state.update(event)
        return state

    def events(self, past: Arrays) -> Iterator[Event]:
        """Return clean rows as events: predicted, and known."""
        predicted = {name: column for name, column in past.items() if name != self.target}
        yield from in_order(predicted, past[self.time], past, self.known(past))


def _texts(rows: Arrays, name: str) -> np.ndarray:
    return np.array([str(one) for one in rows[name].tolist()], dtype=object)


def _columns(
    name: str, effect: Floats, known: Floats, rows: Ints, observed: Ints, since: Ints
) -> dict[str, Floats]:
    """Name the columns of an entity; spans are in microseconds, and count where there are rows."""
    there, count = rows > 0, rows.astype(np.float64)
    days = np.maximum(observed / DAY, 1.0)
    return {
        f"{name}_mean": np.where(known > 0, effect, np.nan),
        f"{name}_known": known,
        f"{name}_rows": count,
        f"{name}_a_day": np.where(there, count / days, 0.0),
        f"{name}_days_since": np.where(there, since / DAY, np.nan),
    }


class EntityState:
    """What is known of entities, and the rows that wait for their outcomes."""

    followed: ClassVar[Followed]

    def __init__(self, settings: EntityParams) -> None:
        self._levels = self.followed.levels(settings)
        self._memories = Memories(self._levels)
        self._waiting = WaitingRows(self.followed.key, ())
        # of an entity: the first moment, and the newest ones with the rows until then
        self._rows: dict[str, dict[str, tuple[int, list[tuple[int, int]]]]] = {
            name: {} for name in self.followed.entities
        }

    @classmethod
    def empty(cls, settings: EntityParams, /) -> Self:
        return cls(settings)

    @classmethod
    def from_table(cls, table: pd.DataFrame, settings: EntityParams, /) -> Self:
        state = cls(settings)
        state._memories = Memories.from_table(table, state._levels)
        state._waiting = WaitingRows.from_table(table, cls.followed.key, ())
        for name, rows in state._rows.items():
            own = table[table["entity_type"] == name + ROWS]
            at = micros(own["at"].dt.tz_localize(None).to_numpy("datetime64[us]")).tolist()
            ids, counts, firsts = (own[one].tolist() for one in ("entity_id", "count", "first"))
            for who, moment, count, first in zip(ids, at, counts, firsts, strict=True):
                rows.setdefault(who, (first, []))[1].append((moment, count))
        return state

    def to_table(self) -> pd.DataFrame:
        lines = [
            (name + ROWS, who, moment, count, first)
            for name in self.followed.entities
            for who, (first, moments) in sorted(self._rows[name].items())
            for moment, count in moments
        ]
        rows = pd.DataFrame(lines, columns=["entity_type", "entity_id", "at", "count", "first"])
        at = rows["at"].to_numpy(np.int64).astype("datetime64[us]")
        rows = rows.assign(at=pd.Series(at).dt.tz_localize("UTC"))
        return union(self._memories.to_table(), rows, self._waiting.to_table(), columns=COLUMNS)

    def look_up(self, rows: Arrays, /) -> Arrays:
        ids = {name: _texts(rows, name).tolist() for name in self.followed.entities}
        known = self._memories.known(ids, rows[self.followed.time])
        asked = micros(rows[self.followed.time])
        found: dict[str, Floats] = {}
        for name, of in ids.items():
            seen = [self._before(name, who, at) for who, at in zip(of, asked.tolist(), strict=True)]
            count, observed, since = np.array(seen, np.int64).reshape(-1, 3).T
            one = known[name]
            found |= _columns(name, one.effect, one.count, count, observed, since)
        return found

    def update(self, event: Event, /) -> None:
        row, names = event.row, self.followed.entities
        key = str(row[self.followed.key].item())
        if event.kind == "prediction":
            ids = {name: str(row[name].item()) for name in names}
            at = int(micros(row[self.followed.time])[0])
            for name, who in ids.items():
                _, moments = self._rows[name].setdefault(who, (at, []))
                count = moments[-1][1] if moments else 0
                if moments and moments[-1][0] == at:
                    moments.pop()
                moments.append((at, count + 1))
                del moments[:-KEPT]
            self._waiting.add(key, ids)
            return
        before = self._waiting.pop(key)
        value = float(row[self.followed.target].item())
        for name in names:
            self._memories.add(name, str(before[name]), value, event.at)

    def asked(self, rows: Arrays, /) -> list[Entity]:
        ids = [(name, who) for name in self.followed.entities for who in _texts(rows, name)]
        return [*ids, *((name + ROWS, who) for name, who in ids)]

    def touched(self, event: Event, /) -> list[Entity]:
        key, names = str(event.row[self.followed.key].item()), self.followed.entities
        waits: Entity = (self.followed.key, key)
        if event.kind == "prediction":
            return [waits, *((name + ROWS, str(event.row[name].item())) for name in names)]
        before = self._waiting.part(key) or {}
        return [waits, *((name, str(who)) for name, who in before.items())]

    def entities(self) -> Iterable[Entity]:
        yield from self._memories.entities()
        yield from ((name + ROWS, who) for name, rows in self._rows.items() for who in rows)
        yield from ((self.followed.key, key) for key in self._waiting)

    def part(self, entity: Entity, /) -> Part:
        kind, name = entity
        if kind == self.followed.key:
            return self._waiting.part(name)
        if kind.endswith(ROWS) and kind.removesuffix(ROWS) in self._rows:
            return self._rows[kind.removesuffix(ROWS)].get(name)
        return self._memories.part(kind, name)

    def put(self, entity: Entity, part: Part, /) -> None:
        kind, name = entity
        if kind == self.followed.key:
            self._waiting.add(name, part)
        elif kind.endswith(ROWS) and kind.removesuffix(ROWS) in self._rows:
            first, moments = part
            self._rows[kind.removesuffix(ROWS)][name] = first, [(at, n) for at, n in moments]
        else:
            self._memories.put(kind, name, part)

    def _before(self, name: str, who: str, at: int) -> tuple[int, int, int]:
        """Return the rows before a moment, and the time since the first and since the last one.
        Raises NotKept where the rows until then are no longer told apart."""
        first, moments = self._rows[name].get(who, (at, []))
        for moment, count in reversed(moments):
            if moment < at:
                return count, at - first, at - moment
        if at > first:
            raise NotKept(
                f"How many rows {name} {who} had at {np.datetime64(at, 'us')} is no longer kept: "
                f"it had some at {np.datetime64(moments[-1][0], 'us')}. Ask for a later moment, or "
                "look the past up in one pass over the clean rows."
            )
        return 0, 0, 0


def state_of(followed: Followed) -> type[EntityState]:
    """Return the class of the states of these entities."""
    return type("State", (EntityState,), {"followed": followed})
