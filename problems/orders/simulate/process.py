"""The steps of an order: what may follow what, how often, and how long it takes.

From each event an order takes one edge. Its wait is

    hours of the edge x effects x exp(spread x noise), in the hours of the edge's calendar

where the effects are the order's own (segment, region, products, customer, supplier), the load (how
many orders wait after the same event), the season, the carrier, and the process change. The world
and the oracle's futures use the same `Process.advance`. All numbers are assumed; the sum of the
waits is calibrated to the delivery times that Olist has published.
"""

from dataclasses import dataclass

import numpy as np

from problems.orders.simulate.calendar import CALENDARS, WorkCalendar
from problems.orders.simulate.parties import PICK_LOG, SHORT_SHARE, TRANSIT_LOG, Orders
from problems.orders.simulate.settings import Floats, Ints, SimulateSettings, Singles

ACTIVITIES = (
    "placed",
    "validated",
    "credit_check",
    "customer_asked",
    "customer_answered",
    "picked",
    "supplier_out_of_stock",
    "restocked",
    "dispatched",
    "delivery_failed",
    "delivered",
    "closed",
    "cancelled",
)
NUMBER = {name: number for number, name in enumerate(ACTIVITIES)}
OPEN = NUMBER["closed"]  # activities below this one leave the order open
CARRIER_LOG = (-0.12, 0.0, 0.18)  # how slow each carrier is
CREDIT_LOG = (-0.5, 0.0, 0.7)  # how long a credit check takes, by segment
MOVED_REGIONS = (5, 6, 7)  # whose orders another warehouse picks after the change
CHANGED_SEGMENT = 1  # whose credit checks are slower after it
SHORT_IN_SPELL = 0.45  # share of orders that a supplier who is short cannot serve
LOAD_MOST = 1.5  # logs: a queue is at most so much longer than usual
LOAD_LEAST_ORDERS = 10.0  # added to both counts: a few orders more are no queue
SEASON_TRANSIT_LOG = 0.35  # carriers at the top of the season


@dataclass(frozen=True)
class Edge:
    """One way from an event to the next: usual `hours` of the calendar, `spread` of the noise in
    units of `noise_log_sd`, `share` of orders that take it (the first edge: those that are left),
    and `load` in units of `load_power`.
    """

    source: str
    target: str
    hours: float
    calendar: str
    spread: float = 1.0
    share: float = 0.0
    load: float = 0.0


EDGES = (
    Edge("placed", "validated", 0.4, "always", 3.0),
    Edge("placed", "customer_asked", 3.0, "office", 1.5, 0.08, load=1.0),
    Edge("validated", "credit_check", 3.0, "office", 1.5, load=1.0),
    Edge("credit_check", "picked", 14.0, "warehouse", 1.2, load=1.0),
    Edge("credit_check", "supplier_out_of_stock", 9.0, "warehouse", 1.2, 1.0, load=1.0),
    Edge("credit_check", "customer_asked", 3.0, "office", 1.5, 0.05, load=1.0),
    Edge("credit_check", "cancelled", 4.0, "office", 1.5, 0.008, load=1.0),
    Edge("customer_asked", "customer_answered", 14.0, "customer", 2.2),
    Edge("customer_asked", "customer_asked", 72.0, "always", 0.4, 0.15),
    Edge("customer_asked", "cancelled", 96.0, "always", 0.8, 0.04),
    Edge("customer_answered", "validated", 2.5, "office", 1.5, load=1.0),
    Edge("picked", "dispatched", 8.0, "warehouse", 1.2, load=1.0),
    Edge("picked", "picked", 10.0, "warehouse", 1.2, 0.03, load=1.0),
    Edge("supplier_out_of_stock", "restocked", 36.0, "office", 1.3),
    Edge("supplier_out_of_stock", "cancelled", 30.0, "office", 1.5, 0.06),
    Edge("restocked", "picked", 9.0, "warehouse", 1.2, load=1.0),
    Edge("dispatched", "delivered", 140.0, "carrier", 1.0, load=0.3),
    Edge("dispatched", "delivery_failed", 140.0, "carrier", 1.0, 0.07, load=0.3),
    Edge("delivery_failed", "dispatched", 14.0, "warehouse", 1.5),
    Edge("delivery_failed", "cancelled", 60.0, "always", 1.0, 0.03),
    Edge("delivered", "closed", 3.0, "office", 1.5, load=0.5),
)
SOURCE = np.array([NUMBER[edge.source] for edge in EDGES])
TARGET = np.array([NUMBER[edge.target] for edge in EDGES])
FIRST = np.searchsorted(SOURCE, np.arange(OPEN))  # the first edge of each open activity
TRANSIT = np.array([float(edge.source == "dispatched") for edge in EDGES])
CREDIT = NUMBER["credit_check"]
VISITS = np.array([1.0, 1.15, 1.15, 0.17, 0.14, 1.03, 0.1, 0.1, 1.08, 0.08, 1.0])  # an order's
OTHERS = 3  # an activity has at most so many edges besides the first


