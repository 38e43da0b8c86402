"""The newest facts of each source, and how many of a problem's newest outcomes were improbable.

They are read and written in the transaction of the facts themselves, one part a source. Values are
as JSON has them, moments in microseconds.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, delete, select, update

from problems.arrivals import PREDICTION
from retrace.base.arrays import Arrays
from store.database import Store
from store.tables import newest

WINDOW = "window"  # the source of a topic under which its window is kept


class Told(NamedTuple):
    """One of the newest facts of a source; `same` is by what a repetition is known."""

    name: str
    same: str
    held: bool
    values: dict[str, Any]


class Flagged(NamedTuple):
    """An improbable outcome: the how-manieth it was, who told it, and its id."""

    place: int
    source: str
    id: str


@dataclass
class Window:
    """The newest outcomes that an answer is known of, and which of them were improbable."""

    count: int = 0
    flagged: list[Flagged] = field(default_factory=list)
    changed_at: int = 0  # since when so many are that it is the world that has changed; 0: not

    def add(self, source: str, id_: str, *, improbable: bool, size: int) -> None:
        self.count += 1
        if improbable:
            self.flagged.append(Flagged(self.count, source, id_))
        self.flagged = [one for one in self.flagged if one.place > self.count - size]

    def n_sources(self) -> int:
        return len({one.source for one in self.flagged})


class Newest:
    """What a transaction remembers of the sources of a topic."""

    def __init__(self, store: Store, connection: Connection, topic: str, most: int) -> None:
        self._store, self._connection, self._topic, self._most = store, connection, topic, most
        self._sources: dict[str, list[Told]] = {}
        self._changed: set[str] = set()
        self.window = Window()
        self._window_before = b""

    def read(self, sources: Collection[str], *, window: bool) -> None:
        """Read what is kept of sources, in one query."""
        names = sorted({*sources, *([WINDOW] if window else [])})
        rows = self._connection.execute(_READ, {"topic": self._topic, "sources": names})
        for source, part in rows:
            if source == WINDOW:
                self.window, self._window_before = window_of(part), part
            else:
                self._sources[source] = told_of(part)

    def of(self, source: str) -> Sequence[Told]:
        return self._sources.get(source, ())

    def add(self, source: str, told: Told) -> None:
        kept = [one for one in self.of(source) if one.name != told.name]
        self._sources[source] = [*kept, told][-self._most :]
        self._changed.add(source)

    def write(self, now: int) -> None:
        encode = msgspec.msgpack.encode
        parts = {source: encode(self._sources[source]) for source in sorted(self._changed)}
        window = encode(self.window)
        if self.window.count and window != self._window_before:
            parts[WINDOW] = window
        if not parts:
            return
        rows = [
            {"topic": self._topic, "source": source, "received_at": now, "part": part}
            for source, part in parts.items()
        ]
        self._connection.execute(_write(self._store), rows)


# Statements are built once: that takes longer than to run them.
_READ = select(newest.c.source, newest.c.part).where(
    newest.c.topic == bindparam("topic"),
    newest.c.source.in_(bindparam("sources", expanding=True)),
)


@lru_cache(maxsize=8)
def _write(store: Store) -> Any:
    added = store.insert(newest)
    return added.on_conflict_do_update(
        index_elements=["topic", "source"],
        set_={"part": added.excluded.part, "received_at": added.excluded.received_at},
    )


def told_of(part: bytes) -> list[Told]:
    return msgspec.msgpack.decode(part, type=list[Told])


def window_of(part: bytes) -> Window:
    return msgspec.msgpack.decode(part, type=Window)


def columns_of(told: Sequence[Told], name: str, same: str, like: Arrays) -> dict[str, Any]:
    """Return facts of other rows than `name` as arrays, their columns in the types of `like`."""
    others = [one for one in told if one.name != name]
    found: dict[str, NDArray[Any]] = {
        "same": np.array([one.same == same for one in others], bool),
        "held": np.array([one.held for one in others], bool),
    }
    for column in {key: None for one in others for key in one.values}:
        values = [one.values.get(column) for one in others]
        if column in like and like[column].dtype.kind == "M":
            missing = np.iinfo(np.int64).min
            moments = [missing if value is None else value for value in values]
            found[column] = np.array(moments, np.int64).view("M8[us]")
        elif any(isinstance(value, str) for value in values):
            found[column] = np.array(["" if one is None else one for one in values], object)
        else:
            found[column] = np.array([np.nan if one is None else one for one in values], float)
    found.setdefault(PREDICTION, np.full(len(others), np.nan))
    return found


def plain(values: NDArray[Any]) -> Any:
    """Return an array's one value as JSON has it, a moment in microseconds; None for a missing."""
    value = values[0]
    if values.dtype.kind == "M":
        return None if np.isnat(value) else int(value.astype("M8[us]").astype(np.int64))
    if values.dtype.kind == "f":
        return None if np.isnan(value) else float(value)
    return value if isinstance(value, str) else value.item()


def forget_told(connection: Connection, source: str, names: Collection[str], who: str) -> None:
    """Take a source out, and what others have told of rows of these names or of somebody."""
    connection.execute(delete(newest).where(newest.c.source == source))
    asked = select(newest.c.topic, newest.c.source, newest.c.part)
    for topic, other, part in connection.execute(asked.where(newest.c.source != WINDOW)).all():
        told = told_of(part)
        kept = [one for one in told if one.name not in names and who not in one.values.values()]
        if len(kept) < len(told):
            here = (newest.c.topic == topic) & (newest.c.source == other)
            changed = update(newest).where(here).values(part=msgspec.msgpack.encode(kept))
            connection.execute(changed)


def changed_since(connection: Connection) -> dict[str, int]:
    """Return the problems whose world has changed, and since when in microseconds."""
    windows = connection.execute(
        select(newest.c.topic, newest.c.part).where(newest.c.source == WINDOW)
    )
    found = {topic: window_of(part).changed_at for topic, part in windows}
    return {topic: at for topic, at in found.items() if at}
