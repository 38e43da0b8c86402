"""When each case was complete, or withdrawn, or is open still; and from when on it was stuck."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from problems.orders.ingest.log import NEVER, Ints, Log, Mask
from problems.orders.ingest.settings import DAY, IngestSettings
from retrace.base.errors import RetraceError

QUIET_SHARE = 0.99  # of usual waits that are shorter than the silence after which a case is over
QUIET_MOST = 0.2  # of the log's time (assumed): where most waits are of one instant, as in a log of
# dates, and in a short log the P99 would leave nothing


@dataclass(frozen=True)
class Cases:
    """What became of each case; arrays have shape (n_cases,), times are microseconds.

    `ended_at` is the completion or the withdrawal, `known_at` when that was known; both NEVER for
    open cases. Where the log has no named completion (`named`), a case is known to be over after a
    silence only.
    """

    started_at: Ints
    ended_at: Ints
    known_at: Ints
    is_complete: Mask
    named: bool


def end_cases(log: Log, settings: IngestSettings) -> tuple[Log, Cases, int]:
    """Cut each case after its completion or withdrawal; return log, cases, and events cut off.

    A log without any activity of `completion` is read as one whose completions have no name.

    Raises RetraceError when no case of the log is complete.
    """
    named = bool(log.activities.isin(settings.completion).any())
    complete = log.is_one_of(settings.completion)
    ending = complete | log.is_one_of(settings.withdrawal)
    places = np.where(ending, np.arange(len(log.case)), len(log.case))
    first_end = np.minimum.reduceat(places, log.starts) if len(log.case) else places
    # Events at the instant of the end belong to it, whatever order the file has them in.
    has_end = first_end < len(log.case)
    end_at = np.where(has_end, log.at[np.minimum(first_end, len(log.case) - 1)], NEVER)
    kept = log.at <= end_at[log.case]
    cut = int((~kept).sum())
    is_complete = np.zeros(len(log.starts), bool)
    np.logical_or.at(is_complete, log.case[complete & kept], True)
    started = log.at[log.starts]
    log = log.where(kept)
    known = end_at
    if not named:
        last = log.at[log.stops - 1]
        quiet = _quiet(log, settings)
        over = ~has_end & (last + quiet <= log.ends_at)
        end_at = np.where(over, last, end_at)
        known = np.where(over, last + quiet, known)
        is_complete |= over
    if not is_complete.any():
        raise RetraceError(_none_complete(log, settings))
    return log, Cases(started, end_at, known, is_complete, named), cut


def unnamed_note(log: Log, settings: IngestSettings) -> str:
    """Say that the completions that params.yaml names are not in the log."""
    return (
        f"no event is one of `orders.ingest.completion` ({', '.join(settings.completion)}): an "
        "order counts as complete at its last event, once the log is silent about it for long. "
        f"The log's activities are: {_listed(log)}."
    )


def _none_complete(log: Log, settings: IngestSettings) -> str:
    days = (log.ends_at - log.at.min()) / DAY
    return (
        f"Not one of the {len(log.case_ids):,} cases is complete: the log covers {days:.1f} days, "
        "and each case goes on until shortly before its end. Bring a longer log, name the "
        "activities that complete an order under `orders.ingest.completion`, or shorten "
        f"`orders.ingest.quiet_days`. Its activities are: {_listed(log)}."
    )


def _listed(log: Log) -> str:
    counts = np.bincount(log.activity, minlength=len(log.activities))
    order = np.argsort(-counts, kind="stable")[:30]
    more = ", ..." if len(counts) > 30 else ""
    return ", ".join(f"'{log.activities[i]}' ({counts[i]:,})" for i in order) + more


def _quiet(log: Log, settings: IngestSettings) -> int:
    """Return the silence after which a case is over, in microseconds."""
    if settings.quiet_days is not None:
        return round(settings.quiet_days * DAY)
    waits = usual_waits(log, settings.usual_share)["wait"]
    longest = int(QUIET_MOST * (log.ends_at - int(log.at.min())))
    return min(int(waits.quantile(QUIET_SHARE)), longest) if len(waits) else 0


def usual_waits(log: Log, share: float) -> pd.DataFrame:
    """Return activity (code) and wait (microseconds) of the first `share` of cases by start."""
    started = log.at[log.starts]
    latest = np.quantile(started, share, method="lower")
    next_at, use = log.next_at, log.last_of_instant & (started <= latest)[log.case]
    use &= next_at != NEVER
    return pd.DataFrame({"activity": log.activity[use], "wait": (next_at - log.at)[use]})


def usual_limits(log: Log, settings: IngestSettings) -> Ints:
    """Return, by activity, the wait (microseconds) beyond which an order is stuck.

    The P95 (`usual_quantile`) of the usual cases' waits after the activity; of all their waits
    where it has fewer than `usual_min_waits`.
    """
    waits = usual_waits(log, settings.usual_share)
    overall = waits["wait"].quantile(settings.usual_quantile) if len(waits) else float(NEVER // 4)
    by = waits.groupby("activity")["wait"]
    found = by.quantile(settings.usual_quantile)[by.size() >= settings.usual_min_waits]
    limits = found.reindex(range(len(log.activities))).fillna(overall)
    return np.asarray(limits.to_numpy(np.float64).astype(np.int64))


def stuck_since(log: Log, cases: Cases, limits: Ints) -> Ints:
    """Return, by event, when its case got stuck in the wait after it or a later one; else NEVER.

    Only waits count here, not `sla_days`. The wait after an open case's last event runs until the
    log ends, where completions are named; without them nobody knows whether anything will follow.
    """
    since = log.at + limits[log.activity]
    ends = log.next_at
    running = (ends == NEVER) & (cases.ended_at == NEVER)[log.case]
    ends = np.where(running, log.ends_at if cases.named else 0, ends)
    late = log.last_of_instant & (ends != NEVER) & (ends > since)
    places = np.where(late, np.arange(len(late)), len(late))
    following = np.minimum.accumulate(places[::-1])[::-1]
    at = np.minimum(following, len(late) - 1)
    same = (following < len(late)) & (log.case[at] == log.case)
    return np.where(same, since[at], NEVER)


def outcomes(
    at: Ints, event: Ints, log: Log, cases: Cases, limits: Ints, settings: IngestSettings
) -> dict[str, Ints | NDArray[np.float64]]:
    """Return what became of the orders that are looked at, from those moments on.

    at, event : the moments, and the last event until then, shape (n_moments,)

    remaining_hours is known at completed_known_at, gets_stuck at stuck_known_at (microseconds,
    NEVER where it is not known). An order that was withdrawn has no remaining hours, and unless it
    was stuck before, nobody knows whether it would have been. That nothing more will be known is
    known when it is withdrawn.
    """
    case = log.case[event]
    complete = cases.is_complete[case]
    remaining = np.where(complete, (cases.ended_at[case] - at) / 3.6e9, np.nan)
    since = stuck_since(log, cases, limits)[event]
    if settings.sla_days is not None:
        due = cases.started_at + round(settings.sla_days * DAY)
        seen = log.ends_at if cases.named else log.at[log.stops - 1]
        late = np.where(cases.ended_at == NEVER, seen, cases.ended_at) > due
        since = np.minimum(since, np.where(late, due, NEVER)[case])
    stuck = since != NEVER
    over = cases.ended_at[case] != NEVER
    known = np.where(stuck, np.maximum(since, at), cases.known_at[case])
    return {
        "remaining_hours": remaining,
        "gets_stuck": np.where(stuck, 1.0, np.where(complete, 0.0, np.nan)),
        "completed_at": np.where(complete, cases.ended_at[case], NEVER),
        "completed_known_at": cases.known_at[case],
        "stuck_known_at": np.where(stuck | over, known, NEVER),
    }
