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
        self.begins = bundle.layout.places  # where boosters start from: one place, or one a class
        self.usual = np.zeros(len(self.begins))
        if self.begins and bundle.reference is not None and len(bundle.reference.columns):
            begun = bundle.reference.columns[:, self.begins]
            self.usual = bundle.share * np.asarray(np.nanmean(begun, axis=0, dtype=np.float64))

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
        begin = np.zeros(len(by_class))
        if self.begins:
            begin = self.bundle.share * matrix[0, self.begins].astype(np.float64)
        one = int((by_class.sum(axis=1) + begin).argmax())  # the most probable class
        parts_, score = by_class[one, :-1].copy(), float(by_class[one].sum() + begin[one])
        if self.begins:
            parts_[self.begins[one]] += begin[one] - self.usual[one]
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
