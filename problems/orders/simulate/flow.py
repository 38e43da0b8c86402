"""Run all orders through the process, slot by slot, and record their events and the load."""

from dataclasses import dataclass, replace

import numpy as np

from problems.orders.simulate.calendar import SLOT_HOURS, WorkCalendar, arrivals, size_of_company
from problems.orders.simulate.parties import Orders, make_orders
from problems.orders.simulate.process import (
    CARRIER_LOG,
    LOAD_LEAST_ORDERS,
    LOAD_MOST,
    NUMBER,
    OPEN,
    Process,
    make_process,
    typical_hours,
)
from problems.orders.simulate.settings import Floats, Ints, SimulateSettings, stream

HANDS = 24  # a multiple of all numbers of people and carriers


@dataclass(frozen=True)
class Flow:
    """What happened until `hours`: events in order of order and time, and the load.

    `order`, `activity`, `at` (hours) and `hand` have shape (events,). `hand` says which of several
    people or carriers did it: the rest of its division by their number.
    `log_load` has shape (open activities, slots): the log of how many orders wait after an
    activity at the beginning of a slot, relative to the usual number.
    """

    orders: Orders
    process: Process
    order: Ints
    activity: Ints
    at: Floats
    hand: Ints
    log_load: Floats

    def until(self, hours: float) -> "Flow":
        """Return what had happened by then."""
        known = self.at < hours
        columns = {name: getattr(self, name)[known] for name in ("order", "activity", "at", "hand")}
        return replace(self, **columns)

    @property
    def placed(self) -> int:
        """The number of orders that there are; they are numbered as they come."""
        return int(self.order.max()) + 1 if len(self.order) else 0


def make_flow(settings: SimulateSettings, calendar: WorkCalendar, name: str, hours: float) -> Flow:
    """Run a world until `hours`. `name` is that of its random streams."""
    placed = arrivals(settings, calendar, name, hours)
    size = size_of_company(settings, calendar, placed)
    orders = make_orders(settings, name, placed, size, calendar.hours // 24 + 1)
    process = make_process(settings, calendar, orders)
    rng = stream(settings, f"{name} flow")
    slots = int(np.ceil(hours / SLOT_HOURS))
    size = size_of_company(settings, calendar, SLOT_HOURS * np.arange(slots, dtype=np.float64))
    mean_size = size[: int(np.ceil(calendar.end_hours / SLOT_HOURS))].mean()
    usual = settings.orders / calendar.end_hours * typical_hours(calendar)  # staff grows as well
    enters = np.searchsorted(placed, SLOT_HOURS * np.arange(slots + 1))
    state = _State(orders.count)
    log_load = np.zeros((OPEN, slots))
    record: list[tuple[Ints, Ints, Floats, Ints]] = []
    waiting = np.zeros(0, dtype=np.int64)
    for slot in range(slots):
        count = np.bincount(state.activity[waiting], minlength=OPEN)[:OPEN]
        log_load[:, slot] = relative_load(count, usual * (size[slot] / mean_size))
        new = np.arange(enters[slot], enters[slot + 1])
        state.next_at[new] = placed[new]
        waiting = np.concatenate([waiting, new])
        until = min(SLOT_HOURS * (slot + 1), hours)
        moving = waiting[state.next_at[waiting] < until]
        while len(moving):
            record.append(state.happen(moving, rng))
            moving = moving[state.activity[moving] < OPEN]
            state.plan(process, orders, moving, log_load[:, slot], rng)
            moving = moving[state.next_at[moving] < until]
        waiting = waiting[state.activity[waiting] < OPEN]
    order, activity, at, hand = (np.concatenate(column) for column in zip(*record, strict=True))
    by = np.lexsort((at, order))
    return Flow(orders, process, order[by], activity[by], at[by], hand[by], log_load)


def carrier_log(hand: Ints) -> Floats:
    """Return how slow the carrier is."""
    log: Floats = np.array(CARRIER_LOG).take(hand % len(CARRIER_LOG))
    return log


def relative_load(count: Ints, usual: Floats) -> Floats:
    """Return the log of how many orders wait, relative to the usual number."""
    log = np.log((count + LOAD_LEAST_ORDERS) / (usual + LOAD_LEAST_ORDERS))
    load: Floats = np.clip(log, -LOAD_MOST, LOAD_MOST)
    return load


class _State:
    """Where each order is: its last activity, and the next one with its time."""

    def __init__(self, count: int) -> None:
        self.activity = np.zeros(count, dtype=np.int64)
        self.next = np.full(count, NUMBER["placed"])
        self.next_at = np.full(count, np.inf)
        self.hand = np.zeros(count, dtype=np.int64)

    def happen(self, order: Ints, rng: np.random.Generator) -> tuple[Ints, Ints, Floats, Ints]:
        """Let the next event of each of these orders happen; return what to record."""
        activity = self.next[order]
        self.activity[order] = activity
        hand = rng.integers(0, HANDS, len(order))
        self.hand[order] = hand
        return order, activity, self.next_at[order], hand

    def plan(
        self,
        process: Process,
        orders: Orders,
        order: Ints,
        log_load: Floats,
        rng: np.random.Generator,
    ) -> None:
        """Draw the next event of each of these orders."""
        activity, at = self.activity[order], self.next_at[order]
        self.next[order], self.next_at[order] = process.advance(
            order,
            activity,
            at,
            luck=rng.random(len(order)),
            noise=rng.standard_normal(len(order)),
            log_load=log_load[activity],
            short=orders.short_at(order, at),
            carrier_log=carrier_log(self.hand[order]),
        )
