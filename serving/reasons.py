"""What moved an answer most: LightGBM's contributions, in the problem's words and units.

Lundberg & Lee, "A unified approach to interpreting model predictions", NIPS 2017, in the exact form
for trees, which LightGBM has. They add up to the score. On a scale of logs a part is a factor, here
as a percentage; of log odds, the factor of the odds.
"""

from typing import Any

import numpy as np

from problems.contract import Problem
from retrace.encode.encoders import Matrix
from retrace.fit.bundle import Bundle

MOST = 5  # reasons


class Reasons:
    """Explains single rows of one model."""

    def __init__(self, problem: Problem, bundle: Bundle) -> None:
        self.problem, self.bundle = problem, bundle
        self.columns = bundle.encoding.columns
        self.words = {name: name.replace("_", " ") for name in self.columns}
        categories = bundle.encoding.encoder.categories
        self.categories = {one.column: ("other", *one.values) for one in categories}

    def of(self, matrix: Matrix) -> list[dict[str, Any]]:
        """Return the weightiest reasons of one row, the weightiest first."""
        parts = np.asarray(
            self.bundle.boosters["point"].predict(matrix, pred_contrib=True, num_threads=1)
        )[0]
        parts = parts[: len(self.columns)]  # of several classes: those of the first
        order = np.argsort(-np.abs(parts), kind="stable")[:MOST]
        return [
            {
                "column": self.columns[place],
                "words": self.words[self.columns[place]],
                "value": self._value(self.columns[place], float(matrix[0, place])),
                **self._effect(float(parts[place])),
            }
            for place in order.tolist()
            if parts[place] != 0.0
        ]

    def _value(self, column: str, value: float) -> Any:
        if column in self.categories:
            return self.categories[column][int(value)]
        return None if np.isnan(value) else value

    def _effect(self, part: float) -> dict[str, Any]:
        task = self.problem.task
        if task == "regression" and self.problem.scale == "identity":
            return {"effect": part, "effect_unit": self.problem.unit}
        percent = float(100 * np.expm1(part))
        return {"effect": percent, "effect_unit": "%" if task == "regression" else "% of the odds"}
