"""Waits, outcomes and errors of a simulated log of orders."""

import numpy as np
import pandas as pd

from problems.contract import Simulated
from problems.orders.simulate import SimulateSettings

SETTINGS = SimulateSettings(orders=16_000, futures=50)
ENDS = ("closed", "cancelled")


def hours(span: pd.Series) -> pd.Series:
    return span.dt.total_seconds() / 3600


def waits(log: pd.DataFrame) -> pd.DataFrame:
    """The log by case and time, with the hours until the next event of the case, and its name."""
    rows = log.sort_values(["case_id", "timestamp"], kind="stable", ignore_index=True)
    later = rows.groupby("case_id")[["timestamp", "activity"]].shift(-1)
    local = rows["timestamp"].dt.tz_convert(SETTINGS.time_zone)
    return rows.assign(
        wait=hours(later["timestamp"] - rows["timestamp"]), next=later["activity"], local=local
    )


def per_order(events: pd.DataFrame) -> pd.DataFrame:
    """One row an order, by its id: start, end, last activity, and `settled`: started so early that
    hardly any is still open for the log's end alone.
    """
    by = events.groupby("case_id")
    table = by.first().drop(columns=["activity", "wait", "next", "resource"])
    table = table.rename(columns={"timestamp": "start"})
    table["end"], table["last"] = by["timestamp"].last(), by["activity"].last()
    table["settled"] = table["start"] < table["start"].max() - pd.Timedelta("75D")
    return table


def outcomes(
    settings: SimulateSettings, simulated: Simulated, events: pd.DataFrame, orders: pd.DataFrame
) -> pd.DataFrame:
    """The truth of settled orders beside what came: `remaining` (NaN if never) and `stuck`.

    Stuck by its definition, order by order: some wait from the snapshot on longer than the usual
    P95 after its activity, or completion later than `sla_days` after the start; NaN where the order
    was withdrawn or is open, and no limit was passed.
    """
    usual = orders.index[: int(np.ceil(settings.usual_share * len(orders)))]
    limit = events[events["case_id"].isin(usual)].groupby("activity")["wait"].quantile(0.95)
    rows = events.join(orders[["start", "end", "last", "settled"]], on="case_id")
    rows = rows[rows["settled"] & ~rows["activity"].isin(ENDS)].iloc[::-1]
    over = rows["wait"] > rows["activity"].map(limit)
    over = over.groupby(rows["case_id"]).cummax()
    over |= hours(rows["end"] - rows["start"]) > 24 * settings.sla_days
    closed = rows["last"] == "closed"
    rows["remaining"] = hours(rows["end"] - rows["timestamp"]).where(closed)
    rows["stuck"] = over.astype(float).where(closed | over)
    return rows.iloc[::-1].merge(
        simulated.truth.rename(columns={"order_id": "case_id", "snapshot_at": "timestamp"}),
        on=["case_id", "timestamp"],
        validate="1:1",
    )


def mae(actual: pd.Series, predicted: pd.Series | float) -> float:
    return float((actual - predicted).abs().mean())


def firsts(rows: pd.DataFrame) -> pd.DataFrame:
    """One snapshot an order and activity: nearly independent rows within an activity."""
    return rows.drop_duplicates(["case_id", "activity"])


def between(events: pd.DataFrame, who: str, after: str) -> float:
    """Correlation of two waits of one party, without what a region or product has in common."""
    rows = events[(events["activity"] == after) & events["wait"].notna()]
    log = np.log(rows["wait"])
    common = (
        [rows["region"], rows["product_group"]] if after != "customer_asked" else [rows["next"]]
    )
    for by in common:
        log = log - log.groupby(by).transform("mean")
    size = log.groupby(rows[who]).transform("size")
    others = (log.groupby(rows[who]).transform("sum") - log) / (size - 1)
    return float((log * others)[size > 1].mean() / log.var())
