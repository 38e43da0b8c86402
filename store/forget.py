"""Take a person out of log, predictions, events and states; drop what is older than is kept."""

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, Table, delete, select

from store import log
from store.database import Store, answering
from store.known import unpacked
from store.newest import forget_told
from store.tables import (
    alarms,
    bases,
    counts,
    events,
    feedback,
    held,
    loaded_days,
    newest,
    outcomes,
    predictions,
    state,
    summaries,
    undo,
)

DAY = 86_400_000_000  # microseconds
HOUR = DAY // 24
AT_ONCE = 500


def subject_of(person: Any) -> str:
    """Return the name under which a person stands in predictions; empty for nobody."""
    if person in (None, ""):
        return ""
    return hashlib.blake2b(str(person).encode(), digest_size=16).hexdigest()


def forget(store: Store, folder: Path, entity: str, who: str) -> dict[str, int]:
    """Take out everything about an entity, such as customer_id C17; return how many lines or rows
    of each kind that were.

    What others' numbers have learnt of it stays: sums of a region do not tell who is in them.
    """
    subject = subject_of(who)
    found = dict.fromkeys(("log", "predictions", "events", "outcomes", "held", "state"), 0)
    with store.writing() as connection:
        mine = [
            (id_, name)
            for id_, name, body in _rows(connection, events.c.id, events.c.name, events.c.body)
            if _is_of(msgspec.json.decode(body), entity, who)
        ]
        asked = (predictions.c.id, predictions.c.name, predictions.c.subject, predictions.c.row)
        predicted = [
            (id_, name)
            for id_, name, of, row in _rows(connection, *asked)
            if of == subject or _is_of(msgspec.json.decode(row), entity, who)
        ]
        doubted = [
            name
            for source, name, body in _rows(connection, held.c.source, held.c.name, held.c.body)
            if source == f"{entity}:{who}" or _is_of(msgspec.json.decode(body), entity, who)
        ]
        names = sorted({*(name for _, name in (*mine, *predicted)), *doubted})
        for part in _parts([id_ for id_, _ in predicted]):
            connection.execute(delete(feedback).where(feedback.c.prediction.in_(part)))
            gone = connection.execute(delete(predictions).where(predictions.c.id.in_(part)))
            found["predictions"] += gone.rowcount
        for part in _parts(names):
            gone = connection.execute(delete(outcomes).where(outcomes.c.name.in_(part)))
            found["outcomes"] += gone.rowcount
            connection.execute(delete(events).where(events.c.name.in_(part)))
            found["held"] += connection.execute(delete(held).where(held.c.name.in_(part))).rowcount
        forget_told(connection, f"{entity}:{who}", {*names}, who)
        found["events"] = len(mine)
        for table in (state, undo):
            found["state"] += _forget_parts(connection, table, f"{entity}:{who}", who)
    for segment, place, line in log.lines(folder):
        one = log.parse(line)
        if one and (one.subject == subject or one.name in names or _is_of(one.row, entity, who)):
            log.blank(segment, place, len(line))
            found["log"] += 1
    return found


def drop_old(store: Store, retention_days: float) -> None:
    """Delete predictions, events and outcomes that came longer ago, and what monitoring has made of
    them. RetraceError where the database does not answer."""
    until = time.time_ns() // 1000 - round(retention_days * DAY)
    with answering(store), store.writing() as connection:
        old = select(predictions.c.id).where(predictions.c.predicted_at < until)
        connection.execute(delete(feedback).where(feedback.c.prediction.in_(old)))
        connection.execute(delete(predictions).where(predictions.c.predicted_at < until))
        for table in (events, outcomes, held, newest):
            connection.execute(delete(table).where(table.c.received_at < until))
        connection.execute(delete(loaded_days).where(loaded_days.c.loaded_at < until))
        connection.execute(delete(counts).where(counts.c.hour < until // HOUR))
        connection.execute(delete(summaries).where(summaries.c.made_at < until))
        closed = (alarms.c.state == "closed") & (alarms.c.raised_at < until)
        connection.execute(delete(alarms).where(closed))
        gone = select(bases.c.basis).where(bases.c.used_at < until)
        for table in (state, undo, bases):  # of models that no server has begun with since
            connection.execute(delete(table).where(table.c.basis.in_(gone)))


def _rows(connection: Connection, *columns: Column[Any]) -> Iterator[tuple[Any, ...]]:
    streamed = connection.execution_options(yield_per=1000).execute(select(*columns))
    yield from (tuple(row) for row in streamed)


def _forget_parts(connection: Connection, table: Table, entity: str, who: str) -> int:
    """Delete what is known of an entity, and of rows that wait for their outcome and name it."""
    gone = {entity}
    for name, part in _rows(connection, table.c.entity, table.c.part):
        if part is not None and who.encode() in part:
            known = unpacked(part)
            if isinstance(known, dict) and who in known.values():
                gone.add(name)
    n_rows = 0
    for some in _parts(sorted(gone)):
        n_rows += connection.execute(delete(table).where(table.c.entity.in_(some))).rowcount
    return n_rows


def _is_of(row: dict[str, Any], entity: str, who: str) -> bool:
    return str(row.get(entity)) == who


def _parts(values: list[str]) -> Iterator[list[str]]:
    yield from (values[at : at + AT_ONCE] for at in range(0, len(values), AT_ONCE))
