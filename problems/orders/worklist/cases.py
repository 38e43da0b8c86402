"""The list as rows for the weekly list and the daily page, and what became of orders since."""

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from problems.orders.ingest.cases import end_cases
from problems.orders.ingest.log import NEVER, Log
from problems.orders.ingest.settings import IngestSettings
from problems.orders.worklist.ranking import Ranking
from retrace.base.tables import Column, Table
from retrace.raw.times import micros, moments

DAYS = 7  # of the forecast
LEVEL = 0.9  # of its interval
COLUMNS = {
    "order_id": Column("order", kind="text"),
    "risk": Column("risk", kind="share"),
    "stuck_since": Column("stuck since", kind="text"),
    "saving_eur": Column("looking saves", "EUR", "money"),
    "step": Column("step", kind="text"),
    "waited_hours": Column("silent for", "hours"),
    "resource": Column("last with", kind="text"),
    "expected_at": Column("complete", kind="text"),
    "latest_at": Column("at the latest", kind="text"),
    "promised_at": Column("promised", kind="text"),
    "why": Column("main reasons", kind="text"),
}


def as_table(ranking: Ranking) -> Table:
    """Return the open orders in the order of work; what no order has is left out."""
    orders = ranking.orders.copy()
    reasons = orders[["reason_1", "reason_2", "reason_3"]].to_numpy()
    orders["why"] = ["; ".join(filter(None, row)) for row in reasons]
    for name in orders.columns:
        if isinstance(orders[name].dtype, pd.DatetimeTZDtype):
            orders[name] = orders[name].dt.tz_convert(ranking.time_zone)
    orders["waited_hours"] = orders["waited_hours"].round(1)
    shown = {
        name: column
        for name, column in COLUMNS.items()
        if orders[name].notna().any() and (orders[name].astype("str") != "").any()
    }
    return Table(orders[[*shown]], "Open orders", shown)


def ended_by(log: Log, settings: IngestSettings, at: pd.Timestamp) -> dict[str, str]:
    """Return how and when each order ended that was over at a moment, as was known then."""
    then, ended, _ = end_cases(log.until(int(micros(pd.Series([at]))[0])), settings)
    over = np.flatnonzero(ended.ended_at != NEVER)
    local = moments(ended.ended_at[over]).dt.tz_convert(settings.time_zone)
    how = np.where(ended.is_complete[over], "completed", "withdrawn")
    words = [f"{one} on {day:%-d %b}" for one, day in zip(how, local, strict=True)]
    return dict(zip(then.case_ids[over].astype("str"), words, strict=True))


def completions(ranking: Ranking) -> Table:
    """Return how many of the open orders are expected to be complete by the end of the next days.

    An order's forecast and interval stand for a distribution, normal on the log of the hours. It
    knows of no weekends: of single days it says less than of all until then, and it has no bounds,
    since orders wait for the same people.
    """
    orders, at = ranking.orders, ranking.at.tz_convert(ranking.time_zone)
    middle, low, high = (
        np.log1p(np.maximum((orders[name] - ranking.at).dt.total_seconds() / 3600, 0.0))
        for name in ("expected_at", "earliest_at", "latest_at")
    )
    reach = float(ndtri((1 + LEVEL) / 2))
    below, above = (np.maximum(width / reach, 1e-6) for width in (middle - low, high - middle))
    counts, days = [], []
    for day in range(DAYS):
        end = at.normalize() + pd.DateOffset(days=day + 1)
        z = np.log1p((end - at).total_seconds() / 3600) - middle
        counts.append(float(ndtr(z / np.where(z > 0, above, below)).sum()))
        days.append(f"{end - pd.DateOffset(days=1):%a %-d %b}")
    frame = pd.DataFrame({"day": days, "complete": np.round(counts)})
    columns = {
        "day": Column("by the end of", kind="text"),
        "complete": Column("are complete, of those open now", kind="count"),
    }
    return Table(frame, "How many will be complete", columns)
