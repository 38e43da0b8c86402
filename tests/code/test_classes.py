"""Where boosters of several classes start: a linear model a class, all fitted together."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from retrace.encode.classes import fit_classes
from retrace.encode.linear import PENALTIES

N_ROWS, N_CLASSES = 1500, 4


def table(seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return three numbers, the class that they make probable, and folds."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(N_ROWS, 3)).astype(np.float32)
    scores = matrix @ np.array([[2.0, -1.0, 0.0, 0.5], [0.0, 1.0, -2.0, 0.5], [0.0] * 4])
    codes = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    return matrix, codes, rng.integers(0, 5, N_ROWS)


def shares(scores: np.ndarray) -> np.ndarray:
    found = np.exp(scores - scores.max(axis=1, keepdims=True))
    return found / found.sum(axis=1, keepdims=True)


def test_probabilities_are_those_of_scikit_learn() -> None:
    """With straight lines, and with the penalty that was chosen."""
    matrix, codes, folds = table()
    models, own = fit_classes(matrix, codes, folds, [], N_CLASSES)
    assert (len(models), own.shape) == (N_CLASSES, (N_ROWS, N_CLASSES))
    found = shares(np.concatenate([one.transform(matrix) for one in models], axis=1))
    scaled = (matrix - matrix.mean(axis=0)) / matrix.std(axis=0)
    others = [
        LogisticRegression(C=1 / penalty, max_iter=2000, tol=1e-8).fit(scaled, codes)
        for penalty in PENALTIES
    ]
    assert min(np.abs(one.predict_proba(scaled) - found).max() for one in others) < 0.02


def test_a_training_row_is_scored_without_its_own_fold() -> None:
    """Of noise, a model that saw a row's own class would know something."""
    rng = np.random.default_rng(3)
    matrix, codes = rng.normal(size=(400, 60)).astype(np.float32), rng.integers(0, 3, 400)
    _, own = fit_classes(matrix, codes, rng.integers(0, 5, 400), [], 3)
    right = own[np.arange(400), codes] - own.mean(axis=1)
    assert right.mean() < 0.01


def test_a_row_by_itself_has_the_bits_that_it_has_among_others() -> None:
    matrix, codes, folds = table()
    models, _ = fit_classes(matrix, codes, folds, [], N_CLASSES)
    for model in models:
        together = model.transform(matrix[:50])
        assert all(
            np.array_equal(model.transform(matrix[place : place + 1])[0], together[place])
            for place in range(50)
        )


@pytest.mark.parametrize("n_rows", [3, 7])
def test_a_handful_of_rows_is_enough(n_rows: int) -> None:
    matrix, codes, folds = table()
    models, own = fit_classes(matrix[:n_rows], codes[:n_rows], folds[:n_rows], [], N_CLASSES)
    assert np.isfinite(own).all()
    assert all(np.isfinite(one.transform(matrix)).all() for one in models)
