"""The log as it was at a moment, and the orders that were open."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from problems.orders.ingest import snapshots
from problems.orders.ingest.cases import end_cases, usual_limits, usual_waits
from problems.orders.ingest.log import NEVER, Ints, Log
from problems.orders.ingest.settings import IngestSettings
from problems.orders.ingest.snapshots import known_at
from retrace.base.errors import RetraceError
from retrace.raw.times import micros, moments


@dataclass(frozen=True)
class Moment:
    """What was known at a moment.

    rows : the open orders as the model sees them, one clean row each: after their last event, or
        with daily snapshots at the moment itself
    past : the clean rows of all orders, with the outcomes that were known
    limits : the usual P95 of waits after each row's activity, in hours
    waits : hours of all waits that were over, by activity
    """

    at: pd.Timestamp
    rows: pd.DataFrame
    past: pd.DataFrame
    limits: pd.Series
    waits: dict[str, np.ndarray]
    sla_days: float | None
    usual_quantile: float


def look_at(log: Log, settings: IngestSettings, at: pd.Timestamp) -> Moment:
    """Cut the log at a moment and return what was known then."""
    first, last = (moments(np.array([one])).iloc[0] for one in (log.at.min(), log.ends_at))
    if not first <= at <= last:
        zone = settings.time_zone
        raise RetraceError(
            f"At {at.tz_convert(zone):%Y-%m-%d %H:%M} the log knows of nothing: it runs from "
            f"{first.tz_convert(zone):%Y-%m-%d %H:%M} to {last.tz_convert(zone):%Y-%m-%d %H:%M} "
            f"({zone}). Choose a moment in between."
        )
    then = log.until(int(micros(pd.Series([at]))[0]))
    past, _ = snapshots(then, settings)
    cut, cases, _ = end_cases(then, settings)
    still_open = np.flatnonzero(cases.ended_at == NEVER)
    if not len(still_open):
        raise RetraceError(f"No order was open at {at.tz_convert(settings.time_zone)}.")
    event = cut.stops[still_open] - 1
    seen: Ints = cut.at[event]
    if settings.snapshots == "daily":
        seen = np.full(len(event), then.ends_at)
    rows = known_at(seen, event, cut, settings)
    limits = usual_limits(cut, settings)[cut.activity[event]] / 3.6e9
    waits = usual_waits(cut, 1.0)
    by_activity = {
        str(name): np.sort(waits.loc[waits["activity"] == code, "wait"].to_numpy() / 3.6e9)
        for code, name in enumerate(cut.activities)
    }
    return Moment(
        at, rows, past, pd.Series(limits, rows.index), by_activity, settings.sla_days,
        settings.usual_quantile,
    )  # fmt: skip
