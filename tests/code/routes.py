"""Routes of a few stops, with their geofence events, in a few words."""

from pathlib import Path

import numpy as np
import pandas as pd

from problems.contract import Ingested
from problems.service_time.ingest import IngestSettings, ingest
from problems.service_time.schema import CLEAN

DAY = pd.Timestamp("2024-03-12T08:00:00Z")
LAT, LON = 59.91, 10.75
METRE = 1 / 111_195  # degrees of latitude
Tables = dict[str, pd.DataFrame]

DEFAULTS: dict[str, object] = {
    "max_quarantined": 0.05,
    "time_zone": None,
    "bounds": {"south": 57.0, "north": 72.0, "west": 4.0, "east": 32.0},
    "fence_radius_m": 50.0,
    "accuracy_max_m": 100.0,
    "merge_gap_seconds": 90.0,
    "dwell_min_seconds": 60.0,
    "stay_max_seconds": 5400.0,
    "edge_seconds": 0.0,
    "split_parking_seconds": 50.0,
    "split_stop_seconds": 140.0,
    "split_box_seconds": 50.0,
    "plan_apart_max_hours": 36.0,
    "retention_days": 800,
    "coordinate_decimals": 2,
    "driver_key": "test",
}


def limits(**changes: object) -> IngestSettings:
    return IngestSettings.model_validate(DEFAULTS | changes)


def customers(metres: list[float]) -> pd.DataFrame:
    """One customer for each distance north of the first place."""
    n = len(metres)
    return pd.DataFrame(
        {
            "customer_id": [f"C{i + 1}" for i in range(n)],
            "latitude": LAT + np.array(metres) * METRE,
            "longitude": [LON] * n,
            "region": ["west"] * n,
            "area_id": ["0250"] * n,
            "dwelling": ["block"] * n,
            "floor": [2] * n,
            "has_lift": [False] * n,
            "opened_at": [DAY - pd.Timedelta(days=100)] * n,
        }
    )


def stops(route: str, ids: list[str], day: pd.Timestamp = DAY) -> pd.DataFrame:
    """A stop at each of these customers, ten minutes apart."""
    n = len(ids)
    return pd.DataFrame(
        {
            "stop_id": [f"{route}-{i + 1}" for i in range(n)],
            "route_id": [route] * n,
            "driver_id": ["Kari Nordmann"] * n,
            "customer_id": ids,
            "position": np.arange(1, n + 1),
            "planned_at": [day - pd.Timedelta(hours=10)] * n,
            "planned_arrival_at": [day + pd.Timedelta(minutes=10 * i) for i in range(n)],
            "slot": ["08:00-10:00"] * n,
            "weight_kg": [20.0] * n,
            "items": [30] * n,
            "boxes": [4] * n,
            "rain_mm": [0.0] * n,
            "snow_cm": [1.5] * n,
            "temperature_c": [-3.0] * n,
        }
    )


def events(route: str, *lines: str, day: pd.Timestamp = DAY) -> pd.DataFrame:
    """`"C1 +0 -300"`: customer 1's fence is entered at second 0 and left at 300."""
    rows = []
    for line in lines:
        customer, *marks = line.split()
        for mark in marks:
            at = day + pd.Timedelta(seconds=float(mark[1:]))
            rows.append((route, customer, "enter" if mark[0] == "+" else "exit", at, 8.0))
    names = ["route_id", "customer_id", "event", "at", "accuracy_m"]
    return pd.DataFrame(rows, columns=names)


def world(*lines: str, metres: list[float] | None = None) -> Tables:
    """One route `R`, a stop at each customer, and these events."""
    places = customers(metres or [0.0, 1000.0, 2000.0])
    return {
        "customers": places,
        "stops": stops("R", list(places["customer_id"])),
        "geofence_events": events("R", *lines),
    }


CLEAN_LINES = ("C1 +0 -300", "C2 +400 -800", "C3 +900 -1500")


def write(tables: Tables, folder: Path, suffix: str = "parquet") -> Path:
    folder.mkdir(exist_ok=True)
    for name, table in tables.items():
        if suffix == "parquet":
            table.to_parquet(folder / f"{name}.parquet", index=False)
        else:
            table.to_csv(folder / f"{name}.csv", index=False)
    return folder


def run(tables: Tables, folder: Path, suffix: str = "parquet", **changes: object) -> Ingested:
    """Ingest, and hold what must always hold."""
    found = ingest(write(tables, folder, suffix), limits(**changes))
    assert found.rows_in == len(tables["stops"])
    assert list(found.rejected.columns) == ["file", "row", "stop_id", "reason"]
    assert (found.rejected["reason"] != "").all()
    CLEAN.validate(found.clean, lazy=True)
    ordered = found.clean.sort_values(["route_id", "arrived_at"])
    assert not (ordered["arrived_at"] < ordered.groupby("route_id")["departed_at"].shift()).any()
    return found


def seconds(found: Ingested) -> dict[str, float]:
    return dict(zip(found.clean["stop_id"], found.clean["service_seconds"], strict=True))


def grades(found: Ingested) -> str:
    return "".join(found.clean["grade"])


def reasons(found: Ingested) -> dict[str, str]:
    return dict(zip(found.rejected["stop_id"], found.rejected["reason"], strict=True))


def pings(every: float = 5.0) -> pd.DataFrame:
    """A van at C1 from 0 to 300 s, C2 from 400 to 800, C3 from 900 to 1500, driving evenly."""
    at = np.arange(-30.0, 1560.0, every)
    metres = np.interp(
        at, [-100, 0, 300, 400, 800, 900, 1500, 1600], [-1e3, 0, 0, 1e3, 1e3, 2e3, 2e3, 3e3]
    )
    return pd.DataFrame(
        {
            "route_id": "R",
            "at": DAY + pd.to_timedelta(at, unit="s"),
            "latitude": LAT + metres * METRE,
            "longitude": LON,
            "accuracy_m": 5.0,
        }
    )
