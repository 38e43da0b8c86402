"""History knows only what was known, and both ways of computing it agree."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrace.errors import RetraceError
from retrace.history import Known, State, as_of, backed_off

HALF_LIFE = 30.0
START = pd.Timestamp("2025-01-01", tz="UTC")


def table(n: int, seed: int) -> pd.DataFrame:
    """Rows with the moment of prediction, and outcomes that become known some hours later."""
    rng = np.random.default_rng(seed)
    hours = np.sort(rng.integers(0, 24 * 60, n))  # many at one instant
    at = (START + pd.to_timedelta(hours, unit="h")).as_unit("us")
    known_at = at + pd.to_timedelta(rng.integers(0, 48, n), unit="h")
    return pd.DataFrame(
        {
            "entity": rng.choice(["a", "b", "c"], n),
            "value": rng.normal(size=n),
            "at": at,
            "known_at": pd.Series(known_at).dt.as_unit("us").mask(rng.random(n) < 0.1),
        }
    )


def looked_up(rows: pd.DataFrame) -> pd.DataFrame:
    known = as_of(rows["entity"], rows["at"], rows, HALF_LIFE)
    return pd.DataFrame(vars(known))


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(0, 1000), st.data())
def test_deleting_the_future_changes_nothing(n: int, seed: int, data: st.DataObject) -> None:
    rows = table(n, seed)
    kept = data.draw(st.integers(1, n))
    now = rows["at"].iloc[kept - 1]
    past = rows[:kept].copy()
    past.loc[past["known_at"] > now, ["value", "known_at"]] = [np.nan, pd.NaT]
    pd.testing.assert_frame_equal(looked_up(past), looked_up(rows)[:kept])


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(0, 1000))
def test_one_pass_equals_outcome_by_outcome(n: int, seed: int) -> None:
    rows = table(n, seed)
    outcomes = rows.dropna(subset="known_at").sort_values("known_at", kind="stable")
    times = outcomes["known_at"].to_numpy("datetime64[us]")
    state, done = State({"x": HALF_LIFE}), 0
    found = []
    for row in rows.itertuples():
        moment = np.datetime64(row.at.tz_localize(None), "us")
        while done < len(outcomes) and times[done] <= moment:
            outcome = outcomes.iloc[done]
            state.update({"x": outcome["entity"]}, outcome["value"], times[done])
            done += 1
        state = State.from_table(state.to_table("v"), {"x": HALF_LIFE})  # as if it were restarted
        known = state.lookup("x", [row.entity], moment)
        found.append([known.mean[0], known.weight[0], known.count[0]])
    expected = looked_up(rows)[["mean", "weight", "count"]].to_numpy()
    np.testing.assert_allclose(np.array(found), expected, rtol=1e-9, atol=1e-12)


def test_outcomes_lose_half_their_weight_in_a_half_life() -> None:
    outcomes = pd.DataFrame({"entity": "a", "value": [1.0, 4.0], "known_at": [START] * 2})
    outcomes.loc[1, "known_at"] = START + pd.Timedelta(days=HALF_LIFE)
    known = as_of(pd.Series(["a", "b"]), outcomes["known_at"].iloc[[1, 1]], outcomes, HALF_LIFE)
    assert known.mean[0] == pytest.approx((0.5 * 1 + 4) / 1.5)
    assert known.weight.tolist() == [1.5, 0.0]
    assert np.isnan(known.mean[1])


def test_little_known_is_drawn_to_the_parent() -> None:
    area = Known(np.array([2.0, 2.0]), np.array([1e9, 1e9]), np.array([9.0, 9.0]))
    customer = Known(np.array([np.nan, 4.0]), np.array([0.0, 3.0]), np.array([0.0, 3.0]))
    assert backed_off([area, customer], 0.0, 3.0) == pytest.approx([2.0, 3.0])


def test_a_half_life_that_overflows_is_refused() -> None:
    rows = pd.DataFrame(
        {"entity": "a", "value": 1.0, "known_at": [START, START + pd.Timedelta("900D")]}
    )
    with pytest.raises(RetraceError, match=r"half-life of 0\.5 days is too short"):
        as_of(rows["entity"], rows["known_at"], rows, 0.5)


def test_outcomes_must_come_in_the_order_of_being_known() -> None:
    state = State({"x": 1.0})
    state.update({"x": "a"}, 1.0, np.datetime64("2025-01-02"))
    with pytest.raises(ValueError, match="comes after"):
        state.update({"x": "a"}, 1.0, np.datetime64("2025-01-01"))
