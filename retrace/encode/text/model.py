"""Ridge regression on blocks of hashed tokens, fitted for every fold at once.

Each block is TF-IDF weighted with rows of unit length. Two details pay on short texts: a token
whose rows have an unusual mean outcome is penalised less, after the log-count ratios of Wang &
Manning ("Baselines and Bigrams", ACL 2012); and a token that was not in training does not count in
a row's length, so that a row out of fold is weighted like a row of the test window.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import Field

from retrace.base.arrays import Arrays, length, take
from retrace.base.params import Params
from retrace.encode.folds import FOLDS
from retrace.encode.text.blocks import Block, TokenPlan
from retrace.encode.text.nets import Nets

COLUMN, NETS = "text", "nets"
HASH_BITS = (8, 24)
MOST_BUCKETS = 1 << 29  # of all blocks
CHUNK_ROWS = 10_000  # bounds the memory for tokens

Floats = NDArray[np.float32]


class TextParams(Params):
    """`<problem>.text`: how texts become a column."""

    # A million buckets a block: hardly a collision in 30,000 listings.
    hash_bits: int = Field(20, ge=HASH_BITS[0], le=HASH_BITS[1])
    min_rows: int = Field(1, ge=1)
    alpha: float = Field(8.0, gt=0)
    signal_power: float = Field(0.4, ge=0)
    signal_floor: float = Field(0.15, gt=0)
    signal_prior_rows: float = Field(3.0, gt=0)
    max_iterations: int = Field(25, ge=1)
    # Small neural networks whose mean is averaged with the ridge; for up to some 100,000 rows, of
    # which a net takes some 15 s, and there are six times as many fits of them as nets.
    nets: int = Field(0, ge=0, le=16)
    nets_share: float = Field(0.25, ge=0, le=1)  # of the mean; the ridge has the rest
    seed: int = 1


@dataclass(frozen=True)
class Weights:
    """One fitted block: of each bucket that training rows have, its idf and its ridge weight."""

    buckets: NDArray[np.int32]
    idf: Floats
    weight: Floats

    @classmethod
    def read(cls, arrays: Any, name: str, n_buckets: int) -> Self:
        found = cls(*(arrays[f"{name}.{key}"] for key in ("buckets", "idf", "weight")))
        kinds = [array.dtype.kind for array in vars(found).values()]
        shapes = {array.shape for array in vars(found).values()}
        if kinds != ["i", "f", "f"] or shapes != {(len(found.buckets),)}:
            raise ValueError(f"the arrays of block '{name}' have other types or shapes")
        if len(found.buckets) and not (
            found.buckets.min() >= 0 and found.buckets.max() < n_buckets
        ):
            raise ValueError(f"block '{name}' has buckets beyond {n_buckets:,}")
        return found


@dataclass(frozen=True)
class TextModel:
    """A fitted text model; without blocks it has no column."""

    hash_bits: int
    intercept: float
    blocks: tuple[Block, ...]
    weights: tuple[Weights, ...]
    nets: Nets | None = None

    @property
    def columns(self) -> list[str]:
        return [COLUMN] if self.blocks else []

    @classmethod
    def fit(
        cls,
        rows: Arrays,
        target: NDArray[np.float64],
        folds: NDArray[np.int64],
        blocks: Sequence[Block],
        params: TextParams,
    ) -> tuple[Self, Floats]:
        """Fit on training rows; return the model and its column for those rows, out of fold.

        Parameters
        ----------
        rows : features with the blocks' columns, each of shape (n_rows,)
        target : outcome on the fitted scale, shape (n_rows,)
        folds : of `folds_of`, shape (n_rows,)
        """
        if not blocks:
            return cls(HASH_BITS[0], 0.0, (), ()), np.empty((len(target), 0), np.float32)
        counted = _counted(rows, blocks, params)
        fitted = [
            _FoldedBlock.fit(matrix, target, folds, block.weight, params)
            for block, matrix in zip(blocks, counted, strict=True)
        ]
        solution, intercepts = _solve(fitted, target, folds, params)
        column = intercepts[folds] + sum(
            item.out_of_fold(part, folds) for item, part in zip(fitted, solution, strict=True)
        )
        weights = tuple(
            Weights(item.buckets, item.idf, part[:, FOLDS] * item.scale[:, FOLDS])
            for item, part in zip(fitted, solution, strict=True)
        )
        nets = None
        if params.nets:
            seen = sp.hstack(_single(counted, blocks), "csr")
            nets, column = _with_nets(seen, target, folds, column, params)
        model = cls(params.hash_bits, float(intercepts[FOLDS]), tuple(blocks), weights, nets)
        return model, column.astype(np.float32)[:, None]

    def transform(self, rows: Arrays) -> Floats:
        """Return the column of rows that the model was not fitted on, shape (n_rows, 1)."""
        if not self.blocks:
            return np.empty((length(rows), 0), np.float32)
        return np.concatenate([self._scored(chunk) for chunk in _chunks(rows)])

    def _scored(self, rows: Arrays) -> Floats:
        """Add up the blocks: of each the weighted mean x·w / |x| of tokens known in training.

        Tokens are added up in the order of their buckets, so that a row's sum is its own.
        """
        n_rows, n_blocks = length(rows), len(self.blocks)
        cell, bucket, weight = self._plan.weights(rows, self.hash_bits)
        table = self._table.take((cell // n_rows << self.hash_bits) | bucket, axis=0)
        tfidf = weight * table[:, 0]
        dot = np.bincount(cell, tfidf * table[:, 1], minlength=n_blocks * n_rows)
        lengths = np.sqrt(np.bincount(cell, tfidf * tfidf, minlength=n_blocks * n_rows))
        column = np.full(n_rows, self.intercept)
        for scores in (dot / np.maximum(lengths, 1e-12)).reshape(n_blocks, n_rows):
            column += scores
        if self.nets is not None:
            place = self._net_places[(cell // n_rows << self.hash_bits) | bucket]
            column = self.nets.blend(column, place, cell % n_rows, weight)
        return column.astype(np.float32)[:, None]

    @cached_property
    def _plan(self) -> TokenPlan:
        return TokenPlan(self.blocks)

    @cached_property
    def _table(self) -> Floats:
        """The idf and the weight of each bucket of each block, shape (n_blocks · 2**bits, 2)."""
        table = np.zeros((len(self.blocks) << self.hash_bits, 2), np.float32)
        for number, weights in enumerate(self.weights):
            places = (number << self.hash_bits) + weights.buckets.astype(np.int64)
            table[places, 0], table[places, 1] = weights.idf, weights.weight
        return table

    @cached_property
    def _net_places(self) -> NDArray[np.int32]:
        """The place of each bucket of each block among those that the nets know, else -1."""
        assert self.nets is not None
        places = np.full(len(self.blocks) << self.hash_bits, -1, np.int32)
        places[self.nets.buckets] = np.arange(len(self.nets.buckets), dtype=np.int32)
        return places

    def to_arrays(self) -> dict[str, Any]:
        """Return plain arrays by name, for `retrace.base.archive`."""
        arrays = {"hash_bits": np.array(self.hash_bits), "intercept": np.array(self.intercept)}
        for block, weights in zip(self.blocks, self.weights, strict=True):
            arrays |= {f"{block.name}.{key}": value for key, value in vars(weights).items()}
        if self.nets is not None:
            arrays |= {f"{NETS}.{key}": value for key, value in vars(self.nets).items()}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Any, blocks: Sequence[Block]) -> Self:
        """Read the arrays of `to_arrays`; KeyError when they belong to other blocks, ValueError
        when they do not fit together."""
        hash_bits, intercept = int(arrays["hash_bits"]), float(arrays["intercept"])
        if not HASH_BITS[0] <= hash_bits <= HASH_BITS[1]:
            raise ValueError(f"hash_bits is {hash_bits}, expected {HASH_BITS[0]} to {HASH_BITS[1]}")
        if len(blocks) << hash_bits > MOST_BUCKETS:
            raise ValueError(f"{len(blocks)} blocks of 2**{hash_bits} buckets are too many")
        if not all(group for block in blocks for group in block.values):
            raise ValueError("a block has a group without columns")
        weights = tuple(Weights.read(arrays, block.name, 1 << hash_bits) for block in blocks)
        nets = None
        if f"{NETS}.buckets" in arrays:
            nets = Nets.read(arrays, NETS, len(blocks) << hash_bits)
        return cls(hash_bits, intercept, tuple(blocks), weights, nets)


def _single(counted: Sequence[sp.csr_matrix], blocks: Sequence[Block]) -> list[sp.csr_matrix]:
    """Return the blocks' counts, those of pairs and crosses empty: hidden layers find them."""
    return [
        _empty(matrix) if block.kind in ("pairs", "crossed") else matrix
        for matrix, block in zip(counted, blocks, strict=True)
    ]


