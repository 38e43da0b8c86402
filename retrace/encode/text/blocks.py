"""Say which tokens of which columns a text model sees, and count them.

A block is one kind of token of some columns; each has its own weighting and vocabulary.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from retrace.base.arrays import Arrays, join, length
from retrace.encode.text import tokens
from retrace.encode.text.tokens import Bag, Hashes

Cross = tuple[str, ...]
Ints = NDArray[np.int64]


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


class Plan:
    """How the tokens of blocks are found: what they share is done once for all of them."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.blocks = tuple(blocks)
        self.groups = list(dict.fromkeys(group for block in blocks for group in block.values))
        self.columns = list(dict.fromkeys(name for group in self.groups for name in group))
        place = {name: i for i, name in enumerate(self.columns)}
        self._members = [[place[name] for name in group] for group in self.groups]
        number = {group: i for i, group in enumerate(self.groups)}
        self._groups_of = {
            block.name: [number[group] for group in block.values] for block in blocks
        }

    def bags(self, rows: Arrays) -> Iterator[Bag]:
        """Yield the tokens of each block, in the blocks' order."""
        n_rows = length(rows)
        crosses = self._crosses(rows, n_rows)
        known: dict[str, Bag] = {}
        for block in self.blocks:
            if block.kind == "characters":
                yield tokens.characters(join([rows[name] for name in block.texts], " "))
                continue
            for name in block.texts:
                if name not in known:
                    known[name] = tokens.words(rows[name])
            words = [known[name] for name in block.texts]
            groups = crosses[self._groups_of[block.name]]
            if block.kind == "values":
                yield tokens.values(groups)
            elif block.kind == "crossed":
                both = tokens.together(words)
                yield tokens.together([tokens.crossed(both, group) for group in groups])
            elif block.kind == "words":
                yield tokens.together(words)
            else:
                yield tokens.pairs(tokens.sequence(words, n_rows))

    def _crosses(self, rows: Arrays, n_rows: int) -> Hashes:
        """Hash each row's values of each group, shape (n_groups, n_rows)."""
        texts = [text for name in self.columns for text in map(str, rows[name].tolist())]
        if not texts:
            return np.zeros((len(self.groups), n_rows), np.uint64)
        values = tokens.hashed(texts).reshape(len(self.columns), n_rows)
        mixed = values[[members[0] for members in self._members]]
        for depth in range(1, max(map(len, self._members))):
            longer = [i for i, members in enumerate(self._members) if len(members) > depth]
            further = values[[self._members[i][depth] for i in longer]]
            mixed[longer] = tokens.mix(mixed[longer], further)
        return mixed


def count(bag: Bag, n_rows: int, bits: int) -> sp.csr_matrix:
    """Return 1 + log(count) of each hash bucket, shape (n_rows, 2**bits)."""
    keys, counts = runs(bag.row << bits | buckets(bag, bits))
    ends = np.cumsum(np.bincount(keys >> bits, minlength=n_rows))
    column = (keys & ((1 << bits) - 1)).astype(np.int32)
    indptr = np.append(0, ends)
    if indptr[-1] < 1 << 31:  # as SciPy itself would choose
        indptr = indptr.astype(np.int32)
    return sp.csr_matrix((weight(counts), column, indptr), shape=(n_rows, 1 << bits))


def buckets(bag: Bag, bits: int) -> Ints:
    return (bag.hashes >> np.uint64(64 - bits)).astype(np.int64)


def weight(counts: Ints) -> NDArray[np.float32]:
    return np.asarray(1 + np.log(counts.astype(np.float32)))


def runs(keys: Ints) -> tuple[Ints, Ints]:
    """Return each key once, in order, and how often it is there."""
    keys = np.sort(keys)
    new = np.empty(len(keys), bool)
    new[:1] = True
    np.not_equal(keys[1:], keys[:-1], out=new[1:])
    first = np.flatnonzero(new)
    return keys[first], np.diff(first, append=len(keys))
