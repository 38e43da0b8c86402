"""Faults of a server under load: nothing that was answered may be lost, nothing doubled.

A thread asks all the time and notes each id that it was answered, while faults happen beside it:
kill -9 of server and loader, a locked (slow) database, one that is away, a full disk, a torn line.
"""

import contextlib
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from store import log
from store.database import Store
from store.tables import events
from tests.online.postgres import Postgres
from tests.online.replay import stored_ids
from tests.online.server import RunningServer


@dataclass
class Asking:
    """Asks a server without end; `answered` are the ids, `stored` the names of events."""

    server: RunningServer
    path: str
    row: Callable[[int], dict[str, Any]]
    events: str = ""
    answered: list[str] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    refused: dict[int, int] = field(default_factory=dict)
    broken: int = 0

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Asking":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def _run(self) -> None:
        number, client = 0, self.server.another()
        while not self._stop.is_set():
            number += 1
            row = self.row(number)
            try:
                status, answer = client.ask("POST", self.path, row)
                if status == 200:
                    self.answered.append(answer["id"])
                else:
                    self.refused[status] = self.refused.get(status, 0) + 1
                if self.events and number % 3 == 0:
                    status, _ = client.ask("POST", self.events, row)
                    if status == 200:
                        self.told.append(row)
            except OSError:
                self.broken += 1
                time.sleep(0.05)

    def wait_for(self, more: int, seconds: float = 60.0) -> None:
        """Wait until so many more requests were answered."""
        until, enough = time.monotonic() + seconds, len(self.answered) + more
        while len(self.answered) < enough:
            if time.monotonic() > until:
                raise AssertionError(f"no answers any more:\n{self.server.printed()[-2000:]}")
            time.sleep(0.01)


def kill_server(asking: Asking, chance: random.Random) -> None:
    asking.wait_for(chance.randint(1, 40))
    asking.server.kill()
    asking.server.start()


def kill_loader(asking: Asking, chance: random.Random) -> None:
    asking.wait_for(chance.randint(1, 20))
    asking.server.kill_loader()
    asking.wait_for(chance.randint(1, 20))


def lock_database(asking: Asking, chance: random.Random) -> None:
    """Another program has the database for a while: it is slow to write to."""
    path = asking.server.store.removeprefix("sqlite:///")
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    connection.execute("BEGIN IMMEDIATE")
    time.sleep(chance.uniform(0.05, 0.5))
    connection.execute("ROLLBACK")
    connection.close()


def tear_line(asking: Asking, chance: random.Random) -> None:
    """Kill the server and cut the end of its last segment off as a crash in a write would, with the
    half of a line that was never answered."""
    asking.wait_for(chance.randint(1, 10))
    asking.server.kill()
    newest = log.segments(asking.server.log)[-1]
    with newest.open("ab") as file:
        file.write(b'{"@timestamp":"2026-01-01T00:00:00.000000Z","event":{"id":"torn')
    asking.server.start()


def fill_disk(asking: Asking, chance: random.Random) -> None:
    """No room for the log: the server refuses, says why, and goes on when there is room again."""
    folder = asking.server.log
    if os.statvfs(folder).f_blocks * os.statvfs(folder).f_frsize > SMALL_DISK:
        return lock_database(asking, chance)  # a disk of its own takes root to make
    filler, refused = folder / "filler", asking.refused.get(503, 0)
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"\0" * 4096):
            pass
    until = time.monotonic() + 30
    while asking.refused.get(503, 0) == refused and time.monotonic() < until:
        time.sleep(0.01)
    filler.unlink()
    asking.wait_for(3)
    return None


FAULTS = (kill_server, kill_loader, lock_database, tear_line, fill_disk)
SMALL_DISK = 1 << 28  # bytes


def wait_until_loaded(server: RunningServer, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        waiting = server.get("/health")["log"]["not_loaded_bytes"]
        if waiting == 0:
            return
        time.sleep(0.1)
    raise AssertionError(f"{waiting} bytes of the log are not loaded")


def events_of(store: str, world: str) -> list[str]:
    """Return the names of all events of a world that count."""
    asked = select(events.c.name).where(events.c.world == world, events.c.replaced_by == 0)
    with Store(store).reading() as connection:
        return list(connection.execute(asked).scalars())


def lost_and_doubled(answered: list[str], stored: list[str]) -> tuple[int, int]:
    return len(set(answered) - set(stored)), len(stored) - len(set(stored))


def payment(number: int) -> dict[str, Any]:
    """Return a row of its own each time, of few people, of now."""
    return {
        "transaction_id": f"T-{number}-{time.time_ns()}",
        "at": datetime.now(UTC).isoformat(),
        "customer_id": f"C-{number % 7}",
        "terminal_id": f"M-{number % 5}",
        "amount": 1.0 + number % 90,
    }


@dataclass(frozen=True)
class Harm:
    """What faults did: of answers and events how many, lost, and stored twice."""

    faults: int
    answered: int
    told: int
    lost: int
    doubled: int
    refused: dict[int, int]  # questions, by status


def harm(server: RunningServer, n_faults: int, seed: int = 1) -> Harm:
    """Let so many faults happen to a server of card payments while it is asked."""
    chance = random.Random(seed)
    with Asking(server, "/v1/fraud/predict", payment, "/v1/fraud/events") as asking:
        for number in range(n_faults):
            FAULTS[number % len(FAULTS)](asking, chance)
        asking.wait_for(5)
    return harm_of(server, asking, n_faults)


def database_away(server: RunningServer, database: Postgres, seconds: float) -> tuple[Harm, int]:
    """Let the PostgreSQL of a server of card payments be away for so long while it is asked; return
    the harm, and how many answers there were meanwhile."""
    with Asking(server, "/v1/fraud/predict", payment, "/v1/fraud/events") as asking:
        asking.wait_for(20)
        database.stop()
        before = len(asking.answered)
        try:
            time.sleep(seconds)
        finally:
            meanwhile = len(asking.answered) - before
            database.start()
        n_told, until = len(asking.told), time.monotonic() + 60
        while len(asking.told) < n_told + 5 and time.monotonic() < until:
            time.sleep(0.05)
    return harm_of(server, asking, 1), meanwhile


def harm_of(server: RunningServer, asking: Asking, n_faults: int) -> Harm:
    wait_until_loaded(server)
    lost, doubled = lost_and_doubled(asking.answered, stored_ids(server))
    told = [row["transaction_id"] for row in asking.told]
    more_lost, more_doubled = lost_and_doubled(told, events_of(server.store, "fraud"))
    return Harm(
        n_faults,
        len(asking.answered),
        len(told),
        lost + more_lost,
        doubled + more_doubled,
        asking.refused,
    )
