"""How long stops of the same region, area, address, driver and customer took, over the estimate.

The levels are a chain, from wide to narrow. An outcome enters each level less what the wider levels
explained, as they were known when its own route was planned. So a state keeps what was explained of
the stops that wait for their outcomes.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from problems.service_time.features.settings import FeatureSettings, estimated_seconds
from problems.service_time.problem import HISTORY
from retrace.base.arrays import Arrays, take, texts
from retrace.base.clock import Floats, Times
from retrace.past import history, waiting
from retrace.past.history import Known, Level, Memories, Outcomes
from retrace.past.state import Entity, Event, Part, in_order, union
from retrace.past.timeline import Codes
from retrace.past.waiting import WaitingRows

STOP = "stop_id"
NUMBERS = (*(f"{name}_effect" for name in HISTORY), "estimate")  # of a stop that is under way
OUTCOMES = ("service_seconds", "arrived_at", "departed_at", "grade", "source")
COLUMNS = {**waiting.COLUMNS, **history.COLUMNS}


def as_of(stops: Arrays, past: Arrays, settings: FeatureSettings) -> Arrays:
    """Return <entity>_effect, _weight and _count of each stop's entities, as known when its route
    was planned."""
    found: dict[str, Known] = {}
    for one in _levels(past, settings):
        if stops is past:
            found[one.level.entity] = one.known
        else:
            here = one.codes.find(_names(stops, one.level.entity))
            found[one.level.entity] = one.outcomes.known(here, stops["planned_at"])
    return columns(found, settings.levels)


def events(past: Arrays) -> Iterator[Event]:
    """Return clean stops as events: planned, and departed."""
    planned = {name: column for name, column in past.items() if name not in OUTCOMES}
    yield from in_order(planned, past["planned_at"], past, _known_at(past))


class State:
    """What is known of the entities, and what was explained of the stops that are under way."""

    def __init__(
        self, settings: FeatureSettings, memories: Memories, under_way: WaitingRows
    ) -> None:
        self._settings, self._levels = settings, settings.levels
        self._memories, self._under_way = memories, under_way

    @classmethod
    def empty(cls, settings: FeatureSettings) -> Self:
        return cls(settings, Memories(settings.levels), WaitingRows(STOP, NUMBERS))

    @classmethod
    def from_table(cls, table: pd.DataFrame, settings: FeatureSettings) -> Self:
        memories = Memories.from_table(table, settings.levels)
        return cls(settings, memories, WaitingRows.from_table(table, STOP, NUMBERS))

    def to_table(self) -> pd.DataFrame:
        return union(self._memories.to_table(), self._under_way.to_table(), columns=COLUMNS)

    def look_up(self, rows: Arrays) -> Arrays:
        ids = {name: _ids(rows, name) for name in HISTORY}
        return columns(self._memories.known(ids, rows["planned_at"]), self._levels)

    def update(self, event: Event) -> None:
        row = event.row
        stop = row[STOP].item()
        if event.kind == "prediction":
            known = self.look_up(row)
            ids = {name: _ids(row, name)[0] for name in HISTORY}
            effects = {f"{name}_effect": known[f"{name}_effect"].item() for name in HISTORY}
            estimate = estimated_seconds(row, self._settings).item()
            self._under_way.add(stop, {**ids, **effects, "estimate": estimate})
            return
        before = self._under_way.pop(stop)
        rest = np.log(row["service_seconds"] / before["estimate"]).item()
        for name in HISTORY:
            self._memories.add(name, str(before[name]), rest, event.at)
            rest -= before[f"{name}_effect"]

    def asked(self, rows: Arrays) -> list[Entity]:
        return [(name, one) for name in HISTORY for one in _ids(rows, name)]

    def touched(self, event: Event) -> list[Entity]:
        stop = event.row[STOP].item()
        if event.kind == "prediction":
            return [(STOP, stop), *self.asked(event.row)]
        before = self._under_way.part(stop)
        return [(STOP, stop), *((name, str(before[name])) for name in HISTORY if before)]

    def entities(self) -> Iterable[Entity]:
        yield from self._memories.entities()
        yield from ((STOP, stop) for stop in self._under_way)

    def part(self, entity: Entity) -> Part:
        kind, name = entity
        return self._under_way.part(name) if kind == STOP else self._memories.part(kind, name)

    def put(self, entity: Entity, part: Part) -> None:
        kind, name = entity
        if kind == STOP:
            self._under_way.add(name, part)
        else:
            self._memories.put(kind, name, part)


def at_end(past: Arrays, settings: FeatureSettings) -> State:
    """Return the state after all of the clean stops."""
    memories, under_way = Memories(settings.levels), WaitingRows(STOP, NUMBERS)
    waits = np.flatnonzero(np.isnat(past["departed_at"]))
    ids, effects = {}, {}
    for one in _levels(past, settings):
        name = one.level.entity
        memories.remember(name, one.codes.names, one.outcomes)
        ids[name] = _ids(take(past, waits), name)
        effects[f"{name}_effect"] = one.known.effect[waits].tolist()
    estimate = estimated_seconds(past, settings)[waits].tolist()
    under_way.fill(past[STOP][waits].tolist(), {**ids, **effects, "estimate": estimate})
    return State(settings, memories, under_way)


def columns(found: Mapping[str, Known], levels: list[Level]) -> Arrays:
    """Name the columns of what is known at each level."""
    parts: dict[str, Floats] = {}
    for level in levels:
        known = found[level.entity]
        parts[f"{level.entity}_effect"] = known.effect
        parts[f"{level.entity}_weight"] = known.weight
        parts[f"{level.entity}_count"] = known.count
    return parts


def log_ratio(stops: Arrays, settings: FeatureSettings) -> Floats:
    """Log of the measured service time over the rough estimate of the work."""
    return np.asarray(np.log(stops["service_seconds"] / estimated_seconds(stops, settings)))


@dataclass(frozen=True)
class _OfLevel:
    """One level's outcomes, which wider levels had not explained; `known` is what was known of the
    past's own entities at their planning."""

    level: Level
    outcomes: Outcomes
    known: Known
    codes: Codes


def _levels(past: Arrays, settings: FeatureSettings) -> Iterator[_OfLevel]:
    rest = log_ratio(past, settings)
    known_at = _known_at(past)
    for level in settings.levels:
        codes = Codes(_names(past, level.entity))
        outcomes = Outcomes(codes.of, known_at, rest, level)
        known = outcomes.known(codes.of, past["planned_at"])
        yield _OfLevel(level, outcomes, known, codes)
        rest = rest - known.effect


def _known_at(past: Arrays) -> Times:
    """An outcome is never known before its own prediction."""
    return np.asarray(np.maximum(past["departed_at"], past["planned_at"]))


def _names(stops: Arrays, entity: str) -> NDArray[np.object_]:
    return texts(_ids(stops, entity)) if entity == "address" else stops[entity]


def _ids(stops: Arrays, entity: str) -> list[str]:
    """Return the names of an entity; an address is a place of the clean coordinates."""
    if entity != "address":
        names: list[str] = stops[entity].tolist()
        return names
    places = zip(stops["latitude"].tolist(), stops["longitude"].tolist(), strict=True)
    return [f"{latitude},{longitude}" for latitude, longitude in places]
