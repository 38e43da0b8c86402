"""Olist's own CSV files (orders, items, customers, products, sellers) to an event log.

Events: purchased, approved, handed over, delivered. The estimated delivery is the promise. The
status of an order is its last one, so it only tells which orders were cancelled; those have no time
for it, and cannot be used. Olist's local times become those of `orders.ingest.time_zone`.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from retrace.raw import RawTable, read_raw
from retrace.raw.values import as_number, as_text

EVENTS = {
    "purchased": "order_purchase_timestamp",
    "approved": "order_approved_at",
    "handed over": "order_delivered_carrier_date",
    "delivered": "order_delivered_customer_date",
}
CANCELLED = ("canceled", "unavailable")
TABLES = {  # the columns that are read of each
    "orders": [
        "order_id",
        "customer_id",
        "order_status",
        *EVENTS.values(),
        "order_estimated_delivery_date",
    ],
    "order_items": [
        "order_id",
        "product_id",
        "seller_id",
        "shipping_limit_date",
        "price",
        "freight_value",
    ],
    "customers": [
        "customer_id",
        "customer_unique_id",
        "customer_zip_code_prefix",
        "customer_state",
    ],
    "products": [
        "product_id",
        "product_category_name",
        "product_weight_g",
        "product_length_cm",
        "product_height_cm",
        "product_width_cm",
    ],
    "sellers": ["seller_id", "seller_zip_code_prefix", "seller_state"],
}


def read_olist(source: Path) -> tuple[RawTable, list[pd.DataFrame]]:
    """Return the log's raw rows under our names (file and row are those of the orders), and what
    is rejected before that."""
    orders = read_olist_table(source, "orders")
    rows = orders.rows
    cancelled = as_text(rows["order_status"]).isin(CANCELLED)
    timed = np.logical_or.reduce([as_text(rows[name]).ne("") for name in EVENTS.values()])
    rejected = [orders.malformed]
    for mask, reason in (
        (cancelled, "cancelled, and no time says when"),
        (~cancelled & ~timed, "no event of the order has a time"),
    ):
        about = rows.loc[mask, ["file", "row"]]
        rejected.append(about.assign(case_id=as_text(rows.loc[mask, "order_id"]), reason=reason))
    about = _orders(source, rows[~cancelled & timed])
    parts = []
    for activity, column in EVENTS.items():
        filled = as_text(about[column]).ne("")
        part = about[filled].assign(activity=activity, timestamp=about.loc[filled, column])
        limit = (
            part["shipping_limit"] if activity == "approved" else ""
        )  # the seller's, from then on
        parts.append(part.assign(shipping_limit=limit).drop(columns=list(EVENTS.values())))
    log = pd.concat(parts, ignore_index=True).sort_values(["file", "row"], kind="stable")
    return RawTable(log.reset_index(drop=True), orders.malformed), rejected


def read_olist_table(source: Path, name: str) -> RawTable:
    """Read a table by its short name, or by the one that Olist publishes it under."""
    published = f"olist_{name}_dataset"
    there = {path.name.split(".")[0] for path in source.iterdir()} if source.is_dir() else set()
    return read_raw(source, TABLES[name], name=published if published in there else name)


def _orders(source: Path, rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row per order with what was known when it was placed."""
    items = _items(source)
    customers = read_olist_table(source, "customers").rows.drop_duplicates("customer_id")
    joined = rows.merge(customers.drop(columns=["file", "row"]), how="left", on="customer_id")
    joined = joined.merge(items, how="left", left_on="order_id", right_index=True)
    zip_code = as_text(joined["customer_zip_code_prefix"]).str.zfill(5)
    return pd.DataFrame(
        {
            "case_id": joined["order_id"],
            "promised_at": joined["order_estimated_delivery_date"],
            "customer_state": joined["customer_state"],
            "customer_area": "zip " + zip_code.str[:2],
            **{name: joined[name] for name in items.columns if name != "shipping_limit_date"},
            "lane": as_text(joined["seller_state"]) + " to " + as_text(joined["customer_state"]),
            "shipping_limit": joined["shipping_limit_date"],
            **{column: joined[column] for column in EVENTS.values()},
            "file": joined["file"],
            "row": joined["row"],
        }
    )


def _items(source: Path) -> pd.DataFrame:
    """Return one row per order: sums of its items, and product and seller of the dearest."""
    items = read_olist_table(source, "order_items").rows.drop(columns=["file", "row"])
    for name in ("products", "sellers"):
        key = TABLES[name][0]
        table = read_olist_table(source, name).rows.drop_duplicates(key)
        items = items.merge(table.drop(columns=["file", "row"]), how="left", on=key)
    size = [f"product_{side}_cm" for side in ("length", "height", "width")]
    items = items.assign(
        price=as_number(items["price"]),
        freight=as_number(items["freight_value"]),
        weight_g=as_number(items["product_weight_g"]),
        volume_l=np.prod([as_number(items[side]) for side in size], axis=0) / 1000,
        seller_area="zip " + as_text(items["seller_zip_code_prefix"]).str.zfill(5).str[:2],
        product_category=items["product_category_name"],
    )
    items = items.sort_values(["order_id", "price"], ascending=[True, False], kind="stable")
    by_order = items.groupby("order_id", sort=True)
    return by_order.agg(
        n_items=("price", "size"),
        n_sellers=("seller_id", "nunique"),
        price=("price", "sum"),
        freight=("freight", "sum"),
        weight_g=("weight_g", "sum"),
        volume_l=("volume_l", "sum"),
        product_category=("product_category", "first"),
        seller_id=("seller_id", "first"),
        seller_state=("seller_state", "first"),
        seller_area=("seller_area", "first"),
        shipping_limit_date=("shipping_limit_date", "max"),
    )
