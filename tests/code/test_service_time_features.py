"""A stop's columns are known when its route is planned, in one pass as well as stop by stop."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from problems.featurize import features_of
from problems.service_time.features import FeatureSettings
from problems.service_time.features import history as own
from problems.service_time.features.settings import estimated_seconds as estimated
from problems.service_time.problem import HISTORY, PROBLEMS
from problems.service_time.schema import WORLD
from retrace.base.arrays import from_frame, to_frame
from tests.tries import tries

PARAMS = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["service_time"]
SETTINGS = FeatureSettings(**PARAMS["features"])
OUTCOMES = ["service_seconds", "arrived_at", "departed_at", "grade", "source"]
HISTORY_COLUMNS = [
    f"{entity}_{what}" for entity in HISTORY for what in ("effect", "weight", "count")
]
START = pd.Timestamp("2025-03-01", tz="UTC")
many = st.integers(1, 12)  # routes
seeds = st.integers(0, 1000)


def features(
    rows: pd.DataFrame, settings: FeatureSettings, past: pd.DataFrame | None = None
) -> pd.DataFrame:
    return to_frame(features_of("service_time", rows, settings, past), rows.index)


def estimated_seconds(rows: pd.DataFrame, settings: FeatureSettings) -> pd.Series:
    return pd.Series(estimated(from_frame(rows), settings), rows.index)


def log_ratio(rows: pd.DataFrame, settings: FeatureSettings) -> pd.Series:
    return pd.Series(own.log_ratio(from_frame(rows), settings), rows.index)


def clean_stops(n_routes: int, seed: int = 0) -> pd.DataFrame:
    """Clean stops of a few routes, drivers and customers; plans overlap with outcomes to come."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 5, n_routes)
    route = np.repeat(np.arange(n_routes), sizes)
    n = len(route)
    hours = np.sort(rng.integers(0, 30, n_routes))[route]  # many routes at one moment
    planned = START + pd.to_timedelta(hours, unit="h")
    arrived = planned + pd.to_timedelta(rng.integers(0, 30 * 60, n), unit="min")
    seconds = np.round(rng.lognormal(6, 0.4, n), 3)
    customer = rng.integers(0, 6, n)
    area = customer % 3
    number = pd.Series(range(n)).astype(str)
    rows = pd.DataFrame(
        {
            "stop_id": "S" + number,
            "route_id": "R" + pd.Series(route).astype(str),
            "driver_id": pd.Series(route % 3).astype(str).str.zfill(16),
            "customer_id": "C" + pd.Series(customer).astype(str),
            "area_id": "A" + pd.Series(area).astype(str),
            "region": "G" + pd.Series(area % 2).astype(str),
            "dwelling": np.where(customer % 2 == 0, "house", "block"),
            "floor": (customer % 4).astype("int16"),
            "has_lift": customer == 3,
            "opened_at": START - pd.to_timedelta(100 + customer, unit="D"),
            "latitude": 59.9 + area / 100,
            "longitude": 10.7,
            "position": (np.arange(n) - np.cumsum(sizes).take(route) + sizes[route]).astype(
                "int32"
            ),
            "planned_at": planned,
            "planned_arrival_at": planned + pd.Timedelta("12h"),
            "slot": "08:00-10:00",
            "weight_kg": rng.uniform(2, 60, n).round(1),
            "items": rng.integers(1, 60, n).astype("int32"),
            "boxes": rng.integers(0, 9, n).astype("int32"),
            "rain_mm": 0.5,
            "snow_cm": 0.0,
            "temperature_c": -3.0,
            "arrived_at": arrived,
            "departed_at": arrived + pd.to_timedelta(seconds, unit="s"),
            "service_seconds": seconds,
            "grade": "A",
            "source": "events",
        }
    )
    times = ["opened_at", "planned_at", "planned_arrival_at", "arrived_at", "departed_at"]
    text = ["stop_id", "route_id", "driver_id", "customer_id", "area_id", "region", "dwelling"]
    kinds = dict.fromkeys(times, "datetime64[us, UTC]")
    return rows.astype(kinds | dict.fromkeys([*text, "slot", "grade", "source"], "str"))


def assert_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_the_rows_of_these_tests_are_clean() -> None:
    WORLD.schema.validate(clean_stops(12), lazy=True)


