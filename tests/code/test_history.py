"""History knows only what was known, and both ways of computing it agree."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrace.base.errors import RetraceError
from retrace.past.history import Known, Level, State, as_of, end_state, look_up, unexplained

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
    past.loc[past["known_at"] >= now, ["value", "known_at"]] = [np.nan, pd.NaT]
    pd.testing.assert_frame_equal(looked_up(past), looked_up(rows)[:kept])


LEVELS = [Level("entity", HALF_LIFE, 3.0), Level("narrow", 90.0, 2.0)]


@settings(deadline=None)
@given(st.integers(1, 50), st.integers(0, 1000))
def test_one_pass_equals_outcome_by_outcome(n: int, seed: int) -> None:
    rows = table(n, seed)
    rows["narrow"] = rows["entity"] + (rows.index % 3).astype(str)
    times = rows["known_at"].to_numpy("datetime64[us]")
    waiting = list(rows.dropna(subset="known_at").sort_values("known_at", kind="stable").index)
    state, planned = State(LEVELS), {}

    def entities(i: int) -> dict[str, str]:
        return {level.entity: rows.loc[i, level.entity] for level in LEVELS}

    def observe(until: np.datetime64) -> None:
        while waiting and times[waiting[0]] < until:
            i = waiting.pop(0)
            effects = {e: planned[i][f"{e}_effect"].iloc[0] for e in entities(i)}
            state.update(entities(i), rows.loc[i, "value"], times[i], effects)

    for i, moment in enumerate(rows["at"].to_numpy("datetime64[us]")):
        observe(moment)
        state = State.from_table(state.to_table(), LEVELS)  # as if it were restarted
        planned[i] = state.look_up(entities(i), moment)
    outcomes = unexplained(rows, rows["value"], "at", "known_at", LEVELS)
    expected = look_up(rows, "at", outcomes, LEVELS)
    found = pd.concat([planned[i] for i in range(n)], ignore_index=True)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9, atol=1e-12)
    observe(np.datetime64("2030-01-01"))
    ended = end_state(outcomes, LEVELS).to_table()
    pd.testing.assert_frame_equal(ended, state.to_table(), rtol=1e-9, atol=1e-12)


def test_outcomes_lose_half_their_weight_in_a_half_life() -> None:
    outcomes = pd.DataFrame({"entity": "a", "value": [1.0, 4.0], "known_at": [START] * 2})
    outcomes.loc[1, "known_at"] = START + pd.Timedelta(days=HALF_LIFE)
    later = outcomes["known_at"].iloc[[1, 1]] + pd.Timedelta("1us")
    known = as_of(pd.Series(["a", "b"]), later, outcomes, HALF_LIFE)
    assert known.mean[0] == pytest.approx((0.5 * 1 + 4) / 1.5)
    assert known.weight.tolist() == pytest.approx([1.5, 0.0])
    assert np.isnan(known.mean[1])


def test_little_known_is_drawn_to_zero() -> None:
    known = Known(np.array([np.nan, 4.0]), np.array([0.0, 3.0]), np.array([0.0, 3.0]))
    assert Level("a", 1.0, 3.0).effect(known) == pytest.approx([0.0, 2.0])


def test_a_half_life_that_overflows_is_refused() -> None:
    rows = pd.DataFrame(
        {"entity": "a", "value": 1.0, "known_at": [START, START + pd.Timedelta("900D")]}
    )
    with pytest.raises(RetraceError, match=r"half-life of 0\.5 days is too short"):
        as_of(rows["entity"], rows["known_at"], rows, 0.5)


def test_outcomes_must_come_in_the_order_of_being_known() -> None:
    state = State([Level("x", 1.0, 1.0)])
    state.update({"x": "a"}, 1.0, np.datetime64("2025-01-02"), {"x": 0.0})
    with pytest.raises(ValueError, match="comes after"):
        state.update({"x": "a"}, 1.0, np.datetime64("2025-01-01"), {"x": 0.0})
