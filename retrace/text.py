"""Text models: hashed TF-IDF and what is fitted on it, out of fold, as columns for the boosters."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
import scipy.sparse as sp
from joblib import Parallel, delayed
from numpy.typing import NDArray
from pydantic import Field
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import Ridge

from retrace.encoders import FOLDS, fold_of_row
from retrace.params import Params


class TextParams(Params):
    """How texts become columns."""

    hash_bits: int = Field(ge=8, le=24)
    ridge_alpha: float = Field(gt=0)
    seed: int


@dataclass(frozen=True)
class TextModel:
    """Ridge on the TF-IDF of hashed words and pairs of several text columns."""

    documents: tuple[str, ...]
    hash_bits: int
    idf: NDArray[np.float32]
    weights: NDArray[np.float32]
    intercept: float

    @property
    def columns(self) -> list[str]:
        return ["text_ridge"] if self.documents else []

    @classmethod
    def fit(
        cls,
        rows: pd.DataFrame,
        target: NDArray[np.float64],
        documents: tuple[str, ...],
        params: TextParams,
    ) -> tuple[Self, pd.DataFrame]:
        counts = _counts(rows, documents, params.hash_bits)
        idf = _idf(counts)
        matrix = _scaled(counts, idf)
        folds = fold_of_row(len(rows), params.seed)
        fits = Parallel(n_jobs=-1)(
            delayed(_ridge)(matrix[folds != fold], target[folds != fold], params.ridge_alpha)
            for fold in [*range(FOLDS), -1]
        )
        column = np.empty(len(rows))
        for fold, (weights, intercept) in enumerate(fits[:-1]):
            column[folds == fold] = matrix[folds == fold] @ weights + intercept
        weights, intercept = fits[-1]
        model = cls(documents, params.hash_bits, idf, weights.astype(np.float32), intercept)
        return model, pd.DataFrame({"text_ridge": column.astype(np.float32)}, index=rows.index)

    def transform(self, rows: pd.DataFrame) -> pd.DataFrame:
        if not self.documents:
            return pd.DataFrame(index=rows.index)
        matrix = _scaled(_counts(rows, self.documents, self.hash_bits), self.idf)
        column = matrix @ self.weights + self.intercept
        return pd.DataFrame({"text_ridge": column.astype(np.float32)}, index=rows.index)

    def to_arrays(self) -> dict[str, Any]:
        return {
            "documents": np.array(self.documents, dtype=np.str_),
            "hash_bits": np.array(self.hash_bits),
            "idf": self.idf,
            "weights": self.weights,
            "intercept": np.array(self.intercept),
        }

    @classmethod
    def from_arrays(cls, arrays: Any) -> Self:
        return cls(
            tuple(map(str, arrays["documents"])),
            int(arrays["hash_bits"]),
            arrays["idf"],
            arrays["weights"],
            float(arrays["intercept"]),
        )


def _counts(rows: pd.DataFrame, documents: tuple[str, ...], bits: int) -> sp.csr_matrix:
    vectorizer = HashingVectorizer(
        n_features=2**bits,
        ngram_range=(1, 2),
        norm=None,
        alternate_sign=False,
        dtype=np.float32,
        token_pattern=r"(?u)\b\w+\b",
    )
    return sp.hstack([vectorizer.transform(rows[name]) for name in documents], format="csr")


def _idf(counts: sp.csr_matrix) -> NDArray[np.float32]:
    n_rows = counts.shape[0]
    documents = np.bincount(counts.indices, minlength=counts.shape[1])
    return np.asarray(np.log((1 + n_rows) / (1 + documents)) + 1, dtype=np.float32)


def _scaled(counts: sp.csr_matrix, idf: NDArray[np.float32]) -> sp.csr_matrix:
    scaled = counts.copy()
    scaled.data = (1 + np.log(scaled.data)) * idf[scaled.indices]
    norms = np.sqrt(np.add.reduceat(np.append(scaled.data**2, 0), scaled.indptr[:-1]))
    norms[np.diff(scaled.indptr) == 0] = 1
    scaled.data = scaled.data / np.repeat(np.maximum(norms, 1e-12), np.diff(scaled.indptr))
    return scaled


def _ridge(
    matrix: sp.csr_matrix, target: NDArray[np.float64], alpha: float
) -> tuple[NDArray[np.float64], float]:
    model = Ridge(alpha=alpha, solver="sparse_cg", tol=1e-4).fit(matrix, target)
    return model.coef_, float(model.intercept_)
