"""Two years of an online grocer's deliveries, as its systems would have recorded them.

    settings.py   what an experiment may change
    days.py       the calendar and the weather
    places.py     regions, areas, streets, customers
    orders.py     who orders when, and how much
    drivers.py    who works when
    routes.py     which van goes where, and the plan
    service.py    how long a stop takes: the model of the world, and the oracle
    visits.py     where and when each van really stands and drives
    geofence.py   the events of phones that cross fences, with their faults
    pings.py      the positions of phones, on request
    manual.py     the drivers' own notes in the pilot weeks

Every number stands beside its source or the word "assumed". Nothing here is true of a real company;
the facts on Oda that it was calibrated to are in data/README.md.
"""

import numpy as np
import pandas as pd

from problems.contract import Simulated
from problems.service_time.simulate.days import make_days, make_weather, timestamps
from problems.service_time.simulate.geofence import (
    events_table,
    make_clocks,
    make_flaps,
    make_presence,
)
from problems.service_time.simulate.manual import manual_table
from problems.service_time.simulate.orders import make_orders
from problems.service_time.simulate.pings import pings_table
from problems.service_time.simulate.places import REGIONS, customers_table
from problems.service_time.simulate.routes import make_routes, stops_table
from problems.service_time.simulate.service import Service, make_service
from problems.service_time.simulate.settings import Floats, Settings
from problems.service_time.simulate.visits import make_visits

__all__ = ["Settings", "simulate"]


def simulate(settings: Settings) -> Simulated:
    """Return the raw tables by file name, and the truth about every stop."""
    days = make_days(settings)
    weather = make_weather(settings, days, len(REGIONS))
    customers, orders = make_orders(settings, days)
    stops, drivers = make_routes(settings, days, customers, orders)
    service = make_service(settings, days, weather, customers, drivers, stops)
    visits, started, ended = make_visits(settings, customers, stops, service)
    presence = make_presence(customers, visits)
    clocks = make_clocks(settings, visits)
    flaps = make_flaps(settings, customers, presence)
    names = {
        "stop": _ids("S", stops.count),
        "route": _ids("R", int(stops.route[-1]) + 1),
        "driver": _ids("D", drivers.count),
        "customer": _ids("C", customers.count),
    }
    raw = {
        "customers.parquet": customers_table(customers, days, names["customer"]),
        "stops.parquet": stops_table(stops, customers, weather, names),
        "geofence_events.parquet": events_table(settings, presence, flaps, clocks, names),
        "manual_log.parquet": manual_table(settings, days, stops, started, ended, names["stop"]),
    }
    if settings.pings:
        raw["gps_pings.parquet"] = pings_table(
            settings, visits, presence, flaps, clocks, names["route"]
        )
    return Simulated(raw, _truth(names["stop"], started, ended, service))


def _ids(letter: str, count: int) -> pd.Index:
    width = max(6, len(str(count)))
    numbers = pd.Series(np.arange(1, count + 1)).astype(str).str.zfill(width)
    return pd.Index(letter + numbers, dtype="str")


def _truth(stop_id: pd.Index, started: Floats, ended: Floats, service: Service) -> pd.DataFrame:
    """Return start and end of each service, and the mean and median that could be known, in s."""
    begin, end = timestamps(started), timestamps(ended)
    return pd.DataFrame(
        {
            "stop_id": stop_id,
            "started_at": begin,
            "ended_at": end,
            "service_seconds": (end - begin).total_seconds().to_numpy(),
            "expected_seconds": np.round(service.mean, 3),
            "median_seconds": np.round(service.median, 3),
        }
    )
