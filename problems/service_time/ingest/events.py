"""Geofence events to sessions: the times at which a van was inside one customer's fence.

A session is a run of events at one fence without a real absence. Its enter or its exit may have
been lost; the times in between are known all the same.
"""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from problems.service_time.ingest.engine import put
from problems.service_time.ingest.settings import IngestSettings
from retrace.raw import read_raw
from retrace.raw.times import micros, read_times
from retrace.raw.values import as_id, as_number, as_text

RAW = ("route_id", "customer_id", "event", "at")
OPTIONAL = ("accuracy_m",)

# Duplicates become one; an enter and an exit at the same moment cancel each other.
EVENTS_ONCE = """
CREATE OR REPLACE TABLE events AS
SELECT fence, route, micros, bool_or(enter) AS enter
FROM raw_events JOIN fences USING (route_id, customer_id)
WHERE micros BETWEEN since AND until
GROUP BY fence, route, micros
HAVING bool_or(enter) = bool_and(enter)
"""

EVENT_COUNTS = """
WITH judged AS (
    SELECT raw_events.route_id, raw_events.customer_id, micros, enter,
        routes.route_id IS NULL AS no_route, ids.customer_id IS NULL AS no_customer,
        fence IS NULL AS elsewhere, micros NOT BETWEEN since AND until AS astray
    FROM raw_events LEFT JOIN routes USING (route_id) LEFT JOIN ids USING (customer_id)
    LEFT JOIN fences USING (route_id, customer_id)
)
SELECT count(*) FILTER (no_route),
    count(*) FILTER (no_customer AND NOT no_route),
    count(*) FILTER (elsewhere AND NOT no_customer AND NOT no_route),
    count(*) FILTER (astray),
    count(*) FILTER (NOT elsewhere)
    - count(DISTINCT (route_id, customer_id, micros, enter)) FILTER (NOT elsewhere)
FROM judged
"""

# `alone`: the event before, on the whole route, was at the same fence.
# A session starts where the van was away for long, where a stay would be impossibly long, and
# where two enters (or two exits) follow each other with other customers in between.
SESSIONS = """
WITH following AS (
    SELECT *, lag(enter) OVER fence_time AS was_enter, micros - lag(micros) OVER fence_time AS gap,
        lag(fence) OVER route_time IS NOT DISTINCT FROM fence AS alone
    FROM events
    WINDOW fence_time AS (PARTITION BY fence ORDER BY micros),
        route_time AS (PARTITION BY route ORDER BY micros, fence)
), marked AS (
    SELECT *, CASE
        WHEN gap IS NULL OR gap > $stay_max THEN true
        WHEN enter AND NOT was_enter THEN gap > $merge_gap
        WHEN was_enter AND NOT enter THEN false
        ELSE gap > $merge_gap AND NOT alone
    END AS starts
    FROM following
), numbered AS (
    SELECT *, sum(starts::INTEGER) OVER (PARTITION BY fence ORDER BY micros) AS visit FROM marked
)
SELECT fence::BIGINT AS fence, min(micros) AS first_at, max(micros) AS last_at,
    arg_min(enter, micros) AS has_enter, NOT arg_max(enter, micros) AS has_exit,
    count(*) FILTER (NOT starts AND enter) AS flaps
FROM numbered GROUP BY fence, visit ORDER BY fence, visit
"""


def read_events(source: Path, settings: IngestSettings) -> tuple[pd.DataFrame, dict[str, float]]:
    """Return the readable events: route_id, customer_id, enter, and micros (of UTC)."""
    table = read_raw(source, RAW, OPTIONAL, name="geofence_events")
    raw = table.rows
    at = read_times(raw["at"], settings.clock, raw).at
    kind = as_text(raw["event"]).str.strip().str.lower()
    readable = at.notna() & kind.isin(["enter", "exit"])
    accuracy = as_number(raw["accuracy_m"]) if "accuracy_m" in raw else np.zeros(len(raw))
    accurate = ~(accuracy > settings.accuracy_max_m)
    use = (readable & accurate).to_numpy()
    events = pd.DataFrame(
        {
            "route_id": as_id(raw["route_id"])[use],
            "customer_id": as_id(raw["customer_id"])[use],
            "enter": (kind[use] == "enter").to_numpy(bool),
            "micros": micros(at[use]),
        }
    )
    return events, {
        "events": float(table.rows_in),
        "events_unreadable": float(len(table.malformed) + (~readable).sum()),
        "events_inaccurate": float((readable & ~accurate).sum()),
    }


def load_events(
    connection: duckdb.DuckDBPyConnection, events: pd.DataFrame, routes: pd.Series, ids: pd.Series
) -> dict[str, float]:
    """Make the table `events` for the fences of table `fences`; count what belongs to none.

    `routes` and `ids` are the routes of the stops table and the known customers.
    """
    names = (
        "of_unknown_routes",
        "of_unknown_customers",
        "at_fences_of_other_routes",
        "far_from_plan",
        "duplicated",
    )
    put(connection, "raw_events", events)
    put(connection, "routes", pd.DataFrame({"route_id": routes.unique()}))
    put(connection, "ids", pd.DataFrame({"customer_id": ids.unique()}))
    connection.execute(EVENTS_ONCE)
    found = connection.execute(EVENT_COUNTS).fetchone() or (0,) * len(names)
    connection.execute("DROP TABLE raw_events")
    return {f"events_{name}": float(n) for name, n in zip(names, found, strict=True)}


def sessions(connection: duckdb.DuckDBPyConnection, settings: IngestSettings) -> pd.DataFrame:
    """Return the sessions of the table `events`, by fence and time.

    Columns: fence, first_at and last_at (microseconds), has_enter and has_exit (False where it was
    lost), flaps (how often the fence was left for a moment).
    """
    limits = {
        "merge_gap": round(settings.merge_gap_seconds * 1e6),
        "stay_max": round(settings.stay_max_seconds * 1e6),
    }
    found: pd.DataFrame = connection.execute(SESSIONS, limits).df()
    return found
