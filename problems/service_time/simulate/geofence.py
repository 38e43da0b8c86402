"""Geofence events: when each van is within a customer's fence, and what phones make of it.

A fence is armed for every customer of the region with a delivery on that day or the region's next
one, on whatever route (assumed). So a van raises events for the door it serves, for neighbours
whose fences reach the parking place, and for doors it passes. Then come the faults: flaps, lost,
duplicated and late events, and wrong clocks. Shares of faults are assumed, and all of them are
multiplied by `settings.event_faults`.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from problems.service_time.simulate.days import timestamps
from problems.service_time.simulate.places import Customers
from problems.service_time.simulate.settings import Bools, Floats, Ints, SimulateSettings, stream
from problems.service_time.simulate.visits import DOOR_METRES_MOST, PULL_METRES, Visits

FENCE_METRES = 50.0  # assumed: what phones can tell apart in a town
LATENCY_SECONDS = 1.2  # mean, until the phone notices; assumed
FLAP_SHARE = np.array([0.08, 0.10, 0.20, 0.16])  # of stays, by dwelling: high walls reflect
FLAP_AGAIN = 0.3  # of stays with a flap have one more, of those again (three at most)
FLAP_SECONDS, FLAP_LOG_SD = 12.0, 0.7  # median length
LOST_ENTER, LOST_EXIT = 0.003, 0.012  # an exit is lost when the driver closes the app
DUPLICATED, DUPLICATED_SECONDS = 0.015, 20.0  # sent again after so long
LATE, LATE_SECONDS = 0.025, 600.0  # no coverage for so long: out of order in the file
ACCURACY_METRES, ACCURACY_FLAP_METRES = 9.0, 38.0  # median of what the phone says of its fix
CLOCK_SD = 2.0  # seconds; of most devices
CLOCK_WRONG, CLOCK_WRONG_SD = 0.15, 30.0  # devices that have not met a time server for long
CLOCK_DRIFTS, CLOCK_DRIFT_SD = 0.10, 3.0  # devices that drift, in seconds an hour


@dataclass(frozen=True)
class Presence:
    """One entry each time that a van is within a fence, in order of route, customer and time.

    `visit` is the first visit or passed door that it belongs to; `kind` is 0 for the customer
    served, 1 for a neighbour of a stay, 2 for a door that is passed.
    """

    route: Ints
    customer: Ints
    visit: Ints
    kind: Ints
    start: Floats
    end: Floats


def make_presence(customers: Customers, visits: Visits) -> Presence:
    """Return all times within the fences of the customers that are armed."""
    stays = _within(
        customers, visits, np.arange(visits.count), visits.customer, visits.x, visits.y,
        visits.start, visits.end, PULL_METRES,
    )  # fmt: skip
    by = np.flatnonzero(visits.passes >= 0)
    x, y = visits.via_x[by], visits.via_y[by]
    out = np.hypot(x - visits.x[by], y - visits.y[by]) - PULL_METRES
    at = visits.end[by] + out / visits.speed[by]
    passed = _within(
        customers, visits, by, visits.customer[visits.passes[by]], x, y,
        at, at + visits.hold[by], 0.0,
    )  # fmt: skip
    kind = np.where(stays.kind == 0, 0, 1)
    both = Presence(
        route=np.concatenate([stays.route, passed.route]),
        customer=np.concatenate([stays.customer, passed.customer]),
        visit=np.concatenate([stays.visit, passed.visit]),
        kind=np.concatenate([kind, np.full(len(passed.kind), 2)]),
        start=np.concatenate([stays.start, passed.start]),
        end=np.concatenate([stays.end, passed.end]),
    )
    return _merged(both, visits)


def _within(
    customers: Customers,
    visits: Visits,
    visit: Ints,
    customer: Ints,
    x: Floats,
    y: Floats,
    start: Floats,
    end: Floats,
    pull: float,
) -> Presence:
    """Return the times within every armed fence around places where vans stand or pass.

    The van comes and goes in a straight line at the speed of the leg; `pull` metres of it are
    between `start` and `end`.
    """
    row, other = _candidates(customers, customer)
    rounds = int(visits.round.max()) + 2
    today = visits.customer * rounds + visits.round + 1
    armed = np.unique(np.concatenate([today, today - 1]))
    key = other * rounds + visits.round[visit[row]] + 1
    off_x, off_y = x[row] - customers.x[other], y[row] - customers.y[other]
    inside = np.hypot(off_x, off_y) < FENCE_METRES
    inside &= armed[np.minimum(np.searchsorted(armed, key), len(armed) - 1)] == key
    row, other, off_x, off_y = row[inside], other[inside], off_x[inside], off_y[inside]
    before = np.where(pull > 0, np.maximum(visit - 1, 0), visit)
    from_x = np.where(pull > 0, visits.via_x[before], visits.x[visit])
    from_y = np.where(pull > 0, visits.via_y[before], visits.y[visit])
    to_x = np.where(pull > 0, visits.via_x[visit], np.roll(visits.x, -1)[visit])
    to_y = np.where(pull > 0, visits.via_y[visit], np.roll(visits.y, -1)[visit])
    into = _to_edge(off_x, off_y, (from_x - x)[row], (from_y - y)[row]) - pull
    out = _to_edge(off_x, off_y, (to_x - x)[row], (to_y - y)[row]) - pull
    return Presence(
        route=visits.route[visit[row]],
        customer=other,
        visit=visit[row],
        kind=(customers.building[other] != customers.building[customer[row]]).astype(np.int64),
        start=start[row] - into / visits.speed[before[row]],
        end=end[row] + out / visits.speed[visit[row]],
    )


def _candidates(customers: Customers, customer: Ints) -> tuple[Ints, Ints]:
    """Return (row, customer) of everybody whose fence may reach where the row's van stands."""
    reach = FENCE_METRES + 1.5 * DOOR_METRES_MOST
    tree = cKDTree(np.column_stack([customers.x, customers.y]))
    pairs = tree.query_pairs(reach, output_type="ndarray").astype(np.int64)
    everybody = np.arange(customers.count)
    one = np.concatenate([everybody, pairs[:, 0], pairs[:, 1]])
    two = np.concatenate([everybody, pairs[:, 1], pairs[:, 0]])
    order = np.lexsort((two, one))
    one, two = one[order], two[order]
    begin = np.searchsorted(one, everybody)
    counts = np.bincount(one, minlength=customers.count)[customer]
    row = np.repeat(np.arange(len(customer)), counts)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    return row, two[begin[customer[row]] + nth]


