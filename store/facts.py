"""What happened: rows that are there, and what came of them; stored once, and counted once.

An event is named by what it says, so that one that comes twice is known. All that belongs to it is
one transaction: the event, the outcome, and what it changes in every state of its world.
"""

import hashlib
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from store.database import Store
from store.known import OUTCOME, ROW, StoredState
from store.tables import INTERVAL, bases, events, outcomes, state, undo

DAY = 86_400_000_000  # microseconds
ASKED_AT_ONCE = 500


@dataclass(frozen=True)
class Fact:
    """A row that is there (of no problem), or an outcome.

    at       : when states know it, in microseconds; known_at : when the problem's outcome is known
    body     : JSON, as it was sent
    value    : the outcome, None where there is none; of several classes `label`
    """

    world: str
    problem: str
    name: str
    at: int
    body: str
    known_at: int = 0
    value: float | None = None
    label: str = ""

    @property
    def kind(self) -> str:
        return OUTCOME if self.problem else ROW

    @property
    def id(self) -> str:
        said = "\x1f".join((self.world, self.problem, self.name, str(self.at), self.body))
        return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class Added:
    """How many facts are new, and how many were known already."""

    stored: int
    repeated: int


class WorldEvents:
    """The events of one world, and the states that they change."""

    def __init__(self, store: Store, known: Sequence[StoredState], late_days: float) -> None:
        self.store, self.known, self.late = store, known, round(late_days * DAY)

    def add(self, facts: Sequence[Fact]) -> Added:
        """Store facts and take them in. An error of the database means that none of them is
        stored."""
        new = {fact.id: fact for fact in facts}
        world = facts[0].world if facts else ""
        with self.store.writing(world) as connection:
            for known_id in _existing(connection, list(new)):
                del new[known_id]
            if new:
                self._insert(connection, new)
        return Added(len(new), len(facts) - len(new))

    def _insert(self, connection: Connection, new: dict[str, Fact]) -> None:
        now = time.time_ns() // 1000
        floor = self._floor(connection)
        rows_at = self._rows_at(connection, new)
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
        for known in self.known:  # intervals of days that know these are made anew
            mine = [fact.known_at for fact in new.values() if fact.problem == known.problem]
            if mine:
                day = datetime.fromtimestamp(min(mine) / 1e6, UTC).date().isoformat()
                later = (state.c.entity > f"{INTERVAL}{day}~") & (state.c.entity < f"{INTERVAL}~")
                here = (state.c.basis == known.basis) & later
                connection.execute(delete(state).where(here))

    def _floor(self, connection: Connection) -> int:
        """Return the moment that events older than it count as of; forget how to go back there."""
        found = connection.execute(
            select(func.max(bases.c.newest_at)).where(
                bases.c.basis.in_([known.basis for known in self.known])
            )
        ).scalar()
        floor = (found or 0) - self.late
        for known in self.known:
            old = (undo.c.basis == known.basis) & (undo.c.at < floor)
            connection.execute(delete(undo).where(old))
        return max(floor, 0)

    def _rows_at(self, connection: Connection, new: dict[str, Fact]) -> dict[str, int]:
        """Return when the rows of outcomes are there: an outcome is never known before."""
        names = [fact.name for fact in new.values() if fact.problem]
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
