"""The replay: nothing from the future, fits shared, policies that do as they say."""

from itertools import islice

import numpy as np
import pandas as pd
import pytest
import yaml

from problems.fraud.simulate import SimulateSettings, simulate
from problems.parts import find_problem
from retrace.base.errors import RetraceError
from retrace.fit.boosters import booster_to_text
from stages.backtest import read_settings
from tests.conftest import ROOT, SMALL
from workflow.replay import tables
from workflow.replay.models import Past
from workflow.replay.replay import Replay

PROBLEM = "fraud"
CHANGES = [
    {"at": "2025-03-18", "until": None, "kind": "sudden", "what": "new attacks: burst"},
    {"at": "2025-08-17", "until": None, "kind": "sudden", "what": "new attacks: patient"},
]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    params = yaml.safe_load((ROOT / "params.yaml").read_text())["fraud"]["simulate"]
    settings = SimulateSettings(**{**params, **SMALL["fraud"]["simulate"], "seed": 11})
    return simulate(settings).raw["transactions.parquet"].drop(columns="currency")


@pytest.fixture(scope="module")
def replay(rows: pd.DataFrame) -> Replay:
    return Replay(Past(find_problem(PROBLEM), rows, small_settings()))


@pytest.fixture(scope="module")
def steps(replay: Replay) -> list:
    return list(replay.steps())


def small_settings():
    settings = read_settings(find_problem(PROBLEM))
    train = settings.train.model_copy(update={"max_rounds": 20, "early_stopping_rounds": 5})
    backtest = settings.backtest.model_copy(update={"first_periods": 6})
    return type(settings)(**{**vars(settings), "train": train, "backtest": backtest})


@pytest.mark.parametrize("now", ["2025-08-01", "2025-09-01"])
def test_what_is_not_known_yet_changes_nothing(rows: pd.DataFrame, replay: Replay, now) -> None:
    """Delete later payments, and turn every outcome that is not known yet into its opposite."""
    now = pd.Timestamp(now, tz="UTC")
    before = now - pd.Timedelta(31, unit="D")
    there = rows[rows["at"] < now].copy()
    unknown = there["known_at"] >= now
    assert unknown.sum() > 100
    there.loc[unknown, "is_fraud"] = 1 - there.loc[unknown, "is_fraud"]
    blind = Replay(Past(find_problem(PROBLEM), there, small_settings()))
    ours, theirs = replay.past.fit(now), blind.past.fit(now)
    assert booster_to_text(ours.bundle.boosters["point"]) == booster_to_text(
        theirs.bundle.boosters["point"]
    )
    assert ours.threshold == theirs.threshold
    pd.testing.assert_frame_equal(ours.judged, theirs.judged)
    seen = [
        one.watch(one.past.fit(pd.Timestamp("2025-07-01", tz="UTC")), before, now)
        for one in (replay, blind)
    ]
    pd.testing.assert_frame_equal(seen[0].features, seen[1].features)
    pd.testing.assert_frame_equal(seen[0].losses, seen[1].losses)
    assert seen[0].alarm == seen[1].alarm


def test_policies_do_as_they_say_and_share_fits(replay: Replay, steps: list) -> None:
    by = {
        policy: [s for s in steps if s.policy == policy] for policy in ("never", "every", "alarm")
    }
    assert not any(step.retrained for step in by["never"])
    assert all(step.retrained for step in by["every"][1:])
    owed = False
    for step in by["alarm"][1:]:
        assert step.retrained == (step.watched.alarm.raised or owed)
        owed = step.watched.alarm.raised  # one period of follow-up
    retrained = {step.start: step.model for step in by["every"]}
    for step in by["alarm"]:
        assert not step.retrained or step.model is retrained[step.start]
    assert len({id(step.model) for step in steps}) <= len(by["every"])
    assert all(step.verdict is not None for step in by["every"][1:])


def test_every_payment_is_scored_once_by_each_policy(rows: pd.DataFrame, steps: list) -> None:
    first = min(step.start for step in steps)
    for policy in ("never", "alarm"):
        ids = pd.concat([s.scored["transaction_id"] for s in steps if s.policy == policy])
        assert sorted(ids) == sorted(rows.loc[rows["at"] >= first, "transaction_id"])


