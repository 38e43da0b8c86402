"""Where and when each van stands: the true course of every route."""

from dataclasses import dataclass

import numpy as np

from problems.service_time.simulate.places import Customers
from problems.service_time.simulate.routes import (
    FIRST_DRIVE_SECONDS,
    LIGHTS_SECONDS,
    RouteStops,
    leg_speed,
)
from problems.service_time.simulate.service import Service
from problems.service_time.simulate.settings import Bools, Floats, Ints, SimulateSettings, stream

DOOR_METRES = 9.0  # sd of the parking place from the door, each way; assumed
DOOR_METRES_MOST = 23.0  # at most, each way
PULL_METRES = 30.0  # the way in which a van pulls in or out: part of the service time; assumed
SPEED_LOG_SD = 0.18  # assumed
LATE_SD_SECONDS = 240.0  # with which vans leave the depot; assumed
BESIDE_METRES = 12.0  # sd of the way from a door that a van passes, each way; assumed
DETOUR_METRES = 120.0  # from a stop to a door that counts as passed, at least
DRIVE_BY_SHARE = 0.18  # of legs that pass another customer's door, if there is one; assumed
SLOW_SHARE, SLOW_SECONDS = 0.08, 35.0  # of those that are held up there, and how long; assumed


@dataclass(frozen=True)
class Visits:
    """One entry a stay of the van, in order of route and time; shape (visits,).

    `round` numbers each region's delivery days, in order of region and day.
    Stops at one address that follow each other share a visit. `x`, `y` is where the van stands.
    After the visit the van drives by way of (`via_x`, `via_y`) to the next one at `speed`, and is
    held up there for `hold` seconds; `passes` is the visit whose customer's door that is, or -1.
    `pull` is how many metres around the place are part of the visit.
    """

    route: Ints
    customer: Ints
    round: Ints
    start: Floats
    end: Floats
    x: Floats
    y: Floats
    via_x: Floats
    via_y: Floats
    passes: Ints
    speed: Floats
    hold: Floats
    last: Bools

    @property
    def count(self) -> int:
        return len(self.route)


def make_visits(
    settings: SimulateSettings, customers: Customers, stops: RouteStops, service: Service
) -> tuple[Visits, Floats, Floats]:
    """Drive every route. Also return the start and end of every stop, in seconds since 1970."""
    rng = stream(settings, "visits")
    first_stop = np.flatnonzero(~stops.same_place)
    n = len(first_stop)
    route, customer = stops.route[first_stop], stops.customer[first_stop]
    region_day = customers.region[customer] * (int(stops.day.max()) + 1) + stops.day[first_stop]
    round_ = np.unique(region_day, return_inverse=True)[1]
    away = np.clip(rng.normal(0, DOOR_METRES, (2, n)), -DOOR_METRES_MOST, DOOR_METRES_MOST)
    x, y = customers.x[customer] + away[0], customers.y[customer] + away[1]
    last = np.append(route[1:] != route[:-1], True)
    passes = _passed(rng, customers, route, customer, round_, last)
    legs = _drive(rng, x, y, passes)

    visit_of = np.cumsum(~stops.same_place) - 1
    stay = np.bincount(visit_of, weights=service.actual, minlength=n)
    begin = stops.leaves_depot[first_stop] + FIRST_DRIVE_SECONDS
    begin += rng.normal(0, LATE_SD_SECONDS, int(route[-1]) + 1)[route]
    first_visit = np.flatnonzero(np.append(True, last[:-1]))
    start = begin + _sum_before(stay + legs.seconds, first_visit)
    began = start[visit_of] + _sum_before(service.actual, first_stop)
    visits = Visits(
        route=route,
        customer=customer,
        round=round_,
        start=start,
        end=start + stay,
        x=x,
        y=y,
        via_x=legs.via_x,
        via_y=legs.via_y,
        passes=legs.passes,
        speed=legs.speed,
        hold=legs.hold,
        last=last,
    )
    return visits, began, began + service.actual