def _to_edge(off_x: Floats, off_y: Floats, toward_x: Floats, toward_y: Floats) -> Floats:
    """Return how many metres toward a place it is to the edge of the fence."""
    far = np.maximum(np.hypot(toward_x, toward_y), 1e-9)
    along = (off_x * toward_x + off_y * toward_y) / far
    square = off_x**2 + off_y**2
    result: Floats = -along + np.sqrt(along**2 + FENCE_METRES**2 - square)
    return result


def _merged(all_: Presence, visits: Visits) -> Presence:
    """Join times that touch: a van that goes on to a door within the fence never leaves it."""
    order = np.lexsort((all_.start, all_.customer, all_.route))
    route, customer = all_.route[order], all_.customer[order]
    visit, kind = all_.visit[order], all_.kind[order]
    start, end = all_.start[order], np.maximum(all_.end[order], all_.start[order] + 1.0)
    same = (route[1:] == route[:-1]) & (customer[1:] == customer[:-1])
    straight = (visit[1:] == visit[:-1] + 1) & (visits.passes[visit[:-1]] < 0)
    next_door = straight & (kind[1:] < 2) & (kind[:-1] < 2)
    new = np.append(True, ~(same & (next_door | (start[1:] <= end[:-1]))))
    first = np.flatnonzero(new)
    return Presence(
        route=route[first],
        customer=customer[first],
        visit=visit[first],
        kind=np.minimum.reduceat(kind, first),
        start=start[first],
        end=np.maximum.reduceat(end, first),
    )


@dataclass(frozen=True)
class Clocks:
    """What each route's device adds to the true time; shape (routes,)."""

    offset: Floats
    per_second: Floats
    since: Floats

    def reading(self, route: Ints, seconds: Floats) -> Floats:
        """Return what the device says at a true time."""
        drift = self.per_second[route] * (seconds - self.since[route])
        shown: Floats = seconds + self.offset[route] + drift
        return shown


