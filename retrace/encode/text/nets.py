"""Small neural networks on hashed tokens: a second opinion beside the ridge of the text model.

Two hidden layers on TF-IDF rows of unit length, fitted in a few epochs with Adam (Kingma & Ba, ICLR
2015) after the kernel by Jankiewicz & Lopuhin that won Kaggle's Mercari challenge ("Mercari golf",
2018). The first layer begins small, so that tokens that no row needs stay near 0; updates are
dense, because those of the tokens of a batch alone were worse. Nets differ by their seeds, and are
averaged. Sums of a row are in the order of its tokens, so that one row and many give the same bits.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from retrace.encode.text.places import are_places

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

HIDDEN = (64, 32)
EPOCHS, BATCH_ROWS, RATE = 2, 256, 4e-3
DECAY = (0.9, 0.999)
FIRST_LAYER = 0.1  # of the usual size at the start
LEAST_ROWS = 2  # of a token
SMALL = np.float32(1e-8)


@dataclass(frozen=True)
class Nets:
    """Fitted nets, averaged: of each bucket that training rows have its idf and first weights.

    buckets : (n_tokens,), sorted; idf : (n_tokens,)
    first : (n_tokens, n_nets · 64), its bias : (n_nets · 64,)
    second : (n_nets, 64, 32), its bias : (n_nets, 32); third : (n_nets, 32), its bias : (n_nets,)
    level : mean and standard deviation of the target
    share : of the nets in the text model's column, ()
    """

    buckets: Ints
    idf: Floats
    first: Floats
    first_bias: Floats
    second: Floats
    second_bias: Floats
    third: Floats
    third_bias: Floats
    level: NDArray[np.float64]
    share: NDArray[np.float64]

    @classmethod
    def fit(
        cls, counts: sp.csr_matrix, target: NDArray[np.float64], n_nets: int, seed: int
    ) -> Self:
        """Fit on counts of tokens, shape (n_rows, n_buckets), and the target, shape (n_rows,)."""
        n_in = np.bincount(counts.indices, minlength=counts.shape[1])
        buckets = np.flatnonzero(n_in >= LEAST_ROWS)
        idf = (np.log((1 + counts.shape[0]) / (1 + n_in[buckets])) + 1).astype(np.float32)
        matrix = _unit_rows(counts[:, buckets], idf)
        level = np.array([target.mean(), max(target.std(), 1e-6)])
        scaled = ((target - level[0]) / level[1]).astype(np.float32)[:, None]
        nets = [_fit_one(matrix, scaled, np.random.default_rng([seed, i])) for i in range(n_nets)]
        first, first_bias, second, second_bias, third, third_bias = zip(*nets, strict=True)
        return cls(
            buckets,
            idf,
            np.concatenate(first, axis=1),
            np.concatenate(first_bias),
            np.stack(second),
            np.stack(second_bias),
            np.concatenate(third, axis=1).T.copy(),
            np.concatenate(third_bias),
            level,
            np.array(1.0),
        )

    @classmethod
    def read(cls, arrays: Any, name: str, n_buckets: int) -> Self:
        """Read nets of `vars`; KeyError or ValueError where they do not fit together."""
        found = cls(*(arrays[f"{name}.{field.name}"] for field in fields(cls)))
        n_tokens, n_nets = found.buckets.size, found.third_bias.size
        (one, two), every = HIDDEN, vars(found)
        shapes = {
            "buckets": (n_tokens,), "idf": (n_tokens,),
            "first": (n_tokens, n_nets * one), "first_bias": (n_nets * one,),
            "second": (n_nets, one, two), "second_bias": (n_nets, two),
            "third": (n_nets, two), "third_bias": (n_nets,), "level": (2,), "share": (),
        }  # fmt: skip
        kinds = {key: "i" if key == "buckets" else "f" for key in shapes}
        if n_nets == 0 or any(
            every[key].shape != shapes[key] or every[key].dtype.kind != kinds[key] for key in shapes
        ):
            raise ValueError("the arrays of the nets have other types or shapes")
        if not are_places(found.buckets, n_buckets):
            raise ValueError(f"the nets have buckets beyond {n_buckets:,}, or in no order")
        return found

    def scores(self, counts: sp.csr_matrix) -> NDArray[np.float64]:
        """Return the nets' mean on the fitted scale of counts of all buckets, shape (n_rows,)."""
        return self._mean(_unit_rows(counts[:, self.buckets], self.idf) @ self.first)

    def blend(
        self, ridge: NDArray[np.float64], place: Ints, row: Ints, weight: Floats
    ) -> NDArray[np.float64]:
        """Blend the nets into the ridge's column, shape (n_rows,). Of each token: its place among
        the nets' tokens, n_tokens of others, its row and its weight, by block and bucket."""
        known = place < len(self.buckets)
        place, row, weight = place[known], row[known], weight[known]
        if len(ridge) == 1:
            first = self._first_of_one(place, weight)
        else:
            order = np.argsort(row, kind="stable")
            ends = np.cumsum(np.bincount(row, minlength=len(ridge)))
            parts = (weight[order], place[order], np.append(0, ends))
            counts = sp.csr_matrix(parts, shape=(len(ridge), len(self.buckets)))
            first = _unit_rows(counts, self.idf) @ self.first
        return np.asarray(ridge + self.share * (self._mean(first) - ridge))

    def _first_of_one(self, place: Ints, weight: Floats) -> Floats:
        """Return the first layer's sums of one row as the sparse product has them, in a fourth of
        its time."""
        tfidf = weight * self.idf[place]
        length = np.sqrt(np.cumsum(np.square(tfidf), dtype=np.float64)[-1:])
        tfidf /= np.maximum(length, 1e-12).astype(np.float32) if len(length) else np.float32(1)
        return np.asarray(np.add.reduce(tfidf[:, None] * self.first[place], axis=0))[None]

    def _mean(self, first: Floats) -> NDArray[np.float64]:
        """Return the nets' mean by the first layer's sums, shape (n_rows, n_nets · 64).

        Sums are in the order of their terms, whatever the number of rows: NumPy adds along the
        last axis by halves, along another one, or where it accumulates, one after the other.
        """
        n_rows, n_nets = len(first), len(self.third)
        hidden = np.maximum(first + self.first_bias, 0).reshape(n_rows, n_nets, HIDDEN[0])
        if n_rows == 1:
            second = np.add.reduce(hidden[:, :, :, None] * self.second, axis=2)
        else:  # a product of all rows would take gigabytes
            second = np.zeros((n_rows, n_nets, HIDDEN[1]), np.float32)
            for place in range(HIDDEN[0]):
                second += hidden[:, :, place, None] * self.second[:, place]
        second = np.maximum(second + self.second_bias, 0)
        found = np.add.accumulate(second * self.third, axis=2)[:, :, -1]
        mean = np.zeros(n_rows)
        for of_net in (found + self.third_bias).T:
            mean += of_net
        return np.asarray(self.level[0] + self.level[1] / n_nets * mean)


