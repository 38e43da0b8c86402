"""The clean table of orders: one row per order and moment, with what was known then. Times are UTC.

Which attributes and activities there are is a matter of the log: their columns begin with number_,
text_, time_ and count_. What was kept for the split comes last, as text.
"""

import pandas as pd
import pandera.pandas as pa

from problems.contract import World

UTC = "datetime64[us, UTC]"
FILLED = pa.Check(lambda text: text != "", error="not empty")
NOT_NEGATIVE = pa.Check.ge(0)
WORDS = "category"

COLUMNS = {
    "order_id": pa.Column("str", FILLED),
    "snapshot_at": pa.Column(UTC, description="when the order is looked at: the prediction's time"),
    "started_at": pa.Column(UTC, description="the order's first event"),
    "promised_at": pa.Column(UTC, nullable=True, description="what the customer was told last"),
    "events": pa.Column("int32", pa.Check.ge(1), description="so far"),
    "activity": pa.Column(WORDS, FILLED, description="of the last event"),
    "activity_before": pa.Column(WORDS),
    "activity_before_that": pa.Column(WORDS),
    "resource": pa.Column(WORDS, description="of the last event; may be empty"),
    "waiting_hours": pa.Column("float32", NOT_NEGATIVE, description="since the last event"),
    "last_wait_hours": pa.Column("float32", NOT_NEGATIVE, nullable=True),
    "wait_before_hours": pa.Column("float32", NOT_NEGATIVE, nullable=True),
    "activity_times": pa.Column("int16", pa.Check.ge(1), description="so often the last activity"),
    "repeats": pa.Column("int16", NOT_NEGATIVE, description="events that were there before"),
    "step_orders": pa.Column("int32", NOT_NEGATIVE, description="orders at this step"),
    "step_arrivals": pa.Column("int32", NOT_NEGATIVE, description="of the last days"),
    "resource_orders": pa.Column("int32", pa.Check.ge(-1), description="-1 without a resource"),
    "step_wait_hours": pa.Column(
        "float32", NOT_NEGATIVE, nullable=True, description="mean of waits that ended of late"
    ),
    "count_.*": pa.Column("int16", NOT_NEGATIVE, regex=True, required=False),
    "number_.*": pa.Column("float32", nullable=True, regex=True, required=False),
    "text_.*": pa.Column(WORDS, regex=True, required=False),
    "time_.*": pa.Column(UTC, nullable=True, regex=True, required=False),
    "remaining_hours": pa.Column("float64", NOT_NEGATIVE, nullable=True),
    "gets_stuck": pa.Column("float64", pa.Check.isin([0.0, 1.0]), nullable=True),
    "completed_at": pa.Column(UTC, nullable=True),
    "completed_known_at": pa.Column(UTC, nullable=True, description="or known to be withdrawn"),
    "stuck_known_at": pa.Column(UTC, nullable=True),
    "completed_by": pa.Column(WORDS, nullable=True, description="activity; empty for a silence"),
}


def _one_row_a_moment(rows: pd.DataFrame) -> pd.Series:
    return ~rows.duplicated(["order_id", "snapshot_at"])


def _after_the_start(rows: pd.DataFrame) -> pd.Series:
    return rows["snapshot_at"] >= rows["started_at"]


def _remaining_until_completion(rows: pd.DataFrame) -> pd.Series:
    hours = (rows["completed_at"] - rows["snapshot_at"]).dt.total_seconds() / 3600
    return hours.isna() == rows["remaining_hours"].isna()


CLEAN = pa.DataFrameSchema(
    COLUMNS,
    checks=[
        pa.Check(_one_row_a_moment, error="one row per order and moment"),
        pa.Check(_after_the_start, error="no order is looked at before it starts"),
        pa.Check(_remaining_until_completion, error="remaining_hours goes with completed_at"),
    ],
    unique_column_names=True,
)
BEFORE = ("activity_before*", "last_wait_hours", "wait_before_hours", "step_wait_hours", "resource")
WORLD = World(
    name="orders",
    schema=CLEAN,
    key=("order_id", "snapshot_at"),
    time="snapshot_at",
    outcomes=(
        "remaining_hours",
        "gets_stuck",
        "completed_at",
        "completed_known_at",
        "stuck_known_at",
    ),
    exempt={
        "constant": (  # a log may have no loops, nobody who did it, attributes with one value
            "number_*",
            "text_*",
            "waiting_hours",
            "count_*",
            "completed_by",
            "activity_before*",
            "activity_times",
            "repeats",
            "resource_orders",
        ),
        "jump": (
            "step_*",
            "resource_orders",
            "remaining_hours",
            "gets_stuck",
            "completed*",
            "stuck_known_at",
        ),
        "dated": ("step_*", "resource_orders"),  # features make them relative
        "missing_by": BEFORE,  # the first event has none before it
        "stuck": ("step_*",),
    },
    example={
        "order_id": "O-example",
        "snapshot_at": "2025-10-06T08:00:00Z",
        "started_at": "2025-10-02T11:20:00Z",
        "promised_at": "2025-10-20T12:00:00Z",
        "events": 3,
        "activity": "credit_check",
        "activity_before": "validated",
        "activity_before_that": "placed",
        "resource": "clerk_01",
        "waiting_hours": 20.5,
        "last_wait_hours": 30.0,
        "wait_before_hours": 26.0,
        "activity_times": 1,
        "repeats": 0,
        "step_orders": 12,
        "step_arrivals": 60,
        "resource_orders": 9,
        "step_wait_hours": 18.0,
        "count_placed": 1,
        "count_validated": 1,
        "count_credit_check": 1,
        "text_customer_id": "C-example",
        "text_customer_segment": "private",
        "text_region": "west",
        "text_product_group": "toys",
        "text_supplier_id": "S0000002",
        "number_n_items": 3.0,
        "number_order_value": 87.5,
    },
    example_outcomes={
        "remaining_hours": 190.0,
        "gets_stuck": 0.0,
        "completed_at": "2025-10-14T06:00:00Z",
        "completed_known_at": "2025-10-14T06:00:00Z",
        "stuck_known_at": "2025-10-14T06:00:00Z",
    },
    personal=("text_customer_id",),
    typed_prefixes=("number", "text", "time"),
    may_be_empty=("promised_at", "resource", "completed_by"),
)
