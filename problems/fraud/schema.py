"""The clean table of card payments: its columns, their types, units and ranges. Times are UTC."""

import pandas as pd
import pandera.pandas as pa

from problems.contract import World

UTC = "datetime64[us, UTC]"
FILLED = pa.Check(lambda text: text != "", error="not empty")

COLUMNS = {
    "transaction_id": pa.Column("str", FILLED, unique=True),
    "at": pa.Column(UTC),
    "customer_id": pa.Column("str", FILLED),
    "terminal_id": pa.Column("str", FILLED),
    "amount": pa.Column(
        "float64", pa.Check.in_range(0, 1e9, include_min=False), description="in one currency"
    ),
    "is_fraud": pa.Column("int8", pa.Check.isin([0, 1])),
    "known_at": pa.Column(UTC, description="when the label was known"),
}


def _known_later(rows: pd.DataFrame) -> pd.Series:
    return rows["known_at"] >= rows["at"]


CLEAN = pa.DataFrameSchema(
    COLUMNS,
    checks=pa.Check(_known_later, error="no label is known before its transaction"),
    strict=True,
    ordered=True,
    unique_column_names=True,
)
WORLD = World(
    name="fraud",
    schema=CLEAN,
    key=("transaction_id",),
    time="at",
    outcomes=("is_fraud", "known_at"),
    example={
        "transaction_id": "T-example",
        "at": "2025-11-03T14:05:00Z",
        "customer_id": "C-example",
        "terminal_id": "M-example",
        "amount": 84.5,
    },
    example_outcomes={"is_fraud": 0, "known_at": "2025-11-10T09:00:00Z"},
    personal=("customer_id",),
)
