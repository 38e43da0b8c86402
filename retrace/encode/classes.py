"""The linear model of several classes: a column a class, on the scale of log odds.

Multinomial logistic regression, fitted with steps that the bound on its curvature allows (Böhning,
"Multinomial logistic regression algorithm", Annals of the Institute of Statistical Mathematics
1992): one matrix is inverted a penalty, whatever the number of classes. The steps gain speed from
the last one and lose it where they turn back (O'Donoghue & Candès, "Adaptive restart for
accelerated gradient schemes", Foundations of Computational Mathematics 2015).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retrace.encode.encoders import Ints, Matrix
from retrace.encode.folds import FOLDS
from retrace.encode.linear import (
    NEWTON_ROWS,
    PENALTIES,
    Design,
    Floats,
    LinearModel,
    out_of_fold,
)

STEPS = 60
CLOSE = 1e-3  # a change of weights that is none
PRODUCTS = 10_000_000  # of a step: rows, columns and classes multiplied; more rows are left out


def fit_classes(
    matrix: Matrix, codes: Ints, folds: Ints, categorical: Sequence[int], n_classes: int
) -> tuple[tuple[LinearModel, ...], Matrix]:
    """Fit on training rows; return a model a class, and their columns for those rows, out of fold.

    matrix : shape (n_rows, n_columns); NaN is missing, a categorical column has codes
    codes : the class of each row, from 0, shape (n_rows,)
    folds : of `folds_of`, shape (n_rows,)
    categorical : places of the columns that have codes

    The columns have the shape (n_rows, n_classes).
    """
    design = Design.of(matrix, categorical)
    outcome = np.eye(n_classes)[codes]
    few = _few(len(matrix), design.rows(matrix[:1]).shape[1] * n_classes)
    rows, known, fold_of = design.rows(matrix[few]), outcome[few], folds[few]

    def weights(kept: NDArray[np.bool_]) -> Floats:
        kept = kept if kept.any() else ~kept
        paths = [_path(rows[kept], known[kept], form) for form in design.forms]
        return np.concatenate(paths, axis=1)

    without = np.stack([weights(fold_of != fold) for fold in range(FOLDS)])
    flat = without.reshape(*without.shape[:2], -1)  # each candidate has a column a class
    scores = out_of_fold(design, matrix, folds, flat).reshape(len(matrix), -1, n_classes)
    right = (scores * outcome[:, None]).sum(axis=2)
    best = int((_log_sum(scores) - right).mean(axis=0).argmin())
    chosen = weights(np.ones(len(few), bool))[:, best]
    models = tuple(LinearModel(*design.read(chosen[:, place])) for place in range(n_classes))
    return models, scores[:, best].astype(np.float32)


def _few(n_rows: int, width: int) -> Ints:
    most = min(n_rows, NEWTON_ROWS, max(PRODUCTS // width, 1000))
    return np.unique(np.linspace(0, n_rows - 1, most).astype(np.int64))


def _log_sum(scores: Floats) -> Floats:
    most = scores.max(axis=-1, keepdims=True)
    return np.asarray(np.log(np.exp(scores - most).sum(axis=-1)) + most[..., 0])


def _path(rows: Floats, outcome: Floats, form: NDArray[np.bool_]) -> Floats:
    """Return the weights for each penalty, 0 of columns that the form has not: shape (n_columns,
    n_penalties, n_classes). The intercept has no penalty."""
    used = rows[:, form]
    found = np.zeros((len(form), len(PENALTIES), outcome.shape[1]))
    weights = np.zeros((used.shape[1], outcome.shape[1]))
    curve = used.T @ used / 2
    for place, penalty in enumerate(PENALTIES):
        ridge = np.full((used.shape[1], 1), penalty)
        ridge[0] = 1e-6
        weights = _descend(used, outcome, ridge, np.linalg.inv(curve + np.diagflat(ridge)), weights)
        found[form, place] = weights
    return found


def _descend(
    rows: Floats, outcome: Floats, ridge: Floats, inverse: Floats, start: Floats
) -> Floats:
    weights = ahead = start
    speed = 1.0
    for _ in range(STEPS):
        scores = rows @ ahead
        shares = np.exp(scores - _log_sum(scores)[:, None])
        slope = rows.T @ (shares - outcome) + ridge * ahead
        last, weights = weights, ahead - inverse @ slope
        change = weights - last
        if np.abs(change).max() < CLOSE:
            break
        if (slope * change).sum() > 0:  # it turned back
            speed, ahead = 1.0, weights
            continue
        faster = (1 + np.sqrt(1 + 4 * speed**2)) / 2
        ahead, speed = weights + (speed - 1) / faster * change, faster
    return weights
