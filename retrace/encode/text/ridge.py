"""The ridge of every fold at once, on blocks of counted tokens.

Arrays of one number a token are the largest there are: 200 million for a million listings. So what
is asked of all tokens is asked fold by fold, and a block's counts are gone when it is weighted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from retrace.encode.folds import FOLDS

Floats = NDArray[np.float32]


class RidgeParams(Protocol):
    """What of `<problem>.text` the ridge reads."""

    @property
    def min_rows(self) -> int: ...
    @property
    def alpha(self) -> float: ...
    @property
    def signal_power(self) -> float: ...
    @property
    def signal_floor(self) -> float: ...
    @property
    def signal_prior_rows(self) -> float: ...
    @property
    def max_iterations(self) -> int: ...


def _row_sums(values: Floats, indptr: NDArray[np.integer]) -> NDArray[np.float64]:
    totals = np.zeros(len(values) + 1)
    np.cumsum(values, dtype=np.float64, out=totals[1:])
    return np.asarray(totals[indptr[1:]] - totals[indptr[:-1]])


@dataclass(frozen=True)
class FoldedBlock:
    """One block for all folds. Column f < FOLDS leaves out fold f; column FOLDS has all rows.

    matrix: unit rows of TF-IDF, shape (n_rows, n_buckets). scale: how little a token is penalised,
    shape (n_buckets, FOLDS + 1). stretch: a row's length over its length in tokens that other
    folds know, shape (n_rows,).
    """

    matrix: sp.csr_matrix
    buckets: NDArray[np.int32]
    idf: Floats
    scale: Floats
    stretch: NDArray[np.float64]

    @classmethod
    def fit(
        cls,
        counts: sp.csr_matrix,
        target: NDArray[np.float64],
        folds: NDArray[np.int64],
        weight: float,
        params: RidgeParams,
    ) -> Self:
        n_in = np.bincount(counts.indices, minlength=counts.shape[1])
        buckets = np.flatnonzero(n_in >= params.min_rows).astype(np.int32)
        matrix = _selected(counts, buckets)
        idf = np.log((1 + matrix.shape[0]) / (1 + n_in[buckets])) + 1
        lengths = np.diff(matrix.indptr)
        row = np.repeat(np.arange(matrix.shape[0], dtype=np.int32), lengths)
        own = folds.astype(np.int8)[row]  # the fold of each token

        n_rows, sums = _sums_without_own_fold(matrix.indices, own, row, target, len(buckets))
        del row
        means = np.array(
            [target[folds != f].mean() if (folds != f).any() else 0.0 for f in range(FOLDS + 1)]
        )
        signal = np.abs(sums - means * n_rows) / (n_rows + params.signal_prior_rows)
        scale = weight * ((signal + params.signal_floor) / 0.3) ** params.signal_power

        tfidf = matrix.data * idf.astype(np.float32)[matrix.indices]
        squares = np.square(tfidf)
        length = np.sqrt(_row_sums(squares, matrix.indptr))
        known = np.empty(len(own), bool)
        for fold in range(FOLDS):  # one after the other: places of all tokens take much memory
            here = own == fold
            known[here] = (n_rows[:, fold] > 0)[matrix.indices[here]]
        length_known = np.sqrt(_row_sums(squares * known, matrix.indptr))
        matrix.data = tfidf / np.repeat(np.maximum(length, 1e-12), lengths).astype(np.float32)
        stretch = np.where(length_known > 0, length / np.maximum(length_known, 1e-12), 0.0)
        return cls(matrix, buckets, idf.astype(np.float32), scale.astype(np.float32), stretch)

    def out_of_fold(self, solution: Floats, folds: NDArray[np.int64]) -> NDArray[np.float64]:
        """Each row's score by the weights that were fitted without its fold."""
        scores = self.matrix @ (solution * self.scale)
        return np.asarray(scores[np.arange(len(folds)), folds] * self.stretch)


