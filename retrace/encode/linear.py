"""An additive model of the encoded columns, as one column more: where the boosters start from;
of several classes a column each, which `retrace.encode.classes` fits.

Trees need many rows for what a line says with one number. The boosters start from this model's
score and learn what it leaves, as they do from a text model's.

Ridge regression (Hoerl & Kennard, Technometrics 1970), of a classifier logistic regression with the
same penalty, fitted by Newton's method. A number counts along a line, or along a broken one with a
new slope at each fifth of the rows; a code by itself. The penalty, and whether lines are broken,
are those whose scores out of fold are best.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from retrace.encode.encoders import Ints, Matrix
from retrace.encode.folds import FOLDS

COLUMN = "linear"
PENALTIES = (1e4, 1e3, 1e2, 1e1, 1e0)  # for columns of standard deviation 1; strong ones first
KNOTS = (0.2, 0.4, 0.6, 0.8)  # quantiles at which a broken line has a new slope
FENCE = 3.0  # interquartile ranges from the quartiles, beyond which numbers count alike
MOST_CODES = 50  # of a category; rarer values count as unknown
NEWTON_ROWS = 20_000  # more hardly move a line, and each step reads them all
NEWTON_STEPS = 25
CHUNK_ROWS = 50_000  # bounds the memory for indicators of categories

Floats = NDArray[np.float64]


def of_classes(name: str, n_classes: int) -> list[str]:
    """Return the names of a column that each of several classes has."""
    return [f"{name}_{place}" for place in range(n_classes)]


@dataclass(frozen=True)
class Curve:
    """What a number counts: `counts` at the numbers `at`, lines between, level beyond."""

    at: tuple[float, ...]
    counts: tuple[float, ...]
    absent: float  # what a missing one counts


@dataclass(frozen=True)
class LinearModel:
    """A fitted model: a row's score is the intercept and what each of its columns counts.

    curves : of numeric columns, by their place in the matrix
    codes : of categorical columns, by place: what each code counts, unknown ones as code 0
    """

    intercept: float
    curves: dict[int, Curve]
    codes: dict[int, tuple[float, ...]]

    @classmethod
    def fit(
        cls,
        matrix: Matrix,
        target: Floats,
        folds: Ints,
        categorical: Sequence[int],
        *,
        binary: bool = False,
    ) -> tuple[Self, Matrix]:
        """Fit on training rows; return the model and its column for those rows, out of fold.

        matrix : shape (n_rows, n_columns); NaN is missing, a categorical column has codes
        target : outcome on the fitted scale, or 0 and 1, shape (n_rows,)
        folds : of `folds_of`, shape (n_rows,)
        categorical : places of the columns that have codes
        binary : fit log odds
        """
        design = Design.of(matrix, categorical)
        weights, scores = (_logistic if binary else _ridge)(design, matrix, target, folds)
        return cls(*design.read(weights)), scores.astype(np.float32)[:, None]

    def transform(self, matrix: Matrix) -> Matrix:
        """Return the column of rows that the model was not fitted on, shape (n_rows, 1).

        What columns count is added up from the first to the last, so that a row's sum is its own.
        """
        total = np.full(len(matrix), self.intercept)
        for place, at, counts, absent in self._curves:
            values = matrix[:, place].astype(np.float64)
            total += np.where(np.isnan(values), absent, np.interp(values, at, counts))
        for place, table in self._tables:
            codes = matrix[:, place].astype(np.int64)
            total += table[np.where(codes < len(table), codes, 0)]
        return total.astype(np.float32)[:, None]

    @cached_property
    def _curves(self) -> list[tuple[int, Floats, Floats, float]]:
        return [
            (place, np.array(one.at), np.array(one.counts), one.absent)
            for place, one in self.curves.items()
        ]

    @cached_property
    def _tables(self) -> list[tuple[int, Floats]]:
        return [(place, np.array(values, np.float64)) for place, values in self.codes.items()]

    def to_json(self) -> dict[str, Any]:
        """Return plain values; places are text, as JSON's keys are."""
        return {
            "intercept": self.intercept,
            "curves": {str(place): asdict(one) for place, one in self.curves.items()},
            "codes": {str(place): list(values) for place, values in self.codes.items()},
        }

    @classmethod
    def from_json(cls, value: dict[str, Any], n_columns: int) -> Self:
        """Read back what `to_json` returned; ValueError where it does not fit the columns."""
        curves = {
            int(place): Curve(tuple(one["at"]), tuple(one["counts"]), one["absent"])
            for place, one in value["curves"].items()
        }
        codes = {int(place): tuple(values) for place, values in value["codes"].items()}
        places = [*curves, *codes]
        if len(set(places)) < len(places) or not all(0 <= one < n_columns for one in places):
            raise ValueError(f"the linear model is of other columns than these {n_columns}")
        for one in curves.values():
            rising = all(a < b for a, b in zip(one.at, one.at[1:], strict=False))
            if not one.at or len(one.at) != len(one.counts) or not rising:
                raise ValueError("a curve of the linear model does not fit together")
        if not all(codes.values()):
            raise ValueError("a category of the linear model has no codes")
        return cls(value["intercept"], curves, codes)


