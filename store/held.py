"""What is held: facts that count for nothing until a rule or a person lets them in, which goes the
way of an arrival. What was refused stays on record."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update

from problems.served import Suspicion
from store.fact import Fact
from store.tables import held

HELD, LET_IN, REFUSED = "held", "let in", "refused"  # status
RULE = "rule: "  # before what has decided, where it was no person
CONFIRMED = RULE + "a second fact says nearly the same"
CORRECTED = RULE + "a later fact took its place"
CHANGED = RULE + "so many are improbable that the world has changed"
AT_ONCE = 500
HeldRow = Row[Any]

FACT = ("world", "problem", "name", "at", "body", "known_at", "value", "label")


def fact_of(row: HeldRow) -> Fact:
    """Return what is held as it came."""
    return Fact(*(getattr(row, name) for name in FACT))


def let_in(
    connection: Connection, which: ColumnElement[bool], by: str, note: str = ""
) -> list[Fact]:
    """Mark what is held as let in, and return it; it must be stored in the same transaction."""
    asked = select(held).where(which, held.c.status == HELD).order_by(held.c.received_at)
    rows = connection.execute(asked).all()
    decide(connection, [row.id for row in rows], LET_IN, by, note)
    return [fact_of(row) for row in rows]


def refuse(connection: Connection, which: ColumnElement[bool], by: str, note: str = "") -> int:
    """Mark what is held as refused; return how many that were."""
    ids = list(connection.execute(select(held.c.id).where(which, held.c.status == HELD)).scalars())
    decide(connection, ids, REFUSED, by, note)
    return len(ids)


def decide(
    connection: Connection, ids: Sequence[str], status: str, by: str, note: str = ""
) -> None:
    values = {
        "status": status,
        "decided_by": by,
        "note": note,
        "decided_at": time.time_ns() // 1000,
    }
    for part in in_parts(ids):
        connection.execute(update(held).where(held.c.id.in_(part)).values(**values))


def hold(
    connection: Connection, fact: Fact, source: str, suspicion: Suspicion, received_at: int
) -> None:
    row = {name: getattr(fact, name) for name in FACT}
    row |= {"id": fact.id, "source": source, "doubt": suspicion.doubt}
    row |= {"reason": suspicion.reason, "score": suspicion.score, "received_at": received_at}
    row |= {"status": HELD, "decided_by": "", "note": "", "decided_at": 0}
    connection.execute(insert(held).values(**row))


def listed(connection: Connection, which: ColumnElement[bool], most: int) -> Iterator[HeldRow]:
    """Yield what is or was held, the newest first."""
    asked = select(held).where(which).order_by(held.c.received_at.desc(), held.c.id).limit(most)
    yield from connection.execute(asked)


def held_by_problem(connection: Connection) -> dict[str, int]:
    """Return how many facts wait for a word, by problem; those of a row alone are of none."""
    mine = (held.c.status == HELD) & (held.c.problem != "")
    asked = select(held.c.problem, func.count()).where(mine).group_by(held.c.problem)
    return {name: int(n) for name, n in connection.execute(asked.order_by(held.c.problem))}


def in_parts(values: Sequence[str]) -> list[Sequence[str]]:
    return [values[at : at + AT_ONCE] for at in range(0, len(values), AT_ONCE)]
