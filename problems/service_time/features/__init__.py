"""A stop's columns for the model: what is known when its route is planned, and no later."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from problems.contract import Features, History
from problems.service_time.features.calendar import days_to_christmas, is_holiday
from problems.service_time.features.history import State, as_of, at_end, events
from problems.service_time.features.settings import (
    FeatureSettings,
    estimated_seconds,
    stairs,
    trips,
)
from problems.service_time.problem import HISTORY
from retrace.base.arrays import Arrays
from retrace.base.clock import hour_of_day, local_time, seconds, weekday, year_day

SECONDS_A_DAY = 86_400
AS_THEY_ARE = (
    "boxes",
    "items",
    "weight_kg",
    "floor",
    "has_lift",
    "position",
    "rain_mm",
    "snow_cm",
    "temperature_c",
    "dwelling",
    "region",
    "area_id",
)


def features(stops: Arrays, known: Arrays, settings: FeatureSettings) -> Arrays:
    """Return the features of clean stops, one row each: order, place, weather and calendar, and
    what is known of its entities.

    `stops` are whole routes: a stop's columns look at the stop before it.
    """
    if not settings.history:  # as if nothing were known
        known = {name: np.zeros_like(values) for name, values in known.items()}
    effect = known[f"{HISTORY[0]}_effect"]
    for entity in HISTORY[1:]:
        effect = effect + known[f"{entity}_effect"]
    by_trip, floors = trips(stops, settings), stairs(stops)
    return {
        **{name: stops[name] for name in AS_THEY_ARE},
        "trips": by_trip,
        "stairs_trips": by_trip * floors,
        "stairs_weight_kg": stops["weight_kg"] * floors,
        "same_address_as_before": same_customer_as_before(stops),
        **_calendar(stops, settings),
        "customer_days": seconds(stops["planned_at"] - stops["opened_at"]) / SECONDS_A_DAY,
        **known,
        "known_effect": effect,
        "log_estimate": np.log1p(estimated_seconds(stops, settings) * np.exp(effect)),
    }


def _calendar(stops: Arrays, settings: FeatureSettings) -> Arrays:
    """Return hour and day of the planned arrival, in local time; of the planning without one."""
    arrival, planned = stops["planned_arrival_at"], stops["planned_at"]
    local = local_time(np.where(np.isnat(arrival), planned, arrival), settings.time_zone)
    day = local.astype("datetime64[D]")
    return {
        "hour": hour_of_day(local),
        "weekday": weekday(local),
        "is_holiday": is_holiday(day, settings.holidays),
        "days_to_christmas": days_to_christmas(day),
        "year_day": year_day(local),
    }


def same_customer_as_before(stops: Arrays) -> NDArray[np.bool_]:
    """Return whether the stop before it on the planned route is the same customer's."""
    numbers: dict[Any, int] = {}
    route = np.array([numbers.setdefault(one, len(numbers)) for one in stops["route_id"]])
    order = np.lexsort((stops["stop_id"].astype(str), stops["position"], route))
    customer, route = stops["customer_id"][order], route[order]
    same = np.empty(len(order), bool)
    same[order[:1]] = False
    same[order[1:]] = (customer[1:] == customer[:-1]) & (route[1:] == route[:-1])
    return same


FEATURES = Features(features, FeatureSettings, History(as_of, events, State, at_end))

__all__ = ["FEATURES", "FeatureSettings", "features"]
