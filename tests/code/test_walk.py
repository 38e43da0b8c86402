"""Periods and windows: nothing is used before it was known."""

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from retrace.past.walk import (
    WINDOWS,
    WalkParams,
    labelled_until,
    period_starts,
    periods_before,
    windows_at,
)
from tests.tries import tries

PARAMS = WalkParams(
    period="month",
    first_periods=1,
    mature_days=5,
    train_days=30,
    valid_days=4,
    calibration_days=3,
    judged_days=2,
)
START = pd.Timestamp("2025-01-01", tz="UTC")


def days(values: list[float]) -> pd.Series:
    return pd.Series(START + pd.to_timedelta(values, unit="D")).dt.as_unit("us")


def test_periods_are_calendar_months_and_partial_ones_are_left_out():
    starts = period_starts(days([0.2, 40, 88]), "month")
    assert [f"{start:%m-%d}" for start in starts] == ["01-01", "02-01", "03-01", "04-01"]
    starts = period_starts(days([10, 40, 75]), "month")
    assert [f"{start:%m-%d}" for start in starts] == ["02-01", "03-01"]
    assert all(start.day_of_week == 0 for start in period_starts(days([0, 40]), "week"))


def test_windows_follow_each_other_and_end_with_what_is_mature():
    now = START + pd.Timedelta(50, unit="D")
    begun = days([0, 5.9, 6, 35.9, 36, 39.9, 40, 42.9, 43, 44.9, 45, 49])
    found = windows_at(begun, begun, now, PARAMS).astype(object).tolist()
    assert found[2:10] == ["train"] * 2 + ["valid"] * 2 + ["calibration"] * 2 + ["judged"] * 2
    assert pd.isna(pd.Series(found[:2] + found[10:])).all()


@settings(max_examples=tries(30), deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 60), st.floats(0, 60)), min_size=1, max_size=40),
    st.integers(1, 60),
)
def test_no_row_has_a_window_before_its_outcome_is_known(rows, day):
    now = START + pd.Timedelta(day, unit="D")
    begun = days([at for at, _ in rows])
    known = days([at + delay for at, delay in rows])
    found = windows_at(begun, known, now, PARAMS)
    assert not (found.notna() & (known >= now)).any()
    assert not (found.notna() & (begun >= labelled_until(now, PARAMS))).any()
    there = (begun < now).to_numpy()  # delete the future: nothing changes
    again = windows_at(begun[there], known[there].where(known[there] < now), now, PARAMS)
    pd.testing.assert_series_equal(again, found[there])
    assert list(found.cat.categories) == list(WINDOWS)


def test_an_unknown_outcome_has_no_window():
    now = START + pd.Timedelta(50, unit="D")
    begun = days([41])
    assert windows_at(begun, pd.Series([pd.NaT]).dt.tz_localize("UTC"), now, PARAMS).isna().all()


def test_periods_before_are_whole_ones():
    moment = pd.Timestamp("2025-03-01", tz="UTC")
    assert periods_before(moment, 2, "month") == pd.Timestamp("2025-01-01", tz="UTC")
    monday = pd.Timestamp("2025-03-03", tz="UTC")
    assert periods_before(monday, 1, "week") == pd.Timestamp("2025-02-24", tz="UTC")
