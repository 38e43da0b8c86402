"""What goes wrong with an event log of orders."""

import pandas as pd

from tests.drills import mutations as ways

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


_m = ways.of_table(TABLE)


def _without(activity: str) -> ways.Change:
    def apply(frame: pd.DataFrame, strength: float, rng: ways.Rng) -> pd.DataFrame:
        gone = (frame["activity"] == activity).to_numpy() & (rng.random(len(frame)) < strength)
        return frame[~gone].reset_index(drop=True)

    return apply


MUTATIONS = (
    _m("order value in cents", VALUE, ways.times("order_value", 100)),
    _m("order value in another currency (x 10)", VALUE, ways.times("order_value", 10)),
    _m("order value with a decimal comma", VALUE, ways.on("order_value", ways.decimal_comma, text=True)),
    _m("order value with a dot between thousands", VALUE, ways.on("order_value", ways.with_thousands, text=True)),
    _m("order value with its currency", VALUE, ways.on("order_value", lambda v: "$" + v, text=True)),
    _m("order value times 0.9", VALUE, ways.times("order_value", 0.9)),
    _m("order value with its sign flipped", VALUE, ways.times("order_value", -1)),
    _m("order value stuck at one value", VALUE, ways.to("order_value", 50.0)),
    _m("order value missing", VALUE, ways.to("order_value", None)),
    _m("order value of the order before", VALUE, ways.shifted("order_value", by=9)),
    _m("items times 12", ITEMS, ways.times("n_items", 12)),
    _m("items stuck at one value", ITEMS, ways.to("n_items", 1)),
    _m("items of the order before", ITEMS, ways.shifted("n_items", by=9)),
    _m("items and value exchanged", (*ITEMS, *VALUE), ways.swapped("n_items", "order_value")),
    _m("activity missing", ACTIVITY, ways.to("activity", None)),
    _m("activity stuck at one value", ACTIVITY, ways.to("activity", "placed")),
    _m("activity renamed", ACTIVITY, ways.on("activity", lambda v: v.str.replace("dispatched", "sent")), ways.SOME),
    _m("activity in capitals", ACTIVITY, ways.on("activity", lambda v: v.str.upper()), ways.SOME),
    _m("activity of the event before", ACTIVITY, ways.shifted("activity")),
    _m("activity in a wrong encoding", ACTIVITY, ways.on("activity", ways.mojibake)),
    _m("activity and resource exchanged", (*ACTIVITY, *RESOURCE), ways.swapped("activity", "resource")),
    _m("completions lost", (*ACTIVITY, "remaining_hours", "completed_at", "completed_by"), _without("closed")),
    _m("picking lost", (*ACTIVITY, "count_picked"), _without("picked")),
    _m("time in another zone, of some days", TIME, ways.later("timestamp", whole=False)),
    _m("time in another zone", TIME, ways.later("timestamp"), ways.HOURS),
    _m("time without its hour", TIME, ways.on("timestamp", lambda v: v.dt.floor("D"))),
    _m("time missing", TIME, ways.to("timestamp", None)),
    _m("time stuck at one value", TIME, ways.to("timestamp", pd.Timestamp("2025-01-15", tz="UTC"))),
    _m("time in words", TIME, ways.on("timestamp", lambda v: "on " + v, text=True)),
    _m("time in the future", TIME, ways.on("timestamp", lambda v: v + pd.Timedelta(days=3650), scattered=True), ways.FEW),
    _m("time of the event before", TIME, ways.shifted("timestamp")),
    _m("resource missing", RESOURCE, ways.to("resource", None)),
    _m("resource stuck at one value", RESOURCE, ways.to("resource", "system")),
    _m("resource missing in one region", RESOURCE, ways.missing_where("resource", "region")),
    _m("case of the event before", CASE, ways.shifted("case_id")),
    _m("cases merged by a cut id", CASE, ways.on("case_id", lambda v: v.str[:6])),
    _m("case missing", CASE, ways.to("case_id", None)),
    _m("cases under new ids", CASE, ways.on("case_id", lambda v: "N" + v), ways.SOME),
    _m("region missing", REGION, ways.to("region", None)),
    _m("region missing, in words", REGION, ways.on("region", ways.null_words)),
    _m("region as HTML", REGION, ways.on("region", lambda v: v + "&amp;")),
    _m("region renamed", REGION, ways.on("region", lambda v: v + "_v2"), ways.SOME),
    _m("region in a wrong encoding", REGION, ways.on("region", lambda v: ways.mojibake(v + "a"))),
    _m("segment missing in one region", SEGMENT, ways.missing_where("customer_segment", "region")),
    _m("segment stuck at one value", SEGMENT, ways.to("customer_segment", "private")),
    _m("product group renamed", GROUP, ways.on("product_group", ways.html)),
    _m("product group with replacement characters", GROUP, ways.on("product_group", ways.replaced)),
    _m("supplier stuck at one value", SUPPLIER, ways.to("supplier_id", "S0000001")),
    _m("supplier missing", SUPPLIER, ways.to("supplier_id", None)),
    _m("customer and supplier exchanged", (*CUSTOMER, *SUPPLIER), ways.swapped("customer_id", "supplier_id")),
    _m("customer stuck at one value", CUSTOMER, ways.to("customer_id", "C0000001")),
    _m("promise in another zone", PROMISE, ways.later("promised_at", whole=False)),
    _m("promise missing", PROMISE, ways.to("promised_at", None)),
    _m("promise tells the end", PROMISE, ways.leaked("promised_at", lambda r: r.groupby("case_id")["timestamp"].transform("max"))),
    _m("items tell the end", ITEMS, ways.leaked("n_items", lambda r: (
        r.groupby("case_id")["timestamp"].transform("max") - r["timestamp"]).dt.total_seconds() // 3600)),
    _m("events doubled under new cases", CASE, ways.doubled(identity="case_id", letter="X")),
    _m("events lost in the middle", TIME, ways.lost(), (0.02, 0.2, 0.6)),
    _m("file cut at the end of a row", ("fewer",), ways.ended(), (0.02, 0.2, 0.6)),
    _m("activity renamed in the header", ACTIVITY, ways.without("activity")),
    ways.FileMutation("file cut off", TABLE, (TABLE,), ways.cut),
)  # fmt: skip