@dataclass(frozen=True)
class Process:
    """The process with the effects of each order worked out.

    `scale` is the wait without noise, load, season and carrier in hours of work, shape (2, orders,
    edges): before and after the change. `shares` are the shares of the edges besides the first,
    shape (orders, activities, 3); `short` what a shortage adds to the first of them after
    `credit_check`, shape (orders,).
    """

    calendar: WorkCalendar
    scale: Singles
    shares: Singles
    short: Singles
    spread: Floats
    load: Floats
    edge_calendar: Ints
    season: Floats
    change_hours: float

    def advance(
        self,
        order: Ints,
        activity: Ints,
        at: Floats,
        luck: Floats,
        noise: Floats,
        log_load: Floats,
        short: Floats,
        carrier_log: Floats,
    ) -> tuple[Ints, Floats]:
        """Return the next activity of each order, and its time in hours.

        All have the same shape. `luck` (uniform) chooses the edge, `noise` (normal) the wait;
        `log_load` is that of the activity, `short` the probability that the supplier is short.
        """
        row = (order * OPEN + activity) * OTHERS
        shares = self.shares.ravel()
        one = shares.take(row) + np.where(activity == CREDIT, short * self.short.take(order), 0.0)
        two = one + shares.take(row + 1)
        three = two + shares.take(row + 2)
        other = (luck < three) * (3 - (luck < one).astype(np.int64) - (luck < two))
        edge = FIRST.take(activity) + other
        era = at >= self.change_hours
        orders, edges = self.scale.shape[1:]
        work = self.scale.ravel().take((era * orders + order) * edges + edge)
        hour = np.minimum(at.astype(np.int64), self.calendar.hours - 1)
        log = TRANSIT.take(edge) * (carrier_log + self.season.take(hour))
        log += self.spread.take(edge) * noise + self.load.take(edge) * log_load
        arrived = self.calendar.finish(self.edge_calendar.take(edge), at, work * np.exp(log))
        return TARGET.take(edge), arrived


def make_process(settings: SimulateSettings, calendar: WorkCalendar, orders: Orders) -> Process:
    """Work out every order's own waits and shares."""
    log = np.zeros((orders.count, len(EDGES)), dtype=np.float32)
    log += np.log([edge.hours for edge in EDGES])
    shares = np.zeros((orders.count, OPEN, OTHERS), dtype=np.float32)
    for number, edge in enumerate(EDGES):
        log[:, number] += _effect(edge, orders)
        other = number - FIRST[NUMBER[edge.source]] - 1
        if other >= 0:
            share = settings.rework * edge.share * _tendency(edge, orders)
            shares[:, NUMBER[edge.source], other] = np.minimum(share, 0.45)
    after = log.copy()
    moved, slower = np.isin(orders.region, MOVED_REGIONS), orders.segment == CHANGED_SEGMENT
    for changed, target in ((moved, NUMBER["picked"]), (slower, CREDIT)):
        after += np.log(settings.change_factor) * np.outer(changed, target == TARGET)
    usual = shares[:, CREDIT, 0]
    return Process(
        calendar=calendar,
        scale=np.exp(np.stack([log, after])),
        shares=shares,
        short=np.float32(min(settings.rework, 1.0) * SHORT_IN_SPELL) - usual,
        spread=settings.noise_log_sd * np.array([edge.spread for edge in EDGES]),
        load=settings.load_power * np.array([edge.load for edge in EDGES]),
        edge_calendar=np.array([CALENDARS.index(edge.calendar) for edge in EDGES]),
        season=_season(settings, calendar),
        change_hours=calendar.month_begins(settings.change_month),
    )


def _season(settings: SimulateSettings, calendar: WorkCalendar) -> Floats:
    """Return the log by which transit takes longer, by hour: in the season, and in a slow month."""
    season = SEASON_TRANSIT_LOG * min(settings.season_peak, 1.0) * calendar.peak
    if settings.slow_carrier_month is not None:
        month = settings.slow_carrier_month
        begins, ends = (int(calendar.month_begins(one)) for one in (month, month + 1))
        season[begins:ends] += np.log(settings.slow_carrier_factor)
    return season


def _effect(edge: Edge, orders: Orders) -> Floats:
    """Return the log of an order's own effect on the wait of an edge."""
    if edge.source == "dispatched":
        return np.array(TRANSIT_LOG)[orders.region] + 0.2 * orders.away_log
    if edge.target == "picked":
        size = 0.25 * np.log(orders.items)
        return np.array(PICK_LOG)[orders.product] + size + 0.5 * orders.supplier_log
    if edge.target == "credit_check":
        return np.array(CREDIT_LOG)[orders.segment] + 0.15 * np.log(orders.value / 60.0)
    if edge.target == "customer_answered":
        return 2.0 * orders.customer_log
    if edge.target == "restocked":
        return orders.supplier_log
    return np.zeros(orders.count)


def _tendency(edge: Edge, orders: Orders) -> Floats:
    """Return by how much an order takes an edge more often than the usual one."""
    if edge.target == "supplier_out_of_stock":
        return np.array(SHORT_SHARE)[orders.product] * np.exp(0.5 * orders.supplier_log)
    if edge.target == "delivery_failed":
        return np.exp(orders.away_log)
    if edge.target == "customer_asked":
        return np.exp(orders.customer_log) * np.where(orders.items > 3, 1.5, 1.0)
    return np.ones(orders.count)


def typical_hours(calendar: WorkCalendar) -> Floats:
    """Return how long an order usually stays after each open activity, in hours in all."""
    staffed = calendar.work[:, 24 * 28] / (24 * 28)  # share of all hours, over four weeks
    usual = [EDGES[edge].hours / staffed[CALENDARS.index(EDGES[edge].calendar)] for edge in FIRST]
    hours: Floats = 1.25 * np.array(usual) * VISITS  # the mean wait is above the median
    return hours
