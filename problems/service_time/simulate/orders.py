"""Who orders on which day, and how much."""

from dataclasses import dataclass

import numpy as np

from problems.service_time.simulate.days import Days
from problems.service_time.simulate.places import Customers, make_customers, region_openings
from problems.service_time.simulate.settings import Floats, Ints, SimulateSettings, stream

ORDERS_A_CUSTOMER = 25.0  # a first guess, corrected by what comes of it
ORDERS_A_REGION_DAY = 14.0  # assumed: with fewer, a region has deliveries on fewer days
SECOND_ORDER_SHARE = 0.012  # stops that are a second order to the same customer; assumed
KG_AN_ITEM = 0.85  # assumed
KG_A_BOX = 8.0  # assumed
ITEMS_MAX, KG_MAX = 150, 140.0  # the shop takes no larger orders; assumed


@dataclass(frozen=True)
class GroceryOrders:
    """One entry an order; shape (orders,). `second` is 1 for another order of the same delivery."""

    customer: Ints
    day: Ints
    second: Ints
    items: Ints
    weight_kg: Floats
    boxes: Ints


def make_orders(settings: SimulateSettings, days: Days) -> tuple[Customers, GroceryOrders]:
    """Draw customers and exactly `settings.stops` orders of theirs.

    How many customers that takes is found by trying: each attempt corrects the number by what the
    one before gave.
    """
    second = round(SECOND_ORDER_SHARE * settings.stops)
    wanted = settings.stops - second
    count = max(3, round(wanted / ORDERS_A_CUSTOMER))
    for attempt in range(40):
        customers = make_customers(settings, days, count, attempt)
        customer, day = _order_days(settings, days, customers, attempt)
        if wanted <= len(customer) <= 1.15 * wanted + 50:
            break
        count = max(
            count + 1 if len(customer) < wanted else 1,
            round(count * 1.03 * (wanted + 1) / max(len(customer), 1)),
        )
        count = min(count, settings.stops * 4 + 50)
    rng = stream(settings, "orders")
    kept = np.sort(rng.choice(len(customer), min(wanted, len(customer)), replace=False))
    again = np.sort(rng.choice(len(kept), settings.stops - len(kept), replace=False))
    customer = np.concatenate([customer[kept], customer[kept][again]])
    day = np.concatenate([day[kept], day[kept][again]])
    number = np.repeat([0, 1], [len(kept), len(again)])
    items, weight, boxes = _sizes(rng, days, customers, customer, day, number)
    return customers, GroceryOrders(customer, day, number, items, weight, boxes)


def _clock(settings: SimulateSettings, days: Days) -> Floats:
    """Return by region and day how far the clock of demand has run at the day's end, in days."""
    opening = region_openings(settings, days)
    regions = max(1, int((opening == 0).sum()))
    open_days = np.cumsum(days.open) - 1
    stride = max(1, round(ORDERS_A_REGION_DAY * regions * int(days.open.sum()) / settings.stops))
    stride = min(stride, int(days.open.sum()))
    clock = np.zeros((len(opening), days.count))
    for region, first in enumerate(opening):
        if first >= days.count:
            continue
        turn = days.open & (open_days % stride == (stride // 2 + region) % stride)
        speed = np.where(turn & (np.arange(days.count) >= first), days.demand, 0.0)
        total = speed.sum()
        clock[region] = np.cumsum(speed) * ((days.count - first) / total if total else 0.0)
    return clock


def _order_days(
    settings: SimulateSettings, days: Days, customers: Customers, attempt: int
) -> tuple[Ints, Ints]:
    """Return customer and day of every delivery, in order of both; one a customer and day.

    Each customer orders at gamma-distributed intervals of a clock that runs fast on days of high
    demand and stands still on days without deliveries.
    """
    rng = stream(settings, "order_days", attempt)
    clock = _clock(settings, days)
    # An account is opened before the route of its first order is planned.
    begin = np.clip(np.floor(customers.opens) + 2, 0, days.count).astype(np.int64)
    end = np.clip(np.ceil(customers.leaves), 1, days.count).astype(np.int64) - 1
    start = np.where(begin > 0, clock[customers.region, begin - 1], 0.0)
    stop = clock[customers.region, end]
    most = int(np.ceil(1.6 * float(np.max((stop - start) / customers.interval)))) + 8
    steps = rng.gamma(4.0, 0.25, (customers.count, most)) * customers.interval[:, None]  # assumed
    steps[:, 0] *= rng.random(customers.count)  # the first is somewhere within an interval
    times = start[:, None] + np.cumsum(steps, axis=1)
    who, which = np.nonzero(times < stop[:, None])
    at = times[who, which]
    day = np.zeros(len(who), dtype=np.int64)
    for region in range(len(clock)):
        mine = customers.region[who] == region
        day[mine] = np.searchsorted(clock[region], at[mine], side="right")
    keys = np.unique(who * days.count + np.minimum(day, days.count - 1))
    return keys // days.count, keys % days.count


def _sizes(
    rng: np.random.Generator,
    days: Days,
    customers: Customers,
    customer: Ints,
    day: Ints,
    second: Ints,
) -> tuple[Ints, Floats, Ints]:
    """Draw items, weight in kg and boxes; a forgotten order is smaller."""
    n = len(customer)
    log_size = customers.size_log[customer] + rng.normal(0, 0.36, n)  # assumed
    mean_items = 31.0 * np.exp(log_size) * days.size[day] * np.where(second, 0.35, 1.0)  # assumed
    items = np.clip(np.round(mean_items), 1, ITEMS_MAX).astype(np.int64)
    weight = np.clip(KG_AN_ITEM * items * np.exp(rng.normal(0, 0.22, n)), 0.3, KG_MAX)  # assumed
    boxes = np.ceil(np.maximum(weight / KG_A_BOX, items / 12.0)).astype(np.int64)
    return items, np.round(weight, 1), np.maximum(boxes, 1)
