"""Is one model better than another? The paired comparison that report, backtest and gate share."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

MOST_BLOCKS = 2000


@dataclass(frozen=True)
class Difference:
    """Mean loss of b minus mean loss of a on the same rows; above zero, a is better.

    share_lower, share_upper : bounds of the same difference as a share of the mean loss of b, which
        varies with the rows as well
    """

    mean: float
    lower: float
    upper: float
    n_rows: int
    n_blocks: int
    share_lower: float = float("nan")
    share_upper: float = float("nan")

    @property
    def certain(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.lower > 0 or self.upper < 0


def plain(*values: float, digits: int = 4, sign: str = "") -> list[str]:
    """Format numbers that belong together with as many decimals as give the largest `digits`
    significant digits, and without an exponent; zeros at the end of a single number go."""
    largest = max(abs(value) for value in values)
    whole = math.floor(math.log10(largest)) + 1 if 0 < largest < math.inf else 1
    texts = [f"{value:{sign}.{max(digits - whole, 0)}f}" for value in values]
    if len(texts) == 1 and "." in texts[0]:
        return [texts[0].rstrip("0").rstrip(".")]
    return texts


def paired_difference(
    loss_a: ArrayLike,
    loss_b: ArrayLike,
    *,
    blocks: pd.Series | None = None,
    confidence: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Difference:
    """Compare two models by a paired percentile bootstrap over blocks of rows.

    Rows of one block (a route, a day, an order) are drawn together, since they are not independent
    (Künsch 1989; Davison & Hinkley 1997, ch. 3.8). Without `blocks` each row is one.

    Parameters
    ----------
    loss_a, loss_b : arrays of shape (n_rows,), each row's loss under the two models
    blocks : labels of shape (n_rows,)
    """
    difference = np.asarray(loss_b, np.float64) - np.asarray(loss_a, np.float64)
    if difference.size == 0:
        raise ValueError("a comparison needs at least one row")
    rng = np.random.default_rng(seed)
    codes = np.arange(difference.size) if blocks is None else pd.factorize(blocks)[0]
    n_blocks = int(codes.max()) + 1
    if n_blocks > MOST_BLOCKS:  # blocks merged at random are as independent, and as good
        codes = rng.integers(0, MOST_BLOCKS, n_blocks)[codes]
    sums, sizes = np.bincount(codes, difference), np.bincount(codes).astype(np.float64)
    n = len(sums)
    counts = rng.multinomial(n, np.full(n, 1 / n), size=draws).astype(np.float64)
    totals = counts @ sums
    bounds = [(1 - confidence) / 2, (1 + confidence) / 2]
    lower, upper = np.quantile(totals / (counts @ sizes), bounds)
    of_b = counts @ np.bincount(codes, np.asarray(loss_b, np.float64))
    shares = np.full(2, np.nan)
    if (of_b > 0).all():
        shares = np.quantile(totals / of_b, bounds)
    return Difference(
        float(difference.mean()),
        float(lower),
        float(upper),
        difference.size,
        n_blocks,
        *map(float, shares),
    )
