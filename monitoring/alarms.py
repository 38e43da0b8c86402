"""Alarms from causes: one a cause, open until the cause is gone, and told once.

A cause is what a summary names by kind and subject. An alarm that was closed less than
`monitoring.quiet_days` ago is opened again without a word.
"""

import hashlib
from collections.abc import Iterable, Sequence, Set
from typing import Any

import msgspec

from monitoring.settings import MonitoringParams
from monitoring.summary import (
    ACKNOWLEDGED,
    BIAS,
    CLOSED,
    DATA,
    MUTED,
    OPEN,
    PERFORMANCE,
    PREDICTIONS,
    REFUSALS,
    SYSTEM,
    VOLUME,
    Alarm,
    Summary,
)
from monitoring.windows import DAY
from retrace.base.errors import RetraceError
from store.database import Store, answering
from store.watched import alarms_in, save_alarm

TO_DO = {
    VOLUME: "Does the source still send what it should? `retrace status` shows the servers.",
    REFUSALS: "Look at the source of this column; the answers to refused rows say what was wrong.",
    DATA: "Look at the source first. If the world has changed, `retrace retrain {problem}`.",
    PREDICTIONS: "See which columns moved; then `retrace retrain {problem}`, or the source.",
    PERFORMANCE: "`retrace retrain {problem}`, or `retrace rollout stop {problem} {arm}`.",
    BIAS: "See who is served worse; `retrace retrain {problem}` if it lasts.",
    SYSTEM: "See the server's log, and `retrace status`.",
}  # fmt: skip

_DECODER = msgspec.json.Decoder(Alarm)


def id_of(problem: str, version: str, kind: str, subject: str, raised_at: int) -> str:
    """Name an alarm in few letters, for people to type."""
    said = "\x1f".join((problem, version, kind, subject, str(raised_at)))
    return hashlib.blake2b(said.encode(), digest_size=4).hexdigest()


def alarms(store: Store, problem: str | None = None) -> list[Alarm]:
    """Return all alarms, the newest first. StoreAway where the database does not answer."""
    with answering(store), store.reading() as connection:
        return [_DECODER.decode(one) for one in alarms_in(connection, problem)]


def raise_alarms(
    store: Store,
    problem: str,
    newest: Iterable[Summary],
    in_use: Set[str],
    now: int,
    params: MonitoringParams,
) -> list[Alarm]:
    """Open, keep and close the alarms of a problem by its newest windows and the versions that are
    in use; return those that somebody is to be told of."""
    summaries = list(newest)
    there = {
        (one.version, cause.kind, cause.subject): (one, cause)
        for one in summaries
        for cause in one.causes
    }
    looked_at = {one.version for one in summaries}
    new, changed = [], []
    before = alarms(store, problem)
    latest = {(one.version, one.kind, one.subject): one for one in reversed(before)}
    for key, (summary, cause) in there.items():
        known = latest.get(key)
        if known is not None and _is_same(known, now, params):
            if known.is_true is not None:  # somebody has said what it was: let it rest
                continue
            state = known.state if known.state in (ACKNOWLEDGED, MUTED) else OPEN
            if known.state == MUTED and (known.muted_until or 0) <= now:
                state = OPEN
                new.append(known)
            changed.append(
                msgspec.structs.replace(
                    known, words=cause.words, seen_at=now, state=state, closed_at=None,
                    n_windows=known.n_windows + (summary.start > known.seen_at),
                    start=summary.start, end=summary.end,
                )
            )  # fmt: skip
            continue
        to_do = TO_DO[cause.kind].format(problem=problem, arm=summary.arm)
        made = Alarm(
            id_of(problem, *key, now), problem, summary.version, cause.kind, cause.subject,
            cause.words, to_do, OPEN, now, now, 1, summary.arm, summary.fingerprint,
            summary.start, summary.end,
        )  # fmt: skip
        new.append(made)
        changed.append(made)
    for key, one in latest.items():
        if one.state == CLOSED or key in there or one.version in in_use - looked_at:
            continue
        why = "its cause is gone" if one.version in looked_at else "its version is not in use"
        changed.append(msgspec.structs.replace(one, state=CLOSED, closed_at=now, by=one.by or why))
    _save(store, changed)
    return new


def _is_same(known: Alarm, now: int, params: MonitoringParams) -> bool:
    """Whether a cause that is there again is that of a known alarm."""
    if known.state != CLOSED:
        return True
    return now - (known.closed_at or 0) < params.quiet_days * DAY


def alarm_of(store: Store, asked: str) -> Alarm:
    """Return an alarm by its id, or by how that begins. RetraceError where there is none."""
    there = alarms(store)
    found = [one for one in there if one.id.startswith(asked)]
    if len(found) != 1 or not asked:
        opened = ", ".join(one.id for one in there if one.state != CLOSED) or "none"
        raise RetraceError(
            f"'{asked}' is {'no alarm' if not found else 'several alarms'}; open are {opened}."
        )
    return found[0]


def change(store: Store, asked: str, **fields: Any) -> Alarm:
    """Change an alarm, named as `alarm_of` has it."""
    changed = msgspec.structs.replace(alarm_of(store, asked), **fields)
    _save(store, [changed])
    return changed


def _save(store: Store, changed: Sequence[Alarm]) -> None:
    if not changed:
        return
    with answering(store), store.writing("alarms") as connection:
        for one in changed:
            body = msgspec.json.encode(one).decode()
            row = {name: getattr(one, name) for name in ("id", "problem", "state", "raised_at")}
            save_alarm(connection, store, {**row, "body": body})