@settings(deadline=None, max_examples=tries(10))
@given(many, seeds, st.data())
def test_deleting_the_future_changes_nothing(n: int, seed: int, data: st.DataObject) -> None:
    rows = clean_stops(n, seed)
    now = rows["planned_at"].iloc[data.draw(st.integers(0, len(rows) - 1))]
    expected = features(rows, SETTINGS)[rows["planned_at"] <= now]
    kept = rows[rows["planned_at"] <= now].copy()
    unknown = kept["departed_at"] >= now
    assert_same(features(kept, SETTINGS, past=kept[~unknown]), expected)
    kept.loc[unknown, ["service_seconds", "departed_at", "arrived_at"]] = [np.nan, pd.NaT, pd.NaT]
    assert_same(features(kept, SETTINGS), expected)


@settings(deadline=None, max_examples=tries(5))
@given(many, seeds, st.data())
def test_the_outcomes_of_the_routes_planned_last_are_not_used(
    n: int, seed: int, data: st.DataObject
) -> None:
    rows = clean_stops(n, seed)
    last = rows["planned_at"] == rows["planned_at"].max()
    changed = rows.copy()
    late = data.draw(st.integers(0, 1000))
    changed.loc[last, "service_seconds"] *= 7
    for name in ("arrived_at", "departed_at"):
        changed.loc[last, name] += pd.Timedelta(hours=late)
    changed.loc[last, ["grade", "source"]] = ["C", "pings"]
    assert_same(features(changed, SETTINGS), features(rows, SETTINGS))
    without = rows[last].drop(columns=OUTCOMES)
    assert_same(features(without, SETTINGS, past=rows[~last]), features(rows, SETTINGS)[last])


@settings(deadline=None, max_examples=tries(5))
@given(many, seeds)
def test_the_order_of_rows_does_not_matter(n: int, seed: int) -> None:
    rows = clean_stops(n, seed)
    shuffled = rows.sample(frac=1, random_state=seed)
    assert_same(features(shuffled, SETTINGS).loc[rows.index], features(rows, SETTINGS))


@settings(deadline=None, max_examples=tries(5))
@given(many, seeds, st.data())
def test_some_routes_have_the_columns_they_have_among_all(
    n: int, seed: int, data: st.DataObject
) -> None:
    rows = clean_stops(n, seed)
    routes = rows["route_id"].unique().tolist()
    some = rows[rows["route_id"].isin(data.draw(st.sets(st.sampled_from(routes), min_size=1)))]
    assert_same(features(some, SETTINGS, past=rows), features(rows, SETTINGS).loc[some.index])


def test_every_column_of_the_problem_is_there_and_filled() -> None:
    columns = PROBLEMS["service_time"].columns
    table = features(clean_stops(12), SETTINGS)
    assert {*columns.numeric, *columns.categorical} == {*table.columns}
    assert not table.isna().any().any()


@pytest.mark.parametrize(
    ("unknown", "empty"),
    [
        ("opened_at", {"customer_days"}),
        ("planned_arrival_at", set()),
        ("rain_mm", {"rain_mm"}),
        ("temperature_c", {"temperature_c"}),
    ],
)
def test_what_is_not_known_empties_its_own_column_only(unknown: str, empty: set) -> None:
    rows = clean_stops(5)
    rows[unknown] = pd.Series(None, rows.index, dtype=rows[unknown].dtype)
    gone = features(rows, SETTINGS).isna().all()
    assert {*gone.index[gone]} == empty
    assert not features(rows, SETTINGS).drop(columns=[*empty]).isna().any().any()


def test_no_rows_and_no_past() -> None:
    rows = clean_stops(5)
    assert (
        features(rows[:0], SETTINGS).columns.tolist() == features(rows, SETTINGS).columns.tolist()
    )
    first = features(rows, SETTINGS, past=rows[:0])
    assert (first[[*HISTORY_COLUMNS, "known_effect"]] == 0).all(axis=None)


def test_a_slow_customer_is_remembered_and_a_new_one_is_not_known() -> None:
    rows = clean_stops(12).assign(driver_id="0" * 16, boxes=4, service_seconds=300.0)
    rows["departed_at"] = rows["planned_at"] + pd.Timedelta("1h")
    slow = rows["customer_id"] == "C1"
    rows.loc[slow, "service_seconds"] = 900.0
    later = rows[:2].assign(
        stop_id=["S-a", "S-b"],
        route_id="R-later",
        planned_at=START + pd.Timedelta("60D"),
        customer_id=["C1", "C-new"],
    )
    table = features(later, SETTINGS, past=rows)
    assert table["customer_id_effect"].tolist() == [pytest.approx(0.4, abs=0.3), 0.0]
    assert table["customer_id_count"].tolist() == [slow.sum(), 0]
    assert table["customer_id_weight"].iloc[0] < slow.sum()
    assert table["driver_id_count"].tolist() == [len(rows)] * 2


