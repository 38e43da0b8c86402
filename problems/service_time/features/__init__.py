"""A stop's columns for the model: what is known when its route is planned, and no later."""

from functools import cache
from typing import Any

import holidays
import numpy as np
import pandas as pd
from pydantic import Field

from problems.contract import Features, History
from problems.service_time.problem import HISTORY
from retrace.base.arrays import Arrays, from_frame, to_frame
from retrace.base.params import Params
from retrace.past.history import Level, State, end_state, look_up, unexplained

SECONDS_A_DAY = 86_400


class Settings(Params):
    """`service_time.features`.

    The usual_ numbers make a rough estimate of a stop's work. History is kept as the log of what
    was measured over that estimate, so that a customer's big order does not look like a slow habit.
    """

    time_zone: str
    holidays: str  # a country's ISO code, for its public holidays
    boxes_a_trip: float = Field(gt=0)
    kg_a_trip: float = Field(gt=0)
    usual_stop_seconds: float = Field(gt=0)
    usual_box_seconds: float = Field(ge=0)
    usual_trip_seconds: float = Field(ge=0)
    usual_floor_seconds: float = Field(ge=0)
    half_life_days: dict[str, float]
    prior_weight: dict[str, float]

    @property
    def levels(self) -> list[Level]:
        return [
            Level(entity, self.half_life_days[entity], self.prior_weight[entity])
            for entity in HISTORY
        ]


def features(
    stops: pd.DataFrame, settings: Settings, past: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the feature frame of clean stops, one row each, with their index.

    `stops` are whole routes: a stop's columns look at the stop before it. `past` are the clean
    stops whose outcomes may be used (by default `stops` themselves); each stop sees only outcomes
    that were known when its own route was planned.
    """
    own = stop_columns(stops, settings)
    levels = settings.levels
    past = stops if past is None else past
    outcomes = unexplained(
        with_entities(past), log_ratio(past, settings), "planned_at", "departed_at", levels
    )
    history = look_up(with_entities(stops), "planned_at", outcomes, levels)
    known = history[[f"{level.entity}_effect" for level in levels]].sum(axis=1)
    estimate = np.log1p(estimated_seconds(stops, settings) * np.exp(known))
    return pd.concat([own, history], axis=1).assign(known_effect=known, log_estimate=estimate)


def state(stops: pd.DataFrame, settings: Settings) -> State:
    """Return what is known of every entity at the end of clean stops, for serving to go on from."""
    ratio = log_ratio(stops, settings)
    outcomes = unexplained(
        with_entities(stops), ratio, "planned_at", "departed_at", settings.levels
    )
    return end_state(outcomes, settings.levels)


def with_entities(stops: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that history needs; an address is a place of the clean coordinates."""
    place = stops["latitude"].astype(str) + "," + stops["longitude"].astype(str)
    times = (
        stops[["planned_at", "departed_at"]] if "departed_at" in stops else stops[["planned_at"]]
    )
    entities = stops[[name for name in HISTORY if name != "address"]]
    return pd.concat([entities.assign(address=place), times], axis=1)


def log_ratio(stops: pd.DataFrame, settings: Settings) -> pd.Series:
    """Log of the measured service time over the rough estimate of the work."""
    return pd.Series(np.log(stops["service_seconds"] / estimated_seconds(stops, settings)))


def estimated_seconds(stops: pd.DataFrame, settings: Settings) -> pd.Series:
    """A rough estimate of the work, from the order and the stairs alone."""
    a_trip = settings.usual_trip_seconds + settings.usual_floor_seconds * _stairs(stops)
    by_order = settings.usual_stop_seconds + settings.usual_box_seconds * stops["boxes"]
    return pd.Series(by_order + _trips(stops, settings) * a_trip)


def stop_columns(stops: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return what a stop shows by itself: order, place, weather and calendar."""
    local = stops["planned_arrival_at"].fillna(stops["planned_at"])
    local = local.dt.tz_convert(settings.time_zone)
    trips, stairs = _trips(stops, settings), _stairs(stops)
    day = pd.to_datetime(local.dt.date)
    public = holidays.country_holidays(settings.holidays)
    days = pd.Series({one: one.date() in public for one in day.unique()})
    return pd.DataFrame(
        {
            **{name: stops[name] for name in ("boxes", "items", "weight_kg", "floor", "has_lift")},
            "trips": trips,
            "stairs_trips": trips * stairs,
            "stairs_weight_kg": stops["weight_kg"] * stairs,
            "position": stops["position"],
            "same_address_as_before": _same_address(stops),
            "hour": local.dt.hour + local.dt.minute / 60,
            "weekday": local.dt.day_of_week,
            "is_holiday": day.map(days),
            "days_to_christmas": _days_to_christmas(day),
            "year_day": local.dt.day_of_year,
            **{name: stops[name] for name in ("rain_mm", "snow_cm", "temperature_c")},
            "customer_days": (stops["planned_at"] - stops["opened_at"]).dt.total_seconds()
            / SECONDS_A_DAY,
            **{name: stops[name] for name in ("dwelling", "region", "area_id")},
        },
        index=stops.index,
    )


def _trips(stops: pd.DataFrame, settings: Settings) -> pd.Series:
    """How often the driver walks: what is carried at once is limited by boxes and by weight."""
    by_weight = stops["weight_kg"] / settings.kg_a_trip
    return (stops["boxes"] / settings.boxes_a_trip).clip(lower=by_weight).clip(lower=1.0)


def _stairs(stops: pd.DataFrame) -> pd.Series:
    """Floors to climb: none where there is a lift."""
    return stops["floor"].clip(lower=0) * (~stops["has_lift"])


def _same_address(stops: pd.DataFrame) -> pd.Series:
    """Whether the stop before it on the planned route is the same customer's."""
    order = stops.reset_index(drop=True).sort_values(["route_id", "position", "stop_id"])
    before = order.groupby("route_id", sort=False)["customer_id"].shift()
    same = (order["customer_id"] == before).sort_index()
    return pd.Series(same.to_numpy(), index=stops.index)


def _days_to_christmas(day: pd.Series) -> pd.Series:
    """Days until the 25th of December: -10 (after it) to 60 (far from it)."""

    @cache
    def distance(one: pd.Timestamp) -> int:
        ahead = (pd.Timestamp(one.year, 12, 25) - one).days
        return ahead if ahead >= 0 else max(ahead, -10)

    found = pd.Series({one: distance(one) for one in day.unique()})
    return day.map(found).clip(upper=60)


def as_of(rows: Arrays, past: Arrays, settings: Settings) -> Arrays:
    """Return all columns of `rows`: they are still computed from frames."""
    return from_frame(features(to_frame(rows), settings, to_frame(past)))


def of_known(rows: Arrays, known: Arrays, settings: Settings) -> Arrays:
    return known


def at_end(past: Arrays, settings: Settings) -> Any:
    return state(to_frame(past), settings)


FEATURES = Features(of_known, Settings, History(as_of, at_end=at_end))
