"""From the value of a listing to its price, and to the price that is expected of it.

A listing's value is the mean log-price that its words and columns tell. The seller's own log-price
is normal about it; what is written is that price as a whole number of dollars that sellers like.
The expected log1p(price) is the sum over all dollars of the probability of each, by quadrature over
a fine grid of values (interpolated in between: errors below 1e-6).
"""

from functools import cache

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.special import ndtr

from problems.price.simulate import assumptions as a
from problems.price.simulate.market import Choices, Floats, Ints, market

GRID = np.arange(-1.0, 11.0, 0.05)  # log1p(dollars)


@cache
def noise_levels() -> Floats:
    """Return the log-sds that a listing can have."""
    low = market().noise.min() * a.NOISE_LINE
    high = market().noise.max() * a.NOISE_NO_DESCRIPTION
    return np.geomspace(low, high, a.NOISE_STEPS)


@cache
def charm() -> tuple[Choices, Ints]:
    """Return, for each whole dollar from the lowest price, the distribution of what is written.

    The second array holds the dollars of each distribution's first outcome.
    """
    dollars = np.arange(a.PRICE_LOWEST, a.PRICE_HIGHEST + 1)
    bands = np.searchsorted(a.CHARM_BANDS, dollars, side="right")
    liking = np.array(a.CHARM_DIGITS)[bands, dollars % 10]
    reach = np.maximum(np.round(dollars * a.CHARM_REACH), 1).astype(np.int64)
    width = int(reach.max())
    weights = np.zeros((len(dollars), 2 * width + 1))
    for i in range(len(dollars)):
        near = np.arange(max(i - reach[i], 0), min(i + reach[i], len(dollars) - 1) + 1)
        distance = np.abs(near - i) / (reach[i] + 1)
        weights[i, near - i + width] = liking[near] * (1 - distance)
    return Choices.of(weights), dollars - width


@cache
def edges() -> Floats:
    """Return the log1p(dollars) between which a seller's wish becomes each whole dollar."""
    wish = np.linspace(0, a.PRICE_HIGHEST, 400_001)
    asked = wish + a.CHEAP_MARKUP * np.exp(-wish / a.CHEAP_FADE)
    between = np.arange(a.PRICE_LOWEST, a.PRICE_HIGHEST) + 0.5
    result: Floats = np.log1p(np.interp(between, asked, wish))
    return result


def draw_prices(rng: np.random.Generator, mean: Floats, level: Ints) -> Floats:
    """Draw the written price, in dollars, of listings with these log-means and noise levels."""
    wanted = mean + noise_levels()[level] * rng.standard_normal(len(mean))
    choices, first = charm()
    row = np.searchsorted(edges(), wanted)
    written = (first[row] + choices.draw(rng, row)).astype(np.float64)
    written += 0.5 * (rng.random(len(mean)) < a.HALF_DOLLAR)
    return written


@cache
def _expectations() -> list[CubicSpline]:
    """Return, for each noise level, the expected log1p(price) as a function of the log-mean."""
    choices, first = charm()
    chance = np.diff(choices.cumulative, axis=1, prepend=0.0)
    written = np.maximum(first[:, None] + np.arange(chance.shape[1]), 0)
    logs = (1 - a.HALF_DOLLAR) * np.log1p(written) + a.HALF_DOLLAR * np.log1p(written + 0.5)
    expected = (chance * logs).sum(axis=1)  # of each whole dollar in the seller's mind
    step = np.diff(expected)
    splines = []
    for sd in noise_levels():
        above = ndtr((GRID[:, None] - edges()) / sd)  # chance of more than each edge
        splines.append(CubicSpline(GRID, expected[0] + above @ step))
    return splines


def expected_log_price(mean: Floats, level: Ints) -> Floats:
    """Return E[log1p(price)] of listings with these log-means and noise levels.

    Rounded to 1e-9, so that the last bits of another processor do not show.
    """
    expected = np.empty(len(mean))
    for i, spline in enumerate(_expectations()):
        mine = level == i
        expected[mine] = spline(np.clip(mean[mine], GRID[0], GRID[-1]))
    return np.round(expected, 9)


def noise_level(sd: Floats) -> Ints:
    """Return the noise level that is nearest to each log-sd."""
    levels = noise_levels()
    edges = np.sqrt(levels[1:] * levels[:-1])
    return np.searchsorted(edges, sd).astype(np.int64)
