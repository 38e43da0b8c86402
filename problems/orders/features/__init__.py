"""An order's columns for the model: what was known when it was looked at, and no later.

`ingest` counted the steps, the waits and the load; here are time, calendar, attributes, and the
history of what orders with the same attributes came to.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from problems.contract import Features, History
from problems.orders.features.history import State, as_of, at_end, events, text_columns
from problems.orders.features.settings import FeatureSettings
from retrace.base import clock
from retrace.base.arrays import Arrays
from retrace.base.clock import local_time, weekday

AS_THEY_ARE = (
    "waiting_hours",
    "last_wait_hours",
    "wait_before_hours",
    "events",
    "activity_times",
    "repeats",
)
TIMES = ("snapshot_at", "started_at")
WORDS = ("activity", "activity_before", "activity_before_that", "resource")
NEVER = np.float32(np.nan)
Small = NDArray[np.float32]


def features(rows: Arrays, known: Arrays, settings: FeatureSettings) -> Arrays:
    """Return the features of clean rows, one row each."""
    at = rows["snapshot_at"]
    local, start = (local_time(rows[name], settings.time_zone) for name in TIMES)
    hour, day = _hour_of_day(local), weekday(local)
    columns: dict[str, NDArray[Any]] = {
        "elapsed_hours": _hours(at - rows["started_at"]),
        **{name: rows[name] for name in AS_THEY_ARE},
        **(workload(rows) if settings.load else {}),
        "promise_hours": _hours(rows["promised_at"] - at),
        "hour": hour,
        "weekday": day.astype(np.int8),
        "week_hour": hour + 24 * day.astype(np.float32),
        "start_hour": _hour_of_day(start),
        "start_weekday": weekday(start).astype(np.int8),
    }
    for name, values in rows.items():
        if name.startswith("count_"):  # never is missing, as in a log without the activity
            columns[name] = np.where(values > 0, values, NEVER)
        elif settings.attributes and name.startswith("number_"):
            columns[name] = values
        elif settings.attributes and name.startswith("time_"):
            columns[f"hours_to_{name.removeprefix('time_')}"] = _hours(values - at)
    texts = text_columns(rows) if settings.attributes else []
    words = {name: rows[name] for name in (*WORDS, *texts)}
    return {**columns, **(known if settings.history else {}), **words}


def workload(rows: Arrays) -> Arrays:
    """Return how busy the step and the resource are, in numbers that do not grow with the company:
    counts of orders would tell the date. Orders at the step are compared with its latest arrivals,
    those of the resource with those at the step."""
    names = ("step_orders", "step_arrivals", "resource_orders")
    step, arrived, own = (rows[name].astype(np.float64) for name in names)
    share = np.where(own >= 0, own / np.maximum(step, 1.0), np.nan)
    return {
        "load_step": (step / np.maximum(arrived, 1.0)).astype(np.float32),
        "load_resource": share.astype(np.float32),
        "load_wait_hours": rows["step_wait_hours"],
    }


def _hours(span: NDArray[np.timedelta64]) -> Small:
    return clock.hours(span).astype(np.float32)


def _hour_of_day(local: clock.Times) -> Small:
    return clock.hour_of_day(local).astype(np.float32)


FEATURES = Features(
    features, FeatureSettings, History(as_of, events, State, at_end, "completed_known_at")
)

__all__ = ["FEATURES", "FeatureSettings", "features"]
