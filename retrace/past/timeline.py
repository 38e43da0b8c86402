"""Events of entities in time: how many, and what sums, before a moment or within a window.

    paid = Timeline(customer, at, {"cents": cents})
    end = paid.position(customer, at, "left")            # events that come before each moment
    low = paid.position(customer, at - 7 * DAY, "left")
    paid.total("cents", low, end)                        # of the seven days before it

Sums are of whole numbers, so that they are the same in any order.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Numbers = NDArray[np.integer]

MOST = 2**62  # of a key, which is an entity and a moment in one whole number


class Timeline:
    """Events sorted by entity and time, with running sums; events of one instant keep their order.

    entity : codes from 0, shape (n_events,)
    at     : moments in whole units of any length, shape (n_events,); questions use the same unit
    values : whole numbers by name, each of shape (n_events,)

    An event's `position` is its place in the sorted order, from 0.
    """

    def __init__(self, entity: Numbers, at: Ints, values: Mapping[str, Ints] | None = None) -> None:
        self._unseen = int(entity.max(initial=-1)) + 1  # no key is larger than that of its moments
        self._ticks: Ints | None = None
        if len(at) and (int(entity.max()) + 1) * (int(at.max()) - int(at.min()) + 2) > MOST:
            self._ticks = np.unique(at)  # the number of a moment is smaller than the moment
        low, high = (0, -1) if not len(at) else (int(at.min()), int(at.max()))
        self.start = low if self._ticks is None else 0
        self.span = (high - low if self._ticks is None else len(self._ticks)) + 2
        key = self._key(entity, at if self._ticks is None else np.searchsorted(self._ticks, at))
        if not values:
            self.key, self._sums = np.sort(key), {}
            return
        order = np.argsort(key, kind="stable")
        self.key = key[order]
        self._sums = {name: np.r_[0, np.cumsum(value[order])] for name, value in values.items()}

    def position(self, entity: Numbers, at: Ints, side: Literal["left", "right"]) -> Ints:
        """Return how many events come before (entity, at), those of entities before it included.

        With "right", events at the very moment count too. Shape (n_questions,).
        """
        if self._ticks is not None:
            at, side = np.searchsorted(self._ticks, at, side=side), "left"
        at = np.clip(at, self.start - 1, self.start + self.span - 1)
        return np.asarray(np.searchsorted(self.key, self._key(entity, at), side=side))

    def first(self, entity: Numbers) -> Ints:
        """Return the position of each entity's first event."""
        entity = np.minimum(entity.astype(np.int64), self._unseen)
        return np.asarray(np.searchsorted(self.key, entity * self.span))

    def total(self, name: str, low: Ints, high: Ints) -> Ints:
        """Return the sum of a value over the events from position `low` to before `high`."""
        return np.asarray(self._sums[name][high] - self._sums[name][low])

    def moment(self, entity: Numbers, position: Ints) -> Ints:
        """Return the moments of the entity's events at positions that it has."""
        at = self.key[position] - entity.astype(np.int64) * self.span + self.start
        return np.asarray(at if self._ticks is None else self._ticks[at])

    def _key(self, entity: Numbers, at: Ints) -> Ints:
        entity = np.minimum(entity.astype(np.int64), self._unseen)
        return np.asarray(entity * self.span + (at - self.start))


def running(key: Numbers, starts: Ints, ends: Ints, query: Numbers, at: Ints) -> Ints:
    """Count, for each queried key and moment, the intervals [start, end) that hold the moment."""
    started, ended = Timeline(key, starts), Timeline(key, ends)
    return started.position(query, at, "right") - ended.position(query, at, "right")


class Codes:
    """Whole numbers for texts, from 0 by their first place; others get the number after the last.

    names : the texts, so that names[code] is a code's
    of    : the codes of the texts that were numbered, shape (n_texts,)
    """

    def __init__(self, texts: NDArray[np.object_]) -> None:
        codes, names = pd.factorize(texts)
        self.of: Ints = codes.astype(np.int64)
        self.names: list[str] = names.tolist()
        self._index = pd.Index(names, dtype=object)

    def find(self, texts: NDArray[np.object_]) -> Ints:
        """Return the codes of other texts."""
        found = self._index.get_indexer(pd.Index(texts, dtype=object))
        return np.where(found < 0, len(self.names), found).astype(np.int64)