def _empty(matrix: sp.csr_matrix) -> sp.csr_matrix:
    parts = (matrix.data[:0], matrix.indices[:0], np.zeros_like(matrix.indptr))
    return sp.csr_matrix(parts, shape=matrix.shape)


def _with_nets(
    counts: sp.csr_matrix,
    target: NDArray[np.float64],
    folds: NDArray[np.int64],
    ridge: NDArray[np.float64],
    params: TextParams,
) -> tuple[Nets, NDArray[np.float64]]:
    """Fit nets on all rows and without each fold; return those of all, and the column of the ridge
    blended with them, out of fold."""
    theirs = np.full(len(target), target.mean())
    for fold in np.unique(folds):
        here = folds == fold
        if not here.all():
            without = Nets.fit(counts[~here], target[~here], params.nets, params.seed)
            theirs[here] = without.scores(counts[here])
    nets = Nets.fit(counts, target, params.nets, params.seed)
    share = np.array(params.nets_share)
    return replace(nets, share=share), ridge + share * (theirs - ridge)


def _counted(rows: Arrays, blocks: Sequence[Block], params: TextParams) -> list[sp.csr_matrix]:
    plan = TokenPlan(blocks)
    parts = [plan.counts(chunk, params.hash_bits) for chunk in _chunks(rows)]
    return [sp.vstack(list(block), "csr") for block in zip(*parts, strict=True)]


