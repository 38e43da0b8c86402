"""A difference that may be looked at every day: always-valid intervals for models on live traffic.

    now = between_subjects(subject, in_challenger, loss, day=day)      # A/B: arms of subjects
    now = paired(challenger_loss, champion_loss, blocks=route_or_day)  # shadow: the same requests
    lower, upper = now.interval(expected=0.05)
    ratio = sample_ratio(counts, shares)          # are the arms as large as they were meant to be?
    ratio.broken

A difference is the challenger's mean loss minus the champion's: below zero, the challenger is
better. `retrace.judge.rollout` makes a decision of it.

Subjects (or blocks) are the unit: outcomes of one may depend on each other in any way. Why such
bounds hold though a person looks every day is in `retrace.judge.ratio`.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from retrace.judge.ratio import LEVEL, Floats, Ratio, Sums, arm_sums, fitted, ratio, reach

RATIO_LEVEL = 0.001  # an alarm here stops everything, so it must be sure
CONCENTRATIONS = (10.0, 100.0, 1000.0, 10_000.0)  # of arms far from their shares, and near


@dataclass(frozen=True)
class Estimate:
    """A difference of mean loss per outcome at one look, challenger minus champion.

    difference, champion : in the loss's unit; champion is its mean loss on the same days, and both
        are NaN while an arm has no outcome
    overall : mean loss of both arms, to which `expected` relates
    variance, dof, skew : of the difference, as `retrace.judge.ratio` has them; the variance is
        infinite while nothing is known
    n_subjects, n_outcomes : of champion and challenger; blocks and requests where it is paired
    """

    difference: float
    variance: float
    dof: float
    skew: float
    champion: float
    overall: float
    n_subjects: tuple[int, int]
    n_outcomes: tuple[int, int]
    is_paired: bool = False

    @property
    def relative(self) -> float:
        """The difference as a share of the champion's mean loss; NaN where that is not above 0."""
        return self.difference / self.champion if self.champion > 0 else math.nan

    def interval(
        self, *, expected: float, level: float = LEVEL, grown: float = 1.0
    ) -> tuple[float, float]:
        """Return bounds that hold at all looks together, with probability 1 - level.

        expected : the difference to tune for, as a share of mean loss; chosen before the data
        grown : as it would be with so many times the information
        """
        found = Ratio(
            np.array(self.difference),
            np.array(self.variance / grown),
            np.array(self.dof * grown),
            np.array(self.skew / math.sqrt(grown)),
        )
        effect = np.array(expected * abs(self.overall))
        below, above = (float(one) for one in reach(found, effect=effect, level=level))
        if math.isinf(below) or math.isinf(above):
            return -math.inf, math.inf
        return self.difference - below, self.difference + above


