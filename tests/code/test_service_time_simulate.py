"""The deliveries simulator: its calibration, and each difficulty that it must have."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from problems.contract import Simulated
from problems.service_time.simulate import SimulateSettings, simulate
from problems.service_time.simulate.days import Days, make_days, make_weather
from problems.service_time.simulate.drivers import Drivers
from problems.service_time.simulate.geofence import Presence, make_presence
from problems.service_time.simulate.orders import make_orders
from problems.service_time.simulate.places import REGIONS, Customers
from problems.service_time.simulate.routes import RouteStops, make_routes
from problems.service_time.simulate.service import Service, make_service, work_seconds
from problems.service_time.simulate.visits import Visits, make_visits
from tests.code.deliveries import SETTINGS, ZONE


@dataclass(frozen=True)
class Parts:
    days: Days
    customers: Customers
    stops: RouteStops
    drivers: Drivers
    service: Service
    visits: Visits
    presence: Presence


@pytest.fixture(scope="module")
def parts() -> Parts:
    """What the simulator knows of itself."""
    days = make_days(SETTINGS)
    weather = make_weather(SETTINGS, days, len(REGIONS))
    customers, orders = make_orders(SETTINGS, days)
    stops, drivers = make_routes(SETTINGS, days, customers, orders)
    service = make_service(SETTINGS, days, weather, customers, drivers, stops)
    visits, _, _ = make_visits(SETTINGS, customers, stops, service)
    presence = make_presence(customers, visits)
    return Parts(days, customers, stops, drivers, service, visits, presence)


@pytest.fixture(scope="module")
def simulated() -> Simulated:
    return simulate(SETTINGS)


@pytest.fixture(scope="module")
def rows(simulated: Simulated) -> pd.DataFrame:
    """Stops with their customer and truth."""
    return (
        simulated.raw["stops.parquet"]
        .merge(simulated.raw["customers.parquet"], on="customer_id", validate="m:1")
        .merge(simulated.truth, on="stop_id", validate="1:1")
        .sort_values(["route_id", "position"], ignore_index=True)
    )


@pytest.fixture(scope="module")
def events(simulated: Simulated) -> pd.DataFrame:
    return simulated.raw["geofence_events.parquet"]


def mae(actual: pd.Series, predicted: pd.Series | float) -> float:
    return float((actual - predicted).abs().mean())


# The raw contract


def test_the_raw_tables_have_their_columns_and_types(simulated: Simulated) -> None:
    time, text = "datetime64[us, UTC]", "str"
    expected = {
        "customers.parquet": {
            "customer_id": text, "latitude": "float64", "longitude": "float64", "region": text,
            "area_id": text, "dwelling": text, "floor": "int64", "has_lift": "bool",
            "opened_at": time,
        },
        "stops.parquet": {
            "stop_id": text, "route_id": text, "driver_id": text, "customer_id": text,
            "position": "int64", "planned_at": time, "slot": text, "planned_arrival_at": time,
            "weight_kg": "float64", "items": "int64", "boxes": "int64", "rain_mm": "float64",
            "snow_cm": "float64", "temperature_c": "float64",
        },
        "geofence_events.parquet": {
            "route_id": text, "customer_id": text, "event": text, "at": time,
            "accuracy_m": "float64",
        },
        "manual_log.parquet": {"stop_id": text, "started_at": time, "ended_at": time},
    }  # fmt: skip
    found = {file: dict(frame.dtypes.astype(str)) for file, frame in simulated.raw.items()}
    assert found == expected
    assert not any(frame.isna().any(axis=None) for frame in simulated.raw.values())


def test_ids_are_unique_and_refer_to_rows(simulated: Simulated, events: pd.DataFrame) -> None:
    stops, customers = simulated.raw["stops.parquet"], simulated.raw["customers.parquet"]
    assert stops["stop_id"].is_unique
    assert customers["customer_id"].is_unique
    assert set(stops["customer_id"]) <= set(customers["customer_id"])
    assert set(events["customer_id"]) <= set(customers["customer_id"])
    assert set(events["route_id"]) <= set(stops["route_id"])
    assert set(simulated.truth["stop_id"]) == set(stops["stop_id"])


def test_positions_count_from_one(rows: pd.DataFrame) -> None:
    assert (rows["position"] == rows.groupby("route_id").cumcount() + 1).all()
    assert 15 < rows.groupby("route_id").size().mean() < 26


def test_a_route_is_planned_at_once_and_hours_before(rows: pd.DataFrame) -> None:
    assert (rows.groupby("route_id")["planned_at"].nunique() == 1).all()
    hours = (rows["planned_arrival_at"] - rows["planned_at"]).dt.total_seconds() / 3600
    assert hours.min() > 4
    assert hours.max() < 20
    assert (rows["opened_at"] <= rows["planned_arrival_at"]).all()


def test_local_hours_are_the_same_in_summer_and_winter(rows: pd.DataFrame) -> None:
    local = rows["planned_arrival_at"].dt.tz_convert(ZONE)
    first = local[rows["position"] == 1]
    season = first.dt.month.isin([6, 7, 8])
    earliest = first.dt.hour + first.dt.minute / 60
    assert earliest[season].min() == pytest.approx(earliest[~season].min(), abs=0.1)
    assert (rows["slot"].str[:2].astype(int) == local.dt.hour // 2 * 2).mean() > 0.99


def test_nothing_is_delivered_on_sundays_and_holidays(rows: pd.DataFrame) -> None:
    local = rows["planned_arrival_at"].dt.tz_convert(ZONE)
    assert (local.dt.day_of_week < 6).all()
    closed = ["2024-03-29", "2024-04-01", "2024-05-17", "2024-12-25", "2025-04-18"]
    assert not local.dt.strftime("%Y-%m-%d").isin(closed).any()


# Calibration


def test_the_mean_is_seven_minutes_and_the_tail_is_on_the_right(rows: pd.DataFrame) -> None:
    seconds = rows["service_seconds"]
    assert 395 < seconds.mean() < 445
    assert seconds.median() < 0.92 * seconds.mean()
    assert seconds.min() > 20
    assert seconds.max() < 6000


def test_noise_is_as_set_and_centred_on_the_median(rows: pd.DataFrame) -> None:
    noise = np.log(rows["service_seconds"] / rows["median_seconds"])
    assert noise.std() == pytest.approx(SETTINGS.noise_log_sd, rel=0.03)
    assert abs(noise.mean()) < 0.01
    assert rows["service_seconds"].mean() == pytest.approx(
        rows["expected_seconds"].mean(), rel=0.02
    )


def test_the_median_is_the_best_prediction(rows: pd.DataFrame) -> None:
    best = mae(rows["service_seconds"], rows["median_seconds"])
    assert 88 < best < 112
    for factor in (0.93, 1.07):
        assert mae(rows["service_seconds"], factor * rows["median_seconds"]) > best
    assert mae(rows["service_seconds"], rows["expected_seconds"]) > best
    wobbly = rows["median_seconds"] * np.exp(np.random.default_rng(1).normal(0, 0.1, len(rows)))
    assert mae(rows["service_seconds"], wobbly) > best


def test_the_seven_minute_rule_is_far_from_the_oracle(rows: pd.DataFrame) -> None:
    stairs = rows["floor"].where(~rows["has_lift"], 0)
    rule = 420 + 60 * (stairs >= 2) + 60 * (rows["boxes"] >= 7) - 60 * (rows["boxes"] <= 3)
    oracle = mae(rows["service_seconds"], rows["median_seconds"])
    assert 40 < mae(rows["service_seconds"], rule) - oracle < 90


def test_customers_come_back_every_few_weeks(rows: pd.DataFrame) -> None:
    days = rows.sort_values("planned_at").groupby("customer_id")["planned_at"].diff().dt.days
    assert 6 <= days[days > 0].median() <= 21


# What makes it hard


def test_vans_pass_fences_without_stopping(parts: Parts) -> None:
    passed = parts.presence.kind == 2
    seconds = (parts.presence.end - parts.presence.start)[passed]
    assert 0.05 < passed.sum() / parts.visits.count < 0.3
    assert np.median(seconds) < 20
    assert np.quantile(seconds, 0.99) > 45  # some are held up there


def test_some_passed_doors_belong_to_other_routes(rows: pd.DataFrame, events: pd.DataFrame) -> None:
    on_route = pd.MultiIndex.from_frame(rows[["route_id", "customer_id"]])
    seen = pd.MultiIndex.from_frame(events[["route_id", "customer_id"]])
    assert 0.005 < (~seen.isin(on_route)).mean() < 0.15


def test_neighbours_fences_overlap(parts: Parts) -> None:
    seconds = parts.presence.end - parts.presence.start
    beside = parts.presence.kind == 1
    assert 0.004 < beside.sum() / parts.visits.count < 0.08
    assert np.median(seconds[beside]) > 120  # as long as the stay of the van next door
    own = parts.presence.kind == 0
    stay = (parts.visits.end - parts.visits.start)[parts.presence.visit[own]]
    assert 0.002 < (seconds[own] > stay + 60).mean() < 0.04  # two stays in one fence


def test_fences_flap_during_a_stay(rows: pd.DataFrame, events: pd.DataFrame) -> None:
    merged = rows.merge(events, on=["route_id", "customer_id"])
    inside = merged[
        (merged["at"] > merged["started_at"] + pd.Timedelta("60s"))
        & (merged["at"] < merged["ended_at"] - pd.Timedelta("60s"))
        & (merged["event"] == "exit")
    ]
    assert 0.06 < inside["stop_id"].nunique() / len(rows) < 0.25


def test_exits_are_lost_more_often_than_enters(events: pd.DataFrame) -> None:
    once = events.drop_duplicates()
    count = once.groupby(["route_id", "customer_id", "event"]).size().unstack(fill_value=0)
    assert 0.005 < (count["enter"] > count["exit"]).mean() < 0.03
    assert 0.0005 < (count["exit"] > count["enter"]).mean() < 0.01


def test_events_are_duplicated_and_late(events: pd.DataFrame) -> None:
    assert 0.005 < events.duplicated().mean() < 0.03
    latest = events.groupby("route_id")["at"].cummax()
    assert 0.008 < (events["at"] < latest - pd.Timedelta("60s")).mean() < 0.05


def test_the_clocks_of_some_devices_are_wrong(rows: pd.DataFrame, events: pd.DataFrame) -> None:
    enters = events[events["event"] == "enter"].groupby(["route_id", "customer_id"])["at"].min()
    joined = rows.merge(enters.reset_index(), on=["route_id", "customer_id"])
    wrong = (joined["at"] - joined["started_at"]).dt.total_seconds()
    by_route = wrong.groupby(joined["route_id"]).median()
    assert 0.05 < (by_route.abs() > 15).mean() < 0.25
    assert by_route.abs().median() < 8


def test_two_orders_to_one_address(rows: pd.DataFrame) -> None:
    before = rows.shift(1)
    again = (rows["customer_id"] == before["customer_id"]) & (
        rows["route_id"] == before["route_id"]
    )
    assert again.mean() == pytest.approx(0.012, abs=0.002)
    gap = (rows["started_at"] - before["ended_at"])[again].dt.total_seconds()
    assert gap.abs().max() < 0.01
    pairs = rows.duplicated(["route_id", "customer_id"])
    assert (pairs == again).all()  # always consecutive


def test_drivers_differ_and_get_faster(parts: Parts) -> None:
    left = np.log(parts.service.median / work_seconds(parts.customers, parts.stops))
    in_job = parts.stops.day - parts.drivers.hired[parts.stops.driver]
    assert left[in_job < 15].mean() - left[in_job > 150].mean() > 0.1
    old = in_job > 150
    by_driver = pd.Series(left[old]).groupby(parts.stops.driver[old]).agg(["mean", "size"])
    assert by_driver["mean"][by_driver["size"] > 100].std() > 0.03


def test_customers_have_habits(parts: Parts) -> None:
    assert parts.customers.habit_log.std() == pytest.approx(SETTINGS.customer_log_sd, rel=0.1)


def test_stairs_cost_time_by_trips_and_only_without_a_lift(rows: pd.DataFrame) -> None:
    blocks = rows[(rows["dwelling"] == "block") & (rows["floor"] >= 2)]
    many = blocks["boxes"] >= 6
    mean = blocks.groupby(["has_lift", many.rename("many")])["expected_seconds"].mean()
    stairs_few = mean[(False, False)] - mean[(True, False)]
    stairs_many = mean[(False, True)] - mean[(True, True)]
    assert stairs_few > 20
    assert stairs_many > 2 * stairs_few


def test_parking_is_worse_in_town_and_in_the_evening_rush(parts: Parts) -> None:
    left = parts.service.mean - work_seconds(parts.customers, parts.stops)
    assert np.isfinite(left).all()
    work = work_seconds(parts.customers, parts.stops)
    centre = parts.customers.kind[parts.stops.customer] == 0
    rush = np.abs(parts.stops.local_hour - 16.5) < 0.75
    calm = np.abs(parts.stops.local_hour - 11.0) < 0.75
    same = ~parts.stops.same_place
    assert work[centre & rush & same].mean() > work[centre & calm & same].mean() + 30


def test_christmas_has_bigger_orders_other_habits_and_new_helpers(parts: Parts) -> None:
    month = parts.days.dates.month.to_numpy()[parts.stops.day]
    ordinary = np.isin(month, [3, 9, 10])
    assert parts.stops.items[month == 12].mean() > 1.12 * parts.stops.items[ordinary].mean()
    helpers = parts.drivers.helper[parts.stops.driver]
    assert 0.05 < helpers[month == 12].mean() < 0.5
    assert helpers[ordinary].sum() == 0
    left = np.log(parts.service.median / work_seconds(parts.customers, parts.stops))
    assert left[month == 12].mean() > left[ordinary].mean() + 0.03


def test_snow_lies_in_winter_and_slows(rows: pd.DataFrame) -> None:
    month = rows["planned_at"].dt.month
    assert rows["snow_cm"][month.isin([1, 2])].mean() > 3
    assert rows["snow_cm"][month.isin([6, 7, 8])].max() == 0
    calm = rows[month.isin([1, 2, 3]) & (rows["dwelling"] == "house")]
    deep = calm["snow_cm"] > 8
    per_box = calm["expected_seconds"] / (calm["boxes"] + 8)
    assert per_box[deep].mean() > per_box[~deep].mean()


def test_a_region_opens_in_month_18(rows: pd.DataFrame) -> None:
    first = rows.groupby("region")["planned_arrival_at"].min()
    assert first["drammen"] >= pd.Timestamp("2025-07-01", tz=ZONE)
    assert (first.drop("drammen") < pd.Timestamp("2024-02-01", tz=ZONE)).all()
    assert (rows["region"] == "drammen").sum() > 300


def test_habits_drift() -> None:
    still, moving = (
        simulate(SimulateSettings(stops=2000, drift_log_per_year=drift))
        .truth["median_seconds"]
        .to_numpy()
        for drift in (0.0, 0.1)
    )
    change = np.log(moving / still)
    assert change[-1] - change[0] == pytest.approx(0.2, abs=0.02)


# Reconstruction


def test_enter_to_exit_is_close_to_the_service_time(
    rows: pd.DataFrame, events: pd.DataFrame
) -> None:
    alone = rows[~rows.duplicated(["route_id", "customer_id"], keep=False)]
    near = alone.merge(events, on=["route_id", "customer_id"])
    slack = pd.Timedelta("3min")
    near = near[(near["at"] > near["started_at"] - slack) & (near["at"] < near["ended_at"] + slack)]
    span = near.groupby("stop_id")["at"].agg(["min", "max"])
    seconds = (span["max"] - span["min"]).dt.total_seconds()
    error = seconds - alone.set_index("stop_id")["service_seconds"].reindex(seconds.index)
    assert len(seconds) > 0.99 * len(alone)
    assert error.abs().median() < 8
    assert (error.abs() < 20).mean() > 0.95


def test_the_manual_log_covers_the_pilot_and_is_near_the_truth(simulated: Simulated) -> None:
    log = simulated.raw["manual_log.parquet"].merge(simulated.truth, on="stop_id")
    span = log["started_at_x"].max() - log["started_at_x"].min()
    assert pd.Timedelta("14D") < span < pd.Timedelta("22D")
    noted = (log["ended_at_x"] - log["started_at_x"]).dt.total_seconds()
    assert (noted > 0).all()
    assert 3 < (noted - log["service_seconds"]).abs().median() < 25


def test_pings_show_the_same_stays(parts: Parts) -> None:
    settings = SimulateSettings(stops=400, months=2, pings=True)
    simulated = simulate(settings)
    pings = simulated.raw["gps_pings.parquet"]
    assert list(pings) == ["route_id", "at", "latitude", "longitude", "accuracy_m"]
    rows = simulated.raw["stops.parquet"].merge(simulated.truth, on="stop_id")
    rows = rows.merge(simulated.raw["customers.parquet"], on="customer_id")
    joined = pd.merge_asof(
        pings.sort_values("at"), rows.sort_values("started_at"),
        left_on="at", right_on="started_at", by="route_id", suffixes=("", "_home"),
    )  # fmt: skip
    stay = joined[joined["at"] < joined["ended_at"]]
    metres = 111_320 * np.hypot(
        stay["latitude"] - stay["latitude_home"],
        (stay["longitude"] - stay["longitude_home"]) * np.cos(np.radians(59.9)),
    )
    assert metres.median() < 20
    assert 0.005 < (metres > 50).mean() < 0.08  # flaps, and clocks that are off
    assert len(stay) > 0.6 * len(pings)
    gap = pings.groupby("route_id")["at"].diff().dt.total_seconds()
    assert 5 <= gap.median() <= 10
