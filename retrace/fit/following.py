"""Intervals that follow the newest outcomes: each day's are made from what was known by then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from retrace.encode.encoding import to_scale
from retrace.fit.intervals import HALF_LIVES, Interval

Floats = NDArray[np.float64]
Times = NDArray[np.datetime64]
Places = NDArray[np.int64]

FOLLOWED, DECISION = "followed.parquet", "decision.json"  # of data/serving


@dataclass(frozen=True)
class Waiting:
    """How long rows have waited, of a target that is the time until its outcome, in `unit`.

    lag : in `unit`; an outcome is known so much later than it happens. It shortens what a row that
        is still open says of its outcome
    """

    unit: np.timedelta64
    scale: str
    lag: float = 0.0

    def least(self, waited: NDArray[np.timedelta64]) -> Floats:
        """Return the value on the fitted scale that the outcome of an open row is above."""
        return to_scale(np.maximum(waited / self.unit - self.lag, 0.0), self.scale)


@dataclass(frozen=True)
class Predicted:
    """Rows that were predicted by a model that was not fitted on them; all of shape (n_rows,).

    at, known_at : when, and when the outcome became known (NaT: not yet)
    actual       : the outcome on the fitted scale; NaN where it is known that there is none
    scores       : point, lower and upper of the boosters
    """

    at: Times
    known_at: Times
    actual: Floats
    scores: Mapping[str, Floats]

    @classmethod
    def together(cls, parts: "Sequence[Predicted]") -> Self:
        """Return the rows of all parts, in their order."""
        return cls(
            np.concatenate([one.at for one in parts]),
            np.concatenate([one.known_at for one in parts]),
            np.concatenate([one.actual for one in parts]),
            {name: np.concatenate([one.scores[name] for one in parts]) for name in parts[0].scores},
        )

    def take(self, places: Places) -> Self:
        scores = {name: score[places] for name, score in self.scores.items()}
        return type(self)(self.at[places], self.known_at[places], self.actual[places], scores)

    def interval_at(
        self, moment: np.datetime64, before: Interval, waiting: Waiting | None
    ) -> Interval:
        """Make the interval of a moment from the rows predicted before, oldest first; `before` is
        what holds until an outcome is known, and says level and half-life."""
        known = self.known_at < moment  # not where it is NaT
        usable = known & ~np.isnan(self.actual)
        if waiting is not None:
            usable |= ~known
        places = np.flatnonzero(usable & (self.at < moment))
        if before.half_life is not None:
            places = places[-round(HALF_LIVES * before.half_life) :]
        over = known[places]
        if not over.any():
            return before
        actual = self.actual[places]
        if waiting is not None:
            actual = np.where(over, actual, waiting.least(moment - self.at[places]))
        scores = {name: score[places] for name, score in self.scores.items()}
        return Interval.fit(actual, scores, before.level, half_life=before.half_life, over=over)


def follow(
    first: Interval, rows: Predicted, asked: Places, scale: str, waiting: Waiting | None
) -> dict[str, Floats]:
    """Return what each row that is asked for was answered on its day, in the target's unit.

    first : the interval before anything new is known; asked : places of rows
    """
    days = rows.at[asked].astype("datetime64[D]")
    scored = {name: score[asked] for name, score in rows.scores.items()}
    rows = rows.take(np.argsort(rows.at, kind="stable"))
    found: dict[str, Floats] = {}
    for day in np.unique(days):
        here = np.flatnonzero(days == day)
        interval = rows.interval_at(day.astype("datetime64[us]"), first, waiting)
        scores = {name: score[here] for name, score in scored.items()}
        for name, values in interval.answer(scores, scale).items():
            found.setdefault(name, np.empty(len(asked)))[here] = values
    return found
