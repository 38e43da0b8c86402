"""Raw stops and geofence events to one service time per stop, with its quality, or a reason.

    customers, stops        read and checked, row by row
    gps_pings               to events of fences around the route's customers, if there are no events
    geofence_events         to sessions: a van in a fence, with flaps merged
    sessions                to visits: one per stop, in the order of the route, without overlaps

Times are UTC inside; a time zone is only needed to read times that have no offset.
"""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from problems.contract import Ingested, Reader
from problems.service_time.ingest.agreement import agreement
from problems.service_time.ingest.customers import read_customers
from problems.service_time.ingest.engine import database, put
from problems.service_time.ingest.events import load_events, read_events, sessions
from problems.service_time.ingest.manual_log import has_table, read_manual_log
from problems.service_time.ingest.pings import load_pings
from problems.service_time.ingest.privacy import pseudonyms
from problems.service_time.ingest.settings import Bounds, IngestSettings
from problems.service_time.ingest.stops import RAW, at_customers, read_stops
from problems.service_time.ingest.visits import find_visits
from retrace.base.errors import RetraceError
from retrace.raw import fingerprint
from retrace.raw.reasons import quarantine

__all__ = ["Bounds", "IngestSettings", "agreement", "ingest"]

COLUMNS = (  # of the clean table
    "stop_id",
    "route_id",
    "driver_id",
    "customer_id",
    "area_id",
    "region",
    "dwelling",
    "floor",
    "has_lift",
    "opened_at",
    "latitude",
    "longitude",
    "position",
    "planned_at",
    "planned_arrival_at",
    "slot",
    "weight_kg",
    "items",
    "boxes",
    "rain_mm",
    "snow_cm",
    "temperature_c",
    "arrived_at",
    "departed_at",
    "service_seconds",
    "grade",
    "source",
)
ADDRESS_DECIMALS = 5  # of degrees, 1 m: closer customers have one fence
NO_ROUTE = "no events of its route"
NO_MONTH = "no events in the whole month"


def ingest(source: Path, settings: IngestSettings) -> Ingested:
    """Read the folder `source` into one clean row per stop, sorted by planned_at, route, position.

    Clean: `COLUMNS`, as problems.service_time.schema has them, then those of `settings.keep`.
    Rejected: `file`, `row`, `stop_id`
    and `reason`, for stops that are unreadable, have an unknown customer, or no trustworthy visit.
    Events and pings that cannot be used are counted in the figures.

    Raises RetraceError for tables that are missing or cannot be read as a whole.
    """
    key = settings.key()
    if taken := {*settings.keep} & {*COLUMNS, *RAW, "file", "row", "reason"}:
        raise RetraceError(
            f"service_time.ingest.keep has {', '.join(sorted(taken))}: the clean table has columns "
            "of that name already."
        )
    customers = read_customers(source, settings)
    stops = read_stops(source, settings)
    rows = at_customers(stops.rows, customers)
    usable = rows[rows["reason"] == ""].sort_values(["route_id", "position", "stop_id"])
    usable = usable.reset_index(names="place")
    usable["route"] = pd.factorize(usable["route_id"])[0]
    usable["fence"] = _fence_of(usable)
    known = (rows["route_id"], customers["customer_id"])
    with database() as connection:
        put(connection, "fences", _fences(usable, settings.plan_apart_max_hours))
        kind, figures = _load(connection, source, settings, known, _last(usable))
        found = sessions(connection, settings)
    visits = find_visits(usable, found, settings)
    visits["reason"] = _without_events(usable, found, visits["reason"])
    figures |= _figures(found, visits, settings) | _months(usable, visits["reason"])

    good = visits["reason"] == ""
    clean = _clean(usable[good], visits[good], kind, key, settings)
    rows.loc[usable["place"], "reason"] = visits["reason"].to_numpy()
    rejected = quarantine([rows[rows["reason"] != ""], stops.malformed], "stop_id")
    figures |= _against_log(source, settings, clean, usable)
    return Ingested(clean, rejected, fingerprint(source), figures)


def _fence_of(usable: pd.DataFrame) -> pd.Series:
    """Number the fences: one per route and address, since neighbours of a house share the stay."""
    place = usable[["latitude", "longitude"]].round(ADDRESS_DECIMALS).assign(route=usable["route"])
    number: pd.Series = place.groupby(["route", "latitude", "longitude"], sort=False).ngroup()
    return number


def _fences(usable: pd.DataFrame, apart_hours: float) -> pd.DataFrame:
    """Return the fence of each route and customer, with one place per fence.

    `since` and `until` (microseconds) are when the route can have been, by its plan.
    """
    fences = usable[["route_id", "customer_id", "route", "fence", "latitude", "longitude"]]
    fences = fences.drop_duplicates(["route_id", "customer_id"])
    places = fences.groupby("fence")[["latitude", "longitude"]].transform("first")
    planned = _planned(usable).astype("int64").groupby(usable["route"])
    apart = round(apart_hours * 3600e6)
    return fences.assign(
        latitude=places["latitude"],
        longitude=places["longitude"],
        since=fences["route"].map(planned.min()) - apart,
        until=fences["route"].map(planned.max()) + apart,
    )


