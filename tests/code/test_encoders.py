"""Encodings are fitted on training rows, and no training row sees its own outcome."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrace.base.arrays import take, texts
from retrace.encode.encoders import EncodeParams, Encoder, TargetEncoder
from retrace.encode.folds import FOLDS, folds_of

PARAMS = EncodeParams(category_min_rows=2, target_smoothing=5.0, seed=1)
COLUMNS = {"numeric": ["x"], "categorical": ["c"], "target_encoded": [["c"], ["c", "d"]]}


def ids_to_folds(n: int, seed: int) -> np.ndarray:
    return folds_of({"id": np.arange(n)}, seed)


def frame(n: int, seed: int = 0) -> tuple[dict[str, np.ndarray], np.ndarray]:
    rng = np.random.default_rng(seed)
    rows = {
        "x": rng.normal(size=n),
        "c": rng.choice(["a", "b", "é", ""], n).astype(object),
        "d": rng.choice(["p", "q"], n).astype(object),
    }
    return rows, rng.normal(size=n)


@given(st.integers(10, 60), st.integers(0, 50), st.data())
def test_out_of_fold_means_never_see_their_own_row(n: int, seed: int, data: st.DataObject) -> None:
    rows, target = frame(n, seed)
    folds = ids_to_folds(n, seed)
    row = data.draw(st.integers(0, n - 1))
    encoder = TargetEncoder.fit(rows, target, ["c"], 5.0)
    before = encoder.out_of_fold(rows, target, folds)[row]
    target[row] += 1000
    encoder = TargetEncoder.fit(rows, target, ["c"], 5.0)
    assert encoder.out_of_fold(rows, target, folds)[row] == pytest.approx(before, abs=1e-9)


def test_target_means_are_smoothed_towards_the_prior() -> None:
    rows = {"c": texts(["a", "a", "b", "b"])}
    encoder = TargetEncoder.fit(rows, np.array([1.0, 1.0, 3.0, 3.0]), ["c"], 2.0)
    encoded = encoder.transform({"c": texts(["a", "b", "new"])})
    assert encoded == pytest.approx([(2 + 2 * 2) / 4, (6 + 2 * 2) / 4, 2.0])


def test_rare_and_unseen_categories_share_code_0() -> None:
    words = ["a", "a", "a", "b", "b", "rare"]
    rows = {"x": np.zeros(6), "c": texts(words), "d": texts("pppppp")}
    encoder, _ = Encoder.fit(rows, np.zeros(6), ids_to_folds(6, 1), **COLUMNS, params=PARAMS)
    unseen = {"x": np.zeros(4), "c": texts(["a", "b", "rare", "new"]), "d": texts("pppp")}
    assert encoder.transform(unseen)[:, encoder.columns.index("c")].tolist() == [1, 2, 0, 0]


def test_json_gives_the_same_encoder() -> None:
    rows, target = frame(50)
    encoder, encoded = Encoder.fit(rows, target, ids_to_folds(50, 1), **COLUMNS, params=PARAMS)
    again = Encoder.from_json(json.loads(json.dumps(encoder.to_json())))
    assert again == encoder
    assert encoded.shape == (50, len(encoder.columns))
    assert np.array_equal(again.transform(rows), encoder.transform(rows))


def test_one_more_row_leaves_the_folds_of_the_others() -> None:
    keys = {"id": texts(f"k{i}" for i in range(2000)), "day": np.arange(2000) % 7}
    before = folds_of(keys, 1)
    assert np.array_equal(folds_of(take(keys, slice(1, None)), 1), before[1:])
    assert np.bincount(before).tolist() == pytest.approx([2000 / FOLDS] * FOLDS, rel=0.15)
    assert (folds_of(keys, 2) != before).mean() == pytest.approx(1 - 1 / FOLDS, abs=0.05)


def test_sums_and_counts_of_different_values_are_refused() -> None:
    rows, target = frame(60)
    fitted, _ = Encoder.fit(rows, target, ids_to_folds(60, 1), **COLUMNS, params=PARAMS)
    written = fitted.to_json()
    written["targets"][0]["counts"].popitem()
    with pytest.raises(ValueError, match="name different values"):
        Encoder.from_json(written)
