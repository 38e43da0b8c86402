"""An event log of any company, to one clean row per order and moment: what was known then.

names, attributes           columns of any names to typed events
olist                       Olist's tables to such a log
events                      events that can be used, and those that cannot with the reason
log, cases                  events sorted by case; when each case was over, and stuck since when
snapshots                   the moments at which orders are looked at, and what was known then
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from problems.contract import Ingested, Reader
from problems.orders.ingest.cases import Cases, end_cases, outcomes, unnamed_note, usual_limits
from problems.orders.ingest.events import UsableLog, read_log
from problems.orders.ingest.log import NEVER, Log
from problems.orders.ingest.settings import DAY, IngestSettings
from problems.orders.ingest.snapshots import after_events, each_morning, known_at
from retrace.raw import fingerprint
from retrace.raw.times import moments

REPEATED_MANY = 0.01  # of all events: more may well be an export's copies (assumed)
__all__ = ["IngestSettings", "ingest", "read_log", "snapshots"]


def ingest(source: Path, settings: IngestSettings) -> Ingested:
    """Read the event log at `source` into clean snapshots, sorted by moment and order.

    Clean: as problems.orders.schema has them. Rejected: events, by `file`, `row`, `case_id` and
    `reason`, the first that applies.

    Raises RetraceError for tables that cannot be read, for a mapping that names a missing column,
    and for a log without any complete case.
    """
    read = read_log(source, settings)
    clean, figures = snapshots(read.log, settings)
    return Ingested(
        clean,
        read.rejected,
        fingerprint(source),
        read.figures | figures,
        read.rows_in,
        tuple(_notes(read, settings)),
    )


def _notes(read: UsableLog, settings: IngestSettings) -> Iterator[str]:
    if settings.completion and not read.log.activities.isin(settings.completion).any():
        yield unnamed_note(read.log, settings)
    for name, reason in read.left_out.items():
        yield f"the column '{name}' is left out: {reason}. `orders.ingest.known` takes it."
    if read.figures["events_repeated"] > REPEATED_MANY * len(read.log.case):
        yield (
            f"{read.figures['events_repeated']:,.0f} events equal an earlier one in all columns. "
            "They are kept; if an export made them, `orders.ingest.repeated: reject` does not."
        )


def snapshots(log: Log, settings: IngestSettings) -> tuple[pd.DataFrame, dict[str, float]]:
    """Return the clean rows of a log with their outcomes, as far as the log tells, and figures."""
    log, cases, cut = end_cases(log, settings)
    if settings.snapshots == "daily":
        at, event = each_morning(log, cases, settings.time_zone, settings.daily_hour)
    else:
        at, event = after_events(log, cases)
    order = np.lexsort((log.case[event], at))
    at, event = at[order], event[order]
    found = outcomes(at, event, log, cases, usual_limits(log, settings), settings)
    known = known_at(at, event, log, settings)
    clean = known.assign(
        **{
            name: _moments(values) if name.endswith("_at") else values
            for name, values in found.items()
        },
        completed_by=_completed_by(log, cases, event),
    )
    return clean, _figures(log, cases, clean, cut)


def _figures(log: Log, cases: Cases, clean: pd.DataFrame, cut: int) -> dict[str, float]:
    n_cases, ended = len(log.case_ids), cases.ended_at != NEVER
    days = (cases.ended_at - cases.started_at)[cases.is_complete] / DAY
    stuck = clean.drop_duplicates("order_id")["gets_stuck"]
    return {
        "events": float(len(log.case) + cut),
        "events_after_the_end": float(cut),
        "events_at_one_instant": float((~log.last_of_instant).sum()),
        "orders": float(n_cases),
        "orders_with_one_event": float((log.stops - log.starts == 1).sum()),
        "orders_complete_share": float(cases.is_complete.mean()),
        "orders_withdrawn_share": float((ended & ~cases.is_complete).mean()),
        "orders_open_share": float((~ended).mean()),
        "orders_stuck_share": float(stuck.mean()) if stuck.notna().any() else 0.0,
        "median_days": float(np.median(days)),
        "activities": float(len(log.activities)),
    }


def _completed_by(log: Log, cases: Cases, event: NDArray[Any]) -> pd.Categorical:
    """Return the activity that completed each order; "" where a silence did, missing while open."""
    last = log.activity[log.stops - 1] + 1 if cases.named else np.zeros(len(log.stops), np.int64)
    codes = np.where(cases.is_complete, last, -1)[log.case[event]]
    return pd.Categorical.from_codes(codes, pd.Index(["", *log.activities]))


def _moments(values: NDArray[Any]) -> pd.Series:
    """Return UTC times; NEVER is NaT."""
    return moments(np.where(values == NEVER, np.iinfo(np.int64).min, values))


READER = Reader(IngestSettings, ingest)
