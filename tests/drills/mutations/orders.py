"""What goes wrong with an event log of orders."""

import pandas as pd

from tests.drills.mutations import (
    FEW,
    HOURS,
    SOME,
    Change,
    FileMutation,
    Mutation,
    Rng,
    cut,
    decimal_comma,
    doubled,
    html,
    later,
    leaked,
    lost,
    missing_where,
    mojibake,
    on,
    replaced,
    shifted,
    swapped,
    times,
    to,
    without,
)  # fmt: skip

SIZES = {
    "short": {"orders": 600, "futures": 0},
    "drill": {"orders": 1500, "futures": 0},
    "full": {"futures": 0},
}
TABLE = "events.parquet"
ACTIVITY, CASE = ("activity",), ("case_id", "order_id", "events", "case")
TIME = ("timestamp", "snapshot_at", "started_at", "remaining_hours", "time", "gets_stuck")
REGION, SEGMENT, GROUP = (
    ("region", "text_region"),
    ("customer_segment", "text_customer_segment"),
    ("product_group", "text_product_group"),
)
SUPPLIER, CUSTOMER = ("supplier_id", "text_supplier_id"), ("customer_id", "text_customer_id")
ITEMS, VALUE = (
    ("n_items", "number_n_items", "text_n_items"),
    ("order_value", "number_order_value", "text_order_value"),
)
PROMISE, RESOURCE = ("promised_at",), ("resource",)


def _m(name: str, columns: tuple[str, ...], change: Change, strengths=None) -> Mutation:
    return Mutation(name, TABLE, columns, change, *([strengths] if strengths else []))


def _without(activity: str) -> Change:
    def apply(frame: pd.DataFrame, strength: float, rng: Rng) -> pd.DataFrame:
        gone = (frame["activity"] == activity).to_numpy() & (rng.random(len(frame)) < strength)
        return frame[~gone].reset_index(drop=True)

    return apply


MUTATIONS = (
    _m("order value in cents", VALUE, times("order_value", 100)),
    _m("order value in another currency (x 10)", VALUE, times("order_value", 10)),
    _m("order value with a decimal comma", VALUE, on("order_value", decimal_comma, text=True)),
    _m("order value with its sign flipped", VALUE, times("order_value", -1)),
    _m("order value stuck at one value", VALUE, to("order_value", 50.0)),
    _m("order value missing", VALUE, to("order_value", None)),
    _m("order value of the order before", VALUE, shifted("order_value", by=9)),
    _m("items times 12", ITEMS, times("n_items", 12)),
    _m("items stuck at one value", ITEMS, to("n_items", 1)),
    _m("items of the order before", ITEMS, shifted("n_items", by=9)),
    _m("items and value exchanged", (*ITEMS, *VALUE), swapped("n_items", "order_value")),
    _m("activity missing", ACTIVITY, to("activity", None)),
    _m("activity stuck at one value", ACTIVITY, to("activity", "placed")),
    _m("activity renamed", ACTIVITY, on("activity", lambda v: v.str.replace("dispatched", "sent")), SOME),
    _m("activity in capitals", ACTIVITY, on("activity", lambda v: v.str.upper()), SOME),
    _m("activity of the event before", ACTIVITY, shifted("activity")),
    _m("activity in a wrong encoding", ACTIVITY, on("activity", mojibake)),
    _m("activity and resource exchanged", (*ACTIVITY, *RESOURCE), swapped("activity", "resource")),
    _m("completions lost", (*ACTIVITY, "remaining_hours", "completed_at", "completed_by"), _without("closed")),
    _m("picking lost", (*ACTIVITY, "count_picked"), _without("picked")),
    _m("time in another zone, of some days", TIME, later("timestamp", whole=False)),
    _m("time in another zone", TIME, later("timestamp"), HOURS),
    _m("time without its hour", TIME, on("timestamp", lambda v: v.dt.floor("D"))),
    _m("time missing", TIME, to("timestamp", None)),
    _m("time stuck at one value", TIME, to("timestamp", pd.Timestamp("2025-01-15", tz="UTC"))),
    _m("time in words", TIME, on("timestamp", lambda v: "on " + v, text=True)),
    _m("time in the future", TIME, on("timestamp", lambda v: v + pd.Timedelta(days=3650), scattered=True), FEW),
    _m("time of the event before", TIME, shifted("timestamp")),
    _m("resource missing", RESOURCE, to("resource", None)),
    _m("resource stuck at one value", RESOURCE, to("resource", "system")),
    _m("resource missing in one region", RESOURCE, missing_where("resource", "region")),
    _m("case of the event before", CASE, shifted("case_id")),
    _m("cases merged by a cut id", CASE, on("case_id", lambda v: v.str[:6])),
    _m("case missing", CASE, to("case_id", None)),
    _m("cases under new ids", CASE, on("case_id", lambda v: "N" + v), SOME),
    _m("region missing", REGION, to("region", None)),
    _m("region renamed", REGION, on("region", lambda v: v + "_v2"), SOME),
    _m("region in a wrong encoding", REGION, on("region", lambda v: mojibake(v + "a"))),
    _m("segment missing in one region", SEGMENT, missing_where("customer_segment", "region")),
    _m("segment stuck at one value", SEGMENT, to("customer_segment", "private")),
    _m("product group renamed", GROUP, on("product_group", html)),
    _m("product group with replacement characters", GROUP, on("product_group", replaced)),
    _m("supplier stuck at one value", SUPPLIER, to("supplier_id", "S0000001")),
    _m("supplier missing", SUPPLIER, to("supplier_id", None)),
    _m("customer and supplier exchanged", (*CUSTOMER, *SUPPLIER), swapped("customer_id", "supplier_id")),
    _m("customer stuck at one value", CUSTOMER, to("customer_id", "C0000001")),
    _m("promise in another zone", PROMISE, later("promised_at", whole=False)),
    _m("promise missing", PROMISE, to("promised_at", None)),
    _m("promise tells the end", PROMISE, leaked("promised_at", lambda r: r.groupby("case_id")["timestamp"].transform("max"))),
    _m("items tell the end", ITEMS, leaked("n_items", lambda r: (
        r.groupby("case_id")["timestamp"].transform("max") - r["timestamp"]).dt.total_seconds() // 3600)),
    _m("events doubled under new cases", CASE, doubled(identity="case_id", letter="X")),
    _m("events lost in the middle", TIME, lost(), (0.02, 0.2, 0.6)),
    _m("activity renamed in the header", ACTIVITY, without("activity")),
    FileMutation("file cut off", TABLE, (TABLE,), cut),
)  # fmt: skip
