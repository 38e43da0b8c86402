"""What monitoring keeps in the database, and what it asks to see only what is new."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from store.database import Store
from store.tables import (
    alarms,
    counts,
    loaded_days,
    outcomes,
    pages,
    passes,
    predictions,
    summaries,
)

DAY = 86_400_000_000  # microseconds
HOUR = DAY // 24
REFUSED, ERROR = "refused", "error"  # what is counted
PAGE = "daily"  # the name of the daily page
# A transaction of another replica may commit what it received so long before a pass has looked.
UNSETTLED = 60_000_000  # microseconds


class Seen(NamedTuple):
    """How far the last pass over a problem came, in microseconds since 1970."""

    at: int = 0
    outcomes_until: int = 0
    loaded_until: int = 0
    milliseconds: int = 0


def mark_days(store: Store, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Note of which days answers have come."""
    now = time.time_ns() // 1000
    touched = sorted({(row["problem"], row["as_of"] // DAY) for row in rows})
    table = store.insert(loaded_days)
    added = table.on_conflict_do_update(
        index_elements=["problem", "day"], set_={"loaded_at": table.excluded.loaded_at}
    )
    connection.execute(
        added, [{"problem": name, "day": day, "loaded_at": now} for name, day in touched]
    )


def add_counts(store: Store, found: Mapping[tuple[str, str, str], int]) -> None:
    """Add what a server has counted, by problem, what and label, to the present hour."""
    hour = time.time_ns() // 1000 // HOUR
    table, key = store.insert(counts), ["problem", "hour", "what", "label"]
    added = table.on_conflict_do_update(
        index_elements=key, set_={"n": counts.c.n + table.excluded.n}
    )
    rows = [
        {"problem": problem, "hour": hour, "what": what, "label": label, "n": n}
        for (problem, what, label), n in sorted(found.items())
    ]
    with store.writing() as connection:
        connection.execute(added, rows)


def counted(
    connection: Connection, problem: str, what: str, start: int, end: int
) -> dict[str, int]:
    """Return what was counted in whole hours of the clock, by label."""
    in_hours = counts.c.hour.between(start // HOUR, (end - 1) // HOUR)
    asked = select(counts.c.label, func.sum(counts.c.n)).where(in_hours)
    asked = asked.where(counts.c.problem == problem, counts.c.what == what)
    return {label: int(n) for label, n in connection.execute(asked.group_by(counts.c.label))}


def seen(connection: Connection, problem: str) -> Seen:
    found = connection.execute(select(passes).where(passes.c.problem == problem)).first()
    return Seen(*found[1:]) if found else Seen()


def touched_days(connection: Connection, problem: str, before: Seen) -> tuple[set[int], Seen]:
    """Return the days of UTC whose answers or outcomes are new, and how far that is: what came
    within the last minute is new to the next pass too."""
    new = (loaded_days.c.problem == problem) & (loaded_days.c.loaded_at > before.loaded_until)
    asked = select(loaded_days.c.day, loaded_days.c.loaded_at).where(new)
    found = connection.execute(asked).all()
    loaded = max((at for _, at in found), default=before.loaded_until)
    day = predictions.c.as_of // DAY
    arrived = select(func.max(outcomes.c.received_at)).where(outcomes.c.problem == problem)
    until = connection.execute(arrived).scalar() or 0
    known = (
        select(day)
        .join(
            predictions,
            (predictions.c.problem == outcomes.c.problem) & (predictions.c.name == outcomes.c.name),
        )
        .where(outcomes.c.problem == problem)
        .where(outcomes.c.received_at > before.outcomes_until, outcomes.c.received_at <= until)
        .group_by(day)
    )
    days = {number for number, _ in found}
    days |= {int(one) for one in connection.execute(known).scalars()}
    now = time.time_ns() // 1000
    settled = now - UNSETTLED
    return days, Seen(
        now,
        max(min(until, settled), before.outcomes_until),
        max(min(loaded, settled), before.loaded_until),
    )


def save_pass(store: Store, problem: str, now: Seen, made: Iterable[Mapping[str, Any]]) -> None:
    """Keep summaries and how far they go, in one transaction."""
    table, key = store.insert(summaries), ["problem", "fingerprint", "arm", "kind", "start"]
    added = table.on_conflict_do_update(
        index_elements=key,
        set_={name: table.excluded[name] for name in ("made_at", "body")},
    )
    went = store.insert(passes).values(problem=problem, **now._asdict())
    went = went.on_conflict_do_update(index_elements=["problem"], set_=now._asdict())
    rows = list(made)
    with store.writing() as connection:
        if rows:
            connection.execute(added, rows)
        connection.execute(went)


def summaries_in(
    connection: Connection, problem: str, kind: str, since: int, until: int | None = None
) -> list[str]:
    """Return the bodies of windows that begin from `since` on, in order of time."""
    asked = select(summaries.c.body).where(summaries.c.problem == problem)
    asked = asked.where(summaries.c.kind == kind, summaries.c.start >= since)
    if until is not None:
        asked = asked.where(summaries.c.start < until)
    return list(connection.execute(asked.order_by(summaries.c.start, summaries.c.arm)).scalars())


def save_alarm(connection: Connection, store: Store, row: Mapping[str, Any]) -> None:
    added = store.insert(alarms).values(**row)
    changed = {name: row[name] for name in ("state", "body")}
    connection.execute(added.on_conflict_do_update(index_elements=["id"], set_=changed))


def alarms_in(connection: Connection, problem: str | None = None) -> list[str]:
    """Return the bodies of alarms, the newest first."""
    asked = select(alarms.c.body).order_by(alarms.c.raised_at.desc(), alarms.c.id)
    if problem is not None:
        asked = asked.where(alarms.c.problem == problem)
    return list(connection.execute(asked).scalars())


def save_page(store: Store, name: str, html: str) -> None:
    said = {"made_at": time.time_ns() // 1000, "body": html}
    added = store.insert(pages).values(name=name, **said)
    with store.writing() as connection:
        connection.execute(added.on_conflict_do_update(index_elements=["name"], set_=said))


def page_in(store: Store, name: str) -> tuple[str, int] | None:
    """Return a page and when it was made; None where there is none."""
    with store.reading() as connection:
        asked = select(pages.c.body, pages.c.made_at).where(pages.c.name == name)
        found = connection.execute(asked).first()
    return None if found is None else (found.body, found.made_at)
