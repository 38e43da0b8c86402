"""Turn columns of texts and values into hashed tokens, in whole-column operations.

A token is a 64-bit hash; the same text has the same tokens on every machine, so that nothing needs
to be remembered but weights.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
RowNumbers = NDArray[np.int64]
Texts = NDArray[np.object_]

_A, _B, _C = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xC2B2AE3D27D4EB4F),
    np.uint64(0xD6E8FEB86659FD93),
)
_HIGH, _HALF = np.uint64(29), np.uint64(32)
MANY = 1000
_WORD = re.compile(r"\w+|\n")


class Bag(NamedTuple):
    """The tokens of many rows: `hashes` and the `row` of each, both of shape (n_tokens,)."""

    hashes: Hashes
    row: RowNumbers


class Pairs(NamedTuple):
    """Tokens that are made of two: the hash of each part, and the row, all of shape (n_tokens,)."""

    first: Hashes
    second: Hashes
    row: RowNumbers


def hashed(values: Sequence[str]) -> Hashes:
    """Hash texts; equal texts have equal hashes, everywhere and always (SipHash, fixed key)."""
    many = len(values) > MANY  # then each different one is hashed once
    return np.asarray(pd.util.hash_array(np.array(values, dtype=object), categorize=many))


_NEWLINE = hashed(["\n"])[0]
_BAR = hashed(["|"])[0]


def mix(first: Hashes, second: Hashes) -> Hashes:
    """Hash pairs of hashes; the order counts."""
    mixed = first * _A + second * _B
    mixed = (mixed ^ (mixed >> _HIGH)) * _C
    return np.asarray(mixed ^ (mixed >> _HALF))


def mixed(pairs: Sequence[Pairs]) -> Bag:
    """Hash the pairs of several sources, all at once."""
    first, second, row = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return Bag(mix(first, second), row)


def together(bags: Sequence[Bag]) -> Bag:
    """Put the tokens of several bags into one; rows are no longer in order."""
    hashes, row = (np.concatenate(part) for part in zip(*bags, strict=True))
    return Bag(hashes, row)


def words(columns: Sequence[Texts]) -> list[Bag]:
    """The words of each text, in lower case, by column."""
    lines = [line for texts in columns for line in _lines(texts)]
    hashes = hashed(_WORD.findall("\n".join(lines).lower()))
    ends = hashes == _NEWLINE
    inside = ~ends
    hashes, line = hashes[inside], np.cumsum(ends)[inside]
    n_rows = len(columns[0]) if columns else 0
    firsts = np.arange(len(columns) + 1) * n_rows
    limits = np.searchsorted(line, firsts).tolist()
    return [
        Bag(hashes[start:stop], line[start:stop] - first)
        for start, stop, first in zip(limits, limits[1:], firsts.tolist(), strict=False)
    ]


def neighbours(bags: Sequence[Bag]) -> Pairs:
    """Neighbours in the rows of several bags, one after the other in each row."""
    hashes, row = together(bags)
    order = np.argsort(row, kind="stable")
    hashes, row = hashes[order], row[order]
    same = row[1:] == row[:-1]
    return Pairs(hashes[:-1][same], hashes[1:][same], row[1:][same])


def bar(rows: RowNumbers) -> Bag:
    """A mark in each row, between the words of its columns."""
    return Bag(np.full(len(rows), _BAR), rows)


def characters(texts: Texts, shortest: int = 3, longest: int = 5) -> Iterator[Bag]:
    """Runs of characters inside words, with a space at either end of a word, by their length."""
    letters = _letters(" " + "\n ".join(f"{text} " for text in _lines(texts)).lower())
    newline = letters == 10
    row = np.cumsum(newline)
    spaces = np.flatnonzero(newline | (letters == 32))
    start = np.arange(len(letters) - 1)
    room = np.repeat(spaces[1:], np.diff(spaces)) - start  # until the next space
    run = letters[:-1] * _A
    for length in range(2, longest + 1):
        fits = room >= length - 1
        start, room, run = start[fits], room[fits], run[fits]
        run = mix(run, letters[start + (length - 1)])
        if length >= shortest:
            yield Bag(run, row[start])


def _lines(texts: Texts) -> list[str]:
    return [text.replace("\n", " ") for text in texts.tolist()]


def _letters(text: str) -> Hashes:
    code_points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    return code_points.astype(np.uint64)
