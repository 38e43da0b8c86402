"""What moved an answer most: LightGBM's contributions, in the problem's words and units.

Lundberg & Lee, "A unified approach to interpreting model predictions", NIPS 2017, in the exact form
for trees, which LightGBM has. They add up to the score; where the boosters start from a column, its
part is how far it is from its mean over the bundle's reference rows. An effect is the answer beside
what it would be without the part: in the unit, on a scale of logs in per cent, of a classifier's
odds in per cent; of several classes for the odds of the answer. Columns of the same words are one
reason.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from problems import parts
from problems.contract import Problem
from retrace.base.tables import Column
from retrace.encode.encoders import Matrix
from retrace.fit.bundle import Bundle

MOST = 5  # reasons


class Reasons:
    """Explains single rows of one model."""

    def __init__(self, problem: Problem, bundle: Bundle) -> None:
        self.problem, self.bundle = problem, bundle
        self.columns = bundle.encoding.columns
        page = parts.page(problem.world)
        self.words = [page.column(name) or Column(name.replace("_", " ")) for name in self.columns]
        names = [one.words for one in self.words]
        self.groups = [
            [place for place, name in enumerate(names) if name == words]
            for words in dict.fromkeys(names)
        ]
        categories = bundle.encoding.encoder.categories
        self.categories = {one.column: ("other", *one.values) for one in categories}
        self.offset = None if bundle.offset is None else self.columns.index(bundle.offset)
        reference = bundle.reference
        self.usual = 0.0  # of the offset
        if self.offset is not None and reference is not None and len(reference.columns):
            self.usual = float(np.nanmean(reference.columns[:, self.offset], dtype=np.float64))

    def of(self, matrix: Matrix) -> list[dict[str, Any]]:
        """Return the weightiest reasons of one row, the weightiest first."""
        parts_, score = self._parts(matrix)
        sums = [float(parts_[places].sum()) for places in self.groups]
        order = sorted(range(len(sums)), key=lambda group: -abs(sums[group]))[:MOST]
        return [
            self._reason(self.groups[group], parts_, sums[group], score, matrix)
            for group in order
            if sums[group] != 0.0
        ]

    def _parts(self, matrix: Matrix) -> tuple[NDArray[np.float64], float]:
        """Return each column's part, and the score that they add up to with what is usual."""
        booster = self.bundle.boosters["point"]
        found = np.asarray(booster.predict(matrix, pred_contrib=True, num_threads=1))
        by_class = found.reshape(-1, len(self.columns) + 1)
        whole = by_class[by_class.sum(axis=1).argmax()]
        parts_, score = whole[:-1].copy(), float(whole.sum())
        if self.offset is not None:
            begin = float(matrix[0, self.offset])
            parts_[self.offset] += begin - self.usual
            score += begin
        return parts_, score

    def _reason(
        self,
        places: list[int],
        parts_: NDArray[np.float64],
        part: float,
        score: float,
        matrix: Matrix,
    ) -> dict[str, Any]:
        place = max(places, key=lambda one: abs(parts_[one]))
        name, words = self.columns[place], self.words[place]
        return {
            "column": name,
            "words": words.words,
            "value": self._value(name, float(matrix[0, place])),
            "unit": words.unit,
            **self._effect(part, score),
        }

    def _value(self, column: str, value: float) -> Any:
        if column in self.categories:
            return self.categories[column][int(value)]
        return None if np.isnan(value) else value

    def _effect(self, part: float, score: float) -> dict[str, Any]:
        if self.problem.task != "regression":
            return {"effect": float(100 * np.expm1(part)), "effect_unit": "% of the odds"}
        if self.bundle.link == "log":
            part = float(np.exp(score) - np.exp(score - part))
        if self.problem.scale == "identity":
            return {"effect": part, "effect_unit": self.problem.unit}
        return {"effect": float(100 * np.expm1(part)), "effect_unit": "%"}
