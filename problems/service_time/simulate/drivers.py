"""Who drives which route: drivers come, learn and leave; helpers come for Christmas."""

from dataclasses import dataclass

import numpy as np

from problems.service_time.simulate.days import Days
from problems.service_time.simulate.settings import Bools, Floats, Ints, SimulateSettings, stream

SPARE = 1.35  # drivers for a day's routes: time off and illness; assumed
TENURE_DAYS = 420.0  # mean time in the job; assumed
HELPER_SHARE = 0.40  # of a region's drivers, in addition, in the weeks before Christmas; assumed
HELPER_FROM, HELPER_TO = (11, 25), (12, 24)  # month and day; assumed
REST_EVERY = 6  # a driver is off on one delivery day of six; assumed


@dataclass(frozen=True)
class Drivers:
    """One entry a driver; shape (drivers,). Days count from the start of the simulation."""

    region: Ints
    hired: Floats
    left: Floats
    helper: Bools
    skill_log: Floats

    @property
    def count(self) -> int:
        return len(self.region)


def make_drivers(
    settings: SimulateSettings, days: Days, opening: Ints, route_region: Ints, route_day: Ints
) -> Drivers:
    """Hire enough drivers for each region's routes, and a new one whenever somebody leaves."""
    rng = stream(settings, "drivers")
    rows: list[tuple[int, float, float, bool]] = []
    for region in range(len(opening)):
        routes = np.bincount(route_day[route_region == region], minlength=1)
        if not routes.sum():
            continue
        places = int(np.ceil(SPARE * np.quantile(routes[routes > 0], 0.99)))
        for _ in range(places):
            hired = float(opening[region]) - (rng.uniform(0, 700) if opening[region] == 0 else 7.0)
            while hired < days.count:
                left = hired + 60.0 + rng.exponential(TENURE_DAYS - 60.0)
                if left > 0:
                    rows.append((region, hired, left, False))
                hired = left - 5.0
        if settings.christmas > 0:
            for begin, end in _christmas_seasons(days):
                if begin >= opening[region]:
                    helpers = max(1, round(HELPER_SHARE * places))
                    rows += [
                        (region, begin + rng.uniform(0, 12), end, True) for _ in range(helpers)
                    ]
    table = np.array([row[:3] for row in rows], dtype=np.float64).reshape(-1, 3)
    order = np.argsort(table[:, 1], kind="stable")
    return Drivers(
        region=table[order, 0].astype(np.int64),
        hired=table[order, 1],
        left=table[order, 2],
        helper=np.array([row[3] for row in rows], dtype=np.bool_)[order],
        skill_log=settings.driver_log_sd * rng.normal(0, 1, len(rows)),
    )


def _christmas_seasons(days: Days) -> list[tuple[float, float]]:
    month, day = days.dates.month.to_numpy(), days.dates.day.to_numpy()
    begins = np.flatnonzero((month == HELPER_FROM[0]) & (day == HELPER_FROM[1]))
    ends = np.flatnonzero((month == HELPER_TO[0]) & (day == HELPER_TO[1]))
    return [(float(b), float(ends[ends > b][0])) for b in begins if (ends > b).any()]


def assign_drivers(
    settings: SimulateSettings, drivers: Drivers, route_region: Ints, route_day: Ints
) -> Ints:
    """Return the driver of each route (routes in order of day, shift and region).

    Nobody drives two routes on a day while others are free.
    """
    rng = stream(settings, "shifts")
    luck = rng.random(len(route_day))
    driver = np.zeros(len(route_day), dtype=np.int64)
    order = np.lexsort((np.arange(len(route_day)), route_region, route_day))
    cuts = np.flatnonzero((np.diff(route_day[order]) != 0) | (np.diff(route_region[order]) != 0))
    numbers = np.arange(drivers.count)
    by_region = [numbers[drivers.region == r] for r in range(int(route_region.max()) + 1)]
    for group in np.split(order, cuts + 1):
        region, day = int(route_region[group[0]]), int(route_day[group[0]])
        mine = by_region[region]
        employed = mine[(drivers.hired[mine] <= day) & (drivers.left[mine] > day)]
        rested = employed[(employed + day) % REST_EVERY != 0]
        enough = [who for who in (rested, employed) if len(who) >= len(group)]
        free = enough[0] if enough else (employed if len(employed) else mine)
        shuffled = np.roll(free, int(luck[group[0]] * len(free)))
        driver[group] = shuffled[np.arange(len(group)) % len(shuffled)]
    return driver
