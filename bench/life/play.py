"""The days of a life: rows are asked about, outcomes come; each week has a watch and a cycle."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import true

from bench.life.place import LifePlace
from commands.watch import ALARMS
from experiments.cycle.status import DONE, KEPT, REFUSED, WAITS
from problems import parts
from problems.contract import Problem
from problems.rows import to_json
from retrace.base.arrays import Arrays, from_frame, join
from store.database import Store
from store.facts import WorldEvents
from tests.online.faults import wait_until_loaded
from tests.online.server import RunningServer

AT_ONCE = 64  # rows in one request
WEEK = pd.Timedelta(days=7)
SERVED_SECONDS = 60.0
OK, AWAY = 200, 503
LATE_DAYS = 7.0  # for which the store can go back


@dataclass
class Week:
    """What a week's end brought."""

    at: pd.Timestamp
    status: int  # of `retrace cycle`
    words: str
    promoted: str  # the version that is served from then on; "" where it stays


@dataclass
class Played:
    """What came of it all. `answers` has name, prediction, act, id and version of each row."""

    answers: list[tuple[str, float, bool, str, str]] = field(default_factory=list)
    n_requests: int = 0
    n_again: int = 0  # requests that were asked again, as a 503 says
    n_held: int = 0
    weeks: list[Week] = field(default_factory=list)


@dataclass(frozen=True)
class Batch:
    """Rows that are asked about together, and what was known by then that was not before."""

    rows: list[int]
    known: list[int]


def batches(problem: Problem, rows: Arrays, start: np.datetime64, end: np.datetime64
            ) -> Iterator[Batch]:  # fmt: skip
    """Yield the rows of a time in their order: as many at once as have nobody in common, so that
    each sees the events of its own before it."""
    at, known_at = rows[str(problem.time)], rows[str(problem.known_at)]
    outcomes = np.flatnonzero((known_at >= start) & (known_at < end))
    outcomes = outcomes[np.argsort(known_at[outcomes], kind="stable")].tolist()
    whose = [rows[name].tolist() for name in problem.entities]
    batch: list[int] = []
    seen: set[tuple[int, Any]] = set()

    def due(until: np.datetime64) -> list[int]:
        n = next((i for i, one in enumerate(outcomes) if known_at[one] >= until), len(outcomes))
        found, outcomes[:n] = outcomes[:n], []
        return found

    for place in np.flatnonzero((at >= start) & (at < end)).tolist():
        mine = {(i, names[place]) for i, names in enumerate(whose)}
        if batch and (len(batch) == AT_ONCE or seen & mine):
            yield Batch(batch, due(at[batch[0]]))
            batch, seen = [], set()
        batch.append(place)
        seen |= mine
    if batch:
        yield Batch(batch, due(at[batch[0]]))
    yield Batch([], due(end))


