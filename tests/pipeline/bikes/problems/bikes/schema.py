"""Hourly bike rentals of two years."""

import pandera.pandas as pa

from problems.contract import World

NUMBERS = ("temp", "feelingTemp", "humidity", "windspeed")
WHOLE = ("hour", "holiday", "workingday", "weathersit", "casual", "registered")
COLUMNS = {
    "instant": pa.Column("int64", unique=True),
    "at": pa.Column("datetime64[us, UTC]"),
    **{name: pa.Column("float64") for name in NUMBERS},
    **{name: pa.Column("int64", pa.Check.ge(0)) for name in WHOLE},
    "count": pa.Column("int64", pa.Check.ge(0)),
}
WORLD = World(
    "bikes",
    pa.DataFrameSchema(COLUMNS),
    key=("instant",),
    time="at",
    outcomes=("count", "casual", "registered"),
)