def between_subjects(
    subject: ArrayLike,
    in_challenger: ArrayLike,
    loss: ArrayLike,
    *,
    n_outcomes: ArrayLike | None = None,
    day: ArrayLike | None = None,
) -> Estimate:
    """Compare arms of subjects. A row is an outcome, or the sums of several.

    Outcomes are compared with those of the same day: Σ w_d (mean loss of the challenger on day d -
    the champion's) / Σ w_d, w_d = n_1d n_0d / (n_1d + n_0d), which is the regression of loss on arm
    and day. So neither a ramp in which the challenger's share grows in a bad week nor a season
    looks like a difference, and days on which one arm is empty tell nothing. Without `day` it is
    the difference of the arms' mean loss per outcome.

    Parameters
    ----------
    subject : labels of shape (n_rows,), of any type; a ramp may move one from champion to
        challenger
    in_challenger : bool, shape (n_rows,)
    loss : sums of loss, shape (n_rows,), in its unit
    n_outcomes : how many outcomes each sum is of; one each where None
    day : labels of shape (n_rows,), the day of the request

    Raises ValueError for arrays of other lengths, a loss that is no number, or outcomes below one.
    """
    losses_of = _numbers("loss", loss)
    n = np.ones(losses_of.size) if n_outcomes is None else _numbers("n_outcomes", n_outcomes)
    arm = np.asarray(in_challenger, bool)
    who = _codes("subject", subject)
    days = np.zeros(losses_of.size, np.intp) if day is None else _codes("day", day)
    _same_length(loss=losses_of, in_challenger=arm, subject=who, n_outcomes=n, day=days)
    if (n < 1).any():
        raise ValueError(
            f"n_outcomes has {n.min():g}; a row is of at least one outcome: leave others out"
        )
    losses, outcomes, challengers = (_by(days, one)[days] for one in (losses_of, n, n * arm))
    cells = arm_sums(losses_of, n, arm, (losses, outcomes, challengers))
    used = (challengers > 0) & (challengers < outcomes)
    value, variance, dof, skew = (
        float(one) for one in ratio(Sums(*(_by(who, one) for one in cells if one is not None)))
    )
    arms = [used & ~arm, used & arm]
    n_of = [int(n[one].sum()) for one in arms]
    weight = float(cells.b.sum())
    of_champion = (losses_of * challengers / outcomes)[arms[0]].sum()  # weighted as the difference
    return Estimate(
        value,
        variance * float(fitted(sum(n_of), np.unique(days[used]).size)),
        dof,
        skew,
        float(of_champion) / weight if weight > 0 else math.nan,
        float(losses_of[used].sum()) / sum(n_of) if used.any() else math.nan,
        (np.unique(who[arms[0]]).size, np.unique(who[arms[1]]).size),
        (n_of[0], n_of[1]),
    )


def paired(
    challenger_loss: ArrayLike, champion_loss: ArrayLike, *, blocks: ArrayLike | None = None
) -> Estimate:
    """Compare two models on the same requests, one of them in shadow.

    Parameters
    ----------
    challenger_loss, champion_loss : arrays of shape (n_rows,), in the loss's unit
    blocks : labels of shape (n_rows,) of requests that are not independent, as the gate has them;
        without, each row is one

    Raises ValueError for arrays of other lengths or a loss that is no number.
    """
    ours = _numbers("challenger_loss", challenger_loss)
    theirs = _numbers("champion_loss", champion_loss)
    codes = np.arange(ours.size) if blocks is None else _codes("blocks", blocks)
    _same_length(challenger_loss=ours, champion_loss=theirs, blocks=codes)
    sums = Sums(_by(codes, ours - theirs), _by(codes, np.ones(codes.size)))
    value, variance, dof, skew = (float(one) for one in ratio(sums))
    champion = float(theirs.mean()) if theirs.size else math.nan
    overall = (float(ours.mean()) + champion) / 2 if ours.size else math.nan
    n_blocks, n = sums.b.size, ours.size
    n_of = (n_blocks, n_blocks), (n, n)
    return Estimate(value, variance, dof, skew, champion, overall, *n_of, is_paired=True)


@dataclass(frozen=True)
class SampleRatio:
    """Whether the arms are as large as they were meant to be.

    counts, expected : subjects by arm, of all epochs
    log_e : logarithm of the evidence against the shares; chance alone passes 1 / level ever with
        probability `level`
    """

    counts: tuple[int, ...]
    expected: tuple[float, ...]
    log_e: float
    level: float

    @property
    def broken(self) -> bool:
        return self.log_e >= -math.log(self.level)


