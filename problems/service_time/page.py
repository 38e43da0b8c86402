"""What a planner sees beside the time at a stop: what another order or entrance would change."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from problems.contract import Problem
from problems.served import Ask, Page
from retrace.base.tables import Column, Table


def beside(
    problem: Problem, row: Mapping[str, Any], answer: Mapping[str, Any], ask: Ask, top: Path
) -> Sequence[Table]:
    """Return the seconds of the same stop with another order, floor or weather."""
    boxes, now = row["boxes"], float(answer["prediction"])
    changes: dict[str, Mapping[str, Any]] = {
        "there was a box more": {**row, "boxes": boxes + 1},
        "the order was twice as large": {
            **row,
            **{name: 2 * row[name] for name in ("boxes", "items", "weight_kg")},
        },
        "the customer lived a floor higher": {**row, "floor": row["floor"] + 1},
        f"there was {'no' if row['has_lift'] else 'a'} lift": {
            **row,
            "has_lift": not row["has_lift"],
        },
        "20 cm of snow lay": {**row, "snow_cm": 20.0},
    }
    seconds = [float(one["prediction"]) for one in ask([*changes.values()])]
    frame = pd.DataFrame(
        {"what": [*changes], "seconds": seconds, "difference": [one - now for one in seconds]}
    ).round()
    columns = {
        "what": Column("if", kind="text"),
        "seconds": Column("at the stop", "seconds"),
        "difference": Column("difference", "seconds"),
    }
    return [Table(frame, "What would change it", columns)]


WHO = {
    "region": "region",
    "area_id": "area",
    "address": "address",
    "driver_id": "driver",
    "customer_id": "customer",
}
PAGE = Page(
    words={
        "stop_id": Column("stop", kind="text"),
        "route_id": Column("route", kind="text"),
        "driver_id": Column("driver", kind="text"),
        "customer_id": Column("customer", kind="text"),
        "area_id": Column("area", kind="text"),
        "region": Column("region", kind="text"),
        "dwelling": Column("dwelling", kind="text"),
        "floor": Column("floor", kind="count"),
        "has_lift": Column("there is a lift", kind="flag"),
        "opened_at": Column("customer since", kind="text"),
        "position": Column("place on the route", kind="count"),
        "planned_at": Column("planned at", kind="text"),
        "planned_arrival_at": Column("planned arrival", kind="text"),
        "slot": Column("promised slot", kind="text"),
        "weight_kg": Column("weight", "kg"),
        "items": Column("items", kind="count"),
        "boxes": Column("boxes", kind="count"),
        "rain_mm": Column("rain", "mm"),
        "snow_cm": Column("snow", "cm"),
        "temperature_c": Column("temperature", "°C"),
        "service_seconds": Column("time at the stop", "seconds"),
        "trips": Column("trips from the van", kind="count"),
        "stairs_*": Column("stairs to climb with the order", kind="text"),
        "same_address_as_before": Column("the stop before is at the same address", kind="flag"),
        "hour": Column("hour of the day"),
        "weekday": Column("day of the week", kind="text"),
        "is_holiday": Column("a holiday", kind="flag"),
        "days_to_christmas": Column("time of the year", kind="text"),
        "year_day": Column("time of the year", kind="text"),
        "customer_days": Column("a customer for", "days"),
        **{
            f"{name}_{what}": Column(f"earlier stops of the {words}", kind="text")
            for name, words in WHO.items()
            for what in ("effect", "weight", "count")
        },
        "known_effect": Column("earlier stops of all of these", kind="text"),
        "log_estimate": Column("the order, and what was known of such stops", kind="text"),
    },
    first=(
        "customer_id", "dwelling", "floor", "has_lift", "boxes", "items", "weight_kg", "position",
        "planned_arrival_at",
    ),
    beside=beside,
    todo_title="Newest stops",
)  # fmt: skip
