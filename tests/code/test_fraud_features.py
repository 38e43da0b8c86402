"""Features of payments: right by hand, and blind to the future."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from problems.featurize import features_of
from problems.fraud.features import FeatureSettings
from problems.fraud.problem import PROBLEMS
from retrace.base.arrays import to_frame
from tests.tries import tries

SETTINGS = FeatureSettings(
    time_zone="UTC", night_from=0, night_until=6, prior_rows=10.0, prior_rate=0.01
)
START = pd.Timestamp("2025-01-01", tz="UTC")


def features(rows: pd.DataFrame, settings: FeatureSettings) -> pd.DataFrame:
    return to_frame(features_of("fraud", rows, settings), rows.index)


def payments(seed: int, n: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    hours = np.sort(rng.integers(0, 24 * 45, n))  # some at the same time
    at = pd.Series(START + pd.to_timedelta(hours, unit="h")).astype("datetime64[us, UTC]")
    wait = pd.to_timedelta(rng.integers(0, 20 * 24, n), unit="h")
    return pd.DataFrame(
        {
            "transaction_id": [f"t{i:04}" for i in range(n)],
            "at": at,
            "customer_id": rng.choice(["a", "b", "c", "d"], n),
            "terminal_id": rng.choice(["x", "y", "z"], n),
            "amount": np.round(rng.lognormal(3, 1, n), 2),
            "is_fraud": (rng.random(n) < 0.2).astype("int8"),
            "known_at": at + wait,
        }
    )


def test_a_few_payments_by_hand() -> None:
    days = [0, 1, 5, 9]
    at = pd.Series([START + pd.Timedelta(d, unit="D") for d in days]).astype("datetime64[us, UTC]")
    rows = pd.DataFrame(
        {
            "at": at,
            "customer_id": ["a"] * 4,
            "terminal_id": ["x", "x", "y", "x"],
            "amount": [10.0, 30.0, 20.0, 40.0],
            "is_fraud": [1, 0, 0, 0],
            "known_at": at + pd.Timedelta(5, unit="D"),
        }
    )
    found = features(rows, SETTINGS)
    assert found["customer_count_1"].tolist() == [0, 1, 0, 0]
    assert found["customer_count_7"].tolist() == [0, 1, 2, 1]
    assert found["customer_mean_30"].tolist()[1:] == [10, 20, 20]
    assert found["amount_over_customer_mean_30"].tolist()[1:] == [3, 1, 2]
    assert found["terminal_frauds_7"].tolist() == [0, 0, 0, 1]  # known on day 5, at x
    assert found["customer_frauds_7"].tolist() == [0, 0, 0, 1]  # on day 5 not yet
    assert found["customer_known_7"].tolist() == [0, 0, 0, 2]
    assert found["terminal_fraud_rate_7"].iloc[3] == pytest.approx((1 + 0.1) / 12)
    assert found["is_new_terminal"].tolist() == [True, False, True, False]
    assert found["seconds_since_last"].tolist()[1:] == [86_400, 4 * 86_400, 4 * 86_400]
    assert np.isnan(found["amount_z"].iloc[0])
    assert set(PROBLEMS["fraud"].columns.numeric) == {*found}


@settings(max_examples=tries(10), deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 119))
def test_deleting_the_future_changes_nothing(seed: int, at: int) -> None:
    rows = payments(seed)
    moment = rows["at"].iloc[at]
    full = features(rows, SETTINGS)[rows["at"] <= moment]
    seen = rows[rows["at"] <= moment].copy()
    later = seen["known_at"] >= moment
    seen.loc[later, "is_fraud"] = 1 - seen.loc[later, "is_fraud"]  # not known yet
    pd.testing.assert_frame_equal(features(seen, SETTINGS), full)


def test_order_of_rows_does_not_matter() -> None:
    rows = payments(3)
    mixed = rows.sample(frac=1, random_state=1)
    found = features(mixed, SETTINGS).sort_index()
    pd.testing.assert_frame_equal(found, features(rows, SETTINGS))
