"""GPS pings to events: a fence around each customer of a route, entered and left between two pings.

Millions of pings are sorted and joined in DuckDB. A ping is only compared with the customers of its
own route in the same or a neighbouring cell of a grid as wide as a fence.
"""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from problems.service_time.ingest.engine import only_number, put
from problems.service_time.ingest.geometry import (
    EARTH_RADIUS_M,
    METRES_A_DEGREE,
    Points,
    metres_between,
    middle,
)
from problems.service_time.ingest.settings import IngestSettings
from retrace.base.errors import RetraceError
from retrace.raw import read_raw
from retrace.raw.sources import files_of, suffix_of
from retrace.raw.times import micros, read_times
from retrace.raw.values import as_id, as_number

RAW = ("route_id", "at", "latitude", "longitude")
OPTIONAL = ("accuracy_m",)
NUMBERS = ("DOUBLE", "FLOAT")
SWAPPED_FROM_M = 300_000.0  # pings this far from the customers, and not so with the two swapped
DAY = 86_400_000_000  # microseconds

COUNTS = """
SELECT count(*), count(*) FILTER (NOT readable), count(*) FILTER (old),
    count(*) FILTER (NOT old AND NOT accurate),
    count(*) FILTER (route_id NOT IN (SELECT route_id FROM fences)),
    avg(latitude) FILTER (readable), avg(longitude) FILTER (readable)
FROM judged
"""
JUDGED = """
CREATE OR REPLACE TEMP VIEW judged AS
SELECT route_id, micros, latitude, longitude,
    coalesce(micros IS NOT NULL AND abs(latitude) <= 90 AND abs(longitude) <= 180, false)
        AS readable,
    coalesce(micros < {oldest}, false) AS old,
    coalesce(accuracy_m, 0) <= {accuracy_max} AS accurate
FROM pings
"""
TRACK = """
CREATE OR REPLACE TEMP TABLE track AS
SELECT route, micros, latitude, longitude,
    floor(latitude / {lat_step})::INTEGER AS row, floor(longitude / {lon_step})::INTEGER AS col,
    row_number() OVER along AS number,
    lag(micros) OVER along AS was, lead(micros) OVER along AS next
FROM judged JOIN (SELECT DISTINCT route_id, route, since, until FROM fences) USING (route_id)
WHERE readable AND accurate AND NOT old AND micros BETWEEN since AND until
WINDOW along AS (PARTITION BY route ORDER BY micros, latitude, longitude)
"""
EVENTS = """
CREATE OR REPLACE TABLE events AS
WITH cells AS (
    SELECT DISTINCT fence, route, latitude AS lat, longitude AS lon,
        floor(latitude / {lat_step})::INTEGER + r AS row,
        floor(longitude / {lon_step})::INTEGER + c AS col
    FROM fences, range(-1, 2) rows(r), range(-1, 2) cols(c)
), inside AS (
    SELECT fence, route, number, micros, was, next FROM track JOIN cells USING (route, row, col)
    WHERE pow(sin(radians(latitude - lat) / 2), 2) + cos(radians(latitude)) * cos(radians(lat))
        * pow(sin(radians(longitude - lon) / 2), 2) <= {haversine}
), edges AS (
    SELECT *, number - lag(number) OVER along IS DISTINCT FROM 1 AS enters,
        lead(number) OVER along - number IS DISTINCT FROM 1 AS exits
    FROM inside WINDOW along AS (PARTITION BY fence ORDER BY number)
), changes AS (
    SELECT fence, route, (was + micros) // 2 AS micros, true AS enter FROM edges
    WHERE enters AND micros - was <= {longest_gap}
    UNION ALL
    SELECT fence, route, (micros + next) // 2 AS micros, false AS enter FROM edges
    WHERE exits AND next - micros <= {longest_gap}
)
SELECT fence, route, micros, bool_or(enter) AS enter FROM changes GROUP BY fence, route, micros
HAVING bool_or(enter) = bool_and(enter)
"""


def load_pings(
    connection: duckdb.DuckDBPyConnection,
    source: Path,
    settings: IngestSettings,
    ends_at: pd.Timestamp,
) -> dict[str, float]:
    """Make the table `events` from the source's pings, for the fences of table `fences`.

    An enter is in the middle between the last ping outside and the first one inside; if that gap is
    longer than merge_gap_seconds it is taken to be lost. `ends_at`, the end of the data, is where
    the retention period is counted from. Returns how many pings there were, and were dropped.
    """
    _read(connection, source, settings)
    oldest = int(ends_at.timestamp() * 1e6) - settings.retention_days * DAY
    connection.execute(JUDGED.format(oldest=oldest, accuracy_max=settings.accuracy_max_m))
    row = connection.execute(COUNTS).fetchone() or (0,) * 7
    fences = connection.execute("SELECT latitude, longitude FROM fences ORDER BY fence").df()
    _check_swapped(source, fences, row[5], row[6])
    names = ("", "_unreadable", "_dropped_by_retention", "_inaccurate", "_of_unknown_routes")
    figures = {f"pings{name}": float(value) for name, value in zip(names, row, strict=False)}
    steps = _steps(fences, settings.fence_radius_m)
    connection.execute(TRACK.format(**steps))
    connection.execute(
        EVENTS.format(
            **steps,
            haversine=float(np.sin(settings.fence_radius_m / EARTH_RADIUS_M / 2) ** 2),
            longest_gap=round(settings.merge_gap_seconds * 1e6),
        )
    )
    connection.execute("DROP TABLE track")
    return figures | {"events": float(only_number(connection, "SELECT count(*) FROM events"))}


