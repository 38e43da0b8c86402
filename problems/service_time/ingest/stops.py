"""The stops table: what was to be delivered, where and when it was planned."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from problems.service_time.ingest.settings import IngestSettings
from retrace.raw import WRONG_FIELDS, read_raw
from retrace.raw.hints import no_number
from retrace.raw.reasons import Reasons, also, first_reason
from retrace.raw.times import UTC, read_times
from retrace.raw.values import as_id, as_integer, as_number, as_text, clean_text

IDS = ("stop_id", "route_id", "driver_id", "customer_id")
AMOUNTS = ("weight_kg", "items", "boxes")
RANGES = {
    "weight_kg": (0, 10_000),
    "rain_mm": (0, 2_000),
    "snow_cm": (0, 2_000),
    "temperature_c": (-80, 60),
}
WEATHER = tuple(RANGES)[1:]
MOST = 1_000_000
RAW = (*IDS, "position", "planned_at", "slot", *AMOUNTS, *WEATHER)
OPTIONAL = ("planned_arrival_at",)
UNKNOWN_CUSTOMER = "customer is not in the customers table"
NOT_YET = "customer has no address yet at planned_at (valid_from is later)"


@dataclass(frozen=True)
class StopTable:
    """`rows`: typed columns, `file`, `row` and `reason` ("" where the stop is usable), in the order
    of the files. `malformed`: rows with another number of fields than the header."""

    rows: pd.DataFrame
    malformed: pd.DataFrame


def read_stops(source: Path, settings: IngestSettings) -> StopTable:
    """Read the stops of the folder `source`. Raises RetraceError if the table cannot be read."""
    table = read_raw(source, (*RAW, *settings.keep), OPTIONAL, name="stops")
    raw = table.rows
    rows = pd.DataFrame({column: as_id(raw[column]) for column in IDS})
    rows["slot"] = clean_text(raw["slot"])
    rows = rows.assign(**{column: as_text(raw[column]) for column in settings.keep})
    planned = read_times(raw["planned_at"], settings.clock, raw)
    rows["planned_at"] = planned.at
    reasons: Reasons = [(f"{name} is empty", (rows[name] == "").to_numpy(bool)) for name in IDS]
    reasons += planned.reasons("planned_at")
    if "planned_arrival_at" in raw:
        arrival = read_times(raw["planned_arrival_at"], settings.clock, raw)
        given = (as_text(raw["planned_arrival_at"]).str.strip() != "").to_numpy(bool)
        reasons += [(text, bad & given) for text, bad in arrival.reasons("planned_arrival_at")]
        rows["planned_arrival_at"] = arrival.at
    else:
        rows["planned_arrival_at"] = pd.Series(pd.NaT, rows.index, dtype=UTC)
    reasons += _read_numbers(raw, rows)
    rows["reason"] = first_reason(reasons, rows.index)
    usable = rows[rows["reason"] == ""]
    again = usable.index[usable["stop_id"].duplicated()]
    rows["reason"] = also(rows["reason"], "stop_id is that of an earlier row", again)
    malformed = table.malformed.assign(reason=WRONG_FIELDS)
    return StopTable(rows.assign(file=raw["file"], row=raw["row"]), malformed)


def at_customers(stops: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
    """Add the customer's columns, as of planned_at, and their problem as the stop's reason.

    The order and index of stops stay.
    """
    timed = stops.assign(planned_at=stops["planned_at"].fillna(pd.Timestamp(0, tz="UTC")))
    timed = timed.assign(order=np.arange(len(stops))).sort_values("planned_at", kind="stable")
    joined = pd.merge_asof(
        timed, customers, left_on="planned_at", right_on="valid_from", by="customer_id"
    )
    joined = joined.sort_values("order", ignore_index=True).set_axis(stops.index)
    joined["planned_at"] = stops["planned_at"]
    strange = joined["problem"].isna()
    known = joined.loc[strange, "customer_id"].isin(customers["customer_id"])
    problem = joined["problem"].fillna(known.map({True: NOT_YET, False: UNKNOWN_CUSTOMER}))
    joined["reason"] = stops["reason"].where(stops["reason"] != "", problem)
    return joined.drop(columns=["order", "problem", "valid_from"])


def _read_numbers(raw: pd.DataFrame, rows: pd.DataFrame) -> Reasons:
    """Put typed numbers into `rows`; return what is wrong with them. The weather may be missing."""
    reasons: Reasons = []
    for name in ("position", "items", "boxes"):
        whole = as_integer(raw[name])
        bad = ~whole.between(0, MOST).fillna(False).to_numpy(bool)
        rows[name] = whole.where(~bad, 0).fillna(0).to_numpy(np.int32)
        reasons.append((f"{name} is not a whole number from 0 to {MOST}", bad))
    for name, (low, high) in RANGES.items():
        number = as_number(raw[name])
        good = (number >= low) & (number <= high)
        rows[name] = np.where(good, number, np.nan)
        missing = (as_text(raw[name]).str.strip() == "").to_numpy(bool)
        bad = ~good if name in AMOUNTS else ~good & ~missing
        reasons += no_number(name, raw[name])
        reasons.append((f"{name} is not a number from {low} to {high}", bad))
    return reasons
