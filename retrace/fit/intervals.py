"""Prediction intervals by conformalised quantile regression.

Romano, Patterson & Candès, "Conformalized Quantile Regression", NeurIPS 2019.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from retrace.encode.encoding import from_scale

Floats = NDArray[np.float64]

ONE_SIDED = {"p50": 0.5, "p80": 0.8, "p90": 0.9}


@dataclass(frozen=True)
class Interval:
    """`widening` is added on both sides of the quantile models' band, on the fitted scale.

    `above` is what is added to the point prediction so that a share of outcomes, by name (p80), is
    not above it.
    """

    level: float
    widening: float
    n_calibration: int
    above: dict[str, float]

    @classmethod
    def fit(
        cls,
        actual: NDArray[np.float64],
        point: NDArray[np.float64],
        lower: NDArray[np.float64],
        upper: NDArray[np.float64],
        level: float,
    ) -> Self:
        """Choose the widening that covers `level` of unseen rows, from a calibration window.

        All arrays have shape (n_rows,) and are on the scale that the boosters were fitted on. With
        fewer rows than the level needs, the largest score is used, which covers a little less.
        """
        n = len(actual)
        if n == 0:
            raise ValueError("conformal intervals need at least one calibration row")
        widening = _conformal(np.maximum(lower - actual, actual - upper), level)
        above = {name: _conformal(actual - point, share) for name, share in ONE_SIDED.items()}
        return cls(level, widening, n, above)

    def apply(
        self,
        point: NDArray[np.float64],
        lower: NDArray[np.float64],
        upper: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Widen the band; it always contains the point prediction."""
        return (
            np.minimum(lower - self.widening, point),
            np.maximum(upper + self.widening, point),
        )

    def answer(self, scores: Mapping[str, Floats], scale: str) -> dict[str, Floats]:
        """Return prediction, lower, upper, p50, p80 and p90 in the target's unit."""
        point = scores["point"]
        lower, upper = self.apply(point, scores["lower"], scores["upper"])
        found = {"prediction": point, "lower": lower, "upper": upper}
        found |= {name: point + above for name, above in self.above.items()}
        return {name: from_scale(values, scale) for name, values in found.items()}

    def point(self, score: Floats, scale: str) -> Floats:
        return from_scale(score, scale)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def _conformal(scores: NDArray[np.float64], share: float) -> float:
    """The smallest of the scores that covers `share` of exchangeable new ones."""
    rank = min(int(np.ceil((len(scores) + 1) * share)), len(scores))
    return float(np.sort(scores)[rank - 1])
