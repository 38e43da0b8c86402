"""The linear model from which boosters start: fitted out of fold, and to the bit for one row."""

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from retrace.encode.linear import PENALTIES, LinearModel

N_ROWS = 2000
CATEGORY = 3  # the place of the column with codes
EFFECTS = np.array([0.0, 2.0, -1.0])


def table(seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a matrix of three numbers and a category, a linear target without noise, and folds."""
    rng = np.random.default_rng(seed)
    matrix = rng.uniform(-1, 1, (N_ROWS, 4)).astype(np.float32)
    matrix[:, 1] *= 1e6
    matrix[:, CATEGORY] = rng.integers(0, 3, N_ROWS)
    codes = matrix[:, CATEGORY].astype(int)
    target = 5 + 3.0 * matrix[:, 0] - 2e-6 * matrix[:, 1] + EFFECTS[codes]
    return matrix, target.astype(np.float64), rng.integers(0, 5, N_ROWS)


def test_what_is_linear_is_found_in_new_rows() -> None:
    matrix, target, folds = table()
    model, own = LinearModel.fit(matrix, target, folds, [CATEGORY])
    new, outcome, _ = table(seed=2)
    assert np.abs(model.transform(new)[:, 0] - outcome).max() < 0.1
    assert np.abs(own[:, 0] - target).max() < 0.1


def test_a_row_by_itself_has_the_bits_that_it_has_among_others() -> None:
    matrix, target, folds = table()
    matrix[::7, 0] = np.nan
    model, _ = LinearModel.fit(matrix, target, folds, [CATEGORY])
    together = model.transform(matrix)
    assert together.shape == (N_ROWS, 1)
    assert all(
        np.array_equal(model.transform(matrix[i : i + 1]), together[i : i + 1]) for i in range(300)
    )


@pytest.mark.parametrize("binary", [False, True])
def test_a_training_row_is_scored_without_its_own_fold(binary: bool) -> None:
    """Of noise, a model that saw a row's own outcome would know something."""
    rng = np.random.default_rng(3)
    matrix = rng.normal(size=(400, 60)).astype(np.float32)
    target = rng.integers(0, 2, 400).astype(np.float64)
    _, own = LinearModel.fit(matrix, target, rng.integers(0, 5, 400), [], binary=binary)
    assert np.corrcoef(own[:, 0], target)[0, 1] < 0.1


def test_missing_values_count_what_they_counted_in_training() -> None:
    matrix, target, folds = table()
    matrix[:500, 2] = np.nan
    target[:500] += 4.0
    model, _ = LinearModel.fit(matrix, target, folds, [CATEGORY])
    row = matrix[600:601].copy()
    known = model.transform(row)[0, 0]
    row[0, 2] = np.nan
    assert model.transform(row)[0, 0] - known == pytest.approx(4.0, abs=0.2)
    row[0, 0] = np.nan  # training has none: the mean, and nothing beside it
    assert np.isfinite(model.transform(row)[0, 0])


def test_beyond_what_training_saw_nothing_goes_on() -> None:
    matrix, target, folds = table()
    model, _ = LinearModel.fit(matrix, target, folds, [CATEGORY])
    far = np.array([[1e9, 0, 0, 7]], np.float32)  # and a code that training has not
    near = np.array([[1, 0, 0, 0]], np.float32)
    assert model.transform(far)[0, 0] == pytest.approx(model.transform(near)[0, 0], abs=0.05)


def test_log_odds_are_those_of_scikit_learn() -> None:
    """With straight lines, and with the penalty that was chosen."""
    rng = np.random.default_rng(4)
    columns = rng.normal(size=(3000, 3)).astype(np.float32)
    odds = 1.0 + columns @ np.array([2.0, -1.0, 0.0])
    target = (rng.random(3000) < 1 / (1 + np.exp(-odds))).astype(float)
    model, _ = LinearModel.fit(columns, target, np.arange(3000) % 5, [], binary=True)
    scaled = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    found = model.transform(columns)[:, 0]
    others = [
        LogisticRegression(C=1 / penalty, max_iter=1000, tol=1e-8).fit(scaled, target)
        for penalty in PENALTIES
    ]
    assert min(np.abs(one.decision_function(scaled) - found).max() for one in others) < 0.02


@pytest.mark.parametrize("n_rows", [1, 2, 6])
def test_a_handful_of_rows_is_enough(n_rows: int) -> None:
    matrix, target, folds = table()
    for binary in (False, True):
        outcome = (target > 5).astype(float) if binary else target
        model, own = LinearModel.fit(
            matrix[:n_rows], outcome[:n_rows], folds[:n_rows], [CATEGORY], binary=binary
        )
        assert np.isfinite(own).all()
        assert np.isfinite(model.transform(matrix)).all()


def test_it_is_read_back_to_the_bit() -> None:
    matrix, target, folds = table()
    model, _ = LinearModel.fit(matrix, target, folds, [CATEGORY])
    again = LinearModel.from_json(json.loads(json.dumps(model.to_json())), 4)
    assert again == model
    assert np.array_equal(again.transform(matrix), model.transform(matrix))


@pytest.mark.parametrize(
    "change",
    [
        {"curves": {"9": {"at": [0.0], "counts": [1.0], "absent": 0.0}}},
        {"curves": {"3": {"at": [0.0], "counts": [1.0], "absent": 0.0}}},
        {"curves": {"0": {"at": [0.0, 1.0], "counts": [1.0], "absent": 0.0}}},
        {"curves": {"0": {"at": [1.0, 0.0], "counts": [1.0, 2.0], "absent": 0.0}}},
        {"codes": {"3": []}},
        {"codes": {"-1": [0.0]}},
    ],
)
def test_one_that_does_not_fit_is_refused(change: dict[str, object]) -> None:
    matrix, target, folds = table()
    model, _ = LinearModel.fit(matrix, target, folds, [CATEGORY])
    with pytest.raises(ValueError, match="linear model"):
        LinearModel.from_json({**model.to_json(), **change}, 4)


def test_a_line_may_be_broken() -> None:
    matrix, _, folds = table()
    target = np.maximum(matrix[:, 0].astype(np.float64), 0.2)
    model, _ = LinearModel.fit(matrix, target, folds, [CATEGORY])
    assert np.abs(model.transform(matrix)[:, 0] - target).mean() < 0.05
