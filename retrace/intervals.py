"""Prediction intervals by conformalised quantile regression.

Romano, Patterson & Candès, "Conformalized Quantile Regression", NeurIPS 2019.
"""

from dataclasses import asdict, dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Interval:
    """`widening` is added on both sides of the quantile models' band, on the fitted scale."""

    level: float
    widening: float
    n_calibration: int

    @classmethod
    def fit(
        cls,
        actual: NDArray[np.float64],
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
        scores = np.sort(np.maximum(lower - actual, actual - upper))
        rank = min(int(np.ceil((n + 1) * level)), n)
        return cls(level, float(scores[rank - 1]), n)

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

    def to_json(self) -> dict[str, float]:
        return asdict(self)
