"""An order's columns for the model: what was known when it was looked at, and no later.

`ingest` counted the steps, the waits and the load; here are time, calendar, attributes, and the
history of what orders with the same attributes came to.
"""

from typing import Any

import pandas as pd
from pydantic import Field

from problems.contract import Features, History
from problems.orders.features.history import history, memory
from retrace.base.arrays import Arrays, from_frame, to_frame
from retrace.base.params import Params
from retrace.past.history import Level, State

AS_THEY_ARE = (
    "waiting_hours",
    "last_wait_hours",
    "wait_before_hours",
    "events",
    "activity_times",
    "repeats",
    "step_orders",
    "step_arrivals",
    "step_wait_hours",
    "resource_orders",
)
WORDS = ("activity", "activity_before", "activity_before_that", "resource")


class Settings(Params):
    """`order_completion.features` and `order_stuck.features`.

    The history of an attribute's value is the mean of the log of the days that earlier orders with
    it took. `prior_weight` is the number of orders that the overall mean counts for.
    """

    time_zone: str
    half_life_days: float = Field(gt=0)
    prior_weight: float = Field(gt=0)

    @property
    def level(self) -> Level:
        return Level("value", self.half_life_days, self.prior_weight)


def features(
    rows: pd.DataFrame, settings: Settings, past: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the feature frame of clean rows, one row each, with their index.

    `past` are clean rows with outcomes, by default `rows` themselves. A row sees only outcomes that
    were known before its day began.
    """
    past = rows if past is None else past
    at = rows["snapshot_at"]
    local, start = (
        rows[name].dt.tz_convert(settings.time_zone) for name in ("snapshot_at", "started_at")
    )
    columns: dict[str, object] = {
        "elapsed_hours": hours(at - rows["started_at"]),
        **{name: rows[name] for name in AS_THEY_ARE},
        "promise_hours": hours(rows["promised_at"] - at),
        "hour": hour_of_day(local),
        "weekday": local.dt.day_of_week.astype("int8"),
        "week_hour": hour_of_day(local) + 24 * local.dt.day_of_week.astype("float32"),
        "start_hour": hour_of_day(start),
        "start_weekday": start.dt.day_of_week.astype("int8"),
    }
    for name in rows.columns:
        if name.startswith("count_"):  # never is missing, as in a log without the activity
            columns[name] = rows[name].astype("float32").where(rows[name] > 0)
        elif name.startswith("number_"):
            columns[name] = rows[name]
        elif name.startswith("time_"):
            columns[f"hours_to_{name.removeprefix('time_')}"] = hours(rows[name] - at)
    words = [*WORDS, *text_columns(rows)]
    known = history(rows, past, text_columns(rows), settings.level)
    return pd.DataFrame(
        {**columns, **known, **{name: rows[name] for name in words}}, index=rows.index, copy=False
    )


def state(rows: pd.DataFrame, settings: Settings) -> State:
    """Return what is known of every value at the end of clean rows, for serving to go on from."""
    return memory(rows, text_columns(rows), settings.level)


def text_columns(rows: pd.DataFrame) -> list[str]:
    return [name for name in rows.columns if name.startswith("text_")]


def hours(span: "pd.Series[pd.Timedelta]") -> "pd.Series[float]":
    return (span.dt.total_seconds() / 3600).astype("float32")


def hour_of_day(local: pd.Series) -> "pd.Series[float]":
    found: pd.Series = (local.dt.hour + local.dt.minute / 60).astype("float32")
    return found


def as_of(rows: Arrays, past: Arrays, settings: Settings) -> Arrays:
    """Return all columns of `rows`: they are still computed from frames."""
    return from_frame(features(to_frame(rows), settings, to_frame(past)))


def of_known(rows: Arrays, known: Arrays, settings: Settings) -> Arrays:
    return known


def at_end(past: Arrays, settings: Settings) -> Any:
    return state(to_frame(past), settings)


FEATURES = Features(of_known, Settings, History(as_of, at_end=at_end))
