"""Challengers that were stopped, and why: all servers of a database see it."""

import json
import time
from typing import Any

from sqlalchemy import select

from store.database import Store, answering
from store.tables import stops


def stops_in(store: Store) -> dict[tuple[str, str, str], str]:
    """Return the reasons by problem, arm, and since when the arm was tried. StoreAway where the
    database does not answer."""
    with answering(store), store.reading() as connection:
        asked = select(stops.c.problem, stops.c.arm, stops.c.since, stops.c.reason)
        rows = connection.execute(asked).all()
    return {(problem, arm, since): reason for problem, arm, since, reason in rows}


def add_stop(
    store: Store, problem: str, arm: str, since: str, reason: str, evidence: dict[str, Any]
) -> bool:
    """Stop an arm; whether it was not stopped before."""
    row: dict[str, Any] = {"problem": problem, "arm": arm, "since": since, "reason": reason}
    row |= {"evidence": json.dumps(evidence), "at": time.time_ns() // 1000}
    with store.writing() as connection:
        added = store.insert(stops).values(**row).on_conflict_do_nothing()
        return bool(connection.execute(added).rowcount)
