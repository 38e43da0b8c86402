"""What could be known at each snapshot: the median of the remaining hours, and P(stuck).

From the state after each event, `settings.futures` futures are drawn with the process's own
`advance`. The oracle knows the order and all its effects, its carrier, the load now, whether the
supplier is short now, the calendar and the season, and the planned change. It knows neither the
noise, nor which way an order takes next, nor later load and shortages: load goes back to that of
another draw of the same world (`twin`) within `FADE_HOURS`, and a shortage ends by its known rate.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from problems.orders.simulate.clock import SLOT_HOURS
from problems.orders.simulate.flow import Flow
from problems.orders.simulate.parties import short_later
from problems.orders.simulate.process import ACTIVITIES, CARRIER_LOG, CREDIT, NUMBER, OPEN
from problems.orders.simulate.settings import Bools, Floats, Ints, Settings, stream

FADE_HOURS = 96.0  # assumed: what is unusual of the load now is gone after it
CHUNK = 200_000  # futures drawn at once: arrays that stay in the processor's cache
ROWS = 509  # of the tables of random numbers that all snapshots share; a prime
MOST_STEPS = 60  # of a future; an order with more is as good as lost
CLOSED = NUMBER["closed"]


def usual_limits(settings: Settings, flow: Flow) -> Floats:
    """Return the P95 of the waits after each activity, in hours; inf where there was none.

    Of the waits that end in the log, in the first `usual_share` of the orders.
    """
    first = int(np.ceil(settings.usual_share * flow.orders.count))
    same = (flow.order[1:] == flow.order[:-1]) & (flow.order[1:] < first)
    seconds = np.floor(flow.at * 3600.0)
    wait = (np.diff(seconds) / 3600.0)[same]
    after = flow.activity[:-1][same]
    return np.array(
        [np.quantile(wait[after == a], 0.95) if (after == a).any() else np.inf for a in range(OPEN)]
    )


def make_truth(settings: Settings, flow: Flow, twin_load: Floats) -> tuple[Ints, Floats, Floats]:
    """Return the numbers of the snapshots' events, the medians (hours) and P(stuck)."""
    event = np.flatnonzero(flow.activity < OPEN)
    median, stuck = np.zeros(len(event)), np.zeros(len(event))
    if settings.futures == 0:
        return event[:0], median[:0], stuck[:0]
    futures = _Futures(settings, flow, twin_load)
    size = max(1, CHUNK // settings.futures)
    for begin in range(0, len(event), size):
        part = slice(begin, begin + size)
        median[part], stuck[part] = futures.draw(event[part])
    return event, median, stuck


class _Futures:
    """The tables from which futures are drawn: what they share, and what a snapshot knows."""

    def __init__(self, settings: Settings, flow: Flow, twin_load: Floats) -> None:
        rng = stream(settings, "futures")
        self.flow, self.settings = flow, settings
        self.count = settings.futures
        self.limit = usual_limits(settings, flow)
        self.luck = _strata(rng, self.count)
        self.noise = ndtri(_strata(rng, self.count))
        self.carrier_log = np.array(CARRIER_LOG)[
            (len(CARRIER_LOG) * _strata(rng, self.count)).astype(np.int64)
        ]
        self.offset = rng.integers(0, ROWS, len(flow.at))
        self.twin_load = twin_load
        slots = flow.log_load.shape[1]
        self.odd_load = flow.log_load - twin_load[:, :slots]
        self.began = flow.orders.placed

    def draw(self, event: Ints) -> tuple[Floats, Floats]:
        """Return median and P(stuck) of the snapshots after these events."""
        flow, count = self.flow, self.count
        left = np.full((len(event), count), np.inf)
        stuck = np.zeros((len(event), count), dtype=np.bool_)
        row = np.repeat(np.arange(len(event)), count)
        draw = np.tile(np.arange(count), len(event))
        activity, at = flow.activity[event][row], flow.at[event][row]
        for step in range(MOST_STEPS):
            arrived, target = self._step(event, row, draw, activity, at, step)
            ended = target >= OPEN
            late = arrived - at > self.limit.take(activity)
            order = flow.order[event][row]
            late |= ended & (arrived - self.began.take(order) > 24 * self.settings.sla_days)
            stuck[row[late], draw[late]] = True
            done = target == CLOSED
            left[row[done], draw[done]] = (arrived - flow.at[event][row])[done]
            on = ~ended
            row, draw, activity, at = row[on], draw[on], target[on], arrived[on]
            if not len(row):
                break
        return summarise(left, stuck)

    def _step(
        self, event: Ints, row: Ints, draw: Ints, activity: Ints, at: Floats, step: int
    ) -> tuple[Floats, Ints]:
        flow = self.flow
        of = event[row]
        order, now = flow.order.take(of), flow.at.take(of)
        cell = (self.offset.take(of) + step) % ROWS * self.count + draw
        carrier_log = self.carrier_log.take(cell)
        if step == 0:
            own = flow.carrier.take(of)
            carrier_log = np.where(own >= 0, np.array(CARRIER_LOG).take(own), carrier_log)
        slots = self.odd_load.shape[1]
        slot_now = (now / SLOT_HOURS).astype(np.int64)
        slot = np.minimum((at / SLOT_HOURS).astype(np.int64), self.twin_load.shape[1] - 1)
        fade = np.maximum(1.0 - (at - now) / FADE_HOURS, 0.0)
        load = self.twin_load.ravel().take(activity * self.twin_load.shape[1] + slot)
        load = load + fade * self.odd_load.ravel().take(activity * slots + slot_now)
        days = (at / 24.0).astype(np.int64) - (now / 24.0).astype(np.int64)
        short = short_later(flow.orders.short_at(order, now), days)
        target, arrived = flow.process.advance(
            order, activity, at, self.luck.take(cell), self.noise.take(cell), load, short,
            carrier_log,
        )  # fmt: skip
        return arrived, target


def _strata(rng: np.random.Generator, count: int) -> Floats:
    """Return rows of `count` numbers in (0, 1), one in each stratum, in random order."""
    strata = rng.permuted(np.tile(np.arange(float(count)), (ROWS, 1)), axis=1)
    result: Floats = (strata + rng.random((ROWS, count))) / count
    return result


def summarise(left: Floats, stuck: Bools) -> tuple[Floats, Floats]:
    """Return the median of the futures that complete, and P(stuck) of those where it is known.

    `left` has inf for futures that end otherwise; both have shape (snapshots, futures). A future
    that is withdrawn before it is stuck says nothing of either.
    """
    completes = np.isfinite(left)
    known = (completes | stuck).sum(axis=1)
    probability = (stuck.sum(axis=1) + 0.25) / (known + 0.5)  # never quite 0 or 1
    completed = completes.sum(axis=1)
    left = np.sort(left, axis=1)
    rows = np.arange(len(left))
    low, high = np.maximum(completed - 1, 0) // 2, np.minimum(completed // 2, left.shape[1] - 1)
    median = (left[rows, low] + left[rows, high]) / 2
    return median, probability
