"""Turn columns of texts and values into hashed tokens, in whole-column operations.

A token is a 64-bit hash; the same text has the same tokens on every machine, so that nothing needs
to be remembered but weights.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Texts = NDArray[np.object_]

_A, _B, _C = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xC2B2AE3D27D4EB4F),
    np.uint64(0xD6E8FEB86659FD93),
)
MANY = 1000
_WORD = re.compile(r"\w+|\n")


@dataclass(frozen=True)
class Bag:
    """The tokens of many rows: `hashes` and the `row` of each, both of shape (n_tokens,)."""

    hashes: Hashes
    row: NDArray[np.int64]

    def in_order(self) -> "Bag":
        """Sort by row; tokens of one row keep their order."""
        order = np.argsort(self.row, kind="stable")
        return Bag(self.hashes[order], self.row[order])


def hashed(values: Sequence[str]) -> Hashes:
    """Hash texts; equal texts have equal hashes, everywhere and always (SipHash, fixed key)."""
    many = len(values) > MANY  # then each different one is hashed once
    return np.asarray(pd.util.hash_array(np.array(values, dtype=object), categorize=many))


_NEWLINE = hashed(["\n"])[0]
_BAR = hashed(["|"])[0]


def mix(first: Hashes, second: Hashes | np.uint64) -> Hashes:
    """Hash pairs of hashes; the order counts."""
    with np.errstate(over="ignore"):
        mixed = first * _A + second * _B
        mixed = (mixed ^ (mixed >> np.uint64(29))) * _C
        return np.asarray(mixed ^ (mixed >> np.uint64(32)))


def together(bags: Sequence[Bag]) -> Bag:
    """Put the tokens of several bags into one; rows are no longer in order."""
    return Bag(
        np.concatenate([bag.hashes for bag in bags]), np.concatenate([bag.row for bag in bags])
    )


def words(texts: Texts) -> Bag:
    """The words of each text, in lower case."""
    return _by_row(hashed(_WORD.findall(_joined(texts))))


def sequence(bags: Sequence[Bag], n_rows: int) -> Bag:
    """Words of several columns one after the other, with a mark between the columns."""
    parts = [bags[0]]
    for bag in bags[1:]:
        parts += [Bag(np.full(n_rows, _BAR), np.arange(n_rows)), bag]
    return together(parts).in_order()


def pairs(bag: Bag) -> Bag:
    """Neighbours in the rows of an ordered bag."""
    same = bag.row[1:] == bag.row[:-1]
    return Bag(mix(bag.hashes[:-1][same], bag.hashes[1:][same]), bag.row[1:][same])


def characters(texts: Texts, shortest: int = 3, longest: int = 5) -> Bag:
    """Runs of characters inside words, with a space at either end of a word."""
    letters = _letters(" " + "\n ".join(f"{text} " for text in _lines(texts)).lower())
    space = (letters == 32) | (letters == 10)
    row = np.cumsum(letters == 10)
    run = letters * _A
    inner = np.zeros(len(letters), dtype=bool)  # a space strictly between the ends
    found = []
    for length in range(2, longest + 1):
        n = max(len(letters) - length + 1, 0)  # a single short text has no longer runs
        inner = inner[:n] | (space[length - 2 : length - 2 + n] if length > 2 else False)
        run = mix(run[:n], letters[length - 1 :])
        if length >= shortest:
            inside = ~inner & (letters[:n] != 10) & (letters[length - 1 :] != 10)
            found.append(Bag(run[inside], row[:n][inside]))
    return together(found)


def values(columns: Hashes) -> Bag:
    """One token per row and column of hashes, of shape (n_columns, n_rows); which column it is is
    part of the token."""
    n_columns, n_rows = columns.shape
    salt = np.arange(1, n_columns + 1, dtype=np.uint64)[:, None]
    return Bag(mix(columns, salt).ravel(), np.tile(np.arange(n_rows), n_columns))


def crossed(bag: Bag, of_row: Hashes) -> Bag:
    """Each token together with a value of its row."""
    return Bag(mix(bag.hashes, of_row[bag.row]), bag.row)


def _lines(texts: Texts) -> list[str]:
    return [text.replace("\n", " ") for text in texts.tolist()]


def _joined(texts: Texts) -> str:
    return "\n".join(_lines(texts)).lower()


def _letters(text: str) -> Hashes:
    code_points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    return code_points.astype(np.uint64)


def _by_row(hashes: Hashes) -> Bag:
    end = hashes == _NEWLINE
    return Bag(hashes[~end], np.cumsum(end)[~end])
