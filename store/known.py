"""The state of a problem's entities in the database: read by key, updated event by event.

What is known must not depend on the order in which events arrive. An event that is older than the
newest one takes the state back to before it (`undo` has what each event changed), and all events
from there on are taken in again, in their order. How far back that goes is `serving.late_days`.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, select, update

from problems.contract import History
from problems.rows import RowReader
from retrace.base.arrays import Arrays
from retrace.base.errors import RetraceError
from retrace.base.files import read_table
from retrace.base.params import Params
from retrace.past.state import Entity, Event, State
from store.database import START_SECONDS, Store
from store.remembered import Remembered
from store.tables import bases, events, state, undo

ROW, OUTCOME = "row", "outcome"
INSERTED_AT_ONCE = 5000
_pack, _unpack = msgspec.msgpack.encode, msgspec.msgpack.decode


class Recorded(NamedTuple):
    """An event of the table, in the order in which states take events in."""

    at: int
    rank: int  # rows come before outcomes of the same instant
    name: str
    problem: str
    body: str


class LookedUp(NamedTuple):
    """What is known of rows, and parts by name. `known_until`, in microseconds, is when there was
    news of them last, where the database is away; else None."""

    known: Arrays
    parts: dict[str, bytes]
    known_until: int | None


class StoredState:
    """What is known of one problem's entities, for one model."""

    def __init__(
        self,
        store: Store,
        basis: str,
        problem: str,
        world: str,
        history: History | None,
        settings: Params,
        readers: Mapping[str, RowReader],
    ) -> None:
        """readers : of rows under "", of outcomes under their problem's name"""
        self.store, self.basis, self.problem, self.world = store, basis, problem, world
        self.remembered: Remembered | None = None  # where the database may be away
        self.history, self._settings, self._readers = history, settings, readers

    def begin(self, path: Path) -> None:
        """Take over the state at the end of the data, and the events since; done once."""
        with self.store.reading() as connection:
            asked = select(bases.c.basis).where(bases.c.basis == self.basis)
            there = connection.execute(asked).scalar() is not None
        if there:
            with self.store.writing(self.world, START_SECONDS) as connection:
                used = update(bases).where(bases.c.basis == self.basis)
                connection.execute(used.values(used_at=time.time_ns() // 1000))
                self.take_in(connection)
            return
        table = read_table(path) if path.exists() else None
        begun_at = _newest(table)
        row: dict[str, Any] = {"basis": self.basis, "problem": self.problem, "world": self.world}
        row |= {"begun_at": begun_at, "newest_at": begun_at, "newest_rank": 1}
        row |= {"used_at": time.time_ns() // 1000, "taken": 0}
        with self.store.writing(self.world, START_SECONDS) as connection:
            added = connection.execute(
                self.store.insert(bases).values(**row).on_conflict_do_nothing()
            )
            if not added.rowcount or self.history is None:
                return
            if table is not None:
                whole = self.history.state.from_table(table, self._settings)
                found = ((entity, whole.part(entity)) for entity in whole.entities())
                parts = {name_of(entity): _pack(part) for entity, part in found}
                self._write(connection, parts)
            self.take_in(connection)

    def look_up(self, rows: Arrays, further: Iterable[str] = ()) -> LookedUp:
        """Return what is known of rows, and further parts by name; one query."""
        if self.history is None:
            parts, known_until = self._parts(list(further))
            return LookedUp({}, parts, known_until)
        found = self.history.state.empty(self._settings)
        used = getattr(self._settings, "history", True)  # else nothing of it reaches the model
        asked = {name_of(entity): entity for entity in (found.asked(rows) if used else ())}
        parts, known_until = self._parts([*asked, *further])
        for name, part in parts.items():
            if name in asked:
                found.put(asked[name], _unpack(part))
        return LookedUp(found.look_up(rows), parts, known_until)

    def _parts(self, names: Sequence[str]) -> tuple[dict[str, bytes], int | None]:
        if self.remembered is None:
            return self.store.parts(self.basis, names), None
        return self.remembered.parts(self.basis, names)

    def take_in(self, connection: Connection) -> None:
        """Take in the events of the world that are new to this state, in the transaction of their
        insertion. They may be those of other servers, or of a time when another model was in use.
        """
        asked = select(bases.c.begun_at, bases.c.newest_at, bases.c.newest_rank, bases.c.taken)
        here = bases.c.basis == self.basis
        begun_at, *newest, taken = connection.execute(asked.where(here)).one()
        change = {"taken": connection.execute(self._of_world(func.max(events.c.number))).scalar()}
        if change["taken"] is None or change["taken"] == taken or self.history is None:
            return
        is_new = events.c.number > taken
        new = self._usable(self._recorded(connection, is_new), begun_at)
        gone = self._of_world(func.min(events.c.at)).where(~is_new, events.c.replaced_by > taken)
        corrected_at = connection.execute(gone).scalar()
        moments = [(one.at, one.rank) for one in new]
        if corrected_at is not None and corrected_at > begun_at:
            moments.append((corrected_at, 0))
        if moments:
            if min(moments) < tuple(newest):
                since = min(moments)[0]
                self._rewind(connection, since)
                later = events.c.at >= since
                if since <= begun_at + 1:  # outcomes that the data had not yet
                    later |= events.c.kind == OUTCOME
                new = self._usable(self._recorded(connection, later), begun_at)
            self._apply(connection, new)
            last = (new[-1].at, new[-1].rank) if new else (min(moments)[0] - 1, 1)
            change |= {"newest_at": last[0], "newest_rank": last[1]}
        connection.execute(update(bases).where(here).values(**change))

    def _usable(self, found: Sequence[Recorded], begun_at: int) -> list[Recorded]:
        """Return the events that change this state, in order. Rows of the data are in it already;
        of an outcome that the data had not yet, it is known from the data's end on."""
        kept = [one for one in found if one.rank or one.at > begun_at]
        return sorted(one._replace(at=max(one.at, begun_at + 1)) for one in kept)

    def _recorded(self, connection: Connection, which: ColumnElement[bool]) -> list[Recorded]:
        """Return the events of the world that count, of those asked for."""
        columns = (events.c.at, events.c.kind, events.c.name, events.c.problem, events.c.body)
        asked = self._of_world(*columns).where(which, events.c.replaced_by == 0)
        rows = connection.execute(asked)
        return [Recorded(at, int(kind == OUTCOME), *rest) for at, kind, *rest in rows]

    def _of_world(self, *columns: Any) -> Select[Any]:
        return select(*columns).where(events.c.world == self.world)

    def _rewind(self, connection: Connection, since: int) -> None:
        here = (undo.c.basis == self.basis) & (undo.c.at >= since)
        asked = select(undo.c.entity, undo.c.part).where(here).order_by(undo.c.number.desc())
        before: dict[str, bytes | None] = dict(connection.execute(asked).all())
        connection.execute(delete(undo).where(here))
        self._write(connection, before)

    def _apply(self, connection: Connection, found: Sequence[Recorded]) -> None:
        assert self.history is not None
        known = self.history.state.empty(self._settings)
        parts: dict[str, bytes | None] = {}
        changed: dict[str, bytes | None] = {}
        undone = []
        for one in found:
            event = self._event(one)
            if event is None:
                continue
            touched = self._bring(connection, known, event, parts)
            try:
                known.update(event)
            except RetraceError:  # an outcome that nothing waits for; it is on record all the same
                continue
            for name, entity in touched.items():
                part = known.part(entity)
                packed = None if part is None else _pack(part)
                if packed != parts[name]:
                    undone.append((one.at, one.rank, name, parts[name]))
                    parts[name] = changed[name] = packed
        self._write(connection, changed)
        names = ("at", "rank", "entity", "part")
        rows = [{"basis": self.basis, **dict(zip(names, one, strict=True))} for one in undone]
        if rows:
            connection.execute(insert(undo), rows)

    def _bring(
        self, connection: Connection, known: State, event: Event, parts: dict[str, bytes | None]
    ) -> dict[str, Entity]:
        """Put the parts into the state that the event touches; return those entities by name."""
        while True:
            touched = {name_of(entity): entity for entity in known.touched(event)}
            missing = [name for name in touched if name not in parts]
            if not missing:
                return touched
            here = (state.c.basis == self.basis) & state.c.entity.in_(missing)
            rows = connection.execute(select(state.c.entity, state.c.part).where(here))
            found = dict(rows.all())
            for name in missing:
                parts[name] = found.get(name)
                if name in found:
                    known.put(touched[name], _unpack(found[name]))

    def _event(self, one: Recorded) -> Event | None:
        """Return the event as the state takes it; None where it says nothing to it."""
        row = self._readers[one.problem].read([msgspec.json.decode(one.body)])
        at = np.datetime64(one.at, "us")
        if not one.rank:
            return Event(at, "prediction", row)
        known_at = self.history.known_at if self.history else None
        if known_at is not None and (known_at not in row or np.isnat(row[known_at][0])):
            return None
        return Event(at, "outcome", row)

    def _write(self, connection: Connection, parts: Mapping[str, bytes | None]) -> None:
        gone = [name for name, part in parts.items() if part is None]
        if gone:
            here = (state.c.basis == self.basis) & state.c.entity.in_(gone)
            connection.execute(delete(state).where(here))
        rows = [
            {"basis": self.basis, "entity": name, "part": part}
            for name, part in parts.items()
            if part is not None
        ]
        added = self.store.insert(state)
        write = added.on_conflict_do_update(
            index_elements=["basis", "entity"], set_={"part": added.excluded.part}
        )
        for start in range(0, len(rows), INSERTED_AT_ONCE):
            connection.execute(write, rows[start : start + INSERTED_AT_ONCE])


def name_of(entity: Entity) -> str:
    return f"{entity[0]}:{entity[1]}"


def unpacked(part: bytes) -> Any:
    """Return a part as it was before it was packed."""
    return _unpack(part)


def _newest(table: pd.DataFrame | None) -> int:
    """Return the moment at which the data of a state ends, 0 without one."""
    if table is None or "at" not in table or table["at"].isna().all():
        return 0
    return int(table["at"].max().value // 1000)
