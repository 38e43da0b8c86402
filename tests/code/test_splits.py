"""Windows are stable, whole by group, and in the order of time."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrace.base.errors import RetraceError
from retrace.splits import WINDOWS, SplitParams, split

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
