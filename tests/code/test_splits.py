"""Windows are stable, whole by group, and in the order of time."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrace.base.errors import RetraceError
from retrace.past.splits import WINDOWS, SplitParams, split

SHARES = {"train": 0.6, "valid": 0.1, "calibration": 0.1, "test": 0.2}


def params(**changes: object) -> SplitParams:
    return SplitParams.model_validate({"by": "hash", "seed": 1, **SHARES, **changes})


def rows(n: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": np.arange(n),
            "route": np.arange(n) // 5,
            "at": pd.date_range("2025-01-01", periods=n, freq="h", tz="UTC"),
        }
    )


@given(st.integers(500, 2000), st.integers(0, 100))
def test_adding_rows_moves_none(n: int, seed: int) -> None:
    few, many = (split(rows(size), params(seed=seed), ["id"]) for size in (500, n))
    assert (few == many[:500]).all()


def test_shares_are_as_asked() -> None:
    shares = split(rows(20_000), params(), ["id"]).value_counts(normalize=True)
    assert shares.to_dict() == pytest.approx(SHARES, abs=0.012)


def test_another_seed_is_another_split() -> None:
    one, two = (split(rows(500), params(seed=seed), ["id"]) for seed in (1, 2))
    assert (one != two).mean() > 0.3


@pytest.mark.parametrize("by", ["hash", "time"])
def test_a_group_is_never_cut(by: str) -> None:
    frame = rows(1000)
    windows = split(frame, params(by=by), ["route"], "at")
    assert (windows.astype(str).groupby(frame["route"]).nunique() == 1).all()


def test_time_goes_forward() -> None:
    frame = rows(1000).sample(frac=1, random_state=1)
    windows = split(frame, params(by="time"), ["id"], "at")
    spans = frame.groupby(windows, observed=True)["at"].agg(["min", "max"]).loc[list(WINDOWS)]
    assert (spans["max"].iloc[:-1].to_numpy() < spans["min"].iloc[1:].to_numpy()).all()
    assert windows.value_counts(normalize=True).to_dict() == pytest.approx(SHARES, abs=0.01)


def test_a_problem_with_a_time_is_split_by_it_unless_params_say_otherwise() -> None:
    frame, shares = rows(1000), SplitParams.model_validate(SHARES)
    for time, by in (("at", "time"), (None, "hash")):
        found = split(frame, shares, ["id"], time)
        assert (found == split(frame, params(by=by), ["id"], time)).all()


def test_a_column_names_the_window_and_the_rest_is_cut_from_train() -> None:
    frame = rows(1000).assign(window=["train"] * 800 + ["test"] * 200)
    windows = split(frame, params(by="column", column="window"), ["id"])
    assert (windows[800:] == "test").all()
    assert set(windows[:800]) == {"train", "valid", "calibration"}


@pytest.mark.parametrize(
    ("frame", "changes", "words"),
    [
        (rows(3), {}, "leaves no row for"),
        (rows(500), {"by": "column", "column": "fold"}, r"needs the column\(s\) fold"),
        (
            rows(500).assign(fold="training"),
            {"by": "column", "column": "fold"},
            r"names the window 'training' \(row 0\); expected one of train",
        ),
        (rows(500), {"by": "time"}, "has no time"),
    ],
)
def test_bad_splits_are_explained(frame: pd.DataFrame, changes: dict, words: str) -> None:
    with pytest.raises(RetraceError, match=words):
        split(frame, params(**changes), ["id"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"train": 0.5}, "add up to 0.9"), ({"by": "column"}, "`column` goes with")],
)
def test_bad_parameters_are_refused(changes: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        params(**changes)


# ---- outcomes that come late ---------------------------------------------------------------------

DAY = pd.Timedelta(1, unit="D")


def late_rows(n: int = 600, seed: int = 1) -> pd.DataFrame:
    """Groups of two rows; one a day's quarter begins, and is known after some days."""
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(np.arange(n) / 4, unit="D")
    took = pd.to_timedelta(rng.exponential(4.0, n), unit="D")
    end = start[-1]
    known = pd.Series(start + took).where(start + took <= end)
    one = pd.DataFrame({"group": [f"g{i}" for i in range(n)], "at": start, "known": known})
    one["days"] = (one["known"] - one["at"]) / DAY
    two = one.assign(at=one["at"] + pd.Timedelta(1, unit="h"))
    return pd.concat([one, two], ignore_index=True).astype(
        {"at": "datetime64[us, UTC]", "known": "datetime64[us, UTC]"}
    )


