"""How busy steps and resources are at a moment, and how long waits have been of late."""

import numpy as np

from problems.orders.ingest.log import Ints, Numbers


class Timeline:
    """Moments of things with a key (codes from 0), sorted, with running sums of whole numbers."""

    def __init__(self, key: Numbers, at: Ints, values: Ints | None = None) -> None:
        self._start = int(at.min()) if len(at) else 0
        self._span = (int(at.max()) - self._start if len(at) else 0) + 2
        placed = key.astype(np.int64) * self._span + (at - self._start)
        if values is None:
            self._placed = np.sort(placed)
            return
        order = np.argsort(placed, kind="stable")
        self._placed = placed[order]
        self._sums = np.concatenate([[0], np.cumsum(values[order])])

    def position(self, key: Numbers, at: Ints) -> Ints:
        """Return how many come until (key, at), that moment included, in the order of keys."""
        at = np.clip(at - self._start, -1, self._span - 2)
        wanted = key.astype(np.int64) * self._span + at
        return np.asarray(np.searchsorted(self._placed, wanted, side="right"))

    def total(self, low: Ints, high: Ints) -> Ints:
        """Return the sum of the values between two positions."""
        return np.asarray(self._sums[high] - self._sums[low])


def running(key: Numbers, starts: Ints, ends: Ints, query: Numbers, at: Ints) -> Ints:
    """Count, for each queried key and moment, the intervals [start, end) that hold the moment."""
    return Timeline(key, starts).position(query, at) - Timeline(key, ends).position(query, at)
