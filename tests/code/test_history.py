"""History knows only what was known, and both ways of computing it give the same bits."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrace.base.clock import DAY, Times
from retrace.base.errors import RetraceError
from retrace.past.history import Level, Memories, Outcomes
from tests.tries import tries

HALF_LIFE = 30.0
START = np.datetime64("2025-01-01", "us")
NAMES = ["a", "b", "c"]
LEVEL = Level("entity", HALF_LIFE, 3.0)
levels = st.sampled_from(
    [LEVEL, Level("entity", 0.3, 2.0), Level("entity", 45.5, 2.0, tick=DAY), Level("entity", 1, 1)]
)


def table(n: int, seed: int) -> pd.DataFrame:
    """Rows with the moment of prediction, and outcomes that become known some hours later."""
    rng = np.random.default_rng(seed)
    hours = np.sort(rng.integers(0, 24 * 60, n))  # many at one instant
    at = START + hours.astype("timedelta64[h]")
    known_at = at + rng.integers(0, 48, n).astype("timedelta64[h]")
    return pd.DataFrame(
        {
            "entity": rng.integers(0, 3, n),
            "value": rng.normal(size=n),
            "at": at,
            "known_at": pd.Series(known_at).mask(rng.random(n) < 0.1),
        }
    )


def outcomes(rows: pd.DataFrame, level: Level = LEVEL) -> Outcomes:
    known_at: Times = rows["known_at"].to_numpy("datetime64[us]")
    return Outcomes(rows["entity"].to_numpy(), known_at, rows["value"].to_numpy(), level)


def looked_up(rows: pd.DataFrame, level: Level = LEVEL) -> pd.DataFrame:
    at: Times = rows["at"].to_numpy("datetime64[us]")
    return pd.DataFrame(vars(outcomes(rows, level).known(rows["entity"].to_numpy(), at)))


def assert_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


@settings(deadline=None, max_examples=tries(25))
@given(st.integers(1, 60), st.integers(0, 1000), st.data())
def test_deleting_the_future_changes_nothing(n: int, seed: int, data: st.DataObject) -> None:
    rows = table(n, seed)
    kept = data.draw(st.integers(1, n))
    now = rows["at"].iloc[kept - 1]
    past = rows[:kept].copy()
    past.loc[past["known_at"] >= now, ["value", "known_at"]] = [np.nan, pd.NaT]
    assert_same(looked_up(past), looked_up(rows)[:kept])


@settings(deadline=None, max_examples=tries(25))
@given(st.integers(1, 60), st.integers(0, 1000), levels)
def test_one_pass_equals_outcome_by_outcome(n: int, seed: int, level: Level) -> None:
    rows = table(n, seed)
    rng = np.random.default_rng(seed)
    known_at = rows["known_at"].to_numpy("datetime64[us]")
    there = np.flatnonzero(~np.isnat(known_at))
    mixed = rng.permutation(there)  # outcomes of one instant come in any order
    waiting = mixed[np.argsort(known_at[mixed], kind="stable")].tolist()
    memories, found = Memories([level]), []
    for entity, moment in zip(rows["entity"], rows["at"].to_numpy("datetime64[us]"), strict=True):
        while waiting and known_at[waiting[0]] <= moment:  # those of this very instant are not seen
            i = waiting.pop(0)
            memories.add("entity", NAMES[rows.at[i, "entity"]], rows.at[i, "value"], known_at[i])
        memories = Memories.from_table(memories.to_table(), [level])  # as if it were restarted
        known = memories.known({"entity": [NAMES[entity]]}, np.array([moment]))["entity"]
        found.append(pd.DataFrame(vars(known)))
    assert_same(pd.concat(found, ignore_index=True), looked_up(rows, level))
    for i in waiting:
        memories.add("entity", NAMES[rows.at[i, "entity"]], rows.at[i, "value"], known_at[i])
    ended = Memories([level])
    ended.remember("entity", NAMES, outcomes(rows, level))
    assert_same(ended.to_table(), memories.to_table())


@settings(deadline=None, max_examples=tries(15))
@given(st.integers(1, 60), st.integers(0, 1000), levels)
def test_the_mean_is_that_of_the_definition(n: int, seed: int, level: Level) -> None:
    rows = table(n, seed).dropna()
    found = looked_up(rows, level)
    for i in range(len(rows)):
        now = rows["at"].iloc[i]
        known = (rows["known_at"] < now.floor("D" if level.tick == DAY else "us")).to_numpy()
        before = rows[(rows["entity"] == rows["entity"].iloc[i]).to_numpy() & known]
        days = (now - before["known_at"]).dt.total_seconds() / 86_400
        weight = np.exp2(-days / level.half_life_days)
        assert found["weight"].iloc[i] == pytest.approx(weight.sum(), rel=1e-6, abs=1e-6)
        assert found["count"].iloc[i] == len(before)
        if weight.sum() > 0.1:
            mean = (weight * before["value"]).sum() / weight.sum()
            assert found["mean"].iloc[i] == pytest.approx(mean, rel=1e-6, abs=1e-6)


def one_entity(*days: float) -> pd.DataFrame:
    at = START + (np.array(days) * DAY).astype("timedelta64[us]")
    return pd.DataFrame({"entity": 0, "value": np.arange(1.0, len(at) + 1), "known_at": at})


def test_outcomes_lose_half_their_weight_in_a_half_life() -> None:
    rows = one_entity(0, HALF_LIFE)
    later = np.repeat(START + np.timedelta64(30 * DAY + 1, "us"), 2)
    known = outcomes(rows).known(np.array([0, 5]), later)
    assert known.mean[0] == pytest.approx((0.5 * 1 + 2) / 1.5)
    assert known.weight.tolist() == pytest.approx([1.5, 0.0])
    assert np.isnan(known.mean[1])


def test_little_known_is_drawn_to_zero() -> None:
    rows = one_entity(0, 0, 0).assign(value=4.0)
    known = outcomes(rows).known(np.array([0, 1]), np.repeat(START + np.timedelta64(1, "us"), 2))
    assert known.effect == pytest.approx([3 * 4 / (3 + LEVEL.prior_weight), 0.0])


def test_a_hundred_years_of_hours_overflow_nothing() -> None:
    level = Level("entity", 1 / 24, 1.0)
    rows = one_entity(*np.linspace(0, 36_500, 50))
    rows.loc[49, "value"] = -3.0
    at = np.array([START + np.timedelta64(36_500 * DAY + 1, "us")])
    known = outcomes(rows, level).known(np.array([0]), at)
    assert (known.mean[0], known.weight[0], known.count[0]) == (
        pytest.approx(-3), pytest.approx(1), 50,
    )  # fmt: skip


@pytest.mark.parametrize("value", [1e9, np.inf])
def test_values_that_exact_sums_cannot_hold_are_refused(value: float) -> None:
    with pytest.raises(RetraceError, match="too large or too many for exact sums"):
        outcomes(one_entity(0, 1).assign(value=value))
    with pytest.raises(RetraceError, match="too large or too many for exact sums"):
        Memories([LEVEL]).add("entity", "a", value, START)


def test_outcomes_must_come_in_the_order_of_being_known() -> None:
    memories = Memories([LEVEL])
    memories.add("entity", "a", 1.0, START + 1)
    with pytest.raises(RetraceError, match="in the order in which they become known"):
        memories.add("entity", "a", 1.0, START)


def test_a_past_that_is_no_longer_kept_is_not_guessed() -> None:
    memories = Memories([LEVEL])
    for day in range(3):
        memories.add("entity", "a", 1.0, START + np.timedelta64(day, "D"))
    at = np.array([START + np.timedelta64(1, "D")])
    with pytest.raises(RetraceError, match="no longer kept"):
        memories.known({"entity": ["a"]}, at)
    assert memories.known({"entity": ["b"]}, at)["entity"].count.tolist() == [0.0]