def _sum_before(values: Floats, begins: Ints) -> Floats:
    """Return for each value the sum of those before it, counted anew from each of `begins`."""
    total = np.cumsum(values) - values
    result: Floats = total - np.repeat(total[begins], np.diff(begins, append=len(values)))
    return result


@dataclass(frozen=True)
class _Legs:
    """One entry a visit: the leg to the next one; shape (visits,)."""

    via_x: Floats
    via_y: Floats
    passes: Ints
    speed: Floats
    hold: Floats
    seconds: Floats


def _drive(rng: np.random.Generator, x: Floats, y: Floats, passes: Ints) -> _Legs:
    """Draw how the van drives from each place to the next, by way of the doors that it passes."""
    n = len(x)
    beside = rng.normal(0, BESIDE_METRES, (2, n))
    via_x, via_y = _via(x, y, passes, beside)
    # A door next to either end is not passed, but stood at.
    near = np.minimum(*_leg_metres(x, y, via_x, via_y)) < DETOUR_METRES
    passes = np.where(near, -1, passes)
    via_x, via_y = _via(x, y, passes, beside)
    metres = np.add(*_leg_metres(x, y, via_x, via_y))
    speed = np.clip(leg_speed(metres) * np.exp(rng.normal(0, SPEED_LOG_SD, n)), 4.0, 14.0)
    lights = LIGHTS_SECONDS * rng.gamma(1.5, 1 / 1.5, n)  # assumed
    lights *= np.clip((metres - 150.0) / 400.0, 0.0, 1.0)  # none within a street
    slow = np.where(rng.random(n) < SLOW_SHARE, rng.exponential(SLOW_SECONDS, n), 0.0)
    hold = np.where(passes >= 0, slow, lights)
    seconds = np.maximum(metres - 2 * PULL_METRES, 40.0) / speed + hold
    return _Legs(via_x, via_y, passes, speed, hold, seconds)


def _passed(
    rng: np.random.Generator,
    customers: Customers,
    route: Ints,
    customer: Ints,
    round_: Ints,
    last: Bools,
) -> Ints:
    """Return for each leg the visit whose door it passes, or -1.

    Half of them are on the same route, two to five stops away; half are the doors next to the stop
    that get a delivery on the region's next day.
    """
    n = len(route)
    sign = np.where(rng.random(n) < 0.5, -1, 1)
    own = np.arange(n) + rng.integers(2, 6, n) * sign
    place = round_ + 0.999 * customers.route_key[customer]
    order = np.argsort(place, kind="stable")
    near = np.searchsorted(place[order], place + 1.0) + rng.integers(-2, 2, n)
    near = order[np.clip(near, 0, n - 1)]
    same_route = rng.random(n) < 0.5
    target = np.clip(np.where(same_route, own, near), 0, n - 1)
    valid = np.where(same_route, route[target] == route, round_[target] == round_ + 1)
    valid &= customers.region[customer[target]] == customers.region[customer]
    valid &= (target != np.arange(n)) & (target != np.arange(n) + 1) & ~last
    drawn = rng.random(n) < DRIVE_BY_SHARE
    return np.where(valid & drawn, target, -1)


def _via(x: Floats, y: Floats, passes: Ints, beside: Floats) -> tuple[Floats, Floats]:
    """Return the place on the way of each leg: the door that it passes, or the middle."""
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    by = passes >= 0
    via_x = np.where(by, x[passes] + beside[0], (x + next_x) / 2)
    via_y = np.where(by, y[passes] + beside[1], (y + next_y) / 2)
    return via_x, via_y


def _leg_metres(x: Floats, y: Floats, via_x: Floats, via_y: Floats) -> tuple[Floats, Floats]:
    return np.hypot(via_x - x, via_y - y), np.hypot(np.roll(x, -1) - via_x, np.roll(y, -1) - via_y)
