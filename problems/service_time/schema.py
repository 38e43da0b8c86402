"""The clean table of stops: its columns, their types, units and ranges.

Times are UTC. Coordinates are rounded to `service_time.ingest.coordinate_decimals`, and driver ids
are keyed hashes. The service time runs from arrived_at to departed_at. Extra columns, kept on
request, come last and are text.
"""

import pandas as pd
import pandera.pandas as pa

from problems.contract import World

UTC = "datetime64[us, UTC]"
FILLED = pa.Check(lambda text: text != "", error="not empty")
NOT_NEGATIVE = pa.Check.ge(0)

COLUMNS = {
    "stop_id": pa.Column("str", FILLED, unique=True),
    "route_id": pa.Column("str", FILLED),
    "driver_id": pa.Column("str", pa.Check.str_matches(r"^[0-9a-f]{16}$"), description="hashed"),
    "customer_id": pa.Column("str", FILLED),
    "area_id": pa.Column("str"),
    "region": pa.Column("str"),
    "dwelling": pa.Column("str", description="house, block, ..."),
    "floor": pa.Column("int16", description="0 is the ground floor, or not known"),
    "has_lift": pa.Column("bool"),
    "opened_at": pa.Column(UTC, nullable=True, description="when the customer joined"),
    "latitude": pa.Column("float64", pa.Check.in_range(-90, 90), description="degrees, rounded"),
    "longitude": pa.Column("float64", pa.Check.in_range(-180, 180), description="degrees, rounded"),
    "position": pa.Column("int32", NOT_NEGATIVE, description="on the planned route"),
    "planned_at": pa.Column(UTC, description="when the route was planned: the prediction's time"),
    "planned_arrival_at": pa.Column(UTC, nullable=True),
    "slot": pa.Column("str", description="what the customer was promised, in local time"),
    "weight_kg": pa.Column("float64", pa.Check.in_range(0, 10_000)),
    "items": pa.Column("int32", NOT_NEGATIVE),
    "boxes": pa.Column("int32", NOT_NEGATIVE),
    "rain_mm": pa.Column(
        "float64", pa.Check.in_range(0, 2_000), nullable=True, description="forecast, a day"
    ),
    "snow_cm": pa.Column(
        "float64", pa.Check.in_range(0, 2_000), nullable=True, description="lying"
    ),
    "temperature_c": pa.Column("float64", pa.Check.in_range(-80, 60), nullable=True),
    "arrived_at": pa.Column(UTC),
    "departed_at": pa.Column(UTC, description="when the outcome becomes known"),
    # Times have microseconds; of less the logarithm would drown all that is known.
    "service_seconds": pa.Column("float64", pa.Check.in_range(1e-6, 86_400)),
    "grade": pa.Column("str", pa.Check.isin(["A", "B", "C"]), description="see ingest.visits"),
    "source": pa.Column("str", pa.Check.isin(["events", "pings"])),
}


def _stays_are_service_times(stops: pd.DataFrame) -> pd.Series:
    stay = (stops["departed_at"] - stops["arrived_at"]).dt.total_seconds()
    return (stay - stops["service_seconds"]).abs() < 1e-3


def _others_are_text(stops: pd.DataFrame) -> bool:
    first, others = stops.columns[: len(COLUMNS)], stops.dtypes.iloc[len(COLUMNS) :]
    return list(first) == list(COLUMNS) and all(dtype == "str" for dtype in others)


CLEAN = pa.DataFrameSchema(
    COLUMNS,
    checks=[
        pa.Check(_stays_are_service_times, error="service_seconds is departed_at less arrived_at"),
        pa.Check(_others_are_text, error="columns in the order of the schema, then others as text"),
    ],
    unique_column_names=True,
)
TIMES = ("opened_at", "planned_at", "planned_arrival_at", "arrived_at", "departed_at")
WEATHER = ("rain_mm", "snow_cm", "temperature_c")
WORLD = World(
    name="service_time",
    schema=CLEAN,
    key=("stop_id",),
    time="planned_at",
    outcomes=("service_seconds", "arrived_at", "departed_at", "grade"),
    exempt={
        # The weather has seasons, clocks have a summer, drivers come and go.
        "jump": (*WEATHER, *TIMES, "driver_id", "route_id", "slot"),
        "constant": ("source",),
        "dated": (*WEATHER, "driver_id", "route_id"),
        "stuck": ("snow_cm",),  # snow lies
        "silent": ("driver_id", "region", "slot"),  # a region opens, a van comes
    },
    example={
        "stop_id": "S-example",
        "route_id": "R-example",
        "driver_id": "0123456789abcdef",
        "customer_id": "C-example",
        "area_id": "0592",
        "region": "oslo_east",
        "dwelling": "block",
        "floor": 3,
        "has_lift": False,
        "opened_at": "2024-03-01T09:00:00Z",
        "latitude": 59.92,
        "longitude": 10.75,
        "position": 4,
        "planned_at": "2026-01-12T18:00:00Z",
        "planned_arrival_at": "2026-01-13T09:40:00Z",
        "slot": "08:00-12:00",
        "weight_kg": 31.5,
        "items": 44,
        "boxes": 5,
        "rain_mm": 0.0,
        "snow_cm": 12.0,
        "temperature_c": -6.0,
        "source": "events",
    },
    example_outcomes={
        "service_seconds": 512.0,
        "arrived_at": "2026-01-13T09:42:00Z",
        "departed_at": "2026-01-13T09:50:32Z",
        "grade": "A",
    },
    personal=("customer_id", "driver_id", "latitude", "longitude"),
)
