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
it is calibrated to what Oda, a Norwegian grocer, has published.
"""

import numpy as np
import pandas as pd

from problems.contract import Change, ChangeKind, Simulated, Simulator
from problems.service_time.simulate.days import Days, make_days, make_weather, timestamps
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
from problems.service_time.simulate.settings import Floats, SimulateSettings
from problems.service_time.simulate.visits import make_visits

__all__ = ["SimulateSettings", "simulate"]


def simulate(settings: SimulateSettings) -> Simulated:
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
    truth = _truth(names["stop"], started, ended, service)
    if settings.recorded_months is not None:
        raw, truth = _recorded(raw, truth, days, settings.recorded_months)
    return Simulated(raw, truth, _changes(settings, days))


def _recorded(
    raw: dict[str, pd.DataFrame], truth: pd.DataFrame, days: Days, months: int
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Keep what the systems had recorded after so many months; rows kept are as in the whole."""
    end = days.date_of_month(months)
    stops = raw["stops.parquet"]
    kept = stops[stops["planned_arrival_at"] < end]
    of_stop, of_route = kept["stop_id"], kept["route_id"]
    cut = {"stops.parquet": kept}
    for name, table in raw.items():
        if name == "customers.parquet":
            cut[name] = table[table["opened_at"] < end]
        elif "stop_id" in table:
            cut[name] = table[table["stop_id"].isin(of_stop)]
        elif name != "stops.parquet":
            cut[name] = table[table["route_id"].isin(of_route)]
    ordered = {name: cut[name].reset_index(drop=True) for name in raw}
    return ordered, truth[truth["stop_id"].isin(of_stop)].reset_index(drop=True)


def _changes(settings: SimulateSettings, days: Days) -> tuple[Change, ...]:
    """Return what changes in the recorded months: Christmas, the new region, the slow drift."""
    months = settings.recorded_months or settings.months
    first, end = days.dates[0], days.date_of_month(months).tz_localize(None)
    found: list[tuple[pd.Timestamp, pd.Timestamp | None, ChangeKind, str]] = []
    if settings.drift_log_per_year:
        what = f"service takes {100 * settings.drift_log_per_year:+.0f} % a year"
        found.append((first, end, "slow", what))
    felt = days.dates[days.christmas > 0]
    for year in sorted(set(felt.year)):
        season = felt[felt.year == year]
        found.append((season[0], season[-1], "seasonal", f"Christmas {year}"))
    opening = days.day_of_month(settings.new_region_month)
    if opening < days.count and settings.stops >= 800:
        found.append((days.dates[opening], None, "one region", f"{REGIONS[-1]} opens"))
    return tuple(
        Change(_iso(at), kind, what, None if until is None else _iso(until))
        for at, until, kind, what in sorted(found, key=lambda change: change[0])
        if at < end
    )


def _iso(day: pd.Timestamp) -> str:
    return day.date().isoformat()


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


SIMULATOR = Simulator(SimulateSettings, simulate)
