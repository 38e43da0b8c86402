"""Costs, thresholds and alerts of payments, and windows of days: right on a few rows."""

import numpy as np
import pandas as pd
import pytest

from problems.fraud.evaluation import (
    EvaluateSettings,
    alert_curve,
    card_precision,
    headline,
    slices,
    threshold,
)
from problems.fraud.problem import PROBLEMS
from problems.fraud.rules import RuleSettings, naive, oracle, rule
from retrace.base.errors import RetraceError
from retrace.past.splits import DayWindows, SplitParams, split

PROBLEM = PROBLEMS["fraud"]
START = pd.Timestamp("2025-01-01", tz="UTC")
SETTINGS = EvaluateSettings(
    rule=RuleSettings(amount_limit=100.0, velocity_count=3, velocity_hours=1.0),
    missed_share=1.0,
    missed_fee=10.0,
    alert_cost=5.0,
    cards_a_day=2,
    amount_bands=[50.0],
    age_bands_days=[1.0],
    time_zone="UTC",
    night_from=22,
    night_until=6,
    slice_min_rows=1,
)


def scored(outcome: list[float], prediction: list[float], hours: float = 1.0) -> pd.DataFrame:
    n = len(outcome)
    return pd.DataFrame(
        {
            "transaction_id": [f"t{i}" for i in range(n)],
            "at": [START + pd.Timedelta(hours * i, unit="h") for i in range(n)],
            "customer_id": [f"c{i}" for i in range(n)],
            "terminal_id": ["m"] * n,
            "amount": [40.0] * n,
            "outcome": outcome,
            "is_fraud": np.array(outcome, int),
            "prediction": prediction,
            "rule": [0.1] * n,
        }
    )


def test_the_threshold_is_the_cheapest_and_ties_go_together() -> None:
    rows = scored([1, 0, 1, 0, 0], [0.9, 0.5, 0.5, 0.1, 0.05])
    assert threshold(PROBLEM, rows, SETTINGS) == 0.5  # three alerts of 5 save two of 50
    assert threshold(PROBLEM, scored([0, 0], [0.3, 0.2]), SETTINGS) > 1  # alert nothing
    assert threshold(PROBLEM, scored([0, 0, 1], [0.9, 0.8, 0.1]), SETTINGS) == 0.1


def test_the_headline_at_the_threshold() -> None:
    rows = scored([1, 0, 1, 0], [0.9, 0.8, 0.2, 0.1]).assign(
        threshold=0.5, naive=[0.5, 0.5, 0.1, 0.1], oracle=[1, 0, 1, 0]
    )
    found = headline(PROBLEM, rows, SETTINGS)
    assert len(found) == 9
    assert next(iter(found)) == "average_precision"
    assert found["balanced_accuracy"] == 0.5
    assert found["false_positive_rate"] == 0.5
    assert found["cost_per_1000"] == 1000 * (2 * 5 + 50) / 4
    assert found["oracle_average_precision"] == 1
    assert found["auc"] == 0.75


def test_card_precision_leaves_out_cards_found_before() -> None:
    rows = scored([1, 0, 1, 1], [0.9, 0.8, 0.99, 0.7], hours=12)
    rows["customer_id"] = ["a", "b", "a", "c"]  # a is found on the first day
    assert card_precision(rows, 2) == pytest.approx((0.5 + 0.5) / 2)
    rows["customer_id"] = ["a", "b", "d", "c"]
    assert card_precision(rows, 2) == pytest.approx((0.5 + 1.0) / 2)


def test_the_cost_curve_has_the_chosen_threshold_and_its_cost() -> None:
    rows = scored([1, 0, 1, 0], [0.9, 0.8, 0.2, 0.1]).assign(threshold=0.5)
    curve = alert_curve(rows, SETTINGS)
    chosen = curve[curve["chosen"] == 1]
    assert chosen["cost_per_1000"].tolist() == [1000 * 60 / 4]
    assert chosen["recall"].tolist() == [0.5]
    assert curve["threshold"].is_monotonic_increasing
    assert curve["alerts_a_day"].is_monotonic_decreasing


def test_slices_of_payments() -> None:
    rows = scored([1, 0], [0.9, 0.1], hours=30).assign(amount=[40.0, 60.0])
    found = slices(PROBLEM, rows, SETTINGS, rows)
    assert list(found) == list(PROBLEM.slices)
    assert found["night"].tolist() == ["night", "day"]
    assert found["terminal_age"].astype(str).tolist() == ["under 1 days", "1 days and more"]
    assert found["customer_age"].astype(str).tolist() == ["under 1 days"] * 2


