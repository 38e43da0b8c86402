"""What another suggestion would have brought: learnt from the few answers that were drawn.

    now = compare_policies(our_loss, their_loss, told, density, ours, theirs, bandwidth=0.1)
    weight = training_weights(density, width)

Where the outcome depends on what is told (a price, and whether it sells), the outcomes of a model's
own suggestions do not say what others would have brought, and a model that is fitted to them again
and again drifts. If a small share of answers is drawn from the interval, and with each the density
that it was drawn with is kept, a drawn answer near the suggestion of any other model stands for
it, with a weight of one over the density (Horvitz & Thompson 1952; of continuous actions, with a
kernel: Kallus & Zhou, "Policy evaluation and optimization with continuous treatments", AISTATS
2018). Weights are clipped and normalised by their own sum (Swaminathan & Joachims, "The
self-normalized estimator for counterfactual learning", NeurIPS 2015): a little bias for much less
variance.

All of `told`, `ours`, `theirs`, `density` and `bandwidth` are on the scale on which answers were
drawn, which is the fitted one. `python -m bench explored` measures what a small share repairs.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retrace.judge.ratio import Floats, Sums, ratio
from retrace.judge.sequential import Estimate

MOST = 20.0  # times the median weight; above, one answer would stand for too many


def policy_weights(
    told: ArrayLike,
    density: ArrayLike,
    wanted: ArrayLike,
    *,
    bandwidth: float,
    most: float = MOST,
) -> Floats:
    """Return what each drawn answer counts for a model that would have told `wanted`, shape
    (n_rows,); the mean is 1, or all are 0 where no answer is near.

    Parameters
    ----------
    told, density, wanted : of the drawn answers only, shape (n_rows,)
    bandwidth : answers count up to this far from what is wanted, the nearer the more
    most : weights are clipped to this many times the median of those above 0

    Raises ValueError for a density or bandwidth that is not above 0.
    """
    drawn, densities = np.asarray(told, float), np.asarray(density, float)
    if not bandwidth > 0:
        raise ValueError(f"bandwidth is {bandwidth:g}; it must be above 0, on the fitted scale")
    _check_density(densities)
    distance = (drawn - np.asarray(wanted, float)) / bandwidth
    weight = np.maximum(1 - np.square(distance), 0.0) / densities  # Epanechnikov's kernel
    return _clipped(weight, most)


def compare_policies(
    our_loss: ArrayLike,
    their_loss: ArrayLike,
    told: ArrayLike,
    density: ArrayLike,
    ours: ArrayLike,
    theirs: ArrayLike,
    *,
    bandwidth: float,
    most: float = MOST,
    blocks: ArrayLike | None = None,
) -> Estimate:
    """Estimate the mean loss of a challenger's suggestions minus that of the champion's own, which
    were told but for the few that were drawn.

    The challenger's mean is that of drawn answers near its suggestions. The champion's is known
    from two sides: from drawn answers near its own, which chance moves as it moves the challenger's
    where the two suggest the same, and from what it told, which is far more. They are mixed so that
    the difference varies least. The result is as `retrace.judge.sequential.paired` has it, and may
    be looked at every day. Its outcomes are the answers that stand for champion and challenger.

    Parameters
    ----------
    our_loss, their_loss : of challenger and champion by what came of each answer, less being better
        (one array twice where it is of what was told, such as revenue with a minus), shape
        (n_rows,)
    told, density : what was drawn, and with which density; NaN where the champion's own was told,
        shape (n_rows,)
    ours, theirs : what challenger and champion would have told, shape (n_rows,)
    blocks : labels of rows that are not independent; without, each row is one
    """
    losses = [np.asarray(one, float) for one in (their_loss, our_loss)]
    densities = np.asarray(density, float)
    drawn, codes = np.isfinite(densities), np.arange(densities.size)
    if blocks is not None:
        codes = np.unique(np.asarray(blocks), return_inverse=True)[1]
    n_blocks = np.unique(codes).size
    own = (~drawn).astype(np.float64)
    weights = [own / max(float(own.mean()), 1 / max(own.size, 1))]
    for wanted in (theirs, ours):
        weight = np.zeros(densities.size)
        near = (np.asarray(one, float)[drawn] for one in (told, densities, wanted))
        weight[drawn] = policy_weights(*near, bandwidth=bandwidth, most=most) / drawn.mean()
        weights.append(weight)
    n_own, n_theirs, n_ours = (int((weight > 0).sum()) for weight in weights)
    n_of = (n_own + n_theirs, n_ours)
    if not n_theirs or not n_ours or n_blocks < 2:
        nothing = math.nan
        return Estimate(
            nothing, math.inf, 0, 0, nothing, nothing, (n_blocks, n_blocks), n_of, is_paired=True
        )
    means, parts = [], []
    for weight, loss in zip(weights, (losses[0], *losses), strict=True):
        means.append(float((weight * loss).mean()))
        # each block's part of a normalised mean, by the delta method
        parts.append(np.bincount(codes, weight * (loss - means[-1])))
    apart, further = parts[2] - parts[1], parts[1] - parts[0]
    share = -float(apart @ further) / max(float(further @ further), 1e-300) if n_own else 0.0
    share = min(max(share, 0.0), 1.0)  # of what was told, in what is known of the champion
    champion = share * means[0] + (1 - share) * means[1]
    difference, n_rows = means[2] - champion, np.bincount(codes).astype(np.float64)
    found = ratio(Sums(apart + share * further + difference * n_rows, n_rows))
    dof = min(float(found.dof), *(effective(weight) - 1 for weight in weights[1:]))
    return Estimate(
        difference,
        float(found.variance),
        max(dof, 0.0),
        float(found.skew),
        champion,
        (champion + means[2]) / 2,
        (n_blocks, n_blocks),
        n_of,
        is_paired=True,
    )


def training_weights(density: ArrayLike, width: ArrayLike, *, most_share: float = 0.5) -> Floats:
    """Return what each row counts when a model is fitted again, shape (n_rows,); the mean is 1.

    A drawn answer counts as those like it would if all had been drawn evenly from the interval; the
    model's own suggestions count 1. So the few that tell of other suggestions are not drowned.

    Parameters
    ----------
    density : of the drawn answers; NaN of the others, shape (n_rows,)
    width : of the part of the interval that was drawn from, on the same scale; not read where none
        was drawn
    most_share : of all weight that the drawn answers have at most
    """
    densities, widths = np.asarray(density, float), np.asarray(width, float)
    drawn = np.isfinite(densities)
    _check_density(densities[drawn])
    weight = np.ones(densities.size)
    if not drawn.any():
        return weight
    even = 1 / (densities[drawn] * np.broadcast_to(widths, densities.shape)[drawn])
    n_own = int((~drawn).sum())
    limit = n_own * most_share / (1 - most_share) / even.sum() if n_own else 1.0
    weight[drawn] = even * min(limit, 1.0)
    return weight / float(weight.mean())


def effective(weight: NDArray[np.float64]) -> float:
    """How many rows of one weight would tell as much (Kish)."""
    squares = float(np.square(weight).sum())
    return float(weight.sum()) ** 2 / squares if squares > 0 else 0.0


def _clipped(weight: Floats, most: float) -> Floats:
    if not weight.any():
        return weight
    weight = np.minimum(weight, most * float(np.median(weight[weight > 0])))
    return weight / float(weight.mean())


def _check_density(density: Floats) -> None:
    bad = np.flatnonzero(~(density > 0) | ~np.isfinite(density))
    if bad.size:
        raise ValueError(
            f"density is {density[bad[0]]:g} in row {bad[0]} ({bad.size} such rows); it must be "
            "above 0: take the answers that were drawn, with the density that the log has of them"
        )
