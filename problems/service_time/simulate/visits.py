"""Where and when each van stands: the true course of every route."""

from dataclasses import dataclass

import numpy as np

from problems.service_time.simulate.places import Customers
from problems.service_time.simulate.routes import (
    FIRST_DRIVE_SECONDS,
    LIGHTS_SECONDS,
    Stops,
    leg_speed,
)
from problems.service_time.simulate.service import Service
from problems.service_time.simulate.settings import Bools, Floats, Ints, Settings, stream

DOOR_METRES = 9.0  # sd of the parking place from the door, each way; assumed
DOOR_METRES_MAX = 33.0
PULL_METRES = 30.0  # the way in which a van pulls in or out: part of the service time; assumed
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
    settings: Settings, customers: Customers, stops: Stops, service: Service
) -> tuple[Visits, Floats, Floats]:
    """Drive every route. Also return the start and end of every stop, in seconds since 1970."""
    rng = stream(settings, "visits")
    first_stop = np.flatnonzero(~stops.same_place)
    visit_of = np.cumsum(~stops.same_place) - 1
    n = len(first_stop)
    route, customer, day = (
        stops.route[first_stop],
        stops.customer[first_stop],
        stops.day[first_stop],
    )
    away = np.clip(
        rng.normal(0, DOOR_METRES, (2, n)), -DOOR_METRES_MAX * 0.7, DOOR_METRES_MAX * 0.7
    )
    x, y = customers.x[customer] + away[0], customers.y[customer] + away[1]
    last = np.append(route[1:] != route[:-1], True)
    days = int(day.max()) + 1
    round_ = np.unique(customers.region[customer] * days + day, return_inverse=True)[1]
    passes = _passed(rng, customers, route, customer, round_, last)
    beside = rng.normal(0, 12.0, (2, n))
    via_x, via_y = _via(x, y, passes, beside)
    leg_1, leg_2 = _leg_metres(x, y, via_x, via_y)
    # A leg too short for a detour has none: it would be a stop of its own.
    straight = (passes >= 0) & (np.minimum(leg_1, leg_2) < 120.0)
    passes = np.where(straight, -1, passes)
    via_x, via_y = _via(x, y, passes, beside)
    leg_1, leg_2 = _leg_metres(x, y, via_x, via_y)
    length = leg_1 + leg_2
    speed = np.clip(leg_speed(length) * np.exp(rng.normal(0, 0.18, n)), 4.0, 14.0)
    lights = (
        LIGHTS_SECONDS * rng.gamma(1.5, 1 / 1.5, n) * np.clip((length - 150.0) / 400.0, 0.0, 1.0)
    )
    slow = np.where(rng.random(n) < SLOW_SHARE, rng.exponential(SLOW_SECONDS, n), 0.0)
    hold = np.where(passes >= 0, slow, lights)
    drive = np.maximum(length - 2 * PULL_METRES, 40.0) / speed + hold
    begin = stops.leaves_depot[first_stop] + FIRST_DRIVE_SECONDS
    begin += rng.normal(0, 240.0, int(route[-1]) + 1)[route]  # leaves the depot late; assumed
    stay = np.bincount(visit_of, weights=service.actual, minlength=n)
    step = stay + drive
    total = np.cumsum(step) - step
    opening = np.flatnonzero(np.append(True, last[:-1]))
    total -= np.repeat(total[opening], np.diff(opening, append=n))
    start = begin + total
    visits = Visits(
        route, customer, round_, start, start + stay, x, y, via_x, via_y, passes, speed, hold, last
    )
    inside = np.cumsum(service.actual) - service.actual
    inside -= np.repeat(inside[first_stop], np.diff(first_stop, append=stops.count))
    began = start[visit_of] + inside
    return visits, began, began + service.actual


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
