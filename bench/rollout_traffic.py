"""Simulated rollouts: who comes on which day, in which arm, and what the losses are.

Arrays have the shape (n_tests, n_days, n_subjects), so that all tests and looks are one
calculation.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rng = np.random.Generator
Tail = Literal["mild", "lognormal", "pareto", "squared"]


@dataclass(frozen=True)
class Traffic:
    """One kind of traffic.

    words : how a table calls it
    visits : mean number of outcomes of a subject, a day
    uneven : shape of the gamma distribution of visits over subjects; 0 where all come as often
    season : weekly, as a share, of visits and of losses
    lasting : standard deviation of the logarithm of a subject's own mean loss
    starts : when subjects are seen first: all at once; a few, then more; or those with most visits
        last, so that the information that there is grows less
    trend : how losses change over the whole time, as a share
    ramp : (first day, share of the challenger), the first from day 0
    """

    words: str
    subjects: int = 300
    visits: float = 0.2
    uneven: float = 0.0
    season: float = 0.0
    lasting: float = 0.0
    starts: Literal["at once", "slowly", "large last"] = "at once"
    tail: Tail = "lognormal"
    trend: float = 0.0
    ramp: tuple[tuple[int, float], ...] = ((0, 0.5),)


@dataclass(frozen=True)
class Cells:
    """Outcomes of a subject on a day: how many, their sum of loss, and whether they are the
    challenger's; shape (n_tests, n_days, n_subjects)."""

    n: Floats
    loss: Floats
    arm: NDArray[np.bool_]


def draw_losses(tail: Tail, size: int, rng: Rng) -> Floats:
    """Losses with mean 1, shape (size,); of the last two the variance is finite, no higher moment
    is."""
    if tail in ("mild", "lognormal"):
        sd = 0.7 if tail == "mild" else 1.5
        return np.exp(sd * rng.standard_normal(size) - sd**2 / 2)
    if tail == "pareto":
        return (rng.pareto(2.5, size) + 1.0) * (1.5 / 2.5)
    return np.square(rng.standard_t(5, size)) * (3 / 5)


def draw(traffic: Traffic, n_tests: int, n_days: int, rng: Rng, *, effect: float = 0.0) -> Cells:
    """Simulate `n_tests` rollouts in which the challenger's losses are `effect` higher, a share."""
    days = np.arange(n_days)
    week = 1 + traffic.season * np.sin(2 * np.pi * days / 7)
    rate = np.full((n_tests, 1, traffic.subjects), float(traffic.visits))
    if traffic.uneven:
        rate *= rng.gamma(traffic.uneven, 1 / traffic.uneven, rate.shape)
    there = days[:, None] >= _first_days(traffic, rate, n_days)
    n = rng.poisson(rate * week[:, None] * there)
    lean = traffic.lasting
    own = np.exp(lean * rng.standard_normal(rate.shape) - lean**2 / 2)
    shares = np.zeros(n_days)
    for first, share in traffic.ramp:
        shares[first:] = share
    arm = rng.random(rate.shape) < shares[:, None]
    mean = week[::-1] * (1 + traffic.trend * days / n_days)
    flat = n.ravel()
    ends = np.cumsum(flat)
    sums = np.append(0.0, np.cumsum(draw_losses(traffic.tail, int(ends[-1]), rng)))
    loss = (sums[ends] - sums[ends - flat]).reshape(n.shape)
    return Cells(
        n.astype(np.float64), loss * own * mean[:, None] * np.where(arm, 1 + effect, 1.0), arm
    )


def _first_days(traffic: Traffic, rate: Floats, n_days: int) -> NDArray[np.int64]:
    """The day on which each subject is seen first, shape of rate or one that is broadcast to it."""
    if traffic.starts == "at once":
        return np.zeros((1, 1, 1), np.int64)
    place = np.linspace(0, 1, traffic.subjects)
    if traffic.starts == "slowly":  # a day brings more subjects than the day before
        return np.floor(np.sqrt(place) * n_days * 0.9).astype(np.int64)[None, None]
    order = rate.argsort(axis=2).argsort(axis=2) / traffic.subjects
    return np.floor(order * n_days * 0.9).astype(np.int64)


def draw_pairs(
    n_tests: int, n_days: int, n_blocks: int, visits: float, tail: Tail, lasting: float, rng: Rng
) -> Cells:
    """Differences of loss on the same requests whose mean is 0, with one long tail, and of which
    those of one block have a part in common.

    A block is a day, where `n_blocks` is 0, else one that comes every day.
    """
    shape = (n_tests, n_days, n_blocks or n_days)
    n = rng.poisson(visits, shape)
    if not n_blocks:
        n *= np.eye(n_days, dtype=np.int64)[None]
    ends = np.cumsum(n.ravel())
    sums = np.append(0.0, np.cumsum(draw_losses(tail, int(ends[-1]), rng) - 1.0))
    loss = (sums[ends] - sums[ends - n.ravel()]).reshape(shape)
    common = lasting * rng.standard_normal((n_tests, 1, shape[2]))
    return Cells(n.astype(np.float64), loss + n * common, np.ones(shape, bool))
