"""Two experiments on the same test rows: the interval, the blocks, the slices that got worse."""

import numpy as np
import pandas as pd
import pytest

from experiments.predictions import Context, compare_predictions, worse_slices
from problems.contract import Columns, Problem
from retrace.base.errors import RetraceError

PROBLEM = Problem("toy", "toy", "regression", "y", "s", "mae", key=("id",), columns=Columns())
N = 600


def predictions(error, ids=None):
    """Predictions that are `error` off an outcome of 0; ids count from 0."""
    ids = np.arange(N) if ids is None else ids
    return pd.DataFrame(
        {
            "id": ids,
            "as_of": pd.Series(pd.NaT, index=range(len(ids)), dtype="datetime64[us, UTC]"),
            "prediction": np.broadcast_to(np.asarray(error, float), len(ids)),
            "outcome": 0.0,
        }
    )


def context(labels, blocks=None):
    index = pd.MultiIndex.from_frame(pd.DataFrame({"id": np.arange(N)}))
    blocks = None if blocks is None else pd.Series(blocks, index=index)
    return Context(pd.DataFrame({"half": labels}, index=index), blocks, 50)


NOISE = np.abs(np.random.default_rng(1).normal(10, 1, N))
HALF = np.where(np.arange(N) < 300, "first", "second")


def test_a_gain_is_above_zero_and_a_slice_that_got_worse_is_named():
    one = NOISE - 3.0
    one[:300] += 4.0  # 1 worse in the first half, 3 better in the second
    found = compare_predictions(PROBLEM, predictions(one), predictions(NOISE), context(HALF))
    assert found.difference.mean == pytest.approx(1.0)
    assert found.difference.certain
    assert list(found.slices["value"]) == ["first", "second"]
    shares = [1 / NOISE[:300].mean(), -3 / NOISE[300:].mean()]
    assert list(found.slices["worse"]) == pytest.approx(shares)


def test_rows_of_one_block_are_drawn_together():
    rng = np.random.default_rng(2)
    routes = np.repeat(np.arange(12), N // 12)
    one = NOISE + rng.normal(0, 2, 12)[routes]
    alone = compare_predictions(
        PROBLEM, predictions(one), predictions(NOISE), context(HALF)
    ).difference
    routed = compare_predictions(
        PROBLEM, predictions(one), predictions(NOISE), context(HALF, routes)
    ).difference
    assert routed.n_blocks == 12
    assert routed.upper - routed.lower > 3 * (alone.upper - alone.lower)


def test_only_common_rows_with_the_same_outcome_count():
    other = predictions(NOISE[:400], np.arange(200, 600))
    other.loc[:9, "outcome"] = 5.0
    found = compare_predictions(PROBLEM, predictions(NOISE), other, None)
    assert found.difference.n_rows == 390
    assert found.rows_left_out == 600 + 400 - 2 * 390
    with pytest.raises(RetraceError, match="no test row in common"):
        compare_predictions(
            PROBLEM, predictions(NOISE), predictions(NOISE, np.arange(900, 1500)), None
        )


@pytest.mark.parametrize("better", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_noise_alone_seldom_makes_a_slice_worse_or_better(better):
    rng = np.random.default_rng(3)
    labels = pd.DataFrame({"s": rng.integers(0, 10, 1000).astype(str)})
    flagged = 0
    for _ in range(40):
        a, b = (pd.Series(rng.normal(10, 1, 1000)) for _ in range(2))
        flagged += bool(len(worse_slices(a, b, labels, min_rows=50, better=better)))
    assert flagged <= 6  # 40 x 0.025 expected on each side of the interval
