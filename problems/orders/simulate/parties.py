"""Who orders what from whom: customers, suppliers and the orders themselves. Numbers are assumed.

Customers and suppliers keep their habits for good. A supplier is now and then short of goods for
some days (a spell): then many of the orders on it meet `supplier_out_of_stock`.
"""

from dataclasses import dataclass

import numpy as np

from problems.orders.simulate.settings import Floats, Ints, SimulateSettings, stream

SEGMENTS = ("private", "small_business", "enterprise")
SEGMENT_SHARES = (0.70, 0.22, 0.08)
REGIONS = ("capital", "west", "south", "east", "middle", "inland", "coast", "north")
REGION_SHARES = (0.28, 0.17, 0.12, 0.11, 0.10, 0.09, 0.07, 0.06)
TRANSIT_LOG = (-0.75, -0.35, -0.10, 0.05, 0.20, 0.35, 0.60, 0.85)  # by region
PRODUCTS = ("books", "fashion", "toys", "electronics", "kitchen", "garden", "furniture", "medical")
PRODUCT_SHARES = (0.20, 0.18, 0.13, 0.15, 0.12, 0.09, 0.08, 0.05)
PICK_LOG = (-0.4, -0.2, -0.2, 0.0, 0.1, 0.3, 0.6, 0.4)  # by product group
SHORT_SHARE = (0.02, 0.05, 0.03, 0.05, 0.03, 0.05, 0.07, 0.06)  # out of stock, by product group
VALUE_LOG = (3.0, 3.6, 3.3, 4.9, 3.8, 4.0, 5.3, 4.4)  # an item's price, by product group
ORDERS_A_CUSTOMER = 6.0
ORDERS_A_SUPPLIER = 330.0
SPELL_DAYS, CALM_DAYS = 9.0, 55.0  # mean length of a supplier's shortage, and of the time between


@dataclass(frozen=True)
class Orders:
    """One entry an order, in the order of `placed` (hours); the effects are natural logs.

    `supplier` indexes the rows of `short`, 1 on the days (columns) on which he is short of goods.
    """

    placed: Floats
    customer: Ints
    segment: Ints
    region: Ints
    product: Ints
    supplier: Ints
    items: Ints
    value: Floats
    customer_log: Floats  # how slowly this customer answers, relative to the usual
    away_log: Floats  # how often he is not at home
    supplier_log: Floats  # how slowly this supplier delivers
    short: Floats

    @property
    def count(self) -> int:
        return len(self.placed)

    def short_at(self, order: Ints, at: Floats) -> Floats:
        """Return whether (1 or 0) the suppliers of these orders are short at these hours."""
        days = self.short.shape[1]
        day = (at / 24.0).astype(np.int64)
        cell = self.supplier.take(order) * days + np.minimum(day, days - 1)
        short: Floats = self.short.ravel().take(cell)
        return short


def make_orders(
    settings: SimulateSettings, name: str, placed: Floats, size: Floats, days: int
) -> Orders:
    """Draw the orders that are placed at `placed` hours, when that share `size` of all customers is
    there. `name` is that of the random stream."""
    rng = stream(settings, f"{name} orders")
    count = len(placed)
    customers = max(5, round(count / ORDERS_A_CUSTOMER))
    suppliers = max(8, round(count / ORDERS_A_SUPPLIER))
    often = np.cumsum(rng.gamma(0.8, 1.0, customers))
    often = often / often[-1]
    there = often[np.maximum(np.round(customers * size).astype(np.int64), 1) - 1]
    customer = np.searchsorted(often, rng.random(count) * there, side="right")
    segment = _choose(rng, SEGMENT_SHARES, customers)[customer]
    region = _choose(rng, REGION_SHARES, customers)[customer]
    answers = settings.customer_log_sd * rng.normal(0, 1, customers)
    away = settings.customer_log_sd * rng.normal(0, 2, customers)
    range_of = np.arange(suppliers) % len(PRODUCTS)  # a supplier has one product group
    product = _choose(rng, PRODUCT_SHARES, count)
    rank = (suppliers - product + len(PRODUCTS) - 1) // len(PRODUCTS)  # suppliers of that group
    supplier = product + len(PRODUCTS) * (rank * rng.random(count) ** 1.5).astype(np.int64)
    slow = settings.supplier_log_sd * rng.normal(0, 1, len(range_of))
    items = np.minimum(rng.geometric(0.45, count) + (segment == 2) * rng.poisson(3.0, count), 40)
    value = np.exp(np.array(VALUE_LOG)[product] + rng.normal(0, 0.6, count)) * items
    return Orders(
        placed=placed,
        customer=customer,
        segment=segment,
        region=region,
        product=product,
        supplier=supplier,
        items=items,
        value=np.round(value, 2),
        customer_log=answers[customer],
        away_log=away[customer],
        supplier_log=slow[supplier],
        short=_spells(rng, suppliers, days),
    )


def _choose(rng: np.random.Generator, shares: tuple[float, ...], count: int) -> Ints:
    edges = np.cumsum(shares)
    return np.searchsorted(edges / edges[-1], rng.random(count), side="right")


def _spells(rng: np.random.Generator, suppliers: int, days: int) -> Floats:
    """Return 1 where a supplier is short: a chain of two states, from its long-run shares."""
    begins, ends = 1 / CALM_DAYS, 1 / SPELL_DAYS
    state = rng.random(suppliers) < begins / (begins + ends)
    short = np.zeros((suppliers, days))
    for day in range(days):
        short[:, day] = state
        state = rng.random(suppliers) < np.where(state, 1 - ends, begins)
    return short


def short_later(short_now: Floats, days: Ints) -> Floats:
    """Return the probability that a supplier is short `days` after a day with state `short_now`."""
    begins, ends = 1 / CALM_DAYS, 1 / SPELL_DAYS
    usual = begins / (begins + ends)
    stays = np.power(1 - begins - ends, np.arange(366.0))
    later: Floats = usual + (short_now - usual) * stays.take(np.minimum(days, 365))
    return later
