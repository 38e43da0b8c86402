"""Error measures. Every function takes arrays of shape (n_rows,) and returns one float."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray


def _arrays(*values: ArrayLike) -> list[NDArray[np.float64]]:
    return [np.asarray(value, dtype=np.float64) for value in values]


def squared_log_errors(actual: ArrayLike, predicted: ArrayLike) -> NDArray[np.float64]:
    """Return (log(1 + predicted) - log(1 + actual))² of each row; a prediction is at least 0."""
    y, p = _arrays(actual, predicted)
    return np.asarray(np.square(np.log1p(np.maximum(p, 0.0)) - np.log1p(y)))


def rmsle(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Root mean squared log error, as in Kaggle's Mercari challenge."""
    return float(np.sqrt(squared_log_errors(actual, predicted).mean()))


def mae(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Mean absolute error, in the unit of the target."""
    y, p = _arrays(actual, predicted)
    return float(np.abs(p - y).mean())


def coverage(actual: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> float:
    """Share of rows whose outcome lies inside its interval."""
    y, low, high = _arrays(actual, lower, upper)
    return float(((y >= low) & (y <= high)).mean())


def linear_cost(
    actual: ArrayLike, predicted: ArrayLike, per_unit_over: float, per_unit_under: float
) -> NDArray[np.float64]:
    """Return each row's cost when predicting too much and too little cost different amounts."""
    y, p = _arrays(actual, predicted)
    return np.where(p >= y, per_unit_over * (p - y), per_unit_under * (y - p))


def absolute_errors(actual: ArrayLike, predicted: ArrayLike) -> NDArray[np.float64]:
    """Return |predicted - actual| of each row."""
    y, p = _arrays(actual, predicted)
    return np.abs(p - y)


def log_losses(actual: ArrayLike, predicted: ArrayLike) -> NDArray[np.float64]:
    """Return each row's log loss of a probability, which is kept 1e-6 away from 0 and 1."""
    y, p = _arrays(actual, predicted)
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(-(y * np.log(p) + (1 - y) * np.log1p(-p)))


def average_precision(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Mean precision at the rank of each positive, ties counted as one step; NaN without any."""
    y, p = _arrays(actual, predicted)
    if not y.any():
        return float("nan")
    hits, ends = _steps(y, p)
    gained = np.diff(hits, prepend=0.0)
    return float((gained * hits / ends).sum() / hits[-1])


def roc_auc(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Chance that a positive scores above a negative, ties as half; NaN with one class only."""
    y, p = _arrays(actual, predicted)
    positive = y.sum()
    if not 0 < positive < len(y):
        return float("nan")
    ranks = pd.Series(p).rank().to_numpy()
    above = ranks[y > 0.5].sum() - positive * (positive + 1) / 2
    return float(above / (positive * (len(y) - positive)))


def _steps(y: NDArray[np.float64], p: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Return positives and rows at or above each distinct score, from the highest."""
    order = np.argsort(-p, kind="stable")
    last = np.append(np.flatnonzero(np.diff(p[order])), len(p) - 1)
    return np.cumsum(y[order])[last], (last + 1).astype(np.float64)


# A problem's metric, and the loss of each row whose mean orders models in the same way.
METRICS = {"rmsle": rmsle, "mae": mae, "average_precision": average_precision}
LOSSES = {
    "rmsle": squared_log_errors,
    "mae": absolute_errors,
    "average_precision": log_losses,  # of a row: a ranking has none
}
