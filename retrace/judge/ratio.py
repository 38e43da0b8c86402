"""A ratio of two sums over independent units, and bounds on it that hold at every look together.

Of each subject (or block) i there are two sums, a_i and b_i, and the difference is Σa / Σb: in
shadow the differences of loss and how many they are; in A/B the same regression of loss on arm
and day that `between_subjects` describes. Subjects are the unit: the variance is the delta
method's over them (Deng, Knoblich & Lu, "Applying the delta method in metric analytics", KDD
2018), so outcomes of one subject may depend on each other in any way.

The interval is an asymptotic confidence sequence by Robbins' normal mixture (Waudby-Smith, Arbour,
Sinha, Kennedy & Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences",
Annals of Statistics 52, 2024). Its time is information, 1 / variance, not a number of outcomes: the
fiftieth outcome of one subject tells less than the first of another. Were D_t the mean of
independent outcomes, its looks would have the correlations √(V_t / V_s) of Brownian motion at these
times. Where subjects come again and Σa / Σb weighs outcomes alike, correlations are these or
higher, as long as new outcomes do not come from subjects with more outcomes than the old ones; and
higher correlations only make it rarer that any look passes a bound (Slepian's inequality). A mean
of subjects' means has lower ones, and would not be valid. (That cumulative measures of returning
subjects need care: Schultzberg & Ankargren, "Bringing sequential testing to experiments with
longitudinal data", Spotify 2023.) `python -m bench rollout` measures false alarms and power.

Three corrections are for what a normal limit does not know. Few subjects: Student's quantile, with
as many degrees of freedom as subjects of one size would have that weigh as much (Kish's effective
sample). Skewed sums, such as rare disasters of a model that is mostly a little better: Hall's cubic
transformation (Journal of the Royal Statistical Society B 54, 1992), where it widens. A small arm
in which no large loss came yet: the variance of both arms together, where that is larger. Losses
must have a finite variance.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
LEVEL = 0.05  # share of comparisons without a difference that may ever look like one


class Sums(NamedTuple):
    """What each unit (or cell of one) adds to a ratio Σa / Σb; shape (..., n_units).

    c, d : the same as they would be on average over both arms, so that Σ(c - ratio · d)² is the
        variance if arms were drawn again; None where there are no arms
    """

    a: Floats
    b: Floats
    c: Floats | None = None
    d: Floats | None = None


class Ratio(NamedTuple):
    """Σa / Σb with its variance, degrees of freedom of that, and skewness; shape (...)."""

    value: Floats
    variance: Floats
    dof: Floats
    skew: Floats


def ratio(sums: Sums) -> Ratio:
    """Estimate Σa / Σb over independent units along the last axis, by the delta method.

    Of the two variances, by the arms as they are and as they might be drawn again, the larger one
    is taken. In a small arm in which no large loss came yet the mean is too low and its own
    variance too small; the other arm knows better. With arms of one size they are the same.

    Returns NaN, infinity, 0 and 0 where fewer than two units have b > 0.
    """
    a, b = sums.a, sums.b
    n, total = (b > 0).sum(axis=-1), b.sum(axis=-1)
    enough = n > 1
    n, total = np.where(enough, n, 2), np.where(enough, total, 1.0)
    value = a.sum(axis=-1) / total
    rest = a - value[..., None] * b
    squares = np.square(rest)
    own = either = squares.sum(axis=-1)
    skew = (squares * rest).sum(axis=-1) / np.where(own > 0, own, 1.0) ** 1.5
    if sums.c is not None and sums.d is not None:
        either = np.square(sums.c - value[..., None] * sums.d).sum(axis=-1)
    variance = np.maximum(own, either) / np.square(total) * n / (n - 1)
    effective = np.square(total) / np.where(enough, np.square(b).sum(axis=-1), 1.0)
    return Ratio(
        np.where(enough, value, np.nan),
        np.where(enough, variance, np.inf),
        np.where(enough, np.maximum(effective - 1, 0.0), 0.0),
        np.where(enough, skew, 0.0),
    )


def reach(found: Ratio, *, effect: Floats, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Return how far the always-valid interval reaches below and above the value, each of shape
    (...), in the loss's unit.

    effect : the difference that the bound is tuned for, in the loss's unit and fixed beforehand;
        beside an interval for a single look it is narrowest when half its width is about this
    """
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        information = np.square(effect) / found.variance
        squared = (1 + 1 / information) * (np.log1p(information) - 2 * math.log(level))
        # Wallace (1959): the quantile of Student's distribution that is as rare as the normal one
        exponent = squared * np.square((8 * found.dof + 3) / (8 * found.dof + 1)) / found.dof
        bound = np.sqrt(found.dof * np.expm1(exponent))
        sides = [
            np.maximum(bound, _skewed(bound, sign * found.skew)) * np.sqrt(found.variance)
            for sign in (-1, 1)
        ]
    known = np.isfinite(found.variance) & (found.dof > 0) & (effect > 0)
    below, above = (
        np.where(found.variance == 0, 0.0, np.where(known, side, np.inf)) for side in sides
    )
    return below, above


def _skewed(bound: Floats, skew: Floats) -> Floats:
    """The bound of a statistic with this skewness whose Hall transformation has the normal one; of
    its lower tail, as a positive number."""
    skew = np.where(np.abs(skew) < 1e-6, 1e-6, skew)
    return np.asarray(3 / skew * (1 - np.cbrt(1 - skew * (bound + skew / 6))))


def arm_sums(
    loss: Floats, n: Floats, arm: NDArray[np.bool_], of_day: tuple[Floats, Floats, Floats]
) -> Sums:
    """Return what cells (outcomes of one subject on one day) add to the regression of loss on arm
    and day, whose coefficient of the arm is Σa / Σb.

    loss, n, arm : sum of loss, number of outcomes, whether the challenger's
    of_day : sum of loss, number of outcomes, number of the challenger's on the cell's day; of
        shapes that broadcast to that of the cells
    """
    losses, outcomes, challengers = of_day
    share = challengers / np.maximum(outcomes, 1.0)
    beside_day = loss - n * losses / np.maximum(outcomes, 1.0)
    lean, either = arm - share, np.sqrt(share * (1 - share))
    # days on which one arm is empty have lean = either = 0 and fall out
    return Sums(lean * beside_day, n * np.square(lean), either * beside_day, either * n * lean)


def half_width(variance: Floats, dof: Floats, *, effect: Floats, level: float = LEVEL) -> Floats:
    """Return half the width of the always-valid interval, shape (...), in the loss's unit.

    effect : the difference that the bound is tuned for, in the loss's unit and fixed beforehand;
        beside an interval for a single look it is narrowest when half its width is about this
    """
    information = np.square(effect) / np.maximum(variance, np.finfo(float).tiny)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        squared = (1 + 1 / information) * (np.log1p(information) - 2 * math.log(level))
        # Wallace (1959): the quantile of Student's distribution that is as rare as the normal one
        exponent = squared * np.square((8 * dof + 3) / (8 * dof + 1)) / dof
        width = np.sqrt(dof * np.expm1(exponent) * variance)
    known = np.isfinite(variance) & (dof > 0) & (np.asarray(effect) > 0)
    return np.where(known, np.where(variance > 0, width, 0.0), np.inf)


def fitted(n_outcomes: ArrayLike, n_days: ArrayLike) -> Floats:
    """By what a variance grows because the means of days and the difference were fitted, too."""
    n, left = np.asarray(n_outcomes, float), np.subtract(n_outcomes, n_days) - 1.0
    return np.where(left > 0, n / np.maximum(left, 1.0), np.inf)
