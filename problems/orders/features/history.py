"""How long earlier orders with the same attribute took, as known at the beginning of the day.

An order enters when its completion was known, and is seen from the next day on (of UTC). Each
attribute is compared with the mean of all orders that was known when the order was first looked at,
not against the other attributes: which there are, and which is the wider one, is a matter of the
log. How many got stuck is no history: what is usual is only known when the usual orders are over.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from problems.orders.features.settings import FeatureSettings
from retrace.base.arrays import Arrays, take
from retrace.base.clock import Floats, Times, micros, seconds
from retrace.past import history, waiting
from retrace.past.history import Known, Level, Memories, Outcomes
from retrace.past.state import Entity, Event, Part, in_order, union
from retrace.past.timeline import Codes
from retrace.past.waiting import WaitingRows

ALL = "all"  # orders, as of the beginning of the day
ALL_NOW = "all_now"
ORDER = "order_id"
TINY = 1e-9  # of an order: where nothing is known, the share is 0
NUMBERS = ("started_at", "all_days")  # of an open order: microseconds, and what was usual then
OUTCOMES = (
    "remaining_hours",
    "gets_stuck",
    "completed_at",
    "completed_known_at",
    "stuck_known_at",
    "completed_by",
)
COLUMNS = {**waiting.COLUMNS, **history.COLUMNS}


def as_of(rows: Arrays, past: Arrays, settings: FeatureSettings) -> Arrays:
    """Return history_all_days, and history_<attribute>_days and _share of each row."""
    day = beginning_of_day(rows["snapshot_at"])
    found = {}
    for one in _kinds(_Orders.of(past), text_columns(rows), settings):
        codes = one.codes.find(_ids(rows, one.name, len(day)))
        found[one.name] = one.outcomes.known(codes, day)
    return columns(found)


def events(past: Arrays) -> Iterator[Event]:
    """Return clean rows as events: each one when the order is looked at, and what each order came
    to."""
    orders = _Orders.of(past)
    looked_at = {name: column for name, column in past.items() if name not in OUTCOMES}
    yield from in_order(looked_at, past["snapshot_at"], orders.rows, orders.known_at)


class State:
    """What is known of all orders and of each attribute's values, and the orders that are open."""

    def __init__(
        self, settings: FeatureSettings, memories: Memories, still_open: WaitingRows
    ) -> None:
        self._settings, self._memories, self._open = settings, memories, still_open

    @classmethod
    def empty(cls, settings: FeatureSettings) -> Self:
        return cls(settings, Memories(_overall(settings)), WaitingRows(ORDER, NUMBERS))

    @classmethod
    def from_table(cls, table: pd.DataFrame, settings: FeatureSettings) -> Self:
        kinds = [name for name in table["entity_type"].unique() if name.startswith("text_")]
        levels = [*_overall(settings), *(settings.level(kind) for kind in kinds)]
        still_open = WaitingRows.from_table(table, ORDER, NUMBERS)
        return cls(settings, Memories.from_table(table, levels), still_open)

    def to_table(self) -> pd.DataFrame:
        return union(self._memories.to_table(), self._open.to_table(), columns=COLUMNS)

    def look_up(self, rows: Arrays) -> Arrays:
        day = beginning_of_day(rows["snapshot_at"])
        ids: dict[str, Sequence[str]] = {ALL: [ALL] * len(day)}
        for name in self._columns(rows):
            ids[name] = rows[name].tolist()
        return columns(self._memories.known(ids, day))

    def update(self, event: Event) -> None:
        order, row = event.row[ORDER].item(), event.row
        if event.kind == "prediction":
            self._open.add(order, {**self._began(order, row), **self._texts(row)})
        elif order in self._open:  # the outcome of another row of the order may be here already
            before = self._open.pop(order)
            for name in before:
                if name not in NUMBERS:
                    self._add_level(name)
            started = np.array([before["started_at"]]).astype("datetime64[us]")
            value = log_days(started, row["completed_at"]).item()
            for name in (ALL, ALL_NOW):
                self._memories.add(name, ALL, value, event.at)
            rest = value - float(before["all_days"])
            for name, text in before.items():
                if name not in NUMBERS:
                    self._memories.add(name, str(text), rest, event.at)

    def asked(self, rows: Arrays) -> list[Entity]:
        texts = [(name, one) for name in text_columns(rows) for one in rows[name].tolist()]
        return [(ALL, ALL), *texts]

    def touched(self, event: Event) -> list[Entity]:
        order = event.row[ORDER].item()
        if event.kind == "prediction":
            return [(ORDER, order), (ALL_NOW, ALL)]
        before = self._open.part(order)
        if before is None:
            return [(ORDER, order)]
        texts = [(name, str(text)) for name, text in before.items() if name not in NUMBERS]
        return [(ORDER, order), (ALL, ALL), (ALL_NOW, ALL), *texts]

    def entities(self) -> Iterable[Entity]:
        yield from self._memories.entities()
        yield from ((ORDER, order) for order in self._open)

    def part(self, entity: Entity) -> Part:
        kind, name = entity
        if kind == ORDER:
            return self._open.part(name)
        self._add_level(kind)
        return self._memories.part(kind, name)

    def put(self, entity: Entity, part: Part) -> None:
        kind, name = entity
        if kind == ORDER:
            self._open.add(name, part)
        else:
            self._add_level(kind)
            self._memories.put(kind, name, part)

    def _add_level(self, kind: str) -> None:
        if kind not in (ALL, ALL_NOW):
            self._memories.add_levels([self._settings.level(kind)])

    def _began(self, order: str, row: Arrays) -> dict[str, str | float]:
        """Return when an order began, and how long orders took as known at its first row."""
        if order in self._open:
            before = self._open.get(order)
            return {name: before[name] for name in NUMBERS}
        known = self._memories.known({ALL_NOW: [ALL]}, row["snapshot_at"])[ALL_NOW]
        started = float(micros(row["started_at"])[0])
        return dict(zip(NUMBERS, (started, known.mean.item()), strict=True))

    def _texts(self, row: Arrays) -> dict[str, str]:
        return {name: row[name].item() for name in self._columns(row)}

    def _columns(self, rows: Arrays) -> list[str]:
        names = text_columns(rows)
        self._memories.add_levels(self._settings.level(name) for name in names)
        return names


