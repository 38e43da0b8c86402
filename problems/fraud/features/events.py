"""Known frauds of entities in time."""

import numpy as np
from numpy.typing import NDArray

from retrace.past.timeline import Ints
from retrace.past.timeline import Timeline as Events

__all__ = ["DAY_MS", "Events", "Floats", "Frauds", "Ints"]

DAY_MS = 86_400_000

Floats = NDArray[np.float64]


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
