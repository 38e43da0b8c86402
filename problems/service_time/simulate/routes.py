"""Routes: which stops a van makes in which order, who drives, and when it is planned to arrive."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from problems.service_time.simulate.days import Days, Weather, timestamps, to_utc_seconds
from problems.service_time.simulate.drivers import Drivers, assign_drivers, make_drivers
from problems.service_time.simulate.orders import GroceryOrders
from problems.service_time.simulate.places import Customers, region_openings
from problems.service_time.simulate.settings import Bools, Floats, Ints, SimulateSettings, stream

STOPS_A_ROUTE = 28  # at most: a van's load and a shift; assumed
MORNING_SHARE, MORNING_SHARE_CHRISTMAS = 0.4, 0.15  # of routes, and more at Christmas; assumed
MORNING_HOUR, EVENING_HOUR = 6.75, 15.25  # local: the van leaves; assumed
FIRST_DRIVE_SECONDS = 1200.0  # from the depot; assumed
PLANNED_SERVICE_SECONDS = 420.0  # the old rule, 7 minutes (Oda)
SPEED, SPEED_FAR = 6.5, 11.0  # metres a second as the crow flies, in town and far; assumed
LIGHTS_SECONDS = 25.0  # junctions and lights of one leg; assumed
SLOT_HOURS = 2


@dataclass(frozen=True)
class RouteStops:
    """One entry a stop, in order of route and position; shape (stops,).

    `route` numbers routes by day and shift. `same_place` marks a stop at the address of the one
    before: a second order, or a neighbour in the same building. Times are seconds since 1970.
    """

    route: Ints
    position: Ints
    customer: Ints
    day: Ints
    driver: Ints
    same_place: Bools
    items: Ints
    weight_kg: Floats
    boxes: Ints
    leaves_depot: Floats
    planned: Floats
    arrival: Floats
    local_hour: Floats

    @property
    def count(self) -> int:
        return len(self.route)


def make_routes(
    settings: SimulateSettings, days: Days, customers: Customers, orders: GroceryOrders
) -> tuple[RouteStops, Drivers]:
    """Group each region's orders of a day into routes, and put drivers and times on them."""
    rng = stream(settings, "routes")
    route, evening, way = _group(rng, days, customers, orders)
    order = np.lexsort((orders.second, orders.customer, way, route))
    route, evening = route[order], evening[order]
    customer, day = orders.customer[order], orders.day[order]
    starts = np.flatnonzero(np.diff(route, prepend=-1))
    position = np.arange(len(route)) - starts[route]
    place = customers.building[customer]
    same_place = (position > 0) & (place == np.roll(place, 1))
    route_day, route_region = day[starts], customers.region[customer[starts]]
    opening = region_openings(settings, days)
    drivers = make_drivers(settings, days, opening, route_region, route_day)
    driver = assign_drivers(settings, drivers, route_region, route_day)
    n = len(starts)
    hour = np.where(evening[starts], EVENING_HOUR, MORNING_HOUR) + rng.uniform(-0.25, 0.5, n)
    planned_hour = np.where(
        evening[starts], rng.uniform(9.5, 10.5, n), rng.uniform(19.5, 21.0, n)
    )  # an evening's route is planned that morning, a morning's on the evening before; assumed
    planned = to_utc_seconds(
        days, np.where(evening[starts], route_day, route_day - 1), planned_hour
    )
    after = _planned_seconds(customers, customer, position, same_place)
    leaves = to_utc_seconds(days, route_day, hour)
    stops = RouteStops(
        route=route,
        position=position + 1,
        customer=customer,
        day=day,
        driver=driver[route],
        same_place=same_place,
        items=orders.items[order],
        weight_kg=orders.weight_kg[order],
        boxes=orders.boxes[order],
        leaves_depot=leaves[route],
        planned=np.round(planned)[route],
        arrival=np.round(leaves[route] + after),
        local_hour=np.minimum(hour[route] + after / 3600.0, 23.9),
    )
    return stops, drivers


