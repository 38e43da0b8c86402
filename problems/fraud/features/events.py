"""Events of entities in time: how many, and what sums, before a moment or within a window."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

DAY_MS = 86_400_000

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Events:
    """Events of entities, sorted, with running sums of whole numbers."""

    def __init__(self, entity: Ints, at: Ints, values: dict[str, Ints]) -> None:
        self.start = int(at.min()) if len(at) else 0
        self.span = (int(at.max()) - self.start if len(at) else 0) + 2 * 400 * DAY_MS
        key = entity * self.span + (at - self.start)
        order = np.argsort(key, kind="stable")
        self.key = key[order]
        self.sums = {
            name: np.concatenate([[0], np.cumsum(value[order])]) for name, value in values.items()
        }

    def position(self, entity: Ints, at: Ints, side: Literal["left", "right"]) -> Ints:
        """Return how many events come before (entity, at), in the sorted order."""
        at = np.clip(at - self.start, -1, self.span - 1)
        wanted = entity * self.span + at
        return np.asarray(np.searchsorted(self.key, wanted, side=side))

    def total(self, name: str, low: Ints, high: Ints) -> Ints:
        return np.asarray(self.sums[name][high] - self.sums[name][low])


class Frauds:
    """Known frauds of entities: when they became known, and when the latest of them was paid."""

    def __init__(self, entity: Ints, known: Ints, paid: Ints) -> None:
        self.known = Events(entity, known, {})
        order = np.argsort(entity * self.known.span + (known - self.known.start), kind="stable")
        entity, self._known = entity[order], known[order]
        block = int(paid.max(initial=0)) + 1  # entities apart, so that one running maximum serves
        self._latest = np.maximum.accumulate(entity * block + paid[order]) - entity * block

    def known_at(self, place: Ints) -> Ints:
        """Return when the fraud at a place of the order became known (any number for none)."""
        return self._known[np.minimum(place, len(self._known) - 1)] if len(self._known) else place

    def latest(self, place: Ints) -> Ints:
        """Return when the latest fraud until that place was paid."""
        return self._latest[place] if len(self._latest) else place
