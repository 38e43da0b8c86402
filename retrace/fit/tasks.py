"""What each task fits, and what makes a promise of its boosters' scores.

A regression has an interval, a classifier a calibration. A further task is one more entry.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from retrace.fit.calibration import Calibration, Temperature
from retrace.fit.intervals import Interval

Floats = NDArray[np.float64]


class Promise(Protocol):
    """Scores on the fitted scale to answers in the target's unit."""

    def answer(self, scores: Mapping[str, Floats], scale: str) -> dict[str, Floats]:
        """Return `prediction` first, then what else is promised, from every booster's scores.

        Of several classes the prediction is the probability of each, (n_rows, n_classes).
        """

    def point(self, score: Floats, scale: str) -> Floats:
        """Return the prediction alone, as `answer` has it, from the point's scores."""

    def to_json(self) -> dict[str, Any]:
        """Return what the bundle keeps."""


@dataclass(frozen=True)
class Task:
    """boosters: their names, `point` first; file: of the promise, in the bundle."""

    boosters: tuple[str, ...]
    file: str
    promise: TypeAdapter[Any]  # what the file must look like before code relies on it


TASKS: dict[str, Task] = {
    "regression": Task(("point", "lower", "upper"), "interval.json", TypeAdapter(Interval)),
    "binary": Task(("point",), "calibration.json", TypeAdapter(Calibration)),
    "multiclass": Task(("point",), "calibration.json", TypeAdapter(Temperature)),
}
