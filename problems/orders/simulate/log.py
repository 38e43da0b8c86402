"""The event log as a company's systems would have written it."""

import numpy as np
import pandas as pd

from problems.orders.simulate.calendar import WorkCalendar
from problems.orders.simulate.flow import Flow
from problems.orders.simulate.parties import PRODUCTS, REGIONS, SEGMENTS, TRANSIT_LOG, Orders
from problems.orders.simulate.process import ACTIVITIES, CARRIER_LOG, MOVED_REGIONS, NUMBER
from problems.orders.simulate.settings import Ints, SimulateSettings

PROMISE_DAYS = 9.2  # what the company adds to its carriers' usual days; assumed
PROMISE_HOUR = 18  # local
CLERKS, ANALYSTS = 12, 8  # assumed; none is faster than another
SECOND_WAREHOUSE_REGION = 4  # and, until the change, those that move


def events_table(settings: SimulateSettings, calendar: WorkCalendar, flow: Flow) -> pd.DataFrame:
    """Return the log, sorted by time and case."""
    at = calendar.timestamps(flow.at)
    by = np.lexsort((flow.order, at.asi8))
    order = flow.order[by]
    orders = flow.orders
    columns = {
        "case_id": ids("O", np.arange(orders.count)),
        "customer_id": ids("C", orders.customer),
        "customer_segment": _names(SEGMENTS, orders.segment),
        "region": _names(REGIONS, orders.region),
        "product_group": _names(PRODUCTS, orders.product),
        "supplier_id": ids("S", orders.supplier),
        "n_items": pd.Series(orders.items),
        "order_value": pd.Series(orders.value),
        "promised_at": pd.Series(promises(settings, calendar, orders)),
    }
    repeated = {name: column.take(order).array for name, column in columns.items()}
    resource = _resources(flow)[by]
    events = {
        "case_id": repeated.pop("case_id"),
        "activity": _names(ACTIVITIES, flow.activity[by]).array,
        "timestamp": at[by],
        "resource": _names(RESOURCES, resource).array,
    }
    return pd.DataFrame({**events, **repeated})


def ids(letter: str, numbers: Ints) -> "pd.Series[str]":
    return letter + pd.Series(numbers).astype("str").str.zfill(7)


def _names(names: tuple[str | None, ...], numbers: Ints) -> "pd.Series[str]":
    return pd.Series(names, dtype="str").take(numbers)


def promises(
    settings: SimulateSettings, calendar: WorkCalendar, orders: Orders
) -> pd.DatetimeIndex:
    """Return what customers are told: a fixed number of days by region, never mind the rest."""
    transit = 7.0 * np.exp(np.array(TRANSIT_LOG)[orders.region])
    days = settings.promise_factor * (PROMISE_DAYS + 2.0 * transit)
    told = calendar.timestamps(orders.placed + 24.0 * np.round(days)).tz_convert(settings.time_zone)
    evening = told.normalize() + pd.Timedelta(hours=PROMISE_HOUR)
    return evening.tz_convert("UTC").as_unit("us")


RESOURCES: tuple[str | None, ...] = (
    None,
    "system",
    "warehouse_1",
    "warehouse_2",
    *(f"carrier_{number + 1}" for number in range(len(CARRIER_LOG))),
    *(f"clerk_{number + 1:02d}" for number in range(CLERKS)),
    *(f"analyst_{number + 1}" for number in range(ANALYSTS)),
)


def _resources(flow: Flow) -> Ints:
    """Return who did each event, as numbers of `RESOURCES`."""
    activity, hand = flow.activity, flow.hand
    region = flow.orders.region[flow.order]
    moves = np.isin(region, MOVED_REGIONS)
    second = moves & (flow.at < flow.process.change_hours) | (region == SECOND_WAREHOUSE_REGION)
    doers = {
        "validated": RESOURCES.index("system"),
        "closed": RESOURCES.index("system"),
        "credit_check": RESOURCES.index("analyst_1") + hand % ANALYSTS,
        "customer_asked": RESOURCES.index("clerk_01") + hand % CLERKS,
        "supplier_out_of_stock": RESOURCES.index("clerk_01") + hand % CLERKS,
        "restocked": RESOURCES.index("warehouse_1") + second,
        "picked": RESOURCES.index("warehouse_1") + second,
        "dispatched": RESOURCES.index("carrier_1") + hand % len(CARRIER_LOG),
    }
    who = np.zeros(len(activity), dtype=np.int64)
    for name, doer in doers.items():
        who = np.where(activity == NUMBER[name], doer, who)
    return who
