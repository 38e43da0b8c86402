"""The customers table: where a customer lives, and since when."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from problems.service_time.ingest.geometry import Points, metres_between, middle
from problems.service_time.ingest.settings import Bounds, IngestSettings
from retrace.base.errors import RetraceError
from retrace.raw import read_raw
from retrace.raw.reasons import Reasons, first_reason
from retrace.raw.times import read_times
from retrace.raw.values import as_id, as_number, as_text, clean_text

RAW = (
    "customer_id",
    "latitude",
    "longitude",
    "region",
    "dwelling",
    "floor",
    "has_lift",
    "opened_at",
)
OPTIONAL = ("area_id", "valid_from")
YES_NO = {"true": True, "1": True, "1.0": True, "yes": True, "false": False, "0": False}
YES_NO |= {"0.0": False, "no": False, "": False}
SWAPPED_FROM_M = 300_000.0  # a customer this far from the middle, and not so with the two swapped
AREA_DECIMALS = 2  # without `area_id` an area is a cell of about 1 km

MOVED = "customer has several addresses and no valid_from that says which one counts"
SWAPPED = "customer's latitude and longitude are swapped"


def read_customers(source: Path, settings: IngestSettings) -> pd.DataFrame:
    """Return one row per customer and address: typed columns, `valid_from` and `problem`.

    `problem` says why stops there cannot be used, "" if they can. An address counts from
    `valid_from` (UTC; 1970 without the column) until the next one. Sorted by valid_from.

    Raises RetraceError if the table cannot be read, or if most coordinates are wrong.
    """
    raw = read_raw(source, RAW, OPTIONAL, name="customers").rows
    # Days, mostly; no service time depends on them.
    clock = replace(settings.clock, zone=settings.time_zone or "UTC")
    days = {
        name: read_times(raw[name], clock, raw, exact=False).at
        for name in ("opened_at", "valid_from")
        if name in raw
    }
    latitude, longitude = as_number(raw["latitude"]), as_number(raw["longitude"])
    floor = as_number(raw["floor"])
    has_lift = as_text(raw["has_lift"]).str.strip().str.lower().map(YES_NO)
    no_floor = (as_text(raw["floor"]).str.strip() == "").to_numpy() | np.isnan(floor)
    decimals = min(AREA_DECIMALS, settings.coordinate_decimals)
    frame = pd.DataFrame(
        {
            "customer_id": as_id(raw["customer_id"]),
            "region": clean_text(raw["region"]),
            "area_id": as_id(raw["area_id"])
            if "area_id" in raw
            else _cells(latitude, longitude, decimals),
            "dwelling": clean_text(raw["dwelling"]),
            "floor": np.where(no_floor, 0, np.clip(np.nan_to_num(floor), -99, 999)),
            "has_lift": has_lift.eq(True).to_numpy(bool),
            "opened_at": days["opened_at"],
            "latitude": latitude,
            "longitude": longitude,
            "valid_from": days.get("valid_from"),
        }
    )
    frame["floor"] = frame["floor"].round().astype("int16")
    reasons = _coordinate_reasons(frame, settings.bounds)
    unreadable = (as_text(raw["floor"]).str.strip() != "").to_numpy() & np.isnan(floor)
    reasons += [
        ("customer's floor is not a number", unreadable & raw["floor"].notna().to_numpy()),
        ("customer's has_lift is not true or false", has_lift.isna().to_numpy(bool)),
    ]
    frame["problem"] = first_reason(reasons, frame.index)
    _check_coordinates(frame, raw)
    return _addresses(frame)


def _cells(latitude: np.ndarray, longitude: np.ndarray, decimals: int) -> list[str]:
    return [f"{a:.{decimals}f},{b:.{decimals}f}" for a, b in zip(latitude, longitude, strict=True)]


def _coordinate_reasons(frame: pd.DataFrame, bounds: Bounds | None) -> Reasons:
    latitude, longitude = frame["latitude"].to_numpy(), frame["longitude"].to_numpy()
    straight, crossed = Points(latitude, longitude), Points(longitude, latitude)
    missing = ~(np.isfinite(latitude) & np.isfinite(longitude))
    off_earth = (np.abs(latitude) > 90) | (np.abs(longitude) > 180)
    outside = off_earth.copy()
    if bounds is not None:
        outside |= ~_within(straight, bounds)
        swapped = ~_within(straight, bounds) & _within(crossed, bounds)
    else:
        centre = middle(straight)
        far = metres_between(straight, centre) > SWAPPED_FROM_M
        swapped = (off_earth | far) & (metres_between(crossed, centre) < SWAPPED_FROM_M)
        swapped |= off_earth & (np.abs(longitude) <= 90)
    return [
        ("customer's latitude or longitude is not a number", missing),
        (SWAPPED, swapped & ~missing),
        ("customer's latitude or longitude is out of range", outside & ~missing),
    ]


def _within(points: Points, bounds: Bounds) -> np.ndarray:
    return np.asarray(
        (points.latitude >= bounds.south)
        & (points.latitude <= bounds.north)
        & (points.longitude >= bounds.west)
        & (points.longitude <= bounds.east)
    )


def _check_coordinates(frame: pd.DataFrame, raw: pd.DataFrame) -> None:
    """Refuse a file whose coordinates are wrong as a whole."""
    wrong = frame["problem"].str.contains("latitude").to_numpy(bool)
    if 2 * wrong.sum() <= len(frame):
        return
    first = int(np.flatnonzero(wrong)[0])
    swapped = 2 * (frame["problem"] == SWAPPED).sum() > len(frame)
    todo = (
        "The two look swapped: exchange the names of the columns."
        if swapped
        else "Correct them, or set `service_time.ingest.bounds` to where the company delivers."
    )
    raise RetraceError(
        f"{raw['file'].iloc[first]}: columns 'latitude' and 'longitude' are wrong in "
        f"{int(wrong.sum()):,} of {len(frame):,} rows; the first is row {raw['row'].iloc[first]}: "
        f"{raw['latitude'].iloc[first]}, {raw['longitude'].iloc[first]} (degrees; "
        f"{frame['problem'].iloc[first]}). {todo}"
    )


def _addresses(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep one row per customer and address; where no date tells addresses apart, say so."""
    always = pd.Timestamp(0, tz="UTC")
    frame["valid_from"] = frame["valid_from"].fillna(always).astype("datetime64[us, UTC]")
    frame = frame.drop_duplicates(ignore_index=True)
    again = frame.duplicated(["customer_id", "valid_from"], keep=False) & (frame["problem"] == "")
    frame["problem"] = frame["problem"].mask(again, MOVED)
    frame = frame.drop_duplicates(["customer_id", "valid_from"])
    return frame.sort_values(["valid_from", "customer_id"], ignore_index=True)