def test_the_banks_rules() -> None:
    rows = scored([0, 0, 1, 0, 1], [0.0] * 5, hours=0.4).assign(
        customer_id="a", amount=[10.0, 10.0, 10.0, 10.0, 200.0]
    )
    found = rule(PROBLEM, rows, rows, SETTINGS)  # the third payment within an hour, and so on
    assert found.nunique() == 3
    assert found.iloc[4] > found.iloc[2] > found.iloc[0]
    assert naive(PROBLEM, rows, rows, SETTINGS).iloc[0] == pytest.approx(0.4)
    truth = pd.DataFrame({"transaction_id": ["t4", "t0"], "probability": [0.9, 0.1]})
    assert oracle(PROBLEM, rows.iloc[[0, 4]], truth).tolist() == [0.1, 0.9]


# Windows of days


def days(**changes: object) -> SplitParams:
    base = {"start": 2, "train": 4, "delay": 2, "test": 3}
    return SplitParams(
        by="days", days=DayWindows(**{**base, **changes}),  # type: ignore[arg-type]
        train=0.6, valid=0.2, calibration=0.1, test=0.1, seed=1,
    )  # fmt: skip


def daily(a_day: int = 30, n_days: int = 14) -> pd.DataFrame:
    day = np.repeat(np.arange(n_days), a_day)
    at = START + pd.to_timedelta(day * 24 + 5, unit="h")
    return pd.DataFrame(
        {"id": np.arange(len(day)), "at": at, "day": day, "card": np.arange(len(day)) % a_day}
    ).assign(is_fraud=0, known_at=at + pd.Timedelta(2, unit="D"))


def test_many_days_that_are_cut_by_hash_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    rows = daily(n_days=40)
    split(rows, days(train=28, valid=2, calibration=2), ["id"], "at")
    split(rows, days(train=7), ["id"], "at")
    assert not caplog.text
    split(rows, days(train=28), ["id"], "at")
    assert "valid and calibration cut by hash from 28 days" in caplog.text


def test_windows_of_days_follow_each_other_with_a_gap_for_labels() -> None:
    rows = daily()
    found = split(rows, days(valid=1, calibration=1), ["id"], "at")
    where = {name: sorted(rows.loc[found == name, "day"].unique()) for name in found.cat.categories}
    assert where == {
        "train": [2, 3, 4, 5],
        "valid": [6],
        "calibration": [7],
        "test": [10, 11, 12],
    }
    assert found.isna().sum() == 30 * (2 + 2 + 1)


def test_without_days_of_their_own_valid_and_calibration_come_from_training_days() -> None:
    rows = daily()
    found = split(rows, days(), ["id"], "at")
    assert set(rows.loc[found.isin(["train", "valid", "calibration"]), "day"]) == {2, 3, 4, 5}
    assert set(rows.loc[found == "test", "day"]) == {8, 9, 10}
    ends = split(rows, days(start=None), ["id"], "at")
    assert set(rows.loc[ends == "test", "day"]) == {11, 12, 13}


def test_known_cards_are_dropped_from_the_test_once_they_are_known() -> None:
    rows = daily()
    rows.loc[(rows["card"] == 3) & (rows["day"] == 5), "is_fraud"] = 1  # in training
    rows.loc[(rows["card"] == 4) & (rows["day"] == 7), "is_fraud"] = 1  # known on day 9
    rows.loc[(rows["card"] == 5) & (rows["day"] == 1), "is_fraud"] = 1  # before training
    found = split(
        rows, days(drop_known="card"), ["id"], "at", target="is_fraud", known_at="known_at"
    )
    tested = rows[found == "test"]
    assert 3 not in tested["card"].to_numpy()
    assert tested.loc[tested["card"] == 4, "day"].tolist() == [8, 9]
    assert tested.loc[tested["card"] == 5, "day"].tolist() == [8, 9, 10]


def test_known_cards_have_their_own_number_of_days() -> None:
    rows = daily()
    rows.loc[(rows["card"] == 3) & (rows["day"] == 5), "is_fraud"] = 1  # the last day of training
    rows.loc[(rows["card"] == 4) & (rows["day"] == 4), "is_fraud"] = 1
    chosen = days(drop_known="card", drop_known_days=1)
    found = split(rows, chosen, ["id"], "at", target="is_fraud", known_at="known_at")
    tested = rows.loc[found == "test", "card"].to_numpy()
    assert 3 not in tested
    assert 4 in tested


def test_too_few_days_are_an_error_that_counts() -> None:
    with pytest.raises(RetraceError, match=r"needs 22 days from day 2 on; the data has 14"):
        split(daily(), days(train=17), ["id"], "at")
    with pytest.raises(ValueError, match="goes with `by: days`"):
        SplitParams(by="days", train=0.6, valid=0.2, calibration=0.1, test=0.1, seed=1)