@dataclass(frozen=True)
class _Number:
    """How a numeric column becomes columns of mean 0 and standard deviation 1: the number between
    its ends, what it is above each knot, and whether it is missing."""

    at: Floats  # the low end, the knots, the high end
    mean: Floats
    sd: Floats
    missing: bool

    @classmethod
    def of(cls, values: Floats) -> Self | None:
        """Return None of a column that is constant."""
        known = values[np.isfinite(values)]
        if not len(known) or known.min() == known.max():
            return None
        first, third = np.quantile(known, [0.25, 0.75])
        reach = FENCE * (third - first) or np.inf
        low, high = max(known.min(), first - reach), min(known.max(), third + reach)
        at = np.unique(np.array([low, *np.quantile(known, KNOTS), high]))
        bare = _above(known, at)
        return cls(at, bare.mean(axis=0), bare.std(axis=0), bool(np.isnan(values).any()))

    def columns(self, values: Floats) -> Floats:
        """Return the line first, then its breaks; missing values are average."""
        scaled = (_above(values, self.at) - self.mean) / self.sd
        return np.where(np.isnan(values)[:, None], 0.0, scaled)

    def curve(self, weights: Floats, absent: float) -> Curve:
        counts = self.columns(self.at) @ weights
        return Curve(tuple(self.at.tolist()), tuple(counts.tolist()), absent)


def _above(values: Floats, at: Floats) -> Floats:
    """Return how far each value is above each of `at` but the last, shape (n, len(at) - 1)."""
    inside = np.minimum(np.maximum(values, at[0]), at[-1])
    return np.asarray(np.maximum(inside[:, None] - at[:-1], 0.0))


@dataclass(frozen=True)
class Design:
    """The columns of the regression, after an intercept: those of numbers, then one a code."""

    numbers: dict[int, _Number]
    n_codes: dict[int, int]

    @classmethod
    def of(cls, matrix: Matrix, categorical: Sequence[int]) -> Self:
        places = [place for place in range(matrix.shape[1]) if place not in set(categorical)]
        found = {place: _Number.of(matrix[:, place].astype(np.float64)) for place in places}
        n_codes = {place: min(int(matrix[:, place].max()), MOST_CODES) + 1 for place in categorical}
        return cls({place: one for place, one in found.items() if one}, n_codes)

    def rows(self, matrix: Matrix) -> Floats:
        parts = [np.ones((len(matrix), 1))]
        for place, number in self.numbers.items():
            values = matrix[:, place].astype(np.float64)
            parts.append(number.columns(values))
            if number.missing:
                parts.append(np.isnan(values)[:, None].astype(np.float64))
        for place, n_codes in self.n_codes.items():
            codes = matrix[:, place].astype(np.int64)
            codes = np.where(codes < n_codes, codes, 0)
            parts.append((codes[:, None] == np.arange(n_codes)).astype(np.float64))
        return np.concatenate(parts, axis=1)

    def chunks(self, matrix: Matrix) -> Iterator[tuple[slice, Floats]]:
        for start in range(0, len(matrix), CHUNK_ROWS):
            part = slice(start, start + CHUNK_ROWS)
            yield part, self.rows(matrix[part])

    @cached_property
    def forms(self) -> list[NDArray[np.bool_]]:
        """Which columns straight lines have, and which broken ones."""
        straight = [True]
        for number in self.numbers.values():
            straight += [True, *[False] * (len(number.at) - 2), *[True] * number.missing]
        straight += [True] * sum(self.n_codes.values())
        both = [np.array(straight), np.ones(len(straight), bool)]
        return both[:1] if all(straight) else both

    def read(self, weights: Floats) -> tuple[float, dict[int, Curve], dict[int, tuple[float, ...]]]:
        """Return the fields of a LinearModel."""
        rest, curves, codes = weights[1:], {}, {}
        for place, number in self.numbers.items():
            n_columns = len(number.at) - 1
            own, rest = np.split(rest, [n_columns])
            absent, rest = np.split(rest, [int(number.missing)])
            curves[place] = number.curve(own, float(absent.sum()))
        for place, n_codes in self.n_codes.items():
            codes[place] = tuple(rest[:n_codes].tolist())
            rest = rest[n_codes:]
        return float(weights[0]), curves, codes


Solved = tuple[Floats, Floats]  # the weights of all rows; each row's score out of fold


