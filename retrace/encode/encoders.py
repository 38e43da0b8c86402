"""Turn features into the columns that the boosters see. Fitted on training rows only."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from retrace.base.arrays import Arrays, join, length
from retrace.base.params import Params
from retrace.encode.folds import FOLDS

Matrix = NDArray[np.float32]
Ints = NDArray[np.int64]


class EncodeParams(Params):
    """`<problem>.encode`: how categories become numbers."""

    category_min_rows: int = 20  # rarer values share one code
    target_smoothing: float = 10.0  # rows that the prior counts for in a target mean
    linear: bool = False  # a linear model of all columns, from which the boosters start
    seed: int = 1


@dataclass(frozen=True)
class CategoryEncoder:
    """Category to code: its rank by rows in training; rare and unseen values have code 0."""

    column: str
    values: tuple[str, ...]

    @classmethod
    def fit(cls, rows: Arrays, column: str, min_rows: int) -> Self:
        counts = Counter(map(str, rows[column].tolist()))
        kept = [value for value, n in counts.items() if n >= min_rows]
        return cls(column, tuple(sorted(kept, key=lambda value: (-counts[value], value))))

    @cached_property
    def codes(self) -> Mapping[str, int]:
        return {value: code for code, value in enumerate(self.values, 1)}

    def transform(self, rows: Arrays) -> Ints:
        codes = self.codes
        found = [codes.get(str(value), 0) for value in rows[self.column].tolist()]
        return np.array(found, np.int64)


@dataclass(frozen=True)
class TargetEncoder:
    """Smoothed mean of the target for each value of a group of columns.

    (sum + smoothing · prior) / (n + smoothing), after Micci-Barreca, "A preprocessing scheme for
    high-cardinality categorical attributes", SIGKDD Explorations 2001.
    """

    columns: tuple[str, ...]
    prior: float
    smoothing: float
    values: tuple[str, ...]
    sums: tuple[float, ...]
    counts: tuple[int, ...]

    @property
    def name(self) -> str:
        return "target_" + "_x_".join(self.columns)

    @classmethod
    def fit(
        cls, rows: Arrays, target: NDArray[np.float64], columns: Sequence[str], smooth: float
    ) -> Self:
        joined = _joined(rows, columns)
        values = sorted(set(joined))
        code = {value: place for place, value in enumerate(values)}
        codes = np.array([code[value] for value in joined], np.int64)
        return cls(
            tuple(columns),
            float(target.mean()),
            smooth,
            tuple(values),
            tuple(np.bincount(codes, target, minlength=len(values)).tolist()),
            tuple(np.bincount(codes, minlength=len(values)).tolist()),
        )

    @cached_property
    def places(self) -> Mapping[str, int]:
        return {value: place for place, value in enumerate(self.values)}

    @cached_property
    def means(self) -> NDArray[np.float64]:
        """The mean of each value, and at last the one of unseen values: the prior."""
        sums, counts = np.append(self.sums, 0.0), np.append(self.counts, 0)
        return np.asarray((sums + self.smoothing * self.prior) / (counts + self.smoothing))

    def transform(self, rows: Arrays) -> NDArray[np.float64]:
        return np.asarray(self.means[self._codes(rows)])

    def out_of_fold(
        self, rows: Arrays, target: NDArray[np.float64], folds: Ints
    ) -> NDArray[np.float64]:
        """Encode the training rows themselves, each without the rows of its own fold."""
        codes = self._codes(rows)
        cells = codes * FOLDS + folds
        shape = (len(self.values), FOLDS)
        fold_sums = np.bincount(cells, target, minlength=shape[0] * shape[1]).reshape(shape)
        fold_counts = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)
        n_rest = np.maximum(len(target) - np.bincount(folds, minlength=FOLDS), 1)
        prior = (target.sum() - np.bincount(folds, target, minlength=FOLDS)) / n_rest
        sums = fold_sums.sum(axis=1)[codes] - fold_sums[codes, folds]
        counts = fold_counts.sum(axis=1)[codes] - fold_counts[codes, folds]
        return np.asarray((sums + self.smoothing * prior[folds]) / (counts + self.smoothing))

    def _codes(self, rows: Arrays) -> Ints:
        places = self.places
        return np.array([places.get(value, -1) for value in _joined(rows, self.columns)], np.int64)


@dataclass(frozen=True)
class Encoder:
    """Every fitted encoding of one problem; `columns` names what `transform` returns, in order."""

    numeric: tuple[str, ...]
    categories: tuple[CategoryEncoder, ...]
    targets: tuple[TargetEncoder, ...]

    @cached_property
    def categorical(self) -> list[str]:
        return [encoder.column for encoder in self.categories]

    @cached_property
    def columns(self) -> list[str]:
        return [*self.numeric, *self.categorical, *(encoder.name for encoder in self.targets)]

    @classmethod
    def fit(
        cls,
        rows: Arrays,
        target: NDArray[np.float64],
        folds: Ints,
        *,
        numeric: Sequence[str],
        categorical: Sequence[str],
        target_encoded: Sequence[Sequence[str]],
        params: EncodeParams,
    ) -> tuple[Self, Matrix]:
        """Fit on training rows; return the encoder and those rows encoded out of fold.

        Parameters
        ----------
        rows : features of the training rows, each of shape (n_rows,)
        target : outcome on the fitted scale, shape (n_rows,)
        folds : of `folds_of`, shape (n_rows,)
        """
        encoder = cls(
            tuple(numeric),
            tuple(CategoryEncoder.fit(rows, c, params.category_min_rows) for c in categorical),
            tuple(
                TargetEncoder.fit(rows, target, columns, params.target_smoothing)
                for columns in target_encoded
            ),
        )
        own = [item.out_of_fold(rows, target, folds) for item in encoder.targets]
        return encoder, encoder._filled(rows, own)

    def transform(self, rows: Arrays) -> Matrix:
        """Encode rows that the encoder was not fitted on, shape (n_rows, n_columns)."""
        return self._filled(rows, [item.transform(rows) for item in self.targets])

    def _filled(self, rows: Arrays, targets: Sequence[NDArray[np.float64]]) -> Matrix:
        matrix = np.empty((length(rows), len(self.columns)), np.float32)
        for place, name in enumerate(self.numeric):
            matrix[:, place] = rows[name]
        for place, item in enumerate(self.categories, len(self.numeric)):
            matrix[:, place] = item.transform(rows)
        for place, values in enumerate(targets, len(self.numeric) + len(self.categories)):
            matrix[:, place] = values
        return matrix

    def to_json(self) -> dict[str, Any]:
        return {
            "numeric": list(self.numeric),
            "categories": {item.column: list(item.values) for item in self.categories},
            "targets": [
                {
                    "columns": list(item.columns),
                    "prior": item.prior,
                    "smoothing": item.smoothing,
                    "sums": dict(zip(item.values, item.sums, strict=True)),
                    "counts": dict(zip(item.values, item.counts, strict=True)),
                }
                for item in self.targets
            ],
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        for item in value["targets"]:
            if [*item["sums"]] != [*item["counts"]]:
                raise ValueError(f"sums and counts of {item['columns']} name different values")
        return cls(
            tuple(value["numeric"]),
            tuple(CategoryEncoder(name, tuple(v)) for name, v in value["categories"].items()),
            tuple(
                TargetEncoder(
                    tuple(item["columns"]),
                    item["prior"],
                    item["smoothing"],
                    tuple(item["sums"]),
                    tuple(item["sums"].values()),
                    tuple(item["counts"].values()),
                )
                for item in value["targets"]
            ),
        )


def _joined(rows: Arrays, columns: Sequence[str]) -> NDArray[np.object_]:
    return join([rows[column] for column in columns], "\x1f")
