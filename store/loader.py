"""The loader: brings the log into the database, in batches, as a process beside the servers.

    python -m store.loader --log served/log --store sqlite:///served/store.db

Where it is in each segment stands in the database, written in the transaction of the batch; and a
prediction has one row however often it comes. A database that is away is asked again.
"""

import argparse
import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import Connection, delete, select

from retrace.base.errors import RetraceError
from store import log
from store.database import AWAY, Store, words_of
from store.log import LoggedPrediction
from store.messages import say
from store.tables import loaded, predictions
from store.watched import mark_days

BATCH = 1 << 20  # bytes of a transaction
PAUSE_SECONDS = 0.2
SLOWEST_PAUSE_SECONDS = 5.0
NICENESS = 5  # of a loader beside a server
LOCK = "loader.lock"


class Loader:
    """Loads a folder of segments; one process at a time does."""

    def __init__(self, store: Store, folder: Path, keep_seconds: float = 3600.0) -> None:
        self.store, self.folder, self.keep_seconds = store, folder, keep_seconds

    def load(self) -> int:
        """Load what is there; return how many lines that was. What has been loaded from a segment
        that nobody writes any more goes after `keep_seconds`.

        Raises an error of the database where that is away.
        """
        with self._alone():
            return sum(self._load_segment(segment) for segment in log.segments(self.folder))

    def _load_segment(self, segment: Path) -> int:
        finished, n_lines = not log.is_written(segment), 0
        with self.store.reading() as connection:
            asked = select(loaded.c.offset).where(loaded.c.segment == segment.name)
            offset = connection.execute(asked).scalar() or 0
        while True:
            found, after = log.read(segment, offset, BATCH)
            if not found:
                break
            _sync(segment)
            self._insert(segment, [line for _, line in found], after)
            n_lines, offset = n_lines + len(found), after
        if finished and segment.stat().st_size > offset:  # half a line, which was never answered
            self._insert(segment, [], segment.stat().st_size)
        if finished and time.time() - segment.stat().st_mtime > self.keep_seconds:
            segment.unlink()
            with self.store.writing() as connection:
                connection.execute(delete(loaded).where(loaded.c.segment == segment.name))
        return n_lines

    def _insert(self, segment: Path, lines: list[bytes], after: int) -> None:
        rows = [row_of(one) for line in lines if (one := log.parse(line)) is not None]
        with self.store.writing() as connection:
            if rows:
                insert_predictions(self.store, connection, rows)
            place = self.store.insert(loaded).values(segment=segment.name, offset=after)
            connection.execute(
                place.on_conflict_do_update(index_elements=["segment"], set_={"offset": after})
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / LOCK).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def insert_predictions(store: Store, connection: Connection, rows: list[dict[str, Any]]) -> None:
    connection.execute(store.insert(predictions).on_conflict_do_nothing(), rows)
    mark_days(store, connection, rows)


def row_of(one: LoggedPrediction) -> dict[str, Any]:
    """Return a prediction as the table has it."""
    answer, scores = one.answer, one.scores
    columns = np.array(one.columns, np.float32)  # None becomes NaN
    value = answer.get("prediction")
    return {
        **{
            name: getattr(one, name)
            for name in ("id", "request", "problem", "version", "fingerprint", "role", "arm")
        },
        **{name: getattr(one, name) for name in ("subject", "name", "as_of", "predicted_at")},
        "latency_us": one.latency_us,
        "row": msgspec.json.encode(one.row).decode(),
        "model_columns": columns.tobytes(),
        "prediction": value if isinstance(value, float) else None,
        "lower": answer.get("lower"),
        "upper": answer.get("upper"),
        **{f"{name}_score": scores.get(name) for name in ("point", "lower", "upper")},
        "answer": msgspec.json.encode(answer).decode(),
    }


def _sync(segment: Path) -> None:
    with segment.open("rb") as file:
        os.fdatasync(file.fileno())


def unloaded_bytes(store: Store, folder: Path) -> int:
    """Return how much of the log is not in the database yet."""
    with store.reading() as connection:
        places = dict(connection.execute(select(loaded.c.segment, loaded.c.offset)).all())
    return sum(one.stat().st_size - places.get(one.name, 0) for one in log.segments(folder))


def run(store: Store, folder: Path, parent: int | None) -> None:
    """Load until the parent process is gone, and then what is left."""
    if parent is not None:
        os.nice(NICENESS)  # answers come first
    loader, pause = Loader(store, folder), PAUSE_SECONDS
    while True:
        orphan = parent is not None and os.getppid() != parent
        try:
            loader.load()
            pause = PAUSE_SECONDS
        except AWAY as error:
            say(
                f"loader: the database is away ({words_of(error)}); the log waits",
                "loader",
                "error",
            )
            pause = min(2 * pause, SLOWEST_PAUSE_SECONDS)
        if orphan:
            return
        time.sleep(pause)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m store.loader")
    parser.add_argument("--log", type=Path, default=log.FOLDER)
    parser.add_argument("--store", help="by default $RETRACE_STORE")
    parser.add_argument("--parent", type=int, help="end when this process does")
    args = parser.parse_args()
    run(Store(args.store), args.log, args.parent)


if __name__ == "__main__":
    try:
        main()
    except RetraceError as error:
        sys.exit(f"loader: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
