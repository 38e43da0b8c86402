"""What the settings of the orders simulator change, and what they leave alone."""

import time
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from problems.orders.simulate import SimulateSettings, simulate
from problems.orders.simulate.truth import summarise
from retrace.base.files import write_table
from tests.code.order_waits import SETTINGS, mae, outcomes, per_order, waits


def test_no_season_on_request() -> None:
    flat = simulate(SimulateSettings(orders=6000, season_peak=0.0, futures=0)).raw["events.parquet"]
    placed = flat[flat["activity"] == "placed"]["timestamp"].dt.strftime("%Y-%m").value_counts()
    assert placed[["2024-11", "2024-12"]].mean() < 1.15 * placed.loc["2024-08":"2024-10"].mean()


def test_no_change_beyond_the_months() -> None:
    """Up to the change both worlds are one; without it the other warehouse goes on."""
    settings = SimulateSettings(orders=3000, futures=0)
    changed, same = (
        simulate(settings.model_copy(update={"change_month": month})).raw["events.parquet"]
        for month in (14, 99)
    )
    before = pd.Timestamp("2025-05-01", tz=SETTINGS.time_zone)
    pd.testing.assert_frame_equal(
        changed[changed["timestamp"] < before], same[same["timestamp"] < before]
    )
    assert not changed.equals(same)
    north = same[(same["region"] == "north") & (same["activity"] == "picked")]
    assert set(north["resource"]) == {"warehouse_2"}


def test_the_change_of_the_process_is_told() -> None:
    settings = SimulateSettings(orders=300, months=5, futures=0, change_month=3)
    change = simulate(settings).changes[0]
    assert (change.at, change.kind) == ("2024-06-01", "sudden")
    assert simulate(settings.model_copy(update={"change_month": 6})).changes == ()


def test_a_month_of_slow_carriers_is_told_and_leaves_the_rest_alone() -> None:
    settings = SimulateSettings(orders=3000, months=8, futures=0, change_month=99, season_peak=0.0)
    usual = simulate(settings)
    slow = simulate(settings.model_copy(update={"slow_carrier_month": 4}))
    assert usual.changes == ()
    (change,) = slow.changes or ()
    assert (change.at, change.until, change.kind) == ("2024-07-01", "2024-08-01", "seasonal")
    before = pd.Timestamp("2024-07-01", tz=SETTINGS.time_zone)
    logs = [one.raw["events.parquet"] for one in (usual, slow)]
    pd.testing.assert_frame_equal(*(log[log["timestamp"] < before] for log in logs))
    transit = []
    for log in logs:
        found = waits(log)
        begun = found["timestamp"].between(before, before + pd.DateOffset(months=1))
        on_the_way = found[begun & (found["activity"] == "dispatched")]
        transit.append(on_the_way["wait"].median())
    assert 1.35 < transit[1] / transit[0] < 1.75


def test_more_noise_makes_the_oracle_worse() -> None:
    errors = []
    for noise in (0.2, 0.4, 0.6):
        settings = SimulateSettings(orders=2000, futures=20, noise_log_sd=noise)
        made = simulate(settings)
        events = waits(made.raw["events.parquet"])
        rows = outcomes(settings, made, events, per_order(events)).dropna(subset="remaining")
        errors.append(mae(rows["remaining"], rows["remaining_hours_median"]))
    assert errors[0] < 0.8 * errors[1] < 0.8 * 0.9 * errors[2]


def test_withdrawn_futures_say_nothing() -> None:
    inf = np.inf
    left = np.array([[3.0, inf, 1.0, 2.0], [inf, 4.0, inf, 6.0]])
    stuck = np.array([[True, False, False, False], [True, False, False, False]])
    median, probability = summarise(left, stuck)
    np.testing.assert_allclose(median, [2.0, 5.0])
    np.testing.assert_allclose(probability, [1.25 / 3.5, 1.25 / 3.5])


# SimulateSettings


