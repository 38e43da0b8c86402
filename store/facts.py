"""What happened: rows that are there, and what came of them; stored once, and counted once.

An event is named by what it says, so that one that comes twice is known. All that belongs to it is
one transaction: the event, the outcome, and what it changes in every state of its world.
"""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from retrace.base.arrays import Arrays
from store.database import Store
from store.fact import Fact
from store.held import let_in
from store.judge import HeldFact, Judge, Judged
from store.known import ROW, StoredState
from store.tables import INTERVAL, bases, events, held, outcomes, state, undo

DAY = 86_400_000_000  # microseconds
ASKED_AT_ONCE = 500
NO_JUDGES: Mapping[str, Judge] = {}
NOTHING: Arrays = {}
NO_ROWS: Mapping[str, int] = {}


@dataclass(frozen=True)
class Added:
    """How many facts are new, and how many were known already; which are held, and what is said
    where a rule has just let in what was held."""

    stored: int
    repeated: int
    held: tuple[HeldFact, ...] = ()
    changed: str = ""


class WorldEvents:
    """The events of one world, and the states that they change."""

    def __init__(
        self,
        store: Store,
        known: Sequence[StoredState],
        late_days: float,
        judges: Mapping[str, Judge] = NO_JUDGES,
    ) -> None:
        """known : states that a change is written into; others take it in when they look
        judges : of outcomes by their problem's name, of rows under ""; without one all are taken
        """
        self.store, self.known, self.late = store, known, round(late_days * DAY)
        self.judges = judges

    def add(self, facts: Sequence[Fact], told: Arrays = NOTHING) -> Added:
        """Store facts and take them in, but for those that are held. An error of the database means
        that none of them is stored.

        told : their columns, (n_facts,); facts that are judged are all rows, or of one problem
        """
        new = {fact.id: fact for fact in facts}
        places = {fact.id: place for place, fact in enumerate(facts)}
        world = facts[0].world if facts else ""
        with self.store.writing(world) as connection:
            for known_id in _existing(connection, list(new)):
                del new[known_id]
            judged = Judged()
            judge = self.judges.get(facts[0].problem) if facts else None
            if judge is not None and new:
                of_new = {places[id_]: fact for id_, fact in new.items()}
                judged = judge.judge(self.store, connection, of_new, told)
            for id_ in (*judged.repeated, *(one.id for one in judged.held)):
                del new[id_]
            released = {fact.id: fact for fact in judged.released}
            if released or new:
                self._insert(connection, {**released, **new}, judged.rows_at)
        n_repeated = len(facts) - len(new) - len(judged.held)
        return Added(len(new), n_repeated, tuple(judged.held), judged.changed)

    def let_in(self, world: str, which: ColumnElement[bool], by: str, note: str) -> int:
        """Store what is held of a world, as if it came now; return how much that was."""
        with self.store.writing(world) as connection:
            of_world = which & (held.c.world == world)
            new = {fact.id: fact for fact in let_in(connection, of_world, by, note)}
            for known_id in _existing(connection, list(new)):
                del new[known_id]
            if new:
                self._insert(connection, new)
        return len(new)

    def _insert(
        self, connection: Connection, new: dict[str, Fact], rows_at: Mapping[str, int] = NO_ROWS
    ) -> None:
        now = time.time_ns() // 1000
        world = next(iter(new.values())).world
        floor = self._floor(connection, world)
        rows_at = {**rows_at, **self._rows_at(connection, new, rows_at)}
        moments = {
            key: max(fact.at, floor, rows_at.get(fact.name, 0) if fact.problem else 0)
            for key, fact in new.items()
        }
        last = connection.execute(select(func.max(events.c.number))).scalar() or 0
        self._replace(connection, new, last + 1)
        latest = {(one.problem, one.name): key for key, one in new.items()}  # of these themselves
        connection.execute(
            insert(events),
            [
                {
                    "id": key,
                    "world": fact.world,
                    "kind": fact.kind,
                    "problem": fact.problem,
                    "name": fact.name,
                    "at": moments[key],
                    "received_at": now + place,
                    "body": fact.body,
                    "replaced_by": 0 if latest[fact.problem, fact.name] == key else last + 1,
                }
                for place, (key, fact) in enumerate(new.items())
            ],
        )
        self._insert_outcomes(connection, new, now)
        for known in self.known:
            known.take_in(connection)

    def _insert_outcomes(self, connection: Connection, new: dict[str, Fact], now: int) -> None:
        rows = [
            {
                "id": key,
                "problem": fact.problem,
                "name": fact.name,
                "known_at": fact.known_at,
                "received_at": now + place,
                "value": fact.value,
                "label": fact.label,
            }
            for place, (key, fact) in enumerate(new.items())
            if fact.problem
        ]
        if not rows:
            return
        connection.execute(insert(outcomes), rows)
        for problem in sorted({fact.problem for fact in new.values() if fact.problem}):
            mine = [fact.known_at for fact in new.values() if fact.problem == problem]
            day = datetime.fromtimestamp(min(mine) / 1e6, UTC).date().isoformat()
            later = (state.c.entity > f"{INTERVAL}{day}~") & (state.c.entity < f"{INTERVAL}~")
            of_problem = select(bases.c.basis).where(bases.c.problem == problem)
            # Intervals of days that should have known these are made anew.
            connection.execute(delete(state).where(later, state.c.basis.in_(of_problem)))

    def _floor(self, connection: Connection, world: str) -> int:
        """Return the moment that events older than it count as of; forget how to go back there."""
        found = connection.execute(
            select(func.max(bases.c.newest_at)).where(bases.c.world == world)
        ).scalar()
        floor = (found or 0) - self.late
        for known in self.known:
            old = (undo.c.basis == known.basis) & (undo.c.at < floor)
            connection.execute(delete(undo).where(old))
        return max(floor, 0)

    def _rows_at(
        self, connection: Connection, new: dict[str, Fact], known: Mapping[str, int]
    ) -> dict[str, int]:
        """Return when the rows of outcomes are there, but for those that are known already: an
        outcome is never known before."""
        names = [fact.name for fact in new.values() if fact.problem and fact.name not in known]
        found = {fact.name: fact.at for fact in new.values() if not fact.problem}
        for part in _parts(names):
            here = (events.c.world == next(iter(new.values())).world) & (events.c.kind == ROW)
            asked = select(events.c.name, events.c.at).where(here, events.c.replaced_by == 0)
            found |= dict(connection.execute(asked.where(events.c.name.in_(part))).all())
        return found

    def _replace(self, connection: Connection, new: dict[str, Fact], by: int) -> None:
        """Mark the events that others of the same row replace."""
        names: dict[tuple[str, str], list[str]] = defaultdict(list)
        for fact in new.values():
            names[fact.world, fact.problem].append(fact.name)
        for (world, problem), of_these in names.items():
            for part in _parts(of_these):
                here = (events.c.world == world) & (events.c.problem == problem)
                here &= events.c.name.in_(part) & (events.c.replaced_by == 0)
                connection.execute(update(events).where(here).values(replaced_by=by))


def _existing(connection: Connection, ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for part in _parts(ids):
        found |= set(connection.execute(select(events.c.id).where(events.c.id.in_(part))).scalars())
    return found


def _parts(values: Sequence[str]) -> list[Sequence[str]]:
    return [values[at : at + ASKED_AT_ONCE] for at in range(0, len(values), ASKED_AT_ONCE)]