def _group(
    rng: np.random.Generator, days: Days, customers: Customers, orders: GroceryOrders
) -> tuple[Ints, Bools, Floats]:
    """Return each order's route (numbered by day, shift and region), whether it is an evening's,
    and its place along the way.

    Second orders follow the first ones, so only those are counted.
    """
    index = np.flatnonzero(orders.second == 0)
    customer, day = orders.customer[index], orders.day[index]
    groups, group = np.unique(day * 16 + customers.region[customer], return_inverse=True)
    counts = np.bincount(group)
    routes = np.ceil(counts / STOPS_A_ROUTE).astype(np.int64)
    by_day = MORNING_SHARE + MORNING_SHARE_CHRISTMAS * days.christmas[groups // 16]
    mornings = np.floor(np.minimum(by_day, 1.0) * routes + rng.random(len(groups)))
    mornings = np.minimum(mornings, routes).astype(np.int64)
    wish = customers.evening[customer] + rng.normal(0, 0.6, len(index))
    evening = _rank(wish, group) >= np.round(counts * mornings / routes)[group]
    # Within a shift the orders along the way through the region are cut into equal routes. The way
    # starts anywhere and runs either way round, or areas would always have the same hour.
    shift = group * 2 + evening
    shift_routes = np.stack([mornings, routes - mornings], axis=1).ravel()
    begin, forth = rng.random(len(shift_routes)), rng.random(len(shift_routes)) < 0.5
    way = (customers.route_key[customer] - begin[shift]) % 1.0
    way = np.where(forth[shift], way, -way)
    part = _rank(way, shift) * shift_routes[shift] // np.bincount(shift)[shift]
    shift_label = (groups[group] // 16 * 2 + evening) * 16 + groups[group] % 16
    number = np.unique(shift_label * (int(routes.max()) + 1) + part, return_inverse=True)[1]
    # A second order goes where the first one of that customer and day goes.
    pair = orders.customer * (int(orders.day.max()) + 1) + orders.day
    sorter = np.argsort(pair[index], kind="stable")
    found = sorter[np.searchsorted(pair[index], pair, sorter=sorter)]
    return number[found].astype(np.int64), evening[found], way[found]


def _rank(values: Floats, group: Ints) -> Ints:
    """Return the place (from 0) of each value among those of its group."""
    order = np.lexsort((values, group))
    sizes = np.bincount(group)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - (np.cumsum(sizes) - sizes)[group[order]]
    return rank


def _planned_seconds(
    customers: Customers, customer: Ints, position: Ints, same_place: Bools
) -> Floats:
    """Return the planned arrival at each stop in seconds after leaving the depot."""
    before = np.roll(customer, 1)
    metres = np.hypot(
        customers.x[customer] - customers.x[before], customers.y[customer] - customers.y[before]
    )
    drive = np.where(same_place, 0.0, LIGHTS_SECONDS + metres / leg_speed(metres))
    step = np.where(position == 0, FIRST_DRIVE_SECONDS, drive + PLANNED_SERVICE_SECONDS)
    total = np.cumsum(step)
    first = np.flatnonzero(position == 0)
    base = (total - step)[first]
    result: Floats = total - np.repeat(base, np.diff(first, append=len(customer)))
    return result


def leg_speed(metres: Floats) -> Floats:
    """Return the usual speed on a leg in metres a second, as the crow flies."""
    speed: Floats = np.interp(metres, [1500.0, 5000.0], [SPEED, SPEED_FAR])
    return speed


def stops_table(
    stops: RouteStops, customers: Customers, weather: Weather, names: dict[str, pd.Index]
) -> pd.DataFrame:
    """Return the raw table of stops, as it is known when the route is planned."""
    region = customers.region[stops.customer]
    slot = (stops.local_hour // SLOT_HOURS * SLOT_HOURS).astype(np.int64)
    slots = pd.Index([f"{h:02d}:00-{h + SLOT_HOURS:02d}:00" for h in range(24)], dtype="str")
    return pd.DataFrame(
        {
            "stop_id": names["stop"],
            "route_id": names["route"].take(stops.route),
            "driver_id": names["driver"].take(stops.driver),
            "customer_id": names["customer"].take(stops.customer),
            "position": stops.position,
            "planned_at": timestamps(stops.planned),
            "slot": slots.take(slot),
            "planned_arrival_at": timestamps(stops.arrival),
            "weight_kg": stops.weight_kg,
            "items": stops.items,
            "boxes": stops.boxes,
            "rain_mm": weather.rain_mm[region, stops.day],
            "snow_cm": weather.snow_cm[region, stops.day],
            "temperature_c": weather.temperature_c[region, stops.day],
        }
    )
