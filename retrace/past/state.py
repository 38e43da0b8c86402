"""What is known of entities, kept up to date event by event, as serving does it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self

import numpy as np
import pandas as pd

from retrace.base.arrays import Arrays
from retrace.base.clock import Times
from retrace.base.errors import RetraceError

UTC = "datetime64[us, UTC]"


class NotKept(RetraceError):
    """What was known at a moment is no longer kept: states have the newest moments alone."""


Entity = tuple[str, str]  # its type and its id
Part = Any  # what is known of one entity: numbers, texts, bytes, and lists and dicts of them


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
    """What is known of each entity, by entity, so that it can be partitioned.

    A database keeps the parts of a state. A state that has the parts of the entities `asked` for
    looks up what the whole one does, and one that has those `touched` is updated as that is.
    """

    @classmethod
    def empty(cls, settings: Any, /) -> Self:
        """Return the state before any event."""

    @classmethod
    def from_table(cls, table: pd.DataFrame, settings: Any, /) -> Self:
        """Read back what `to_table` returned."""

    def look_up(self, rows: Arrays, /) -> Arrays:
        """Return what is known of each row's entities at its own time of prediction.

        Raises NotKept for a moment so long ago that this is no longer known."""

    def update(self, event: Event, /) -> None:
        """Take in one event; events come in the order of `at`.

        Raises RetraceError, and changes nothing, for an outcome that nothing waits for."""

    def asked(self, rows: Arrays, /) -> list[Entity]:
        """Return the entities that `look_up` reads."""

    def touched(self, event: Event, /) -> list[Entity]:
        """Return the entities that `update` reads or changes, as far as the parts that are here
        tell; ask again when these are here."""

    def entities(self) -> Iterable[Entity]:
        """Return all entities of which something is known."""

    def part(self, entity: Entity, /) -> Part:
        """Return what is known of an entity; None for nothing."""

    def put(self, entity: Entity, part: Part, /) -> None:
        """Take in what `part` returned."""

    def to_table(self) -> pd.DataFrame:
        """Return the state as a typed, sorted table: entity_type, entity_id, ...; one row for each
        entity and item."""


def in_order(
    predicted: Arrays, predicted_at: Times, outcomes: Arrays, known_at: Times
) -> Iterator[Event]:
    """Return rows as events in the order in which they become known.

    predicted, predicted_at : a row each that is predicted, and when
    outcomes, known_at      : a row each whose outcome becomes known, and when; NaT for never

    What is known at one instant comes as predictions first, else in the order of rows.
    """
    known = np.flatnonzero(~np.isnat(known_at))
    at = np.concatenate([predicted_at, known_at[known]])
    place = np.concatenate([np.arange(len(predicted_at)), known])
    is_outcome = np.arange(len(at)) >= len(predicted_at)
    for i in np.lexsort((is_outcome, at)).tolist():
        rows, row = outcomes if is_outcome[i] else predicted, place[i]
        one = {name: column[row : row + 1] for name, column in rows.items()}
        yield Event(at[i], "outcome" if is_outcome[i] else "prediction", one)


def union(*tables: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """Return the tables as one with the typed `columns`, in their order; what a table has not is 0,
    NaN, NaT or the empty text. Whole numbers never become floats, which would lose bits."""
    empty = {"str": "", "int64": 0, "float64": np.nan, UTC: pd.NaT}
    parts = [
        pd.DataFrame(
            {
                name: table[name] if name in table else pd.Series(empty[kind], table.index, kind)
                for name, kind in columns.items()
            },
            columns=list(columns),
        ).astype(dict(columns))
        for table in tables
    ]
    return pd.concat(parts, ignore_index=True)