def test_the_same_settings_give_the_same_bytes(tmp_path: Path) -> None:
    one, two, other = (
        simulate(SimulateSettings(orders=800, seed=s, futures=20)) for s in (3, 3, 4)
    )
    for name, made in (("one", one), ("two", two)):
        write_table(made.raw["events.parquet"], tmp_path / f"{name}.parquet")
        write_table(made.truth, tmp_path / f"{name}_truth.parquet")
    for suffix in ("", "_truth"):
        a, b = ((tmp_path / f"{name}{suffix}.parquet").read_bytes() for name in ("one", "two"))
        assert a == b
    assert not one.raw["events.parquet"].equals(other.raw["events.parquet"])


def test_the_number_of_futures_changes_the_truth_alone() -> None:
    few, many, none = (simulate(SimulateSettings(orders=500, futures=f)) for f in (60, 240, 0))
    for made in (many, none):
        pd.testing.assert_frame_equal(few.raw["events.parquet"], made.raw["events.parquet"])
    assert len(none.truth) == 0
    assert list(none.truth) == list(few.truth)
    for column in ("remaining_hours_median", "stuck_probability"):
        assert few.truth[column].corr(many.truth[column]) > 0.98


@pytest.mark.parametrize("orders", [1, 2, 7, 100])
@pytest.mark.parametrize("months", [1, 18])
def test_any_number_of_orders(orders: int, months: int) -> None:
    made = simulate(SimulateSettings(orders=orders, months=months, futures=20))
    assert made.raw["events.parquet"]["case_id"].nunique() == orders
    assert np.isfinite(made.truth["remaining_hours_median"]).all()


@pytest.mark.slow
def test_time_and_memory_grow_linearly() -> None:
    seconds, peaks = [], []
    for orders in (5_000, 20_000):
        began = time.process_time()
        simulate(SimulateSettings(orders=orders, futures=0))
        seconds.append(time.process_time() - began)
    for orders in (1_500, 6_000):
        tracemalloc.start()
        simulate(SimulateSettings(orders=orders, futures=0))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert seconds[1] < 6 * seconds[0]
    assert peaks[1] < 5 * peaks[0]


def test_parties_scale_with_orders() -> None:
    small, large = (
        simulate(SimulateSettings(orders=n, futures=0)).raw["events.parquet"] for n in (1500, 6000)
    )
    for column in ("customer_id", "supplier_id"):
        assert 2 < large[column].nunique() / small[column].nunique() < 6


def test_without_rework_all_orders_go_straight() -> None:
    log = simulate(SimulateSettings(orders=500, rework=0.0, futures=0)).raw["events.parquet"]
    straight = ["placed", "validated", "credit_check", "picked", "dispatched", "delivered"]
    assert set(log["activity"]) == {*straight, "closed"}


@pytest.mark.parametrize(
    "wrong",
    [{"orders": 0}, {"months": 0}, {"noise_log_sd": 0.0}, {"load_power": 1.0}, {"order": 10},
     {"seed": -1}, {"usual_share": 0.0}, {"time_zone": "Mars/Crater"}],
)  # fmt: skip
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        SimulateSettings.model_validate(wrong)


def test_a_company_grows_in_orders_customers_and_staff() -> None:
    made = simulate(
        SimulateSettings(orders=2000, futures=0, growth=4.0, months=12, season_peak=0.0)
    )
    events = made.raw["events.parquet"]
    cases = events.groupby("case_id").agg(
        start=("timestamp", "min"), end=("timestamp", "max"), customer=("customer_id", "first")
    )
    assert len(cases) == pytest.approx(2000, rel=0.02)
    third = pd.cut(cases["start"].astype("int64"), 3, labels=False)
    counts = third.value_counts().sort_index()
    assert counts[2] / counts[0] == pytest.approx(4 ** (2 / 3), rel=0.3)
    customers = cases.groupby(third)["customer"].nunique()
    assert customers[2] > 1.5 * customers[0]
    days = (cases["end"] - cases["start"]).groupby(third).median().dt.total_seconds() / 86_400
    assert days[1] == pytest.approx(days[0], rel=0.25)  # queues are no longer for the staff
