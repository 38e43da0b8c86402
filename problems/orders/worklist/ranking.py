"""The open orders at a moment in the order of work: what looking at each is expected to save."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from problems.contract import Problem
from problems.orders.evaluation.costs import Costs
from problems.orders.ingest.log import Log
from problems.orders.ingest.settings import IngestSettings
from problems.orders.worklist.moment import look_at
from problems.orders.worklist.reasons import reasons
from problems.orders.worklist.waits import after_waiting
from problems.predict import predict
from retrace.fit.bundle import Bundle
from retrace.fit.intervals import Interval

COMPLETION, STUCK = "order_completion", "order_stuck"
HOUR = pd.Timedelta(1, unit="h")

Models = dict[str, tuple[Problem, Bundle]]


@dataclass(frozen=True)
class Ranking:
    """One row per open order, in the suggested order of work; `at` is the moment, in UTC."""

    at: pd.Timestamp
    time_zone: str
    orders: pd.DataFrame


def make_worklist(
    log: Log, settings: IngestSettings, at: pd.Timestamp, models: Models, costs: Costs
) -> Ranking:
    """Return the orders that were open at a moment, those first where looking saves most.

    What looking at an order saves is `saved_share` of what it is expected to cost: its risk of
    getting stuck times `stuck_cost`, and the hours beyond its promise that are expected from now on
    times `optimistic_cost_per_hour`; less `check_cost`.

    Raises RetraceError when no order was open or none was complete yet.
    """
    then = look_at(log, settings, at)
    rows = then.rows
    hours = predict(*models[COMPLETION], rows, past=then.past)
    risk = predict(*models[STUCK], rows, past=then.past)["prediction"]
    promise = models[COMPLETION][1].promise
    level = promise.level if isinstance(promise, Interval) else 0.9
    now = after_waiting(then, hours, risk, level)
    late = hours_late(now, rows["promised_at"], at)
    saved = costs.saved_share * (
        now["risk"] * costs.stuck_cost + late * costs.optimistic_cost_per_hour
    )
    table = pd.DataFrame(
        {
            "order_id": rows["order_id"],
            "saving_eur": saved - costs.check_cost,
            "look": np.where(saved > costs.check_cost, "yes", "no"),
            "risk": now["risk"],
            "stuck_since": now["stuck_since"],
            "expected_at": at + now["remaining"] * HOUR,
            "earliest_at": at + now["lower"] * HOUR,
            "latest_at": at + now["upper"] * HOUR,
            "remaining_hours": now["remaining"],
            "promised_at": rows["promised_at"],
            "late_hours": late,
            "step": rows["activity"].astype("str"),
            "resource": rows["resource"].astype("str"),
            "waited_hours": now["waited"],
            "usual_limit_hours": now["limit"],
            "elapsed_hours": (at - rows["started_at"]).dt.total_seconds() / 3600,
            **reasons(*models[STUCK], then, now),
        }
    )
    table = table.sort_values(
        ["saving_eur", "waited_hours", "order_id"], ascending=[False, False, True]
    )
    table.insert(0, "work_order", np.arange(1, len(table) + 1))
    return Ranking(at, settings.time_zone, table.reset_index(drop=True))


def hours_late(now: pd.DataFrame, promised_at: pd.Series, at: pd.Timestamp) -> pd.Series:
    """Return how many hours beyond the promise are expected from now on; 0 without a promise.

    What is late already cannot be saved. The mean over the interval's lower bound, the forecast and
    its upper bound, with the weights 1, 2 and 1.
    """
    promised = (promised_at - at).dt.total_seconds() / 3600
    promised = promised.clip(lower=0.0)
    late = {
        name: (now[name] - promised).clip(lower=0.0) for name in ("lower", "remaining", "upper")
    }
    mean: pd.Series = (late["lower"] + 2 * late["remaining"] + late["upper"]) / 4
    return mean.fillna(0.0)
