"""Say which tokens of which columns a text model sees, and count them.

A block is one kind of token of some columns; each has its own weighting and vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import pandas as pd
import scipy.sparse as sp

from retrace.encode.text import tokens
from retrace.encode.text.tokens import Bag, Hashes

Cross = tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """One kind of token. `texts` are text columns; `values` are groups of columns of any type.

    words       words of the texts
    pairs       neighbouring words, over the texts in their order
    characters  3 to 5 characters inside words
    values      one token for each group of columns
    crossed     words of the texts with the row's value of each group

    `weight` multiplies the block's unit rows: a lighter block is penalised more.
    """

    name: str
    kind: Literal["words", "pairs", "characters", "values", "crossed"]
    weight: float
    texts: tuple[str, ...] = ()
    values: tuple[Cross, ...] = ()


def count(rows: pd.DataFrame, blocks: Sequence[Block], bits: int) -> dict[str, sp.csr_matrix]:
    """Return 1 + log(count) of each hash bucket, one matrix (n_rows, 2**bits) for each block."""
    n_rows = len(rows)

    @cache
    def words(column: str) -> Bag:
        return tokens.words(rows[column])

    @cache
    def value(column: str) -> Hashes:
        codes, found = pd.factorize(rows[column])
        return tokens.hashed(map(str, found))[codes]

    @cache
    def cross(group: Cross) -> Hashes:
        mixed = value(group[0])
        for column in group[1:]:
            mixed = tokens.mix(mixed, value(column))
        return mixed

    def bag(block: Block) -> Bag:
        if block.kind == "values":
            return tokens.values([cross(group) for group in block.values])
        if block.kind == "characters":
            text = rows[block.texts[0]]
            for column in block.texts[1:]:
                text = text + " " + rows[column]
            return tokens.characters(text)
        found = [words(column) for column in block.texts]
        if block.kind == "words":
            return tokens.together(found)
        if block.kind == "crossed":
            both = tokens.together(found)
            return tokens.together([tokens.crossed(both, cross(group)) for group in block.values])
        return tokens.pairs(tokens.sequence(found, n_rows))

    return {block.name: _buckets(bag(block), n_rows, bits) for block in blocks}


def _buckets(bag: Bag, n_rows: int, bits: int) -> sp.csr_matrix:
    column = (bag.hashes >> np.uint64(64 - bits)).astype(np.int32)
    ones = np.ones(len(column), dtype=np.float32)
    counts = sp.coo_matrix((ones, (bag.row.astype(np.int32), column)), shape=(n_rows, 1 << bits))
    matrix = sp.csr_matrix(counts)  # adds up what falls into one bucket
    matrix.data = 1 + np.log(matrix.data)
    return matrix
