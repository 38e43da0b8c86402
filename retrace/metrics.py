"""Error measures. Every function takes arrays of shape (n_rows,) and returns one float."""

import numpy as np
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


# A problem's metric, and the loss of each row whose mean orders models in the same way.
METRICS = {"rmsle": rmsle, "mae": mae}
LOSSES = {"rmsle": squared_log_errors, "mae": absolute_errors}