def _selected(counts: sp.csr_matrix, buckets: NDArray[np.int32]) -> sp.csr_matrix:
    """Keep only these columns, renumbered."""
    table = np.full(counts.shape[1], -1, dtype=np.int32)
    table[buckets] = np.arange(len(buckets), dtype=np.int32)
    column = table[counts.indices]
    kept = column >= 0
    indptr = np.append(0, np.cumsum(kept))[counts.indptr]
    shape = (counts.shape[0], len(buckets))
    return sp.csr_matrix((counts.data[kept], column[kept], indptr), shape=shape)


def _sums_without_own_fold(
    column: NDArray[np.int32],
    fold: NDArray[np.int8],
    row: NDArray[np.int32],
    target: NDArray[np.float64],
    n_columns: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows and target sums of each token outside each fold; the last column has every row.

    column, fold, row : of each token, (n_tokens,); target : of each row
    """
    n_own, sum_own = np.zeros((n_columns, FOLDS)), np.zeros((n_columns, FOLDS))
    for number in range(FOLDS):
        here = fold == number
        tokens = column[here]
        n_own[:, number] = np.bincount(tokens, minlength=n_columns)
        sum_own[:, number] = np.bincount(tokens, target[row[here]], minlength=n_columns)
    rest = [np.column_stack([-own, np.zeros(n_columns)]) for own in (n_own, sum_own)]
    return rest[0] + n_own.sum(axis=1)[:, None], rest[1] + sum_own.sum(axis=1)[:, None]


def solve(
    blocks: Sequence[FoldedBlock],
    target: NDArray[np.float64],
    folds: NDArray[np.int64],
    params: RidgeParams,
) -> tuple[list[Floats], NDArray[np.float64]]:
    """Solve the ridge of every fold together by conjugate gradients.

    Every column is a system of its own, (SXᵀMXS + αI)v = SXᵀM(y - intercept), with M the rows
    outside the fold and S the tokens' scale; together they read the tokens once per iteration.
    Returns v by block, each (n_buckets, FOLDS + 1), and the intercepts, the mean of each y.
    """
    inside = folds[:, None] != np.arange(FOLDS + 1)
    intercepts = (target[:, None] * inside).sum(axis=0) / np.maximum(inside.sum(axis=0), 1)
    mask = inside.astype(np.float32)
    transposed = [block.matrix.T for block in blocks]  # views

    def back(residual: Floats) -> list[Floats]:
        return [
            block.scale * (matrix @ residual)
            for block, matrix in zip(blocks, transposed, strict=True)
        ]

    residual = back(((target[:, None] - intercepts) * inside).astype(np.float32))
    solution = [np.zeros_like(part) for part in residual]
    step = [part.copy() for part in residual]
    size = start = _squares(residual)
    open_ = size > 0  # each fold stops by itself: what it leaves out must not decide when
    for _ in range(params.max_iterations):
        forward = np.zeros_like(mask)
        for block, part in zip(blocks, step, strict=True):
            forward += block.matrix @ (block.scale * part)
        image = back(forward * mask)
        for part, direction in zip(image, step, strict=True):
            part += np.float32(params.alpha) * direction
        overlap = sum(
            np.einsum("ij,ij->j", a, b, dtype=np.float64) for a, b in zip(step, image, strict=True)
        )
        rate = np.where(open_, size / np.maximum(overlap, 1e-30), 0.0).astype(np.float32)
        for x, r, p, a in zip(solution, residual, step, image, strict=True):
            x += rate * p
            r -= rate * a
        size, previous = _squares(residual), size
        open_ = size > 1e-6 * start
        if not open_.any():
            break
        turn = (size / np.maximum(previous, 1e-30)).astype(np.float32)
        for p, r in zip(step, residual, strict=True):
            p *= turn
            p += r
    return solution, intercepts


def _squares(parts: Sequence[Floats]) -> NDArray[np.float64]:
    return np.asarray(sum(np.einsum("ij,ij->j", p, p, dtype=np.float64) for p in parts))
