"""What is held of a problem, for the people who look at its answers."""

from typing import NamedTuple

from sqlalchemy import func, select

from problems.contract import Problem
from store.database import Store
from store.held import HELD, listed
from store.shown import moment
from store.tables import held

MOST = 20


class HeldShown(NamedTuple):
    """A held row or outcome as the page has it; `came` is a moment of UTC in words."""

    id: str
    name: str
    reason: str
    came: str


def doubted(store: Store, problem: Problem) -> tuple[list[HeldShown], int]:
    """Return the newest outcomes of a problem, and rows of its world, that are held, and how many
    there are.

    Raises an error of the database where that is away.
    """
    of_rows = (held.c.world == problem.world) & (held.c.problem == "")
    which = (held.c.status == HELD) & ((held.c.problem == problem.name) | of_rows)
    with store.reading() as connection:
        n = connection.execute(select(func.count()).select_from(held).where(which)).scalar() or 0
        found = [
            HeldShown(one.id, one.name, one.reason, moment(one.received_at)[:16].replace("T", " "))
            for one in listed(connection, which, MOST)
        ]
    return found, n