def sample_ratio(
    counts: ArrayLike, shares: ArrayLike, *, level: float = RATIO_LEVEL
) -> SampleRatio:
    """Test the arms' sizes against their shares; it may be asked at every look.

    The Dirichlet-multinomial e-process of Lindon & Malek ("Anytime-valid inference for
    multinomial count data", NeurIPS 2022), mean of four concentrations. An epoch is a stretch of
    time with constant shares; the e-process starts anew in each, and the product is one again.

    Parameters
    ----------
    counts : subjects of shape (n_epochs, n_arms), each once, in the epoch in which it was first
        seen: see `first_seen`
    shares : expected shares of the same shape; each epoch's sum to 1

    Raises ValueError for shapes that differ or shares that are not such.
    """
    n, expected = np.atleast_2d(np.asarray(counts)), np.atleast_2d(np.asarray(shares, float))
    if n.shape != expected.shape:
        raise ValueError(
            f"counts have the shape {n.shape} and shares {expected.shape}; both need a row an "
            "epoch and a column an arm"
        )
    if (expected < 0).any() or not np.allclose(expected.sum(axis=1), 1.0):
        raise ValueError(f"shares are {expected.tolist()}; each epoch's must sum to 1")
    per_concentration = [
        sum(_log_e(row, share, size) for row, share in zip(n, expected, strict=True))
        for size in CONCENTRATIONS
    ]
    log_e = float(np.logaddexp.reduce(per_concentration)) - math.log(len(CONCENTRATIONS))
    return SampleRatio(
        tuple(int(one) for one in n.sum(axis=0)),
        tuple(float(one) for one in (expected * n.sum(axis=1, keepdims=True)).sum(axis=0)),
        log_e,
        level,
    )


def _log_e(counts: NDArray[np.int64], shares: Floats, size: float) -> float:
    """Log of the Dirichlet-multinomial's probability over the multinomial's, of one epoch."""
    if (counts[shares == 0] > 0).any():
        return math.inf  # a subject in an arm that is closed
    total = math.lgamma(size) - math.lgamma(size + float(counts.sum()))
    for n, share in zip(counts.tolist(), shares.tolist(), strict=True):
        if share > 0:
            total += math.lgamma(size * share + n) - math.lgamma(size * share)
            total -= n * math.log(share)
    return total


def first_seen(
    subject: ArrayLike, arm: ArrayLike, epoch: ArrayLike, *, n_epochs: int, n_arms: int
) -> NDArray[np.int64]:
    """Count each subject once: in its first epoch, in the arm of its first request there.

    Parameters
    ----------
    subject : labels of shape (n_requests,), in order of time; take all requests, since whether an
        outcome came may depend on the arm
    arm, epoch : numbers from 0, shape (n_requests,)

    Returns
    -------
    Counts of shape (n_epochs, n_arms).
    """
    who, arms, epochs = (
        _codes("subject", subject),
        np.asarray(arm, np.intp),
        np.asarray(epoch, np.intp),
    )
    _same_length(subject=who, arm=arms, epoch=epochs)
    order = np.argsort(epochs, kind="stable")
    first = order[np.unique(who[order], return_index=True)[1]]
    cells = np.bincount(epochs[first] * n_arms + arms[first], minlength=n_epochs * n_arms)
    return cells.reshape(n_epochs, n_arms)


def _codes(name: str, labels: ArrayLike) -> NDArray[np.intp]:
    """Labels of any type as numbers from 0, shape (n_rows,)."""
    codes = pd.factorize(np.asarray(labels))[0]
    bad = np.flatnonzero(codes < 0)
    if bad.size:
        raise ValueError(
            f"{name} is missing in row {bad[0]} ({bad.size} such rows); every row needs a label: "
            "leave those of nobody out"
        )
    return codes


def _by(codes: NDArray[np.intp], values: Floats) -> Floats:
    return np.bincount(codes, values).astype(np.float64)


def _numbers(name: str, values: ArrayLike) -> Floats:
    numbers = np.asarray(values, np.float64)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if bad.size:
        raise ValueError(
            f"{name} has {numbers[bad[0]]} in row {bad[0]} ({bad.size} such rows); a finite number "
            "is expected: leave rows without an outcome out"
        )
    return numbers


def _same_length(**arrays: NDArray[np.generic]) -> None:
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"arrays of one row each have different lengths: {lengths}")
