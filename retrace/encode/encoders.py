"""Turn a frame of features into the columns that the boosters see. Fitted on training rows only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrace.base.params import Params

FOLDS = 5


class EncodeParams(Params):
    """`<problem>.encode`: how categories become numbers."""

    category_min_rows: int = 20  # rarer values share one code
    target_smoothing: float = 10.0  # rows that the prior counts for in a target mean
    seed: int = 1


def fold_of_row(n_rows: int, seed: int, n_folds: int = FOLDS) -> NDArray[np.int64]:
    """Assign each row to a fold, evenly and in random order."""
    return np.random.default_rng(seed).permutation(np.arange(n_rows) % n_folds)


@dataclass(frozen=True)
class CategoryEncoder:
    """Category to code: its rank by rows in training; rare and unseen values have code 0."""

    column: str
    values: tuple[str, ...]

    @classmethod
    def fit(cls, rows: pd.DataFrame, column: str, min_rows: int) -> Self:
        counts = rows[column].astype(str).value_counts()
        kept = counts[counts >= min_rows].reset_index(name="n")
        kept = kept.sort_values(["n", column], ascending=[False, True])
        return cls(column, tuple(kept[column]))

    def transform(self, rows: pd.DataFrame) -> NDArray[np.int32]:
        codes = pd.Index(self.values, dtype="str").get_indexer(
            pd.Index(rows[self.column].astype("str"))
        )
        return (codes + 1).astype(np.int32)


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
        cls, rows: pd.DataFrame, target: NDArray[np.float64], columns: Sequence[str], smooth: float
    ) -> Self:
        codes, values = pd.factorize(_joined(rows, columns), sort=True)
        return cls(
            tuple(columns),
            float(target.mean()),
            smooth,
            tuple(map(str, values)),
            tuple(np.bincount(codes, target, minlength=len(values)).tolist()),
            tuple(np.bincount(codes, minlength=len(values)).tolist()),
        )

    def transform(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        codes = pd.Index(self.values, dtype="str").get_indexer(_joined(rows, self.columns))
        sums, counts = np.append(self.sums, 0.0), np.append(self.counts, 0)  # -1 is the last one
        return np.asarray(
            (sums[codes] + self.smoothing * self.prior) / (counts[codes] + self.smoothing)
        )

    def out_of_fold(
        self, rows: pd.DataFrame, target: NDArray[np.float64], folds: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Encode the training rows themselves, each without the rows of its own fold."""
        codes = pd.Index(self.values, dtype="str").get_indexer(_joined(rows, self.columns))
        n_folds = int(folds.max()) + 1
        cells = codes * n_folds + folds
        shape = (len(self.values), n_folds)
        fold_sums = np.bincount(cells, target, minlength=shape[0] * shape[1]).reshape(shape)
        fold_counts = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)
        n_fold = np.bincount(folds, minlength=n_folds)
        n_rest = np.maximum(len(target) - n_fold, 1)
        prior = (target.sum() - np.bincount(folds, target, minlength=n_folds)) / n_rest
        sums = fold_sums.sum(axis=1)[codes] - fold_sums[codes, folds]
        counts = fold_counts.sum(axis=1)[codes] - fold_counts[codes, folds]
        return np.asarray((sums + self.smoothing * prior[folds]) / (counts + self.smoothing))


@dataclass(frozen=True)
class Encoder:
    """Every fitted encoding of one problem; `columns` names what `transform` returns, in order."""

    numeric: tuple[str, ...]
    categories: tuple[CategoryEncoder, ...]
    targets: tuple[TargetEncoder, ...]

    @property
    def categorical(self) -> list[str]:
        return [encoder.column for encoder in self.categories]

    @property
    def columns(self) -> list[str]:
        return [*self.numeric, *self.categorical, *(encoder.name for encoder in self.targets)]

    @classmethod
    def fit(
        cls,
        rows: pd.DataFrame,
        target: NDArray[np.float64],
        *,
        numeric: Sequence[str],
        categorical: Sequence[str],
        target_encoded: Sequence[Sequence[str]],
        params: EncodeParams,
    ) -> tuple[Self, pd.DataFrame]:
        """Fit on training rows; return the encoder and those rows encoded out of fold.

        Parameters
        ----------
        rows : features of the training rows, shape (n_rows, n_features)
        target : outcome on the fitted scale, shape (n_rows,)
        """
        encoder = cls(
            tuple(numeric),
            tuple(CategoryEncoder.fit(rows, c, params.category_min_rows) for c in categorical),
            tuple(
                TargetEncoder.fit(rows, target, columns, params.target_smoothing)
                for columns in target_encoded
            ),
        )
        encoded = encoder.transform(rows)
        folds = fold_of_row(len(rows), params.seed)
        for item in encoder.targets:
            encoded[item.name] = item.out_of_fold(rows, target, folds).astype(np.float32)
        return encoder, encoded

    def transform(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Encode rows that the encoder was not fitted on; the result has `columns`."""
        parts: dict[str, Any] = {
            name: rows[name].to_numpy(dtype=np.float32, na_value=np.nan) for name in self.numeric
        }
        parts |= {encoder.column: encoder.transform(rows) for encoder in self.categories}
        parts |= {item.name: item.transform(rows).astype(np.float32) for item in self.targets}
        return pd.DataFrame(parts, index=rows.index, copy=False)[self.columns]

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


def _joined(rows: pd.DataFrame, columns: Sequence[str]) -> pd.Index:
    joined = rows[columns[0]].astype("str")
    for column in columns[1:]:
        joined = joined + "\x1f" + rows[column].astype("str")
    return pd.Index(joined)