def test_a_model_is_judged_on_rows_that_it_was_not_tried_on(replay: Replay) -> None:
    now = pd.Timestamp("2025-08-01", tz="UTC")
    model = replay.past.fit(now)
    assert (model.judged["known_at"] < now).all()
    assert model.judged["at"].min() >= now - pd.Timedelta(12 + 14, unit="D")
    assert set(model.judged.index) <= set(model.held.index)


def test_tables_hold_alarms_against_the_changes(steps: list) -> None:
    problem = find_problem(PROBLEM)
    periods = tables.periods(problem, steps, CHANGES)
    assert periods.groupby("policy").size().nunique() == 1
    alone = periods[periods["policy"] == "never"]
    assert alone.set_index("period")["change"]["2025-08-01"] == "new attacks: patient"
    figures = tables.figures_of(problem, periods, tables.retrainings(steps, CHANGES))
    assert len(figures) <= 8
    assert figures["retrainings_every"] == len(alone) - 1
    found = tables.changes(steps, CHANGES)
    assert found["what"].tolist() == ["new attacks: patient"]  # the first is before the replay
    unknown = tables.retrainings(steps, None)
    assert unknown["false_alarm"].isna().all()
    assert tables.changes(steps, None).empty


@pytest.mark.parametrize(
    ("since", "now", "changed"),
    [
        ("2025-03-01", "2025-04-01", True),
        ("2025-04-01", "2025-05-01", False),
        ("2025-08-20", "2025-10-01", False),
    ],
)
def test_an_alarm_is_false_when_nothing_changed_since_the_training(since, now, changed) -> None:
    moments = (pd.Timestamp(day, tz="UTC") for day in (since, now))
    assert tables._changed(CHANGES, *moments) == changed


def test_a_slow_or_passing_change_counts_while_it_lasts() -> None:
    slow = [{"at": "2025-01-01", "until": "2025-06-01", "kind": "slow", "what": ""}]
    passing = [{**slow[0], "kind": "seasonal"}]
    inside = [pd.Timestamp(day, tz="UTC") for day in ("2025-02-01", "2025-03-01")]
    over_the_end = [pd.Timestamp(day, tz="UTC") for day in ("2025-05-01", "2025-07-01")]
    assert tables._changed(slow, *inside)
    assert not tables._changed(passing, *inside)
    assert tables._changed(passing, *over_the_end)


def test_too_little_data_says_what_to_change(rows: pd.DataFrame) -> None:
    few = rows[rows["at"] < pd.Timestamp("2025-06-20", tz="UTC")]
    with pytest.raises(RetraceError, match=r"fraud\.backtest\.first_periods"):
        list(Replay(Past(find_problem(PROBLEM), few, small_settings())).steps())


def test_outcomes_that_never_became_known_are_left_out(replay: Replay) -> None:
    assert not np.isnan(
        replay.past.fit(pd.Timestamp("2025-08-01", tz="UTC")).judged["outcome"]
    ).any()


def test_one_core_and_two_fit_the_same(
    rows: pd.DataFrame, steps: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    alone = Replay(Past(find_problem(PROBLEM), rows, small_settings())).steps()
    for ours, theirs in zip(steps[:3], islice(alone, 3), strict=True):
        assert [
            booster_to_text(bundle.boosters["point"])
            for bundle in (ours.model.tried, ours.model.bundle)
        ] == [
            booster_to_text(bundle.boosters["point"])
            for bundle in (theirs.model.tried, theirs.model.bundle)
        ]
        pd.testing.assert_frame_equal(ours.scored, theirs.scored)


def test_without_the_gate_the_model_in_use_is_the_same(rows: pd.DataFrame, replay: Replay) -> None:
    now = pd.Timestamp("2025-08-01", tz="UTC")
    watcher = Past(find_problem(PROBLEM), rows, small_settings(), gate=False)
    ours, theirs = replay.past.fit(now), watcher.fit(now)
    assert theirs.judged.empty
    assert booster_to_text(ours.bundle.boosters["point"]) == booster_to_text(
        theirs.bundle.boosters["point"]
    )
    pd.testing.assert_frame_equal(ours.held, theirs.held)
