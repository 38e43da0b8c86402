"""What is known of entities, kept up to date event by event, as serving does it."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self

import numpy as np
import pandas as pd

from retrace.base.arrays import Arrays


@dataclass(frozen=True)
class Event:
    """Something that becomes known of one clean row: that it is there, or what came of it.

    at  : when it is known, datetime64[us] in UTC
    row : the clean row, as arrays of length one; of a prediction without its outcome
    """

    at: np.datetime64
    kind: Literal["prediction", "outcome"]
    row: Arrays


class State(Protocol):
    """What is known of each entity, by entity, so that a table of it can be partitioned."""

    @classmethod
    def empty(cls, settings: Any, /) -> Self:
        """Return the state before any event."""

    @classmethod
    def from_table(cls, table: pd.DataFrame, settings: Any, /) -> Self:
        """Read back what `to_table` returned."""

    def look_up(self, rows: Arrays, /) -> Arrays:
        """Return what is known of each row's entities at its own time of prediction."""

    def update(self, event: Event, /) -> None:
        """Take in one event; events come in the order of `at`."""

    def to_table(self) -> pd.DataFrame:
        """Return the state as a typed, sorted table: entity_type, entity_id, ...; one row for each
        entity and item."""