def at_end(past: Arrays, settings: FeatureSettings) -> State:
    """Return the state after all of the clean rows."""
    state, orders, names = State.empty(settings), _Orders.of(past), text_columns(past)
    state._memories.add_levels(settings.level(name) for name in names)
    now, usual = _all_now(orders, settings)
    state._memories.remember(ALL_NOW, [ALL], now)
    for one in _kinds(orders, names, settings):
        state._memories.remember(one.name, one.codes.names, one.outcomes)
    waits = np.flatnonzero(np.isnat(orders.known_at))
    rows = take(orders.rows, waits)
    began = (micros(rows["started_at"]).astype(np.float64).tolist(), usual[waits].tolist())
    texts = {name: rows[name].tolist() for name in names}
    state._open.fill(rows[ORDER].tolist(), {**dict(zip(NUMBERS, began, strict=True)), **texts})
    return state


def columns(found: Mapping[str, Known]) -> Arrays:
    """Name the columns of what is known of all orders and of attributes.

    How often a value was there is a share of all known orders, the newest counting most: a count
    grows with the log, and a model that learns by it what date it is fails on later ones.
    """
    named = {"history_all_days": found[ALL].mean.astype(np.float32)}
    for name, known in found.items():
        if name != ALL:
            short = f"history_{name.removeprefix('text_')}"
            named[f"{short}_days"] = known.effect.astype(np.float32)
            share = known.weight / np.maximum(found[ALL].weight, known.weight + TINY)
            named[f"{short}_share"] = share.astype(np.float32)
    return named


def text_columns(rows: Arrays) -> list[str]:
    return [name for name in rows if name.startswith("text_")]


def beginning_of_day(at: Times) -> Times:
    return at.astype("datetime64[D]").astype("datetime64[us]")


def log_days(started_at: Times, completed_at: Times) -> Floats:
    """Return the log of (1 + days) that orders took; NaN where they are not complete."""
    return np.asarray(np.log1p(seconds(completed_at - started_at) / 86_400))


def _overall(settings: FeatureSettings) -> list[Level]:
    return [settings.level(ALL), settings.level(ALL_NOW, tick=1)]


@dataclass(frozen=True)
class _Orders:
    """The last row of each order, when it was first looked at, and when its outcome was known:
    never before that row."""

    rows: Arrays
    first_at: Times
    known_at: Times

    @classmethod
    def of(cls, past: Arrays) -> Self:
        number = Codes(past[ORDER]).of
        order = np.lexsort((past["snapshot_at"], number))
        ends = np.flatnonzero(np.r_[np.diff(number[order]) != 0, True][: len(order)])
        starts = np.r_[0, ends + 1][: len(ends)]
        needed = (ORDER, "started_at", "snapshot_at", "completed_at", "completed_known_at")
        columns = {name: past[name] for name in (*needed, *text_columns(past))}
        rows = take(columns, order[ends])
        known_at = np.maximum(rows["completed_known_at"], rows["snapshot_at"])
        return cls(rows, past["snapshot_at"][order[starts]], known_at)

    @property
    def log_days(self) -> Floats:
        return log_days(self.rows["started_at"], self.rows["completed_at"])


@dataclass(frozen=True)
class _Kind:
    """The outcomes of one kind of entity: of all orders, or of the values of an attribute."""

    name: str
    codes: Codes
    outcomes: Outcomes


def _kinds(orders: _Orders, names: Sequence[str], settings: FeatureSettings) -> Iterator[_Kind]:
    value = orders.log_days
    rest = value - _all_now(orders, settings)[1]
    for name in (ALL, *names):
        codes = Codes(_ids(orders.rows, name, len(value)))
        outcome = value if name == ALL else rest
        yield _Kind(name, codes, Outcomes(codes.of, orders.known_at, outcome, settings.level(name)))


def _ids(rows: Arrays, name: str, n: int) -> NDArray[np.object_]:
    return np.full(n, ALL, object) if name == ALL else rows[name]


def _all_now(orders: _Orders, settings: FeatureSettings) -> tuple[Outcomes, Floats]:
    """Return the outcomes of all orders, and their mean as known when each was first looked at."""
    everyone = np.zeros(len(orders.known_at), np.int64)
    level = settings.level(ALL_NOW, tick=1)
    outcomes = Outcomes(everyone, orders.known_at, orders.log_days, level)
    return outcomes, outcomes.known(everyone, orders.first_at).mean
