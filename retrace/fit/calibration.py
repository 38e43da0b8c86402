"""Probabilities from a classifier's scores, fitted on the calibration window.

Platt, "Probabilistic outputs for support vector machines", 1999, with the targets that he draws
in from 0 and 1 and the Newton steps of Lin, Lin & Weng, "A note on Platt's probabilistic outputs",
Machine Learning 2007. Two numbers need few positives, and the order of scores is kept without ties.
Several classes have one number, the temperature.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

Floats = NDArray[np.float64]

FEWEST = 5  # positives and negatives below which the slope is left at 1 (assumed)
STEPS = 50
DIGITS = 6  # of the coefficients: the last bits of a sum must not reach the bundle
LEAST, MOST = 0.05, 20.0  # of one over a temperature


@dataclass(frozen=True)
class _Probabilities:
    """What a classifier's bundle answers: scores on the logit scale as probabilities."""

    def apply(self, score: Floats) -> Floats:
        raise NotImplementedError

    def answer(self, scores: Mapping[str, Floats], scale: str) -> dict[str, Floats]:
        """Return the prediction: the probability, of several classes each, (n_rows, n_classes)."""
        return {"prediction": self.point(scores["point"], scale)}

    def point(self, score: Floats, scale: str) -> Floats:  # noqa: ARG002
        return self.apply(score)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Temperature(_Probabilities):
    """Probabilities of several classes = softmax(scores / temperature), which orders them alike.

    Guo, Pleiss, Sun & Weinberger, "On calibration of modern neural networks", ICML 2017.
    """

    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    n_calibration: int

    @classmethod
    def fit(cls, actual: NDArray[np.float64], score: NDArray[np.float64]) -> Self:
        """Fit on the numbers of classes, shape (n_rows,), and scores, shape (n_rows, n_classes), of
        a calibration window; with few rows a class the scores' own probabilities are kept."""
        n, classes = score.shape
        if n < FEWEST * classes:
            return cls(1.0, n)
        return cls(_rounded(1.0 / _sharpness(actual.astype(np.int64), score)), n)

    def apply(self, score: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probabilities of scores, both of shape (n_rows, n_classes)."""
        return softmax(score / self.temperature)


def softmax(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map scores, shape (n_rows, n_classes), to probabilities; one row gives the bits that it has
    among many."""
    weight = np.exp(score - score.max(axis=1, keepdims=True))
    total = weight[:, 0].copy()
    for column in range(1, weight.shape[1]):  # in a defined order
        total += weight[:, column]
    return np.asarray(weight / total[:, None])


def _sharpness(actual: NDArray[np.int64], score: NDArray[np.float64]) -> float:
    """Return one over the temperature of the least log loss, which is convex in it, by Newton's
    steps inside an interval that is known to have it."""
    low, high, found = LEAST, MOST, 1.0
    given = score[np.arange(len(score)), actual]
    for _ in range(STEPS):
        p = softmax(found * score)
        mean = (p * score).sum(axis=1)
        slope = float((mean - given).sum())
        low, high = (low, found) if slope > 0 else (found, high)
        curvature = float((p * np.square(score - mean[:, None])).sum())
        step = found - slope / curvature if curvature > 0 else found
        following = step if low < step < high else (low + high) / 2
        if abs(following - found) < 1e-9:
            break
        found = following
    return found


@dataclass(frozen=True)
class Calibration(_Probabilities):
    """Probability = 1 / (1 + exp(-(slope · score + intercept))); scores are log odds."""

    slope: float
    intercept: float
    n_calibration: int
    n_positive: int

    @classmethod
    def fit(cls, actual: NDArray[np.float64], score: NDArray[np.float64]) -> Self:
        """Fit on outcomes (0 or 1) and scores of a calibration window, shape (n_rows,).

        With too few rows of either class to fit two numbers, or scores that order the window the
        wrong way round, the scores' own probabilities are kept: LightGBM's log loss is calibrated
        on the training window.
        """
        n, positive = len(actual), int(actual.sum())
        if min(positive, n - positive) < FEWEST:
            return cls(1.0, 0.0, n, positive)
        slope, intercept = _newton(_drawn_in(actual), score)
        if not np.isfinite([slope, intercept]).all() or slope <= 0.0:
            slope, intercept = 1.0, 0.0
        return cls(_rounded(slope), _rounded(intercept), n, positive)

    def apply(self, score: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of each score; rising with it."""
        return logistic(self.slope * score + self.intercept)


def logistic(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map log odds to probabilities, without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * score)))


def _drawn_in(actual: NDArray[np.float64]) -> NDArray[np.float64]:
    positive = actual.sum()
    negative = len(actual) - positive
    high, low = (positive + 1.0) / (positive + 2.0), 1.0 / (negative + 2.0)
    return np.asarray(np.where(actual > 0.5, high, low))


def _newton(target: NDArray[np.float64], score: NDArray[np.float64]) -> tuple[float, float]:
    """Minimise the log loss over slope and intercept; halve steps that do not lower it."""
    design = np.column_stack([score, np.ones_like(score)])
    weights = np.array([1.0, 0.0])
    loss = _loss(weights, design, target)
    for _ in range(STEPS):
        p = logistic(design @ weights)
        gradient = design.T @ (p - target)
        curvature = (design * (p * (1 - p))[:, None]).T @ design + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while size > 1e-6 and _loss(weights - size * step, design, target) > loss:
            size /= 2
        if size <= 1e-6 or np.abs(step).max() < 1e-10:
            break
        weights = weights - size * step
        loss = _loss(weights, design, target)
    return float(weights[0]), float(weights[1])


def _loss(
    weights: NDArray[np.float64], design: NDArray[np.float64], target: NDArray[np.float64]
) -> float:
    score = design @ weights
    return float((np.logaddexp(0.0, score) - target * score).sum())


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


CALIBRATIONS: dict[str, type[Calibration] | type[Temperature]] = {
    "binary": Calibration,
    "multiclass": Temperature,
}
