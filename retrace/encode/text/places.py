"""Where a bucket stands among those that are known: a bit for each bucket that there could be.

Of millions of buckets a model knows a few hundred thousand. A table of all of them would be in no
cache and take most of a server's memory. Here is a bit for each, and a count for each 64: the place
of a bucket is the number of known ones before it (Jacobson, "Space-efficient static trees and
graphs", FOCS 1989).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_SIX, _LAST_SIX, _ONE = np.int64(6), np.int64(63), np.uint64(1)


def are_places(known: NDArray[Any], size: int) -> bool:
    """Whether whole numbers are rising, from 0 and below `size`."""
    rising = bool((known[1:] > known[:-1]).all())
    return rising and (not len(known) or bool(known[0] >= 0 and known[-1] < size))


class Places:
    """The places of known numbers: rising whole numbers from 0, below `size`, shape (n_known,)."""

    def __init__(self, known: NDArray[Any], size: int) -> None:
        numbers, self.n_known = known.astype(np.int64), len(known)
        self._words = np.zeros((size >> 6) + 1, np.uint64)
        np.bitwise_or.at(
            self._words, numbers >> _SIX, _ONE << (numbers & _LAST_SIX).view(np.uint64)
        )
        self._ends = np.cumsum(np.bitwise_count(self._words), dtype=np.int64)

    def find(self, numbers: Ints) -> Ints:
        """Return the place of each number, `n_known` of one that is not known."""
        word = numbers >> _SIX
        bits = self._words.take(word) >> (numbers & _LAST_SIX).view(np.uint64)
        place = self._ends.take(word) - np.bitwise_count(bits)  # itself and those after it
        return np.where(bits & _ONE, place, self.n_known)
