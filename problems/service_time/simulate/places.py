"""Regions, areas, streets and the customers who live there."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from problems.service_time.simulate.days import Days, first_second, timestamps
from problems.service_time.simulate.settings import Bools, Floats, Ints, SimulateSettings, stream

# Names and places are real; shares and kinds of areas are assumed. The last one opens late.
REGIONS = ("oslo_west", "oslo_east", "baerum", "romerike", "drammen")
CENTRES = np.array(
    [(59.930, 10.690), (59.915, 10.820), (59.895, 10.520), (59.955, 11.050), (59.740, 10.200)]
)
SHARES = np.array([0.29, 0.27, 0.18, 0.15, 0.11])
FIRST_POSTCODE = np.array([250, 550, 1300, 2000, 3000])

# Each area is a centre (0), an inner (1) or an outer (2) part of town.
AREA_KINDS = np.array(
    [
        (0, 0, 1, 1, 1, 2, 2, 1),
        (0, 1, 1, 1, 2, 2, 1, 0),
        (1, 1, 2, 2, 2, 2, 2, 1),
        (0, 1, 2, 2, 2, 2, 1, 2),
        (0, 1, 1, 2, 2, 2, 1, 2),
    ]
)
AREAS = AREA_KINDS.shape[1]
DWELLINGS = ("house", "row_house", "block", "office")
DWELLING_SHARES = np.array(  # by kind of area; assumed
    [(0.02, 0.06, 0.82, 0.10), (0.20, 0.26, 0.49, 0.05), (0.62, 0.24, 0.13, 0.01)]
)

LOTS = 16  # addresses in a street
LOT_METRES = 55.0  # assumed
CUSTOMERS_A_STREET = 3.0  # assumed: few enough that most neighbours order on different days
FLOORS_MAX = 7
SHARED = (2, 3)  # dwellings where several customers have one address
EXISTING = 0.60  # of a region's customers are there on the first day; assumed
LIFETIME_DAYS = 900.0  # a customer stays, on average; assumed
SIZE_LOG = np.array([0.10, 0.05, -0.08, 0.20])  # order size by dwelling; assumed
METRES_A_DEGREE = 111_320.0
REGION_APART = 1e6  # metres: keeps the regions apart in one plane


@dataclass(frozen=True)
class Customers:
    """One entry a customer; shape (customers,).

    `x` and `y` are metres in one plane, `route_key` is a place along the way a route takes through
    the region (0 to 1), `opens` and `leaves` are days since the start, `interval` is the mean
    number of days between two orders.
    """

    region: Ints
    area: Ints
    kind: Ints
    building: Ints
    x: Floats
    y: Floats
    latitude: Floats
    longitude: Floats
    route_key: Floats
    dwelling: Ints
    floor: Ints
    has_lift: Bools
    opens: Floats
    leaves: Floats
    interval: Floats
    size_log: Floats
    evening: Floats
    habit_log: Floats
    habit_log_per_year: Floats

    @property
    def count(self) -> int:
        return len(self.region)


def region_openings(settings: SimulateSettings, days: Days) -> Ints:
    """Return the day on which each region opens; a small simulation has fewer regions."""
    old = int(np.clip(settings.stops // 400, 1, len(REGIONS) - 1))
    new_day = days.day_of_month(settings.new_region_month)
    opening: Ints = np.full(len(REGIONS), days.count, dtype=np.int64)
    opening[:old] = 0
    if settings.stops >= 800:
        opening[-1] = new_day
    return opening


def make_customers(settings: SimulateSettings, days: Days, count: int, attempt: int) -> Customers:
    """Draw `count` customers: where and how they live, and their habits."""
    rng = stream(settings, "customers", attempt)
    opening = region_openings(settings, days)
    shares = np.where(opening < days.count, SHARES, 0.0)
    region = np.sort(rng.choice(len(REGIONS), count, p=shares / shares.sum()))
    area = region * AREAS + rng.integers(0, AREAS, count)
    lots, lot = _place_lots(rng, area)
    dwelling = lots.dwelling[lot]
    shared = np.isin(dwelling, SHARED)
    spread = np.where(shared, 0.0, 6.0)  # metres between the doors of houses on one lot
    x, y = rng.normal(lots.x[lot], spread), rng.normal(lots.y[lot], spread)
    latitude, longitude = to_degrees(x, y)
    opens, leaves = _lifetimes(rng, opening[region], days, settings.growth)
    address, own = np.sqrt(0.25), np.sqrt(0.75)  # assumed: a quarter of habit is the address's
    habit = address * rng.normal(0, 1, len(lots.x))[lot] + own * rng.normal(0, 1, count)
    return Customers(
        region=region,
        area=area,
        kind=AREA_KINDS.ravel()[area],
        building=np.where(shared, lot, len(lots.x) + np.arange(count)),
        x=x,
        y=y,
        latitude=latitude,
        longitude=longitude,
        route_key=lots.route_key[lot],
        dwelling=dwelling,
        floor=np.floor(rng.random(count) * lots.floors[lot]).astype(np.int64),
        has_lift=lots.has_lift[lot],
        opens=opens,
        leaves=leaves,
        interval=np.clip(10.0 * np.exp(rng.normal(0, 0.35, count)), 5.0, 25.0),  # assumed
        size_log=rng.normal(0, 0.32, count) + SIZE_LOG[dwelling],
        evening=rng.normal(0, 1, count),
        habit_log=settings.customer_log_sd * habit,
        habit_log_per_year=0.2 * settings.customer_log_sd * rng.normal(0, 1, count),  # assumed
    )


@dataclass(frozen=True)
class _Lots:
    """One entry an address; shape (lots,)."""

    x: Floats
    y: Floats
    route_key: Floats
    dwelling: Ints
    floors: Ints
    has_lift: Bools


def _place_lots(rng: np.random.Generator, area: Ints) -> tuple[_Lots, Ints]:
    """Lay out streets with lots in every area; also return each customer's lot."""
    customers = np.bincount(area, minlength=len(REGIONS) * AREAS)
    streets = np.maximum(1, np.round(customers / CUSTOMERS_A_STREET)).astype(np.int64)
    first = np.cumsum(streets) - streets
    street_area = np.repeat(np.arange(len(streets)), streets)
    half = np.maximum(700.0, 95.0 * np.sqrt(streets.max()))  # metres: a denser map grows instead
    u, v = rng.uniform(-1, 1, (2, len(street_area)))
    ring = 2 * np.pi * (street_area % AREAS) / AREAS
    radius = 3.2 * half * np.where(street_area % 2 == 0, 1.0, 1.25)
    middle_x = radius * np.cos(ring) + half * u + REGION_APART * (street_area // AREAS)
    middle_y = radius * np.sin(ring) + half * v
    key = (street_area % AREAS + _street_rank(street_area, streets, first, u, v)) / AREAS
    lot_street = np.repeat(np.arange(len(street_area)), LOTS)
    along = (np.tile(np.arange(LOTS), len(street_area)) - (LOTS - 1) / 2) * LOT_METRES
    angle = rng.uniform(0, np.pi, len(street_area))[lot_street]
    kind = AREA_KINDS.ravel()[street_area[lot_street]]
    dwelling = _pick(rng, DWELLING_SHARES[kind])
    high = np.isin(dwelling, SHARED)
    floors = np.where(high, 1 + rng.integers(1, FLOORS_MAX + 1, len(kind)), 1)
    lift_share = np.interp(floors, [3, 4, 5, 6], [0.10, 0.25, 0.70, 1.0])  # assumed
    lots = _Lots(
        x=middle_x[lot_street] + along * np.cos(angle),
        y=middle_y[lot_street] + along * np.sin(angle),
        route_key=key[lot_street]
        + (np.tile(np.arange(LOTS), len(street_area)) / LOTS + 0.01)
        / (AREAS * streets[street_area[lot_street]]),
        dwelling=dwelling,
        floors=floors,
        has_lift=high & (rng.random(len(kind)) < lift_share),
    )
    street = first[area] + np.floor(rng.random(len(area)) * streets[area]).astype(np.int64)
    return lots, street * LOTS + rng.integers(0, LOTS, len(area))


def _street_rank(street_area: Ints, streets: Ints, first: Ints, u: Floats, v: Floats) -> Floats:
    """Return each street's place (0 to 1) on a way that goes up and down its area in strips."""
    strips = np.maximum(1, np.round(np.sqrt(streets / 3)))[street_area]
    strip = np.floor((u + 1) / 2 * strips)
    order = np.lexsort((np.where(strip % 2 == 0, v, -v), strip, street_area))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    result: Floats = (rank - first[street_area]) / streets[street_area]
    return result


def _pick(rng: np.random.Generator, shares: Floats) -> Ints:
    """Draw one column for each row of `shares`."""
    edges = np.cumsum(shares, axis=1)[:, :-1]
    result: Ints = (rng.random(len(shares))[:, None] > edges).sum(axis=1)
    return result


def _lifetimes(
    rng: np.random.Generator, opening: Ints, days: Days, growth: float
) -> tuple[Floats, Floats]:
    """Return the days on which customers open their account and leave; a company that grows had
    fewer when its region began."""
    n = len(opening)
    existing = rng.random(n) < EXISTING / growth
    rush = rng.exponential(15.0, n) - 14.0  # assumed: people sign up before it opens
    before = rng.uniform(-1000, 0, n)  # assumed: the company is three years old
    first = np.where(opening == 0, before, opening + rush)
    later = rng.uniform(opening, days.count)
    opens = np.where(existing, first, later)
    return opens, np.maximum(opens, 0.0) + rng.exponential(LIFETIME_DAYS, n)


def to_degrees(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return latitude and longitude in degrees, to six decimals (0.1 m), of metres in the plane."""
    region = np.clip(np.floor(x / REGION_APART + 0.5), 0, len(REGIONS) - 1).astype(np.int64)
    latitude = CENTRES[region, 0] + y / METRES_A_DEGREE
    width = METRES_A_DEGREE * np.cos(np.radians(CENTRES[region, 0]))
    longitude = CENTRES[region, 1] + (x - region * REGION_APART) / width
    return np.round(latitude, 6), np.round(longitude, 6)


def area_names() -> pd.Series:
    """Return the text of every area: the region and a postcode."""
    codes = FIRST_POSTCODE.repeat(AREAS) + np.tile(np.arange(AREAS) * 6, len(REGIONS))
    return pd.Series(codes).astype(str).str.zfill(4)


def customers_table(customers: Customers, days: Days, ids: pd.Index) -> pd.DataFrame:
    """Return the raw table of customers."""
    seconds: Floats = np.round(customers.opens * 86400.0)
    return pd.DataFrame(
        {
            "customer_id": ids,
            "latitude": customers.latitude,
            "longitude": customers.longitude,
            "region": pd.Index(REGIONS, dtype="str").take(customers.region),
            "area_id": pd.Index(area_names(), dtype="str").take(customers.area),
            "dwelling": pd.Index(DWELLINGS, dtype="str").take(customers.dwelling),
            "floor": customers.floor,
            "has_lift": customers.has_lift,
            "opened_at": timestamps(first_second(days) + seconds),
        }
    )
