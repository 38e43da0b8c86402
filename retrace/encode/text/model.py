"""Ridge regression on blocks of hashed tokens, fitted for every fold at once.

Each block is TF-IDF weighted with rows of unit length. Two details pay on short texts: a token
whose rows have an unusual mean outcome is penalised less, after the log-count ratios of Wang &
Manning ("Baselines and Bigrams", ACL 2012); and a token that was not in training does not count in
a row's length, so that a row out of fold is weighted like a row of the test window.
"""

from collections.abc import Iterable, Iterator, Sequence
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
from retrace.encode.text.places import Places, are_places
from retrace.encode.text.ridge import FoldedBlock, solve

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
    # Small neural networks whose mean is averaged with the ridge, where rows are few: a net takes a
    # second for 6,000 of them, and is fitted six times. With more rows the ridge is alone.
    nets: int = Field(0, ge=0, le=16)
    nets_most_rows: int = Field(20_000, ge=0)
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
        if not are_places(found.buckets, n_buckets):
            raise ValueError(f"block '{name}' has buckets beyond {n_buckets:,}, or in no order")
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
        counted: Iterable[sp.csr_matrix] = _counted(rows, blocks, params)
        with_nets = bool(params.nets) and len(target) <= params.nets_most_rows
        if with_nets:
            counted = list(counted)
        fitted = [
            FoldedBlock.fit(matrix, target, folds, block.weight, params)
            for block, matrix in zip(blocks, counted, strict=True)
        ]
        solution, intercepts = solve(fitted, target, folds, params)
        column = intercepts[folds] + sum(
            item.out_of_fold(part, folds) for item, part in zip(fitted, solution, strict=True)
        )
        weights = tuple(
            Weights(item.buckets, item.idf, part[:, FOLDS] * item.scale[:, FOLDS])
            for item, part in zip(fitted, solution, strict=True)
        )
        nets = None
        if with_nets:
            seen = sp.hstack(_single([*counted], blocks), "csr")
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
        index = (cell // n_rows << self.hash_bits) | bucket
        table = self._table.take(self._known.find(index), axis=0)
        tfidf = weight * table[:, 0]
        dot = np.bincount(cell, tfidf * table[:, 1], minlength=n_blocks * n_rows)
        lengths = np.sqrt(np.bincount(cell, tfidf * tfidf, minlength=n_blocks * n_rows))
        column = np.full(n_rows, self.intercept)
        for scores in (dot / np.maximum(lengths, 1e-12)).reshape(n_blocks, n_rows):
            column += scores
        if self.nets is not None:
            column = self.nets.blend(column, self._of_nets.find(index), cell % n_rows, weight)
        return column.astype(np.float32)[:, None]

    @cached_property
    def _plan(self) -> TokenPlan:
        return TokenPlan(self.blocks)

    @cached_property
    def _known(self) -> Places:
        """The known buckets of all blocks, in the order of blocks."""
        starts = [number << self.hash_bits for number in range(len(self.blocks))]
        buckets = [
            one.buckets.astype(np.int64) + start
            for start, one in zip(starts, self.weights, strict=True)
        ]
        return Places(np.concatenate(buckets), len(self.blocks) << self.hash_bits)

    @cached_property
    def _table(self) -> Floats:
        """The idf and the weight of each known bucket, and at last of one that is not known, shape
        (n_known + 1, 2)."""
        table = np.zeros((self._known.n_known + 1, 2), np.float32)
        for column, name in enumerate(("idf", "weight")):
            table[:-1, column] = np.concatenate([getattr(one, name) for one in self.weights])
        return table

    @cached_property
    def _of_nets(self) -> Places:
        assert self.nets is not None
        return Places(self.nets.buckets, len(self.blocks) << self.hash_bits)

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


def _counted(rows: Arrays, blocks: Sequence[Block], params: TextParams) -> Iterator[sp.csr_matrix]:
    """Yield the counts of block after block: its chunks are not needed any more then."""
    plan = TokenPlan(blocks)
    parts: list[list[sp.csr_matrix]] = [[] for _ in blocks]
    for chunk in _chunks(rows):
        for block, counts in zip(parts, plan.counts(chunk, params.hash_bits), strict=True):
            block.append(counts)
    for block in parts:
        whole = sp.vstack(block, "csr")
        block.clear()
        yield whole


def _chunks(rows: Arrays) -> Iterator[Arrays]:
    """Yield the rows by CHUNK_ROWS; at least once."""
    n_rows = length(rows)
    if n_rows <= CHUNK_ROWS:
        yield rows
        return
    for start in range(0, n_rows, CHUNK_ROWS):
        yield take(rows, slice(start, start + CHUNK_ROWS))
