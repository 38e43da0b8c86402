"""What could be known at each snapshot: the median of the remaining hours, and P(stuck).

From the state after each event, `settings.futures` futures are drawn with the process's own
`advance`. The oracle knows the order with all its effects, its carrier, the load now, whether the
supplier is short now, the calendar, the season, and the planned change. It knows neither the noise,
nor which way an order takes next, nor later load and shortages: what is unusual of the load fades
within `FADE_HOURS` into the load of another draw of the same world, the twin, and a shortage ends
by its known rate. Its own sampling error adds about half a percent to its mean absolute error.
"""

import numpy as np
from scipy.special import ndtri

from problems.orders.simulate.calendar import SLOT_HOURS, WorkCalendar
from problems.orders.simulate.flow import HANDS, Flow, carrier_log, make_flow
from problems.orders.simulate.parties import short_later
from problems.orders.simulate.process import NUMBER, OPEN
from problems.orders.simulate.settings import Bools, Floats, Ints, SimulateSettings, stream

FADE_HOURS = 96.0  # assumed: what is unusual of the load now is gone after it
TWIN_DAYS = 60  # the twin goes on after the log's end, for the load that futures meet
CHUNK = 200_000  # futures drawn at once: arrays that stay in the processor's cache
ROWS = 509  # of the tables of random numbers that all snapshots share
MOST_STEPS = 60  # of a future; one with more counts as neither complete nor stuck
CLOSED = NUMBER["closed"]


def wait_limits(settings: SimulateSettings, flow: Flow) -> Floats:
    """Return the P95 of the waits after each activity, in hours; inf where there was none.

    Of the waits that end in the log, in the first `usual_share` of the orders.
    """
    first = int(np.ceil(settings.usual_share * flow.placed))
    same = (flow.order[1:] == flow.order[:-1]) & (flow.order[1:] < first)
    wait = np.diff(np.floor(flow.at * 3600.0) / 3600.0)[same]  # as the log has it
    after = flow.activity[:-1][same]
    return np.array(
        [np.quantile(wait[after == a], 0.95) if (after == a).any() else np.inf for a in range(OPEN)]
    )


def make_truth(
    settings: SimulateSettings, calendar: WorkCalendar, flow: Flow
) -> tuple[Ints, Floats, Floats]:
    """Return the numbers of the snapshots' events, the medians (hours) and P(stuck)."""
    if not settings.futures:
        return np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
    twin = make_flow(settings, calendar, "twin", calendar.end_hours + 24.0 * TWIN_DAYS)
    futures = _Futures(settings, flow, twin.log_load)
    event = np.flatnonzero(flow.activity < OPEN)
    median, stuck = np.zeros(len(event)), np.zeros(len(event))
    size = max(1, CHUNK // settings.futures)
    for begin in range(0, len(event), size):
        part = slice(begin, begin + size)
        median[part], stuck[part] = summarise(*futures.draw(event[part]))
    return event, median, stuck


class _Futures:
    """Draws futures: holds the random numbers that they share, and the load that they meet.

    The tables have a row for each step of each future, and in a row one number of each stratum, so
    that few futures already have the right shares and quantiles of the next step.
    """

    def __init__(self, settings: SimulateSettings, flow: Flow, twin_load: Floats) -> None:
        rng = stream(settings, "futures")
        self.flow, self.count = flow, settings.futures
        self.sla_hours = 24.0 * settings.sla_days
        self.limit = wait_limits(settings, flow)
        self.luck = _strata(rng, self.count)
        self.noise = ndtri(_strata(rng, self.count))
        self.hand = (HANDS * _strata(rng, self.count)).astype(np.int64)
        self.row = rng.integers(0, ROWS, flow.orders.count)
        self.later_load = twin_load
        self.odd_load = flow.log_load - twin_load[:, : flow.log_load.shape[1]]

    def draw(self, event: Ints) -> tuple[Floats, Bools]:
        """Return for the snapshot after each event the hours left, inf where a future does not
        complete, and whether it gets stuck; shape (events, futures).
        """
        flow, count = self.flow, self.count
        left = np.full((len(event), count), np.inf)
        stuck = np.zeros((len(event), count), dtype=np.bool_)
        row, number = np.divmod(np.arange(left.size), count)
        now, begun = flow.at[event], flow.orders.placed[flow.order[event]]
        activity, at = flow.activity[event][row], now[row]
        for step in range(MOST_STEPS):
            target, arrived = self._step(event[row], number, activity, at, step)
            ended = target >= OPEN
            over = arrived - at > self.limit.take(activity)
            over |= ended & (arrived - begun.take(row) > self.sla_hours)
            stuck[row[over], number[over]] = True
            done = target == CLOSED
            left[row[done], number[done]] = (arrived - now.take(row))[done]
            on = ~ended
            row, number, activity, at = row[on], number[on], target[on], arrived[on]
            if not len(row):
                break
        return left, stuck

    def _step(
        self, event: Ints, number: Ints, activity: Ints, at: Floats, step: int
    ) -> tuple[Ints, Floats]:
        """Take one step of each future: the next activity and its time."""
        flow = self.flow
        order, now = flow.order.take(event), flow.at.take(event)
        cell = (self.row.take(order) + step) % ROWS * self.count + number
        slow = carrier_log(self.hand.take(cell))
        if step == 0:
            known = activity == NUMBER["dispatched"]
            slow = np.where(known, carrier_log(flow.hand.take(event)), slow)
        days = (at / 24.0).astype(np.int64) - (now / 24.0).astype(np.int64)
        fade = np.maximum(1.0 - (at - now) / FADE_HOURS, 0.0)
        load = _load_at(self.later_load, activity, at)
        return flow.process.advance(
            order,
            activity,
            at,
            luck=self.luck.take(cell),
            noise=self.noise.take(cell),
            log_load=load + fade * _load_at(self.odd_load, activity, now),
            short=short_later(flow.orders.short_at(order, now), days),
            carrier_log=slow,
        )


def _load_at(load: Floats, activity: Ints, at: Floats) -> Floats:
    slots = load.shape[1]
    slot = np.minimum((at / SLOT_HOURS).astype(np.int64), slots - 1)
    found: Floats = load.ravel().take(activity * slots + slot)
    return found


def _strata(rng: np.random.Generator, count: int) -> Floats:
    """Return rows of `count` numbers in (0, 1), one in each stratum, in random order."""
    strata = rng.permuted(np.tile(np.arange(float(count)), (ROWS, 1)), axis=1)
    result: Floats = (strata + rng.random((ROWS, count))) / count
    return result


def summarise(left: Floats, stuck: Bools) -> tuple[Floats, Floats]:
    """Return the median of the futures that complete, and P(stuck) of those where it is known.

    `left` and `stuck` as from `draw`. A future that is withdrawn before it is stuck says nothing of
    either: such orders have no outcome.
    """
    completes = np.isfinite(left)
    known = (completes | stuck).sum(axis=1)
    probability = (stuck.sum(axis=1) + 0.25) / (known + 0.5)  # never quite 0 or 1
    completed = completes.sum(axis=1)
    left = np.sort(left, axis=1)
    rows = np.arange(len(left))
    low, high = np.maximum(completed - 1, 0) // 2, np.minimum(completed // 2, left.shape[1] - 1)
    return (left[rows, low] + left[rows, high]) / 2, probability