class Life:
    """A server, and what it is asked and told."""

    def __init__(self, place: LifePlace, problem: Problem, rows: pd.DataFrame) -> None:
        self.place, self.problem = place, problem
        self.world = parts.world(problem.world)
        self.rows = from_frame(rows)
        self.names = join([self.rows[key] for key in problem.key], "|").tolist()
        self.server = RunningServer(place.home, [problem.name], place.top / "served")
        self.found = Played()

    def play(self, start: pd.Timestamp, end: pd.Timestamp) -> Played:
        self.server.start()
        try:
            self._before(start)
            day, next_week = start, start + WEEK
            while day < end:
                self._day(day)
                day += pd.Timedelta(days=1)
                if day >= next_week:
                    self._week(day)
                    next_week += WEEK
            wait_until_loaded(self.server)
        finally:
            self.server.stop()
        return self.found

    def _before(self, start: pd.Timestamp) -> None:
        """Tell of rows from before whose outcome is not known yet."""
        at, known_at = self.rows[str(self.problem.time)], self.rows[str(self.problem.known_at)]
        first = start.tz_localize(None).to_datetime64()
        for one in _parts(np.flatnonzero((at < first) & (known_at >= first)).tolist()):
            self._tell(one)

    def _day(self, day: pd.Timestamp) -> None:
        limits = [one.tz_localize(None).to_datetime64() for one in (day, day + pd.Timedelta("1D"))]
        name = self.problem.name
        for batch in batches(self.problem, self.rows, *limits):
            for some in _parts(batch.known):
                self._post(f"/v1/{name}/outcomes", [self._outcome(one) for one in some])
            if not batch.rows:
                continue
            asked = [self._row(one) for one in batch.rows]
            said = self._post(f"/v1/{name}/predict", asked)
            self.found.answers += [
                (self.names[place], one["prediction"], one["decision"].get("act", False),
                 one["id"], one["version"])
                for place, one in zip(batch.rows, said, strict=True)
            ]  # fmt: skip
            self._tell(batch.rows)

    def _tell(self, places: list[int]) -> None:
        self._post(f"/v1/{self.world.name}/events", [self._row(one) for one in places])

    def _post(self, path: str, body: Any) -> Any:
        self.found.n_requests += 1
        while True:
            status, said = self.server.client.ask("POST", path, body)
            if status != AWAY:  # the database was busy for longer than a server waits
                break
            self.found.n_again += 1
        if status != OK:
            raise RuntimeError(f"{path}: {status} {said}")
        if isinstance(said, dict):
            self.found.n_held += said.get("held", 0)
        return said

    def _row(self, place: int) -> dict[str, Any]:
        found = to_json(self.rows, place)
        return {key: value for key, value in found.items() if key not in self.world.outcomes}

    def _outcome(self, place: int) -> dict[str, Any]:
        found = to_json(self.rows, place)
        return {key: found[key] for key in (*self.problem.key, *self.world.outcomes)}

    def _week(self, now: pd.Timestamp) -> None:
        """Look at the week, let the cycle work, and serve what it has put into use."""
        began = time.monotonic()
        wait_until_loaded(self.server)
        events = WorldEvents(Store(self.server.store), [], LATE_DAYS)
        events.let_in(self.world.name, true(), "bench.life", "")  # somebody has looked at them
        self._command({0, ALARMS}, "watch", now)
        status, said = self._command({DONE, KEPT, WAITS, REFUSED}, "cycle", now)
        lines = [line for line in said.splitlines() if line.startswith(self.problem.name)]
        words = lines[-1]  # stages have said theirs before
        self.place.pull()
        (model,) = self.server.get("/v1/models")
        in_use, _, rest = words.partition(" is in prod")
        promoted = in_use.split()[-1] if rest else ""
        until = time.monotonic() + SERVED_SECONDS
        while promoted and model["version"] != promoted:
            if time.monotonic() > until:
                raise RuntimeError(f"{promoted} is not served after {SERVED_SECONDS:g} s")
            time.sleep(0.1)
            (model,) = self.server.get("/v1/models")
        took = time.monotonic() - began
        self.found.weeks.append(Week(now, status, words, promoted))
        print(f"{now:%Y-%m-%d}: {words[:150]} ({took:.0f} s)", flush=True)

    def _command(self, statuses: set[int], name: str, now: pd.Timestamp) -> tuple[int, str]:
        """Run a command as of a moment; return its exit status and what it printed."""
        command = [sys.executable, "-m", "commands", name, self.problem.name]
        done = subprocess.run(
            [*command, "--at", f"{now:%Y-%m-%dT%H:%M}", "--store", self.server.store],
            cwd=self.place.home,
            env={**os.environ, "PATH": _path()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        if done.returncode not in statuses:
            raise RuntimeError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}")
        return done.returncode, done.stdout.strip()


def _path() -> str:
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


def _parts(places: list[int]) -> Iterator[list[int]]:
    yield from (places[at : at + 200] for at in range(0, len(places), 200))
