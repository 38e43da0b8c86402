"""Prediction intervals by conformalised quantile regression, from the newest outcomes known.

Romano, Patterson & Candès, "Conformalized Quantile Regression", NeurIPS 2019: the bounds of the
quantile boosters, which are wide where rows are hard, are moved until they hold on rows that no
booster was fitted on. So that they hold when the world moves, too:

- each bound is moved by itself: when all outcomes rise, the interval follows and does not widen;
- by band of the prediction (Vovk, "Conditional validity of inductive conformal predictors", 2012),
  and in a straight line from the middle of a band to that of the next;
- the newest outcomes count most (Barber, Candès, Ramdas & Tibshirani, "Conformal prediction beyond
  exchangeability", Annals of Statistics 2023);
- a row whose outcome is only known to be above a value counts as such (Kaplan & Meier,
  "Nonparametric estimation from incomplete observations", JASA 1958). Of outcomes that come late
  the small ones are known first: to take these alone would be to believe that all are small.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from retrace.encode.encoding import from_scale

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

ONE_SIDED = {"p50": 0.5, "p60": 0.6, "p70": 0.7, "p80": 0.8, "p90": 0.9}
BANDS = 5
BAND_ROWS = 200  # of a band at least (assumed): a twentieth of them is ten rows
HALF_LIVES = 10  # after which a row counts less than a thousandth and is left out


@dataclass(frozen=True)
class Interval:
    """What is added to the boosters' scores, on the fitted scale, by band of the point's score.

    level      : share of outcomes that are to be inside; a half of the rest is outside on each side
    middles    : the point's score in the middle of each band, shape (n_bands,), rising
    lower, upper : added to the bounds' scores, shape (n_bands,)
    above      : added to the point's score so that a share of outcomes, by name (p80), is not above
    n_calibration : rows that it was made from
    half_life  : the newest rows, of which the oldest counts half; None: rows have no order
    """

    level: float
    middles: list[float]
    lower: list[float]
    upper: list[float]
    above: dict[str, list[float]]
    n_calibration: int
    half_life: float | None = None

    def __post_init__(self) -> None:
        moved = [self.lower, self.upper, *self.above.values()]
        if not self.middles or any(len(one) != len(self.middles) for one in moved):
            raise ValueError("an interval has a number of each kind for each of its bands")
        rising = bool((np.diff(self.middles) > 0).all())
        if not rising or not np.isfinite([self.middles, *moved]).all():
            raise ValueError("the bands of an interval rise, and its numbers are finite")

    @classmethod
    def fit(
        cls,
        actual: Floats,
        scores: Mapping[str, Floats],
        level: float,
        *,
        half_life: float | None = None,
        over: Mask | None = None,
    ) -> Self:
        """Move the bounds so that `level` of unseen rows are inside, by rows that were not fitted.

        Parameters
        ----------
        actual, scores : outcomes, and point, lower and upper of these rows, shape (n_rows,), on the
            scale that the boosters were fitted on; with a half-life the oldest row first
        over : shape (n_rows,); False where the outcome is only known to be above `actual`

        With fewer rows than the level needs, the largest error is used, which covers a little less.
        """
        over = np.ones(len(actual), bool) if over is None else over
        if not over.any():
            raise ValueError("an interval needs at least one row whose outcome is known")
        if half_life is not None:
            newest = slice(max(len(actual) - round(HALF_LIVES * half_life), 0), None)
            if over[newest].any():
                actual, over = actual[newest], over[newest]
                scores = {name: score[newest] for name, score in scores.items()}
        n, point = len(actual), scores["point"]
        weights = np.ones(n)
        if half_life is not None:
            weights = 0.5 ** (np.arange(n)[::-1] / half_life)
        middles = _middles(point[over])
        shares = np.stack([np.interp(point, middles, one) for one in np.eye(len(middles))])

        def moved(name: str, share: float) -> list[float]:
            error = actual - scores[name]
            return [_quantile(error, over, weights * part, share) for part in shares]

        tail = (1 - level) / 2
        return cls(
            level=level,
            middles=middles.tolist(),
            lower=moved("lower", tail),
            upper=moved("upper", 1 - tail),
            above={name: moved("point", share) for name, share in ONE_SIDED.items()},
            n_calibration=int(over.sum()),
            half_life=half_life,
        )

    def apply(self, point: Floats, lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
        """Move the bounds; the point is always between them."""
        return (
            np.minimum(lower + self._at(point, self.lower), point),
            np.maximum(upper + self._at(point, self.upper), point),
        )

    def answer(self, scores: Mapping[str, Floats], scale: str) -> dict[str, Floats]:
        """Return prediction, lower, upper, p50 to p90 in the target's unit."""
        point = scores["point"]
        lower, upper = self.apply(point, scores["lower"], scores["upper"])
        found = {"prediction": point, "lower": lower, "upper": upper}
        found = {name: from_scale(values, scale) for name, values in found.items()}
        return found | {name: self.quantile(point, name, scale) for name in self.above}

    def quantile(self, score: Floats, name: str, scale: str) -> Floats:
        """Return p50 to p90 alone, from the point's scores."""
        return from_scale(score + self._at(score, self.above[name]), scale)

    def _at(self, point: Floats, moved: list[float]) -> Floats:
        return np.interp(point, self.middles, moved)

    def point(self, score: Floats, scale: str) -> Floats:
        return from_scale(score, scale)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def _middles(point: Floats) -> Floats:
    """Return the middles of bands with as many rows each; of one band where rows are few."""
    n_bands = int(np.clip(len(point) // BAND_ROWS, 1, BANDS))
    return np.unique(np.quantile(point, (np.arange(n_bands) + 0.5) / n_bands))


def _quantile(values: Floats, over: Mask, weights: Floats, share: float) -> float:
    """Return the value that a share of new ones is not above; a share under a half is rounded down,
    so that an interval is rather too wide. Values that are not `over` are above what they are."""
    kept = weights > 0
    values, over, weights = values[kept], over[kept], weights[kept]
    order = np.lexsort((~over, values))
    values, over, weights = values[order], over[order], weights[order]
    at_risk = np.cumsum(weights[::-1])[::-1]
    reached = 1.0 - np.cumprod(1.0 - np.where(over, weights / at_risk, 0.0))
    n = np.square(weights.sum()) / np.square(weights).sum()  # rows of one weight that say as much
    wanted = share * (1.0 + 1.0 / n)  # the new one counts as well
    reached, values = reached[over], values[over]
    if share < 0.5:
        place = np.searchsorted(reached, wanted + 1e-9, side="right") - 1
    else:
        place = np.searchsorted(reached, wanted - 1e-9, side="left")
    return float(values[np.clip(place, 0, len(values) - 1)])