def _ridge(design: Design, matrix: Matrix, target: Floats, folds: Ints) -> Solved:
    """Solve the normal equations without each fold, for both forms and every penalty."""
    width = design.rows(matrix[:1]).shape[1] + 1  # with the target
    moments = np.zeros((FOLDS, width, width))
    for fold in range(FOLDS):
        place = np.flatnonzero(folds == fold)
        for part, rows in design.chunks(matrix[place]):
            joined = np.column_stack([rows, target[place[part]]])
            moments[fold] += joined.T @ joined
    everything = moments.sum(axis=0)

    def weights(found: Floats) -> Floats:
        return np.concatenate([_ridge_path(found, form) for form in design.forms], axis=1)

    without = [everything - one if (folds != f).any() else one for f, one in enumerate(moments)]
    scores = out_of_fold(design, matrix, folds, np.stack([weights(one) for one in without]))
    best = int(np.square(scores - target[:, None]).mean(axis=0).argmin())
    return weights(everything)[:, best], scores[:, best]


def _ridge_path(moments: Floats, form: NDArray[np.bool_]) -> Floats:
    """Return the weights for each penalty, 0 of columns that the form has not: shape (n_columns,
    n_penalties). The intercept has no penalty."""
    used = np.flatnonzero([*form, True])
    moments = moments[np.ix_(used, used)]
    means = moments[0, 1:] / moments[0, 0]
    centred = moments[1:, 1:] - moments[0, 0] * np.outer(means, means)
    values, vectors = np.linalg.eigh(centred[:-1, :-1])
    projected = vectors.T @ centred[:-1, -1]
    slopes = vectors @ (
        projected[:, None] / (np.maximum(values, 0.0)[:, None] + np.array(PENALTIES))
    )
    found = np.zeros((len(form), len(PENALTIES)))
    found[used[:-1]] = np.vstack([means[-1] - means[:-1] @ slopes, slopes])
    return found


def out_of_fold(design: Design, matrix: Matrix, folds: Ints, weights: Floats) -> Floats:
    """Return each row's scores by the weights without its fold: (n_rows, n_candidates).

    weights : shape (FOLDS, n_columns, n_candidates)
    """
    scores = np.empty((len(matrix), weights.shape[2]))
    for fold in range(FOLDS):
        place = np.flatnonzero(folds == fold)
        for part, rows in design.chunks(matrix[place]):
            scores[place[part]] = rows @ weights[fold]
    return scores


def _logistic(design: Design, matrix: Matrix, target: Floats, folds: Ints) -> Solved:
    """Fit without each fold, for both forms and every penalty, from the weights before."""
    few = np.unique(np.linspace(0, len(matrix) - 1, min(len(matrix), NEWTON_ROWS)).astype(np.int64))
    rows, outcome, fold_of = design.rows(matrix[few]), target[few], folds[few]

    def weights(kept: NDArray[np.bool_]) -> Floats:
        kept = kept if kept.any() else ~kept
        return np.concatenate(
            [_newton_path(rows[kept], outcome[kept], form) for form in design.forms], axis=1
        )

    without = np.stack([weights(fold_of != fold) for fold in range(FOLDS)])
    scores = out_of_fold(design, matrix, folds, without)
    losses = np.logaddexp(0.0, scores) - target[:, None] * scores
    best = int(losses.mean(axis=0).argmin())
    return weights(np.ones(len(few), bool))[:, best], scores[:, best]


def _newton_path(rows: Floats, outcome: Floats, form: NDArray[np.bool_]) -> Floats:
    found = np.zeros((len(form), len(PENALTIES)))
    weights = np.zeros(int(form.sum()))
    for place, penalty in enumerate(PENALTIES):
        weights = _newton(rows[:, form], outcome, penalty, weights)
        found[form, place] = weights
    return found


def _newton(rows: Floats, outcome: Floats, penalty: float, start: Floats) -> Floats:
    """Minimise the log loss and half the penalty on squares of all weights but the first, with
    steps that are halved until the loss falls."""
    ridge = np.full(rows.shape[1], penalty)
    ridge[0] = 1e-6

    def loss(weights: Floats) -> float:
        scores = rows @ weights
        fit = np.logaddexp(0.0, scores) - outcome * scores
        return float(fit.sum() + 0.5 * (ridge * weights**2).sum())

    weights, value = start, loss(start)
    for _ in range(NEWTON_STEPS):
        shares = 1.0 / (1.0 + np.exp(-np.clip(rows @ weights, -500, 500)))
        slope = rows.T @ (shares - outcome) + ridge * weights
        curve = (rows * (shares * (1 - shares))[:, None]).T @ rows + np.diag(ridge)
        step = np.linalg.solve(curve, slope)
        size = 1.0
        while (tried := loss(weights - size * step)) > value and size > 1e-4:
            size /= 2
        gained = value - tried
        if gained <= 0:
            break
        weights, value = weights - size * step, tried
        if gained < 1e-7 * abs(value):
            break
    return weights
