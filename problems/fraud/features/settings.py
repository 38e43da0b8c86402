"""`fraud.features` of params.yaml, and whole numbers of amounts and times.

Sums are of whole numbers (cents, thousandths of log amounts), so that they are exact in any order.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from retrace.base.clock import Floats, Times, micros
from retrace.base.params import AUTO, Params, Switch
from retrace.past.timeline import Ints

DAY_MS = 86_400_000
HIGH_Z = 2.0  # an amount this far above the customer's own is high (assumed)
EPISODE_DAYS = 30  # a terminal or card is misused for weeks, so older frauds are another story


class FeatureSettings(Params):
    """`fraud.features`: local night, and how many payments the overall rate counts for."""

    time_zone: str
    night_from: int = Field(ge=0, le=23)
    night_until: int = Field(ge=0, le=23)
    prior_rows: float = Field(gt=0)
    prior_rate: float = Field(gt=0, lt=1)
    # What is known of customer and terminal; `auto`: if it helps later payments
    history: Switch = AUTO


def millis(at: Times) -> Ints:
    return np.asarray(micros(at) // 1000)


def to_cents(amount: Floats) -> Ints:
    return np.asarray(np.rint(amount * 100), np.int64)


def to_log(amount: Floats) -> Ints:
    """Return 1000 · log(1 + amount), in whole numbers."""
    return np.asarray(np.rint(1000 * np.log1p(amount)), np.int64)


def amount_z(log: NDArray[Any], count: Ints, total: Ints, squares: Ints) -> NDArray[np.float32]:
    """Return how many standard deviations the log amount is from the customer's mean.

    The spread of few payments is drawn towards 0.5, with the weight of five (assumed).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / count
        spread = np.maximum(squares - total * mean, 0.0)
        deviation = np.sqrt((np.where(count > 0, spread, 0.0) + 5 * 500.0**2) / (count + 5))
        return np.where(count > 0, (log - mean) / deviation, np.nan).astype(np.float32)