def late_split(rows: pd.DataFrame, by: str, share: float | None) -> pd.Series:
    params = SplitParams(
        by=by, train=0.5, valid=0.15, calibration=0.15, test=0.2, seed=1, mature_share=share
    )
    return split(rows, params, ["group"], "at", target="days", known_at="known")


@pytest.mark.parametrize("by", ["time", "hash"])
def test_young_groups_are_in_no_window_known_or_not(by: str) -> None:
    rows = late_rows()
    windows = late_split(rows, by, 0.95)
    youngest = rows.loc[windows.notna(), "at"].max()
    assert 9 < (rows["at"].max() - youngest) / DAY < 16  # the P95 of an exponential is 3 means
    recent = rows[rows["at"] > rows["at"].max() - 8 * DAY]
    assert recent["days"].notna().any()
    assert windows[recent.index].isna().all()
    # Without the cut, the last ones are the fast ones.
    uncut = late_split(rows, "time", None)
    last = rows[(uncut == "test") & (rows["at"] > rows["at"].max() - 4 * DAY)]
    assert last["days"].mean() < 0.5 * rows.loc[windows == "test", "days"].mean()


def test_what_is_fitted_was_known_when_the_next_window_began() -> None:
    rows = late_rows()
    windows = late_split(rows, "time", 0.95)
    begins = rows.groupby(windows, observed=True)["at"].min()
    assert begins["train"] < begins["valid"] < begins["calibration"] < begins["test"]
    assert rows.loc[windows == "train", "known"].max() < begins["valid"]
    assert rows.loc[windows.isin(["valid", "calibration"]), "known"].max() < begins["test"]
    # Not only the fast ones: by age, those before the gap are whole.
    last = rows.loc[windows == "train", "at"].max()
    before = rows[rows["at"].between(last - 10 * DAY, last)]
    assert (windows[before.index] == "train").mean() > 0.9


def test_a_short_log_has_one_gap_and_says_what_its_maturity_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rows = late_rows(160)  # 40 days, of which 98 % of the outcomes take 15
    windows = late_split(rows, "time", 0.98)
    counts = windows.value_counts()
    assert counts.min() > 0
    assert counts["train"] > 0.2 * len(rows)
    begins = rows.groupby(windows, observed=True)["at"].min()
    fitted = windows.isin(["train", "valid", "calibration"])
    assert rows.loc[fitted, "known"].max() < begins["test"]
    assert re.search(r"known after \d+\.\d days .*of 40 days", caplog.text)
    with pytest.raises(RetraceError, match=r"no row for.*are known after \d+\.\d days.*more rows"):
        late_split(rows.iloc[[0, 1, 2]], "time", 0.98)


def test_windows_that_a_column_names_have_young_groups_too() -> None:
    rows = late_rows()
    rows["window"] = np.where(rows.index % 600 < 450, "train", "test")
    params = SplitParams(by="column", column="window", mature_share=0.95)
    windows = split(rows, params, ["group"], "at", target="days", known_at="known")
    assert (windows[(rows["window"] == "test") & rows["days"].notna()] == "test").all()


def test_a_group_is_in_one_window_and_rows_without_a_target_in_none() -> None:
    rows = late_rows()
    for by, share in (("time", 0.95), ("time", None), ("hash", 0.9)):
        windows = late_split(rows, by, share)
        assert windows.groupby(rows["group"]).nunique().max() == 1
        assert windows[rows["days"].isna()].isna().all()


def test_groups_that_are_never_known_do_not_count() -> None:
    rows = late_rows()
    whole = late_split(rows, "hash", 0.9)
    lost = rows["group"].str.endswith("7")
    rows.loc[lost, ["known", "days"]] = [pd.NaT, np.nan]
    some = late_split(rows, "hash", 0.9)
    assert some[lost].isna().all()
    youngest = [rows.loc[windows.notna(), "at"].max() for windows in (whole, some)]
    assert abs(youngest[0] - youngest[1]) < 3 * DAY


def test_outcomes_that_are_hardly_ever_known_are_an_error() -> None:
    rows = late_rows()
    often = ~rows["group"].str.endswith(("1", "2", "3"))
    rows.loc[often, ["known", "days"]] = [pd.NaT, np.nan]
    with pytest.raises(RetraceError, match=r"At no age are more than 3.*mature_share"):
        late_split(rows, "time", 0.95)