def _last(usable: pd.DataFrame) -> pd.Timestamp:
    """Return the end of the data: the last planned time, which no phone's clock can get wrong."""
    last = _planned(usable).max()
    return pd.Timestamp(0, tz="UTC") if pd.isna(last) else pd.Timestamp(last)


def _load(
    connection: duckdb.DuckDBPyConnection,
    source: Path,
    settings: IngestSettings,
    known: tuple[pd.Series, pd.Series],
    ends_at: pd.Timestamp,
) -> tuple[str, dict[str, float]]:
    """Make the table `events`, from the source's events or else its pings; say from which."""
    if has_table(source, "gps_pings") and not has_table(source, "geofence_events"):
        return "pings", load_pings(connection, source, settings, ends_at)
    events, figures = read_events(source, settings)
    return "events", figures | load_events(connection, events, *known)


def _without_events(
    usable: pd.DataFrame, found: pd.DataFrame, reason: "pd.Series[str]"
) -> "pd.Series[str]":
    """Give stops of routes and months without any events that as their reason."""
    seen = usable["route"].isin(usable.loc[usable["fence"].isin(found["fence"]), "route"])
    silent = ~seen.groupby(_month(usable)).transform("any")
    reason = reason.mask(~seen, NO_ROUTE)
    return reason.mask(silent, NO_MONTH)


def _month(usable: pd.DataFrame) -> pd.Series:
    month: pd.Series = _planned(usable).dt.strftime("%Y_%m")
    return month


def _planned(usable: pd.DataFrame) -> pd.Series:
    return usable["planned_arrival_at"].fillna(usable["planned_at"])


def _months(usable: pd.DataFrame, reason: "pd.Series[str]") -> dict[str, float]:
    """Return how many months have no events, and the stops of each."""
    silent = _month(usable)[reason == NO_MONTH].value_counts().sort_index()
    stops = {f"stops_without_events_{month}": float(n) for month, n in silent.items()}
    return {"months_without_events": float(len(silent)), **stops}


def _figures(
    found: pd.DataFrame, visits: pd.DataFrame, settings: IngestSettings
) -> dict[str, float]:
    dwell = (found["last_at"] - found["first_at"]) / 1e6
    whole = found["has_enter"] & found["has_exit"]
    share = visits["grade"].value_counts() / max(len(visits), 1)
    return {
        "sessions": float(len(found)),
        "drive_bys_dropped": float((whole & (dwell < settings.dwell_min_seconds)).sum()),
        "flaps_merged": float(found["flaps"].sum()),
        "exits_lost": float((~found["has_exit"]).sum()),
        "enters_lost": float((~found["has_enter"]).sum()),
        "matched_share": float((visits["reason"] == "").mean()) if len(visits) else 0.0,
        **{f"grade_{name.lower()}_share": float(share.get(name, 0.0)) for name in "ABC"},
    }


def _clean(
    usable: pd.DataFrame, visits: pd.DataFrame, kind: str, key: str, settings: IngestSettings
) -> pd.DataFrame:
    clean = usable.assign(
        floor=usable["floor"].astype("int16"),  # other types while some stops had no customer
        has_lift=usable["has_lift"].astype("bool"),
        driver_id=pseudonyms(usable["driver_id"], key),
        latitude=usable["latitude"].round(settings.coordinate_decimals),
        longitude=usable["longitude"].round(settings.coordinate_decimals),
        arrived_at=_moments(visits["start"]),
        departed_at=_moments(visits["end"]),
        grade=visits["grade"],
        source=pd.Series(kind, usable.index, dtype="str"),
    )
    clean["service_seconds"] = (clean["departed_at"] - clean["arrived_at"]).dt.total_seconds()
    clean = clean.sort_values(["planned_at", "route_id", "position", "stop_id"], ignore_index=True)
    return clean[[*COLUMNS, *settings.keep]]


def _moments(seconds: pd.Series) -> pd.Series:
    milliseconds = np.round(seconds.to_numpy(np.float64) * 1e3).astype(np.int64)
    moments = pd.to_datetime(milliseconds, unit="ms", utc=True).as_unit("us")
    return pd.Series(moments, seconds.index)


def _against_log(
    source: Path, settings: IngestSettings, clean: pd.DataFrame, usable: pd.DataFrame
) -> dict[str, float]:
    """Return how well the visits agree with what drivers noted in the pilot weeks."""
    if not has_table(source, "manual_log"):
        return {}
    log = read_manual_log(source, settings)
    log = log.merge(usable[["stop_id"]], on="stop_id")
    found = agreement(clean, log)
    return {"manual_stops": float(len(log)), **{f"manual_{k}": v for k, v in found.items()}}


READER = Reader(IngestSettings, ingest)
