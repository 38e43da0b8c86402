"""Say which tokens of which columns a text model sees, and count them.

A block is one kind of token of some columns; each has its own weighting and vocabulary.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from retrace.base.arrays import Arrays, join, length
from retrace.encode.text import tokens
from retrace.encode.text.tokens import Bag, Hashes, Pairs

Cross = tuple[str, ...]
Kind = Literal["words", "pairs", "characters", "values", "crossed"]
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
    kind: Kind
    weight: float
    texts: tuple[str, ...] = ()
    values: tuple[Cross, ...] = ()

    @property
    def columns(self) -> list[str]:
        return [*self.texts, *(name for group in self.values for name in group)]

    def without(self, names: Collection[str]) -> "Block | None":
        """Return the block without columns of these names; None where none is left."""
        texts = tuple(name for name in self.texts if name not in names)
        values = tuple(group for group in self.values if not {*group} & {*names})
        needs_both = self.kind == "crossed" and not (texts and values)
        return (
            None
            if needs_both or not (texts or values)
            else replace(self, texts=texts, values=values)
        )


class TokenPlan:
    """How the tokens of blocks are found: what they share is done once for all of them.

    A token's *cell* is its block and its row: block · n_rows + row.
    """

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.blocks = tuple(blocks)
        self._of_kind: dict[Kind, list[tuple[int, Block]]] = {
            kind: [(i, block) for i, block in enumerate(blocks) if block.kind == kind]
            for kind in get_args(Kind)
        }
        worded = [block for block in blocks if block.kind != "characters"]
        self._texts = list(dict.fromkeys(name for block in worded for name in block.texts))
        groups = list(dict.fromkeys(group for block in blocks for group in block.values))
        self._groups = {group: place for place, group in enumerate(groups)}
        self._columns = list(dict.fromkeys(name for group in groups for name in group))
        place = {name: i for i, name in enumerate(self._columns)}
        deepest = max(map(len, groups), default=1)
        self._members = [  # the groups with so many columns, and of each its column there
            _columns(((i, place[x[depth]]) for i, x in enumerate(groups) if depth < len(x)), 2)
            for depth in range(deepest)
        ]
        values = (
            (number, self._groups[group], salt)
            for number, block in self._of_kind["values"]
            for salt, group in enumerate(block.values, 1)
        )
        self._values = _columns(values, 3)

    def counts(self, rows: Arrays, bits: int) -> list[sp.csr_matrix]:
        """Return 1 + log(count) of each hash bucket by block, each of shape (n_rows, 2**bits)."""
        n_rows, n_blocks = length(rows), len(self.blocks)
        cell, bucket, weight = self.weights(rows, bits)
        ends = np.cumsum(np.bincount(cell, minlength=n_blocks * n_rows))
        parts = (weight, bucket.astype(np.int32), np.append(0, ends).astype(np.int32))
        whole = sp.csr_matrix(parts, shape=(n_blocks * n_rows, 1 << bits))
        return [whole[n * n_rows : (n + 1) * n_rows] for n in range(n_blocks)]

    def weights(self, rows: Arrays, bits: int) -> tuple[Ints, Ints, NDArray[np.float32]]:
        """Return the cell, the hash bucket and 1 + log(count) of each token that is there, sorted
        by cell and bucket."""
        hashes, cell = self._tokens(rows)
        keys = np.sort(cell << bits | (hashes >> np.uint64(64 - bits)).astype(np.int64))
        new = np.ones(len(keys), bool)
        np.not_equal(keys[1:], keys[:-1], out=new[1:])
        first = np.flatnonzero(new)
        counts = np.diff(first, append=len(keys))
        keys = keys[first]
        return keys >> bits, keys & ((1 << bits) - 1), 1 + np.log(counts.astype(np.float32))

    def _tokens(self, rows: Arrays) -> Bag:
        """Return the tokens of all blocks; their `row` is the cell."""
        n_rows = length(rows)
        every, kinds = np.arange(n_rows), self._of_kind
        words = dict(zip(self._texts, tokens.words([rows[x] for x in self._texts]), strict=True))
        groups = self._crosses(rows, n_rows)

        def at(number: int, bag: Bag) -> Bag:
            return Bag(bag.hashes, bag.row + number * n_rows)

        single = [at(i, words[name]) for i, block in kinds["words"] for name in block.texts]
        for i, block in kinds["characters"]:
            text = join([rows[name] for name in block.texts], " ")
            single += [at(i, bag) for bag in tokens.characters(text)]

        number, group, salt = self._values
        salts = np.repeat(salt, n_rows).astype(np.uint64)
        pairs = [Pairs(groups[group].ravel(), salts, np.add.outer(number * n_rows, every).ravel())]
        for i, block in kinds["crossed"]:
            of_row = [groups[self._groups[name]] for name in block.values]
            for bag in (words[name] for name in block.texts):
                cell = at(i, bag).row
                pairs += [Pairs(bag.hashes, values[bag.row], cell) for values in of_row]
        sequences: list[Bag] = []
        for i, block in kinds["pairs"]:
            bar = at(i, tokens.bar(every))
            columns = [at(i, words[name]) for name in block.texts]
            sequences += [columns[0], *(bag for column in columns[1:] for bag in (bar, column))]
        pairs += [tokens.neighbours(sequences)] if sequences else []
        return tokens.together([*single, tokens.mixed(pairs)])

    def _crosses(self, rows: Arrays, n_rows: int) -> Hashes:
        """Hash each row's values of each group, shape (n_groups, n_rows)."""
        texts = [text for name in self._columns for text in map(str, rows[name].tolist())]
        values = tokens.hashed(texts).reshape(len(self._columns), n_rows)
        (_, column), *deeper = self._members
        found: Hashes = values[column]
        for group, column in deeper:
            found[group] = tokens.mix(found[group], values[column])
        return found


def _columns(rows: Iterable[tuple[int, ...]], width: int) -> Ints:
    """Return rows of so many numbers by column, shape (width, n_rows)."""
    return np.array(list(rows), np.int64).reshape(-1, width).T
