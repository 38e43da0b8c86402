"""The worklist at a moment: what was open then, with what was known then, in a stated order."""

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from problems.orders.evaluation import EvaluateSettings
from problems.orders.ingest import IngestSettings, read_log
from problems.orders.worklist import COMPLETION, STUCK, cases, make_worklist, moment
from problems.orders.worklist.page import render, to_csv
from problems.orders.worklist.ranking import Ranking, hours_late
from problems.orders.worklist.waits import later_than
from problems.parts import find_problem
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.params import read_params
from retrace.fit.bundle import Bundle
from tests.conftest import run

DAY = "2025-06-02"


@pytest.fixture
def here(reproduced: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(reproduced)
    return reproduced


def parts() -> tuple[IngestSettings, EvaluateSettings, dict]:
    models = {
        name: (find_problem(name), Bundle.load(paths.bundle(name))) for name in (COMPLETION, STUCK)
    }
    costs = read_params(EvaluateSettings, f"{STUCK}.evaluate", below="orders.evaluate")
    return read_params(IngestSettings, "orders.ingest"), costs, models


def worklist_of(source: Path, at: pd.Timestamp | None = None) -> tuple[Ranking, EvaluateSettings]:
    settings, costs, models = parts()
    at = moment(DAY, settings) if at is None else at
    return make_worklist(read_log(source, settings).log, settings, at, models, costs), costs


def test_the_list_needs_nothing_that_happened_later(here: Path, tmp_path: Path) -> None:
    events = pd.read_parquet(here / "data/raw/orders/events.parquet")
    until = events[events["timestamp"] <= moment(DAY, parts()[0])]
    until.to_parquet(tmp_path / "until.parquet", index=False)
    at = until["timestamp"].max()  # a log ends with its last event
    found, then = (
        worklist_of(source, at)[0].orders
        for source in (here / "data/raw/orders", tmp_path / "until.parquet")
    )
    assert len(found) > 20
    pd.testing.assert_frame_equal(found, then)


def test_the_orders_are_those_that_were_open_then(here: Path) -> None:
    found, _ = worklist_of(here / "data/raw/orders")
    events = pd.read_parquet(here / "data/raw/orders/events.parquet")
    until = events[events["timestamp"] <= found.at]
    over = until.loc[until["activity"].isin(["closed", "cancelled"]), "case_id"]
    assert set(found.orders["order_id"]) == set(until["case_id"]) - set(over)


def test_the_order_of_work_is_by_what_looking_saves(here: Path) -> None:
    found, costs = worklist_of(here / "data/raw/orders")
    orders = found.orders
    assert orders["work_order"].tolist() == list(range(1, len(orders) + 1))
    assert orders["saving_eur"].is_monotonic_decreasing
    saved = (
        orders["risk"] * costs.stuck_cost + orders["late_hours"] * costs.optimistic_cost_per_hour
    )
    assert np.allclose(orders["saving_eur"], costs.saved_share * saved - costs.check_cost)
    assert ((orders["saving_eur"] > 0) == (orders["look"] == "yes")).all()
    assert orders["risk"].between(0, 1).all()
    stuck = orders["stuck_since"].notna()
    assert (orders.loc[stuck, "risk"] == 1).all()
    too_long = orders["waited_hours"] > orders["usual_limit_hours"]
    too_old = orders["elapsed_hours"] > 30 * 24
    assert (stuck == (too_long | too_old)).all()
    assert (orders["earliest_at"] <= orders["expected_at"]).all()
    assert (orders["expected_at"] <= orders["latest_at"]).all()
    assert (orders["earliest_at"] >= found.at).all()


def test_the_page_says_it_in_words_and_escapes_what_users_wrote(here: Path) -> None:
    found, costs = worklist_of(here / "data/raw/orders")
    orders = found.orders.copy()
    orders.loc[0, "order_id"] = "<script>alert(1)</script>"
    page = render(Ranking(found.at, found.time_zone, orders), costs, "data/raw/orders")
    assert "Monday 2 June 2025, 06:00" in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "http" not in page  # it opens without a network
    reasons = [text for text in orders["reason_1"] if text]
    assert len(reasons) > 0.8 * len(orders)
    assert not any("nan" in text or "history" in text or "_hours" in text for text in reasons)
    table = pd.read_csv(io.StringIO(to_csv(found)))
    assert len(table) == len(orders)
    assert table["expected_at"].str.endswith("+02:00").all()


def test_the_command_writes_both_files_and_says_where(here: Path) -> None:
    output = run(here, "retrace", "worklist", "orders", "--at", f"{DAY}T14:30")
    assert "reports/orders/2025-06-02T1430.html" in output
    assert (here / "reports/orders/2025-06-02T1430.csv").exists()
    assert "open orders" in run(here, "retrace", "worklist", "orders")
    wrong = run(here, "retrace", "worklist", "orders", "--at", "Monday", ok=False)
    assert "'Monday' is no time; expected a date as 2025-03-03" in wrong
    early = run(here, "retrace", "worklist", "orders", "--at", "1999-01-01", ok=False)
    assert "it runs from 2024-0" in early
    none = run(here, "retrace", "worklist", "price", ok=False)
    assert "problems/price/ has no part 'worklist'" in none
    assert "Traceback" not in wrong + early + none
    assert json.loads((here / "metrics/order_stuck.json").read_text())  # nothing else was touched


def test_rows_and_what_became_of_others_need_nothing_that_happened_later(
    here: Path, tmp_path: Path
) -> None:
    events = pd.read_parquet(here / "data/raw/orders/events.parquet")
    until = events[events["timestamp"] <= moment(DAY, parts()[0])]
    until.to_parquet(tmp_path / "until.parquet", index=False)
    at = until["timestamp"].max().isoformat()
    found, then = (
        cases(source, at) for source in (here / "data/raw/orders", tmp_path / "until.parquet")
    )
    pd.testing.assert_frame_equal(found.table.frame, then.table.frame)
    assert found.ended == then.ended
    assert found.forecast is not None
    assert then.forecast is not None
    pd.testing.assert_frame_equal(found.forecast.frame, then.forecast.frame)
    counts = found.forecast.frame["complete"]
    assert counts.is_monotonic_increasing
    assert 0 <= counts.iloc[0] <= counts.iloc[-1] <= len(found.table.frame)
    there = set(found.table.frame["order_id"]) | set(found.ended)
    assert there == set(until["case_id"])  # each order is open, or something became of it
    assert not set(found.table.frame["order_id"]) & set(found.ended)


def test_the_weekly_list_says_what_became_of_the_last(here: Path) -> None:
    output = run(here, "retrace", "weekly", "orders", "--at", DAY)
    for suffix in ("html", "csv", "xlsx"):
        assert f"reports/orders/weekly-{DAY}.{suffix}" in output
    rows = pd.read_csv(here / f"reports/orders/weekly-{DAY}.csv", dtype={"order_id": "str"})
    before = cases(here / "data/raw/orders", "2025-05-26T06:00").table.frame["order_id"]
    kept = rows.loc[rows["status"] == "kept open", "order_id"]
    over = rows.loc[rows["work_order"].isna(), "order_id"]
    assert set(kept) | set(over) == set(before)
    assert (
        rows.loc[rows["work_order"].isna(), "status"].str.match("completed on|withdrawn on").all()
    )
    assert not set(rows.loc[rows["status"] == "new", "order_id"]) & set(before)
    none = run(here, "retrace", "weekly", "price", ok=False)
    assert "problems/price/ has no part 'worklist'" in none


def test_local_times_of_the_hour_that_a_clock_change_repeats() -> None:
    at = pd.Timestamp("2025-10-26T00:30:40", tz="UTC")
    orders = pd.DataFrame({"order_id": ["1", "2"], "expected_at": [at, at + pd.Timedelta("1h")]})
    lines = to_csv(Ranking(at, "Europe/Oslo", orders)).splitlines()
    assert lines[1:] == ["1,2025-10-26T02:30:00+02:00", "2,2025-10-26T02:30:00+01:00"]


def test_a_silence_moves_the_forecast_and_keeps_the_order() -> None:
    hours = pd.DataFrame({"prediction": [100.0] * 4, "lower": [20.0] * 4, "upper": [400.0] * 4})
    silent = np.array([0.0, 10.0, 100.0, 5000.0])
    found = later_than(hours, silent, 0.9)
    assert found["remaining"][0] == pytest.approx(100.0)
    assert (found["lower"][0], found["upper"][0]) == (pytest.approx(20.0), pytest.approx(400.0))
    total = found["remaining"] + silent
    assert (np.diff(total) > 0).all()  # the longer the silence, the later the completion
    assert 85 < found["remaining"][1] < 100  # hardly any such order is over within ten hours
    for name in ("remaining", "lower", "upper"):
        assert np.isfinite(found[name]).all()
        assert (found[name] >= 0).all()
    assert (found["lower"] <= found["remaining"]).all()
    assert (found["remaining"] <= found["upper"]).all()


def test_only_lateness_still_to_come_counts() -> None:
    at = pd.Timestamp("2025-06-02", tz="UTC")
    now = pd.DataFrame({"lower": [10.0] * 3, "remaining": [20.0] * 3, "upper": [50.0] * 3})
    promised = at + pd.to_timedelta(pd.Series([-100.0, 30.0, np.nan]), unit="h")
    assert hours_late(now, promised, at).tolist() == [25.0, 5.0, 0.0]


def test_a_date_is_its_morning_and_a_time_is_local() -> None:
    settings = IngestSettings(**PARAMS, time_zone="Europe/Oslo")
    assert moment("2025-06-02", settings) == pd.Timestamp("2025-06-02 04:00", tz="UTC")
    assert moment("2025-06-02T09:15", settings) == pd.Timestamp("2025-06-02 07:15", tz="UTC")
    assert moment("2025-06-02T09:15Z", settings) == pd.Timestamp("2025-06-02 09:15", tz="UTC")
    with pytest.raises(RetraceError, match="is no time"):
        moment("soon", settings)


PARAMS = {
    "max_quarantined": 0.1, "stray_gap_days": 9, "usual_share": 0.6, "usual_quantile": 0.95,
    "usual_min_waits": 5, "load_days": 30, "recent_days": 7, "most_activities": 9,
}  # fmt: skip
