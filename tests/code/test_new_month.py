"""A new month of simulated data: one parameter, and no earlier row is another one."""

import pandas as pd
import pytest
import yaml

from problems.fraud import simulate as fraud
from problems.orders import simulate as orders
from problems.service_time import simulate as service_time
from tests.conftest import ROOT, SMALL


def settings(simulator, world: str, **changes):
    params = yaml.safe_load((ROOT / "params.yaml").read_text())[world]["simulate"]
    return simulator.SimulateSettings(**{**params, **SMALL[world]["simulate"], **changes})


@pytest.fixture(scope="module")
def payments():
    return {
        months: fraud.simulate(settings(fraud, "fraud", more_months=months)) for months in (0, 1, 2)
    }


def test_further_months_of_payments_follow_the_ones_that_were_there(payments) -> None:
    tables = {months: found.raw["transactions.parquet"] for months, found in payments.items()}
    for months in (1, 2):
        before, now = tables[months - 1], tables[months]
        pd.testing.assert_frame_equal(now.head(len(before)), before)
        new = now.iloc[len(before) :]
        assert len(new) == pytest.approx(len(tables[0]) / 10, rel=0.02)
        assert new["at"].min() >= before["at"].max() - pd.Timedelta(1, unit="D")
        assert 0.5 < new["is_fraud"].mean() / tables[0]["is_fraud"].mean() < 1.6
    assert tables[2]["transaction_id"].is_unique
    assert set(tables[2]["customer_id"]) <= set(tables[0]["customer_id"]) | {
        f"C{number:07d}" for number in range(tables[0]["customer_id"].nunique() * 2)
    }
    truths = {months: found.truth for months, found in payments.items()}
    pd.testing.assert_frame_equal(truths[1].head(len(truths[0])), truths[0])


def test_eras_are_told_as_changes() -> None:
    params = settings(fraud, "fraud")
    days = [change.at for change in fraud.simulate(params).changes]
    assert days == ["2025-03-18", "2025-06-02", "2025-08-17"]
    late = fraud.simulate(params.model_copy(update={"first_era": 3}))
    assert late.changes == ()
    assert "patient" in set(late.truth["way"])
    assert "patient" not in set(fraud.simulate(params).truth["way"][:3000])


def test_a_recorded_month_more_of_stops_changes_no_earlier_row() -> None:
    whole, before = (
        service_time.simulate(settings(service_time, "service_time", recorded_months=months))
        for months in (None, 9)
    )
    keys = {
        "customers.parquet": ["customer_id"],
        "stops.parquet": ["stop_id"],
        "manual_log.parquet": ["stop_id"],
    }
    assert set(before.raw) == set(whole.raw)
    for name, table in before.raw.items():
        assert 0 < len(table) <= len(whole.raw[name])
        if name in keys:
            rest = whole.raw[name].merge(table[keys[name]], on=keys[name])
            pd.testing.assert_frame_equal(rest, table, check_like=True)
    end = pd.Timestamp("2024-10-01", tz="UTC")
    assert before.raw["stops.parquet"]["planned_arrival_at"].max() < end
    assert set(before.truth["stop_id"]) == set(before.raw["stops.parquet"]["stop_id"])
    routes = set(before.raw["stops.parquet"]["route_id"])
    assert set(before.raw["geofence_events.parquet"]["route_id"].dropna()) <= routes
    assert [change.what for change in before.changes] == [
        "service takes +3 % a year",
        "drammen opens",
    ]


def test_a_recorded_month_more_of_a_log_goes_on_where_it_ended() -> None:
    whole, before, early = (
        orders.simulate(settings(orders, "orders", recorded_months=months))
        for months in (None, 14, 13)
    )
    log, rest = whole.raw["events.parquet"], before.raw["events.parquet"]
    end = pd.Timestamp("2025-06-01", tz="Europe/Oslo")
    pd.testing.assert_frame_equal(rest, log[log["timestamp"] < end].reset_index(drop=True))
    known = ["order_id", "snapshot_at", "remaining_hours_median"]
    truth = whole.truth.merge(before.truth[known[:2]], on=known[:2])
    pd.testing.assert_frame_equal(truth[known], before.truth[known])
    assert len(before.truth) > len(early.truth) > 0
    assert [change.at for change in before.changes] == ["2025-05-01"]
    assert early.changes == ()