def test_a_big_order_does_not_look_like_a_slow_habit() -> None:
    rows = clean_stops(1)
    more = rows.assign(boxes=rows["boxes"] + 10, weight_kg=rows["weight_kg"] + 200)
    assert (log_ratio(more, SETTINGS) < log_ratio(rows, SETTINGS)).all()


def test_the_boosters_start_from_the_work_and_what_is_known() -> None:
    rows = clean_stops(12)
    fresh = features(rows, SETTINGS, past=rows[:0])["log_estimate"]
    np.testing.assert_allclose(np.expm1(fresh), estimated_seconds(rows, SETTINGS))
    rows["departed_at"] = rows["planned_at"] + pd.Timedelta("1h")
    slow = rows.assign(service_seconds=3 * estimated_seconds(rows, SETTINGS))
    later = rows.assign(planned_at=rows["planned_at"] + pd.Timedelta("60D"))
    assert (features(later, SETTINGS, past=slow)["log_estimate"] > fresh + 0.1).all()


def one_stop(**changes: object) -> pd.Series:
    """Return the columns of one stop."""
    row = clean_stops(1, seed=1)[:1].assign(**changes)
    return features(row.astype({"floor": "int16"}), SETTINGS).iloc[0]


def test_stairs_count_by_trip_where_there_is_no_lift() -> None:
    up = {"floor": 3, "boxes": 6, "weight_kg": 20.0}
    stairs = one_stop(has_lift=False, **up)
    assert (stairs["trips"], stairs["stairs_trips"], stairs["stairs_weight_kg"]) == (3, 9, 60)
    assert one_stop(has_lift=True, **up)["stairs_trips"] == 0
    assert one_stop(has_lift=False, boxes=1, weight_kg=90.0)["trips"] == pytest.approx(5)
    assert one_stop(has_lift=False, boxes=0, weight_kg=0.0)["trips"] == 1


@pytest.mark.parametrize(
    ("arrival", "hour", "weekday", "holiday", "to_christmas"),
    [
        ("2025-12-24T12:00Z", 13, 2, False, 1),
        ("2025-12-25T12:00Z", 13, 3, True, 0),
        ("2025-12-28T12:00Z", 13, 6, False, -3),
        ("2025-12-31T23:30Z", 0.5, 3, True, 60),  # New Year's Day in Oslo
        ("2025-03-30T00:30Z", 1.5, 6, False, 60),  # half an hour before clocks go forward
        ("2025-03-30T01:30Z", 3.5, 6, False, 60),
        ("2025-10-26T00:30Z", 2.5, 6, False, 60),  # before and after they go back
        ("2025-10-26T01:30Z", 2.5, 6, False, 60),
        ("2025-11-03T12:00Z", 13, 0, False, 52),
    ],
)
def test_the_calendar_is_that_of_the_delivery_in_local_time(
    arrival: str, hour: float, weekday: int, holiday: bool, to_christmas: int
) -> None:
    found = one_stop(planned_arrival_at=pd.Timestamp(arrival).as_unit("us"))
    assert found[["hour", "weekday", "is_holiday", "days_to_christmas"]].tolist() == [
        hour,
        weekday,
        holiday,
        to_christmas,
    ]


def test_a_second_order_of_the_same_customer_is_marked() -> None:
    rows = pd.concat([clean_stops(1, seed=1)[:1]] * 4, ignore_index=True)
    rows = rows.assign(
        stop_id=["S0", "S1", "S2", "S3"],
        position=[2, 1, 1, 2],  # two at once: the order of rows must not decide
        customer_id=["C1", "C1", "C1", "C2"],
        route_id=["R1", "R1", "R2", "R1"],
    )
    for order in ([0, 1, 2, 3], [3, 2, 1, 0]):
        marked = features(rows.loc[order], SETTINGS)["same_address_as_before"]
        assert marked.loc[[0, 1, 2, 3]].tolist() == [True, False, False, False]
    twice = rows[:2].set_axis([0, 0])
    assert features(twice, SETTINGS)["same_address_as_before"].tolist() == [True, False]