def _steps(fences: pd.DataFrame, radius_m: float) -> dict[str, float]:
    """Return the size of the grid's cells in degrees: nowhere narrower than a fence's radius."""
    farthest = min(float(fences["latitude"].abs().max()) if len(fences) else 0.0, 89.0) + 0.1
    step = 1.01 * radius_m / METRES_A_DEGREE
    return {"lat_step": step, "lon_step": step / float(np.cos(np.radians(min(farthest, 89.9))))}


def _check_swapped(source: Path, fences: pd.DataFrame, latitude: float, longitude: float) -> None:
    if latitude is None or fences.empty:
        return
    homes = middle(Points(fences["latitude"].to_numpy(), fences["longitude"].to_numpy()))
    mean, other = np.array([latitude]), np.array([longitude])
    straight = metres_between(Points(mean, other), homes)[0]
    crossed = metres_between(Points(other, mean), homes)[0]
    if straight > SWAPPED_FROM_M and crossed < straight / 4:
        raise RetraceError(
            f"{source}/gps_pings: columns 'latitude' and 'longitude' look swapped: their means are "
            f"{latitude:.4f} and {longitude:.4f}, while the customers are around "
            f"{homes.latitude[0]:.4f} and {homes.longitude[0]:.4f}. Exchange the names of the two "
            "columns, in the table that has them wrong."
        )


def _read(connection: duckdb.DuckDBPyConnection, source: Path, settings: IngestSettings) -> None:
    """Make `pings`: route_id, micros (of UTC), latitude, longitude, accuracy_m.

    Parquet with times in UTC and numbers is read where it lies, everything else file by file.
    """
    files = files_of(source, "gps_pings")
    if all(suffix_of(path) == ".parquet" for path in files) and _plain(connection, files):
        return
    connection.execute(
        "CREATE OR REPLACE TABLE pings (route_id VARCHAR, micros BIGINT, latitude DOUBLE, "
        "longitude DOUBLE, accuracy_m DOUBLE)"
    )
    for path in files:
        put(connection, "part", _typed(path, settings))
        connection.execute("INSERT INTO pings SELECT * FROM part")
        connection.execute("DROP TABLE part")


def _plain(connection: duckdb.DuckDBPyConnection, files: list[Path]) -> bool:
    """Make the view `pings` of Parquet files with the types that are expected; say if it is so."""
    names = ", ".join("'" + str(path).replace("'", "''") + "'" for path in files)
    scan = f"read_parquet([{names}])"
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()  # noqa: S608
    except duckdb.Error:
        return False  # the other reader says what is wrong
    kinds = {str(row[0]): str(row[1]) for row in described}
    plain = (
        kinds.get("at") == "TIMESTAMP WITH TIME ZONE"
        and kinds.get("route_id") == "VARCHAR"
        and all(kinds.get(name) in NUMBERS for name in ("latitude", "longitude"))
        and kinds.get("accuracy_m", "DOUBLE") in NUMBERS
    )
    if plain:
        accuracy = "accuracy_m::DOUBLE" if "accuracy_m" in kinds else "NULL::DOUBLE"
        connection.execute(
            "CREATE OR REPLACE TEMP VIEW pings AS SELECT trim(route_id) AS route_id, "  # noqa: S608
            f'epoch_us("at") AS micros, latitude, longitude, {accuracy} AS accuracy_m FROM {scan}'
        )
    return plain


def _typed(path: Path, settings: IngestSettings) -> pd.DataFrame:
    raw = read_raw(path, RAW, OPTIONAL).rows
    at = read_times(raw["at"], settings.clock, raw).at
    microseconds = pd.Series(micros(at), dtype="Int64").mask(at.isna())
    accuracy = as_number(raw["accuracy_m"]) if "accuracy_m" in raw else np.zeros(len(raw))
    return pd.DataFrame(
        {
            "route_id": as_id(raw["route_id"]),
            "micros": microseconds,
            "latitude": as_number(raw["latitude"]),
            "longitude": as_number(raw["longitude"]),
            "accuracy_m": accuracy,
        }
    )
