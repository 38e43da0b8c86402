"""Encodings are fitted on training rows, and no training row sees its own outcome."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrace.encode.encoders import EncodeParams, Encoder, TargetEncoder, fold_of_row

PARAMS = EncodeParams(category_min_rows=2, target_smoothing=5.0, seed=1)
COLUMNS = {"numeric": ["x"], "categorical": ["c"], "target_encoded": [["c"], ["c", "d"]]}


def frame(n: int, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "c": rng.choice(["a", "b", "é", ""], n),
            "d": rng.choice(["p", "q"], n),
        }
    )
    return rows, rng.normal(size=n)


@given(st.integers(10, 60), st.integers(0, 50), st.data())
def test_out_of_fold_means_never_see_their_own_row(n: int, seed: int, data: st.DataObject) -> None:
    rows, target = frame(n, seed)
    folds = fold_of_row(n, seed)
    row = data.draw(st.integers(0, n - 1))
    encoder = TargetEncoder.fit(rows, target, ["c"], 5.0)
    before = encoder.out_of_fold(rows, target, folds)[row]
    target[row] += 1000
    encoder = TargetEncoder.fit(rows, target, ["c"], 5.0)
    assert encoder.out_of_fold(rows, target, folds)[row] == pytest.approx(before, abs=1e-9)


def test_target_means_are_smoothed_towards_the_prior() -> None:
    rows = pd.DataFrame({"c": ["a", "a", "b", "b"]})
    encoder = TargetEncoder.fit(rows, np.array([1.0, 1.0, 3.0, 3.0]), ["c"], 2.0)
    encoded = encoder.transform(pd.DataFrame({"c": ["a", "b", "new"]}))
    assert encoded == pytest.approx([(2 + 2 * 2) / 4, (6 + 2 * 2) / 4, 2.0])


def test_rare_and_unseen_categories_share_code_0() -> None:
    rows = pd.DataFrame({"x": 0.0, "c": ["a", "a", "a", "b", "b", "rare"], "d": "p"})
    encoder, _ = Encoder.fit(rows, np.zeros(6), **COLUMNS, params=PARAMS)
    unseen = pd.DataFrame({"x": 0.0, "c": ["a", "b", "rare", "new"], "d": "p"})
    assert encoder.transform(unseen)["c"].tolist() == [1, 2, 0, 0]


def test_json_gives_the_same_encoder() -> None:
    rows, target = frame(50)
    encoder, encoded = Encoder.fit(rows, target, **COLUMNS, params=PARAMS)
    again = Encoder.from_json(json.loads(json.dumps(encoder.to_json())))
    assert again == encoder
    assert list(encoded.columns) == encoder.columns
    pd.testing.assert_frame_equal(again.transform(rows), encoder.transform(rows))