def _unit_rows(counts: sp.csr_matrix, idf: Floats) -> sp.csr_matrix:
    """Weight the counts of known tokens, and bring each row to length 1."""
    matrix = sp.csr_matrix(counts, dtype=np.float32, copy=True)
    matrix.data *= idf[matrix.indices]
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    squares = np.bincount(row, np.square(matrix.data), minlength=matrix.shape[0])
    matrix.data /= np.maximum(np.sqrt(squares), 1e-12).astype(np.float32)[row]
    return matrix


def _fit_one(matrix: sp.csr_matrix, target: Floats, rng: np.random.Generator) -> list[Floats]:
    """Return weights and biases of one net, layer by layer."""
    shapes = [(matrix.shape[1], HIDDEN[0]), HIDDEN, (HIDDEN[1], 1)]
    sizes = [FIRST_LAYER, np.sqrt(2 / HIDDEN[0]), np.sqrt(1 / HIDDEN[1])]
    weights: list[Floats] = []
    for shape, size in zip(shapes, sizes, strict=True):
        weights += [rng.standard_normal(shape, np.float32) * np.float32(size)]
        weights += [np.zeros(shape[1], np.float32)]
    adam = _Adam(weights)
    for rows in _batches(matrix.shape[0], rng):
        adam.step(_gradients(weights, matrix[rows], target[rows]))
    return weights


def _batches(n_rows: int, rng: np.random.Generator) -> Iterator[Ints]:
    for _ in range(EPOCHS):
        order = rng.permutation(n_rows)
        for start in range(0, n_rows, BATCH_ROWS):
            yield order[start : start + BATCH_ROWS]


def _gradients(weights: list[Floats], rows: sp.csr_matrix, target: Floats) -> list[Floats]:
    """Return the gradients of the mean squared error."""
    first, first_bias, second, second_bias, third, third_bias = weights
    one = np.maximum(rows @ first + first_bias, 0)
    two = np.maximum(one @ second + second_bias, 0)
    error = (two @ third + third_bias - target) * np.float32(2 / len(target))
    to_two = (error @ third.T) * (two > 0)
    to_one = (to_two @ second.T) * (one > 0)
    return [
        np.asarray(rows.T @ to_one),
        to_one.sum(axis=0),
        one.T @ to_two,
        to_two.sum(axis=0),
        two.T @ error,
        error.sum(axis=0),
    ]


class _Adam:
    """Adam over all weights; changes them in place, and uses up the gradients."""

    def __init__(self, weights: list[Floats]) -> None:
        self.weights, self.steps = weights, 0
        self.means = [np.zeros_like(one) for one in weights]
        self.squares = [np.zeros_like(one) for one in weights]

    def step(self, gradients: list[Floats]) -> None:
        self.steps += 1
        correction = np.sqrt(1 - DECAY[1] ** self.steps) / (1 - DECAY[0] ** self.steps)
        rate = np.float32(RATE * correction)
        of_mean, of_square = (np.float32(decay) for decay in DECAY)
        for weight, mean, square, gradient in zip(
            self.weights, self.means, self.squares, gradients, strict=True
        ):
            mean *= of_mean
            mean += (1 - of_mean) * gradient
            np.square(gradient, out=gradient)
            gradient *= 1 - of_square
            square *= of_square
            square += gradient
            np.sqrt(square, out=gradient)
            gradient += SMALL
            np.divide(mean, gradient, out=gradient)
            gradient *= rate
            weight -= gradient