def _chunks(rows: Arrays) -> Iterator[Arrays]:
    """Yield the rows by CHUNK_ROWS; at least once."""
    n_rows = length(rows)
    if n_rows <= CHUNK_ROWS:
        yield rows
        return
    for start in range(0, n_rows, CHUNK_ROWS):
        yield take(rows, slice(start, start + CHUNK_ROWS))


def _row_sums(values: Floats, indptr: NDArray[np.integer]) -> NDArray[np.float64]:
    totals = np.append(0.0, np.cumsum(values, dtype=np.float64))
    return np.asarray(totals[indptr[1:]] - totals[indptr[:-1]])


@dataclass(frozen=True)
class _FoldedBlock:
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
        params: TextParams,
    ) -> Self:
        n_in = np.bincount(counts.indices, minlength=counts.shape[1])
        buckets = np.flatnonzero(n_in >= params.min_rows).astype(np.int32)
        matrix = _selected(counts, buckets)
        idf = np.log((1 + matrix.shape[0]) / (1 + n_in[buckets])) + 1
        lengths = np.diff(matrix.indptr)
        row = np.repeat(np.arange(matrix.shape[0], dtype=np.int32), lengths)
        own = folds[row]  # the fold of each token

        n_rows, sums = _sums_without_own_fold(matrix.indices, own, target[row], len(buckets))
        means = np.array(
            [target[folds != f].mean() if (folds != f).any() else 0.0 for f in range(FOLDS + 1)]
        )
        signal = np.abs(sums - means * n_rows) / (n_rows + params.signal_prior_rows)
        scale = weight * ((signal + params.signal_floor) / 0.3) ** params.signal_power

        tfidf = matrix.data * idf.astype(np.float32)[matrix.indices]
        squares = np.square(tfidf)
        length = np.sqrt(_row_sums(squares, matrix.indptr))
        known = n_rows[matrix.indices, own] > 0
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
    fold: NDArray[np.int64],
    target: NDArray[np.float64],
    n_columns: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows and target sums of each token outside each fold; the last column has every row."""
    cell = column.astype(np.int64) * FOLDS + fold
    size = n_columns * FOLDS
    n_own = np.bincount(cell, minlength=size).reshape(n_columns, FOLDS).astype(np.float64)
    sum_own = np.bincount(cell, target, minlength=size).reshape(n_columns, FOLDS)
    rest = [np.column_stack([-own, np.zeros(n_columns)]) for own in (n_own, sum_own)]
    return rest[0] + n_own.sum(axis=1)[:, None], rest[1] + sum_own.sum(axis=1)[:, None]


def _solve(
    blocks: Sequence[_FoldedBlock],
    target: NDArray[np.float64],
    folds: NDArray[np.int64],
    params: TextParams,
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
