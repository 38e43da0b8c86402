"""A fitted model on disk: text, JSON and plain arrays. Reading one runs no code that it brings.

bundle.json      what it is: task, unit, scale, features and settings, fingerprint
encoder.json     categories and target means
text.npz         text models (arrays, read with allow_pickle=False)
boosters/*.txt   LightGBM's own text: point, and for a regression lower and upper; of several
                 classes the point has a tree a class in each round
interval.json    by how much the bounds of a regression are moved
calibration.json how a classifier's scores become probabilities
card.json        how it was fitted: rows, rounds, scores
reference.npz    what monitoring holds it against: a sample of columns, and held-out losses
judged/          where the model that ships was fitted on all that is known: the same model fitted
                 on what was known when the test began, a bundle that test figures are of
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from retrace.base.arrays import Arrays
from retrace.encode.encoders import Matrix
from retrace.encode.encoding import Encoding, from_scale
from retrace.fit import bundle_files
from retrace.fit.boosters import Layout, Link
from retrace.fit.learner import lgb
from retrace.fit.reference import Reference
from retrace.fit.single_row import SingleRow
from retrace.fit.tasks import Promise

JUDGED = "judged"
FEW_ROWS = 64  # up to which each row by itself is faster than LightGBM's call for many


@dataclass(frozen=True)
class Bundle:
    """A model that answers from features; needs no DVC.

    `offset` is the column that the boosters' outputs are added to, on the fitted scale. `promise`
    is what `retrace.fit.tasks` has for the task; without one there is a point alone. With the link
    `log` the point's booster gives the logarithm of its value on the fitted scale.
    """

    problem: str
    task: str
    unit: str
    scale: str
    encoding: Encoding
    boosters: dict[str, lgb.Booster]
    offset: str | None
    promise: Promise | None
    card: dict[str, Any]
    fingerprint: str = ""  # of the files that it was read from
    link: Link = None
    share: float = 1.0  # of the offset
    reference: Reference | None = None

    @cached_property
    def layout(self) -> Layout:
        categorical = self.encoding.encoder.categorical
        return Layout(self.encoding.columns, categorical, self.offset, self.link, self.share)

    @cached_property
    def _single(self) -> dict[str, SingleRow]:
        n_columns = len(self.encoding.columns)
        return {name: SingleRow(booster, n_columns) for name, booster in self.boosters.items()}

    def predict(self, features: Arrays, num_threads: int = 0) -> dict[str, NDArray[Any]]:
        """Return `prediction` and what the task promises with it, each of shape (n_rows,).

        A regression has lower, upper and p50 to p90 in the target's unit; a classifier returns
        the calibrated probability alone, one of several classes the most probable, and
        `probability_<class>` of each. A row's answer is its own, however many there are.
        """
        return self.answers(self.scores(self.encoding.transform(features), num_threads))

    def answers(self, scores: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[Any]]:
        """Return what `predict` does, from every booster's scores on the fitted scale."""
        if self.promise is None:
            raise ValueError("this bundle has no interval and no calibration; ask for its point")
        return self._named(self.promise.answer(scores, self.scale))

    def point(self, features: Arrays, num_threads: int = 0) -> dict[str, NDArray[Any]]:
        """Return the prediction alone, of several classes with their probabilities, as `predict`
        has it; no other booster is needed."""
        matrix = self.encoding.transform(features)
        score = self.scores(matrix, num_threads, ["point"])["point"]
        if self.promise is None:
            return {"prediction": from_scale(score, self.scale)}
        return self._named({"prediction": self.promise.point(score, self.scale)})

    def _named(self, found: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        classes = self.encoding.classes
        if not classes:
            return found
        shares = found["prediction"]
        chosen = np.array(classes, dtype=object)[shares.argmax(axis=1)]
        each = {f"probability_{name}": shares[:, place] for place, name in enumerate(classes)}
        return {"prediction": chosen, **each}

    def scores(
        self, matrix: Matrix, num_threads: int = 0, names: list[str] | None = None
    ) -> dict[str, NDArray[np.float64]]:
        """Return each booster's scores on the fitted scale, as `predict_scaled` has them."""
        boosters = {name: self.boosters[name] for name in names or self.boosters}
        if len(matrix) > FEW_ROWS:
            return predict_scaled(boosters, self.layout, matrix, num_threads)
        return {
            name: self.layout.scaled(name, self._single[name].predict(matrix), matrix)
            for name in boosters
        }

    def save(self, folder: Path) -> None:
        """Write the bundle; the same model gives the same bytes."""
        bundle_files.save(self, folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a bundle from anywhere; nothing in it is run, and what does not fit is refused.

        Raises RetraceError when it is missing, damaged or of another format.
        """
        return cls(**bundle_files.load(folder))

    @classmethod
    def load_judged(cls, folder: Path) -> Self:
        """Read the model of a bundle that is judged on the test window; without one it is the
        bundle's own."""
        judged = folder / JUDGED
        return cls.load(judged if judged.exists() else folder)


def predict_scaled(
    boosters: Mapping[str, lgb.Booster],
    layout: Layout,
    matrix: Matrix,
    num_threads: int = 0,
    rounds: int | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Return each booster's scores on the fitted scale, shape (n_rows,), as LightGBM has them for
    many rows.

    The scale of a classifier is log odds; several classes have scores of shape (n_rows, n_classes).
    `rounds` of the boosters are used, without it their best.
    """
    found = {}
    for name, booster in boosters.items():
        scores = booster.predict(
            matrix, raw_score=True, num_iteration=rounds, num_threads=num_threads
        )
        found[name] = layout.scaled(name, scores, matrix)
    return found
