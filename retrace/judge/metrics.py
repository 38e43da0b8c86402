"""Error measures: of arrays of shape (n_rows,) one float.

What is predicted of several classes is their probabilities, shape (n_rows, n_classes), and the
outcome the number of its class, -1 for one that the model does not know. `measure` and `losses`
take both from scored rows.
"""

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
    """Return each row's log loss of a probability, which is kept 1e-6 away from 0 and 1; of several
    classes that of the probability given to the one that came."""
    y, p = _arrays(actual, predicted)
    if p.ndim == 2:
        return np.asarray(-np.log(np.clip(given(y, p), 1e-6, 1 - 1e-6)))
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


def given(actual: ArrayLike, predicted: ArrayLike) -> NDArray[np.float64]:
    """Return the probability that each row's class was given; 0 for a class that is not known."""
    y, p = _arrays(actual, predicted)
    codes = y.astype(np.int64)
    return np.asarray(np.where(codes < 0, 0.0, p[np.arange(len(p)), codes]))


def accuracy(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Share of rows whose most probable class came."""
    y, p = _arrays(actual, predicted)
    return float((p.argmax(axis=1) == y).mean())


def macro_f1(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Mean over the classes that came or were predicted of 2 · hits / (rows + predicted rows)."""
    y, p = _arrays(actual, predicted)
    chosen = p.argmax(axis=1)
    classes = np.union1d(y, chosen)
    hits, came, said = (
        np.array([int(rows.sum()) for rows in masks])
        for masks in (
            [(y == one) & (chosen == one) for one in classes],
            [y == one for one in classes],
            [chosen == one for one in classes],
        )
    )
    return float((2 * hits / (came + said)).mean())


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


_REGRESSION, _BINARY, _MULTICLASS = ("regression",), ("binary",), ("multiclass",)
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
    "log_loss": Metric(log_loss, log_losses, "log loss", "log loss", (*_BINARY, *_MULTICLASS)),
    "accuracy": Metric(
        accuracy, log_losses, "accuracy", "log loss", _MULTICLASS, higher_is_better=True,
        of_losses=None,
    ),
    "macro_f1": Metric(
        macro_f1, log_losses, "macro F1", "log loss", _MULTICLASS, higher_is_better=True,
        of_losses=None,
    ),
}  # fmt: skip


def key_of(metric: str, unit: str) -> str:
    """Return a metric's name in a metrics file: with the unit at its end, where it has one."""
    return f"{metric}_{unit.lower().replace(' ', '_')}" if METRICS[metric].in_unit else metric


# ---- scored rows ---------------------------------------------------------------------------------


def prefix(name: str = "prediction") -> str:
    """Return how the columns of `name`'s probabilities begin, one a class."""
    return "probability_" if name == "prediction" else f"{name}_probability_"


def probabilities(scored: pd.DataFrame, name: str = "prediction") -> pd.DataFrame:
    """Return what `name` (prediction, rule, ...) says of each class, a column a class."""
    start = prefix(name)
    columns = [str(one) for one in scored if str(one).startswith(start)]
    return scored[columns].rename(columns=lambda one: one.removeprefix(start))


def judged(
    scored: pd.DataFrame, name: str = "prediction"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the outcome, and what `name` predicted, as the measures take them.

    An outcome that is text is a class.
    """
    if pd.api.types.is_numeric_dtype(scored["outcome"]):
        return scored["outcome"].to_numpy(np.float64), scored[name].to_numpy(np.float64)
    table = probabilities(scored, name)
    codes = pd.Index(table.columns).get_indexer(pd.Index(scored["outcome"].astype("str")))
    return codes.astype(np.float64), table.to_numpy(np.float64)


def metric_of(metric: str, scored: pd.DataFrame, name: str = "prediction") -> float:
    """Return the metric of what `name` predicted."""
    return METRICS[metric](*judged(scored, name))


def losses(metric: str, scored: pd.DataFrame, name: str = "prediction") -> "pd.Series[float]":
    """Return each row's loss of what `name` predicted."""
    return pd.Series(METRICS[metric].losses(*judged(scored, name)), index=scored.index)


def said(scored: pd.DataFrame, name: str = "prediction") -> pd.Series | pd.DataFrame:
    """Return what `name` predicted as a baseline has it: numbers, or a frame of probabilities with
    a column a class."""
    numbers = pd.api.types.is_numeric_dtype(scored[name])
    return scored[name] if numbers else probabilities(scored, name)


def beside(scored: pd.DataFrame, other: pd.Series | pd.DataFrame, name: str) -> pd.DataFrame:
    """Add what another model, or a baseline, says of scored rows under its name; same index.

    Of several classes it is a frame of probabilities, a column a class: a class that the model does
    not know is left out, and one that the other does not know has 0.
    """
    if isinstance(other, pd.Series):
        return scored.assign(**{name: other})
    table = other.reindex(columns=list(probabilities(scored)), fill_value=0.0)
    return scored.assign(**{name: table.idxmax(axis=1)}, **table.add_prefix(prefix(name)))