def make_clocks(settings: SimulateSettings, visits: Visits) -> Clocks:
    """Draw a device for each route."""
    rng = stream(settings, "clocks")
    n = int(visits.route[-1]) + 1
    faults = settings.event_faults
    wrong = rng.random(n) < min(CLOCK_WRONG * faults, 1.0)
    drifts = rng.random(n) < min(CLOCK_DRIFTS * faults, 1.0)
    offset = rng.normal(0, np.where(wrong, CLOCK_WRONG_SD, CLOCK_SD))
    per_second = np.where(drifts, rng.normal(0, CLOCK_DRIFT_SD, n), 0.0) / 3600.0
    first = np.flatnonzero(np.diff(visits.route, prepend=-1))
    return Clocks(offset, per_second, visits.start[first])


@dataclass(frozen=True)
class Flaps:
    """Times at which a standing van seems to be outside of a fence; `presence` is which."""

    presence: Ints
    start: Floats
    end: Floats


def make_flaps(settings: SimulateSettings, customers: Customers, presence: Presence) -> Flaps:
    """Draw up to three flaps in the thirds of long stays."""
    rng = stream(settings, "flaps")
    long = np.flatnonzero((presence.kind < 2) & (presence.end - presence.start > 90.0))
    share = FLAP_SHARE[customers.dwelling[presence.customer[long]]] * settings.event_faults
    rows, starts, ends = [], [], []
    drawn: Bools = rng.random(len(long)) < share
    for third in rng.permutation(3):
        rows.append(long[drawn])
        length = (presence.end - presence.start)[rows[-1]] / 3
        n = len(length)
        gap = np.exp(rng.normal(np.log(FLAP_SECONDS), FLAP_LOG_SD, n))
        gap = np.minimum(gap, 0.5 * length)
        at = presence.start[rows[-1]] + length * third + rng.random(n) * (length - gap - 2) + 1
        starts.append(at)
        ends.append(at + gap)
        drawn = drawn & (rng.random(len(long)) < FLAP_AGAIN)
    return Flaps(np.concatenate(rows), np.concatenate(starts), np.concatenate(ends))


def events_table(
    settings: SimulateSettings,
    presence: Presence,
    flaps: Flaps,
    clocks: Clocks,
    names: dict[str, pd.Index],
) -> pd.DataFrame:
    """Return the raw table of events, in the order in which they were received."""
    rng = stream(settings, "events")
    faults = settings.event_faults
    n, m = len(presence.route), len(flaps.presence)
    row = np.concatenate([np.arange(n), np.arange(n), flaps.presence, flaps.presence])
    enters = np.repeat([True, False, False, True], [n, n, m, m])
    flap = np.repeat([False, True], [2 * n, 2 * m])
    at = np.concatenate([presence.start, presence.end, flaps.start, flaps.end])
    at = at + np.where(flap, 0.0, rng.exponential(LATENCY_SECONDS, len(at)))
    lost = rng.random(len(at)) < np.where(enters, LOST_ENTER, LOST_EXIT) * faults
    received = at + np.abs(rng.normal(0, 0.5, len(at)))
    late = rng.random(len(at)) < LATE * faults
    received += np.where(late, rng.exponential(LATE_SECONDS, len(at)), 0.0)
    accuracy = np.where(flap, ACCURACY_FLAP_METRES, ACCURACY_METRES)
    accuracy = np.round(accuracy * np.exp(rng.normal(0, 0.4, len(at))), 1)
    kept = np.flatnonzero(~lost)
    again = kept[rng.random(len(kept)) < DUPLICATED * faults]
    received_again = received[again] + rng.exponential(DUPLICATED_SECONDS, len(again))
    sent = np.concatenate([kept, again])
    arrived = np.concatenate([received[kept], received_again])
    sent = sent[np.lexsort((sent, arrived))]
    route = presence.route[row[sent]]
    kinds = pd.Index(["exit", "enter"], dtype="str")
    return pd.DataFrame(
        {
            "route_id": names["route"].take(route),
            "customer_id": names["customer"].take(presence.customer[row[sent]]),
            "event": kinds.take(enters[sent].astype(np.int64)),
            "at": timestamps(np.round(clocks.reading(route, at[sent]), 1)),
            "accuracy_m": accuracy[sent],
        }
    )
