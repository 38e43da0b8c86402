"""Error measures. Every function takes arrays of shape (n_rows,) and returns one float."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

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


def balanced_threshold(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Return the score from which alerts have the best balanced accuracy; 1 with one class only."""
    y, p = _arrays(actual, predicted)
    if not 0 < y.sum() < len(y):
        return 1.0
    hits, ends = _steps(y, p)
    gain = hits / y.sum() - (ends - hits) / (len(y) - y.sum())
    return float(np.sort(p)[::-1][int(ends[int(np.argmax(gain))]) - 1])


def rates_at(actual: ArrayLike, predicted: ArrayLike, threshold: float) -> tuple[float, float]:
    """Return the share of positives, and of negatives, that score at or above a threshold."""
    y, p = _arrays(actual, predicted)
    alert, positive = p >= threshold, y > 0.5
    return tuple(  # type: ignore[return-value]
        float(alert[rows].mean()) if rows.any() else float("nan") for rows in (positive, ~positive)
    )


def false_positives_at(actual: ArrayLike, predicted: ArrayLike, recall: float) -> float:
    """Return how many negatives score as high as it takes to find a share `recall` of positives."""
    y, p = _arrays(actual, predicted)
    if not y.any():
        return float("nan")
    if recall <= 0:
        return 0.0
    hits, ends = _steps(y, p)
    step = int(np.searchsorted(hits, recall * hits[-1] - 1e-9))
    return float(ends[step] - hits[step])


def _steps(y: NDArray[np.float64], p: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Return positives and rows at or above each distinct score, from the highest."""
    order = np.argsort(-p, kind="stable")
    last = np.append(np.flatnonzero(np.diff(p[order])), len(p) - 1)
    return np.cumsum(y[order])[last], (last + 1).astype(np.float64)


def rmse(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Root mean squared error, in the unit of the target."""
    return float(np.sqrt(squared_errors(actual, predicted).mean()))


def squared_errors(actual: ArrayLike, predicted: ArrayLike) -> NDArray[np.float64]:
    """Return (predicted - actual)² of each row."""
    y, p = _arrays(actual, predicted)
    return np.square(p - y)


def r2(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Share of the outcome's variance that is explained; NaN where the outcome does not vary."""
    y, _ = _arrays(actual, predicted)
    variance = float(np.var(y))
    return 1.0 - float(squared_errors(actual, predicted).mean()) / variance if variance else np.nan


def poisson_deviances(actual: ArrayLike, predicted: ArrayLike) -> NDArray[np.float64]:
    """Return 2 · (y log(y / p) - y + p) of each row of counts; a prediction is at least 1e-9.

    The unit deviance of the Poisson family (McCullagh & Nelder, Generalized Linear Models, 1989,
    section 2.3).
    """
    y, p = _arrays(actual, predicted)
    p = np.maximum(p, 1e-9)
    ratio = np.where(y > 0, y, 1.0) / p
    return np.asarray(2 * (y * np.log(ratio) - y + p))


def poisson_deviance(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Mean Poisson deviance, for counts."""
    return float(poisson_deviances(actual, predicted).mean())


def log_loss(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Mean log loss of probabilities."""
    return float(log_losses(actual, predicted).mean())


@dataclass(frozen=True)
class Metric:
    """A measure, and the loss of each row whose mean orders models in the same way.

    A ranking (average precision, AUC) has no loss of a row: there it is the log loss.
    """

    measure: Callable[[ArrayLike, ArrayLike], float]
    losses: Callable[[ArrayLike, ArrayLike], NDArray[np.float64]]
    words: str
    loss_words: str
    tasks: tuple[str, ...]
    higher_is_better: bool = False
    in_unit: bool = False  # of the target; others have none
    of_losses: Literal["mean", "root"] | None = "mean"  # the measure, where it is made of them

    def __call__(self, actual: ArrayLike, predicted: ArrayLike) -> float:
        return self.measure(actual, predicted)


_REGRESSION, _BINARY = ("regression",), ("binary",)
METRICS = {
    "rmsle": Metric(
        rmsle, squared_log_errors, "RMSLE", "squared log error", _REGRESSION, of_losses="root"
    ),
    "mae": Metric(
        mae, absolute_errors, "mean absolute error", "absolute error", _REGRESSION, in_unit=True
    ),
    "rmse": Metric(
        rmse, squared_errors, "root mean squared error", "squared error", _REGRESSION, in_unit=True,
        of_losses="root",
    ),
    "r2": Metric(
        r2, squared_errors, "R²", "squared error", _REGRESSION, higher_is_better=True,
        of_losses=None,
    ),
    "poisson_deviance": Metric(
        poisson_deviance, poisson_deviances, "Poisson deviance", "Poisson deviance", _REGRESSION
    ),
    "average_precision": Metric(
        average_precision, log_losses, "average precision", "log loss", _BINARY,
        higher_is_better=True, of_losses=None,
    ),
    "auc": Metric(
        roc_auc, log_losses, "area under the ROC curve", "log loss", _BINARY, higher_is_better=True,
        of_losses=None,
    ),
    "log_loss": Metric(log_loss, log_losses, "log loss", "log loss", _BINARY),
}  # fmt: skip


def key_of(metric: str, unit: str) -> str:
    """Return a metric's name in a metrics file: with the unit at its end, where it has one."""
    return f"{metric}_{unit.lower().replace(' ', '_')}" if METRICS[metric].in_unit else metric
