"""The months of a test through a real server, and its answers beside those of `evaluate`.

The server has the judged model, the state of the moment when the test begins, and the rows that
its interval goes on from. Events and outcomes come in the order in which they became known, but for
those that nobody asks about in between: these are swapped, late and doubled.
"""

import contextlib
import json
import random
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from problems import parts
from problems.contract import Problem
from problems.parts import find_problem
from problems.predict import settings_of
from problems.rows import to_json
from retrace.base import paths
from retrace.base.arrays import from_frame
from retrace.base.files import read_table, write_table
from retrace.fit.bundle import JUDGED, Bundle
from retrace.fit.following import DECISION, FOLLOWED
from retrace.fit.intervals import Interval
from stages.windows import learnt_keys, window_keys
from tests.conftest import ROOT, run
from tests.online.server import RunningServer
from workflow.evaluate import select
from workflow.final import Held
from workflow.following import rows_to_follow

AT_ONCE = 200  # events in one request
DAY = np.timedelta64(1, "D")


@dataclass
class Played:
    """What came of a replay; `different` are answers that the batch has not to the bit."""

    asked: int = 0
    different: list[str] = field(default_factory=list)
    kills: int = 0
    swapped: int = 0
    doubled: int = 0
    late: int = 0
    held: int = 0  # and let in at once, as a person would
    ids: set[str] = field(default_factory=set)


def judged(project: Path, name: str, top: Path) -> None:
    """Write what a server would have had when the test began: bundle, state, rows to follow.

    By a process of its own, which is pinned before it loads NumPy: in this one NumPy may be there
    already, and its last bits are others.
    """
    command = (sys.executable, "-m", "tests.online.replay", str(project), name, str(top))
    run(project, *command, PYTHONPATH=str(ROOT))


def write_judged(project: Path, name: str, top: Path) -> None:
    with contextlib.chdir(project):
        problem = find_problem(name)
        shutil.copytree(paths.bundle(name) / JUDGED, top / paths.bundle(name))
        bundle = Bundle.load(top / paths.bundle(name))
        rows = read_table(paths.clean(problem.world))
        test = select(rows, window_keys(problem, "test"))
        (top / paths.serving(name)).mkdir(parents=True)
        shutil.copy(paths.serving(name) / DECISION, top / paths.serving(name) / DECISION)
        part = parts.features(problem.world)
        if problem.time is None:
            return
        start = test[problem.time].min()
        if part.history is not None:
            past = _as_known(problem, rows[rows[problem.time] < start], start)
            state = part.history.at_end(from_frame(past), settings_of(part, bundle))
            path = top / paths.state(name) / "state.parquet"
            path.parent.mkdir(parents=True)
            write_table(state.to_table(), path)
        promise = bundle.promise
        if isinstance(promise, Interval) and promise.half_life is not None:
            known = select(rows, learnt_keys(problem))
            held = Held.from_frame(read_table(paths.held(name)))
            found = rows_to_follow(problem, bundle, rows, known, test, held, until=test)
            if found is not None:
                table = found.newest(1e9)
                table = table[table["at"] < start]
                later = ~(table["known_at"] < start)
                table["known_at"] = table["known_at"].mask(later)
                table["actual"] = table["actual"].mask(later)
                write_table(table, top / paths.serving(name) / FOLLOWED)


def _as_known(problem: Problem, rows: pd.DataFrame, start: pd.Timestamp) -> pd.DataFrame:
    """Return rows without the outcomes that were not known yet."""
    history = parts.features(problem.world).history
    assert history is not None
    known_at = str(history.known_at or problem.known_at)
    later = ~(rows[known_at] < start)
    return rows.assign(**{known_at: rows[known_at].mask(later)})


@dataclass(frozen=True)
class Item:
    """A request of the replay: rows to ask about, or one event."""

    at: np.datetime64
    kind: str  # ask, or the path of an event
    rows: list[dict[str, Any]]
    entities: frozenset[tuple[str, str]]
    names: tuple[str, ...] = ()


def items(project: Path, name: str, most_asked: int | None = None) -> list[Item]:
    """Return what happened from the beginning of the test on, in the order of time: at one instant
    events come after what is asked, which must not see them."""
    with contextlib.chdir(project):
        problem = find_problem(name)
        world = parts.world(problem.world)
        frame = read_table(paths.clean(problem.world))
        test = window_keys(problem, "test")
    rows = from_frame(frame)
    asked_names = set(_names(problem, from_frame(test)))
    names = _names(problem, rows)
    if problem.time is None:
        places = [place for place, one in enumerate(names) if one in asked_names][:most_asked]
        at = np.datetime64(0, "us")
        return [Item(at, "ask", [_row(world, rows, i)], frozenset(), (names[i],)) for i in places]
    at = rows[problem.time]
    tested = np.array([one in asked_names for one in names])
    start, end = at[tested].min(), at[tested].max()
    history = parts.features(problem.world).history
    known_to_state = str((history.known_at if history else None) or problem.known_at)
    asked = {}
    for place in np.flatnonzero((at >= start) & (at <= end)).tolist():
        group = tuple(str(rows[one][place]) for one in problem.group or problem.key)
        asked.setdefault((at[place], group), []).append(place)
    found = []
    for (moment, _), places in asked.items():
        together = [_row(world, rows, place) for place in places]
        whose = _entities(problem, rows, places)
        told = tuple(names[place] for place in places)
        found.append(Item(moment, "ask", together, whose, told))
        found += [Item(moment, f"/v1/{world.name}/events", [one], whose) for one in together]
    known = np.fmax(rows[known_to_state], rows[str(problem.known_at)])
    known = np.maximum(np.where(np.isnat(known), rows[str(problem.known_at)], known), at)
    first = np.minimum(np.where(np.isnat(rows[known_to_state]), known, rows[known_to_state]), known)
    due = np.flatnonzero((first >= start) & (first <= end) & ~np.isnat(known))
    outcomes = [*problem.key, *(one for one in world.outcomes if one in rows)]
    for place in due.tolist():
        row = to_json({one: rows[one] for one in outcomes}, place)
        whose = _entities(problem, rows, [place])
        when = max(first[place], at[place])
        found.append(Item(when, f"/v1/{name}/outcomes", [row], whose))
    found.sort(key=lambda item: (item.at, item.kind != "ask"))
    if most_asked is not None:
        places = [i for i, item in enumerate(found) if item.kind == "ask"]
        found = found[: places[min(most_asked, len(places) - 1)]]
    return found


def play(
    server: RunningServer,
    project: Path,
    name: str,
    *,
    seed: int = 1,
    most_asked: int | None = None,
    kill_every: int = 500,
) -> Played:
    """Play the test through a server that runs; it is killed about every so many requests."""
    chance, played = random.Random(seed), Played()
    expected = _expected(project, name)
    waiting: list[Item] = []

    def send(method_path: str, body: Any) -> Any:
        if chance.random() < 1 / kill_every:
            played.kills += 1
            if chance.random() < 0.3:
                server.kill_loader()
            server.kill()
            server.start()
        return server.post(method_path, body)

    def tell(kind: str, rows: list[dict[str, Any]]) -> None:
        if send(kind, rows)["held"]:
            played.held += let_in(server)

    def flush(due: list[Item]) -> None:
        chance.shuffle(due)
        played.swapped += len(due)
        for kind in sorted({item.kind for item in due}):
            rows = [row for item in due if item.kind == kind for row in item.rows]
            again = [row for row in rows if chance.random() < 0.05]
            played.doubled += len(again)
            for start in range(0, len(rows), AT_ONCE):
                tell(kind, rows[start : start + AT_ONCE])
            if again:
                tell(kind, again)

    for item in items(project, name, most_asked):
        if item.kind != "ask":
            waiting.append(item)
            continue
        seen = [one for one in waiting if one.at < item.at]
        # What this request looks at, and what its day must know, has to be there by now.
        due = [
            one
            for one in seen
            if one.entities & item.entities
            or one.at.astype("M8[D]") < item.at.astype("M8[D]")
            or chance.random() < 0.1
        ]
        if due:
            played.late += len(seen) - len(due)
            chosen = {id(one) for one in due}
            waiting = [one for one in waiting if id(one) not in chosen]
            flush(due)
        answers = send(f"/v1/{name}/predict", item.rows)
        for told, answer in zip(item.names, answers, strict=True):
            played.ids.add(answer["id"])
            if told in expected:
                played.asked += 1
                wanted = expected[told]
                got = tuple(answer.get(one) for one in ("prediction", "lower", "upper"))
                if got != wanted:
                    played.different.append(f"{told} at {item.at}: {got}, batch {wanted}")
    return played


def _expected(project: Path, name: str) -> dict[str, tuple[float | None, ...]]:
    with contextlib.chdir(project):
        problem = find_problem(name)
        table = read_table(paths.predictions(name))
    names = _names(problem, from_frame(table))
    values = table[["prediction", "lower", "upper"]].astype(object)
    values = values.where(values.notna(), None)
    return dict(zip(names, values.itertuples(index=False, name=None), strict=True))


def _names(problem: Problem, rows: Any) -> list[str]:
    columns = (map(str, rows[one].tolist()) for one in problem.key)
    return ["|".join(row) for row in zip(*columns, strict=True)]


def _row(world: Any, rows: Any, place: int) -> dict[str, Any]:
    found = to_json(rows, place)
    return {name: value for name, value in found.items() if name not in world.outcomes}


def _entities(problem: Problem, rows: Any, places: list[int]) -> frozenset[tuple[str, str]]:
    """Return whose history rows have; of a world whose entities are not columns, all are one."""
    named = [one for one in problem.entities if one in rows]
    if len(named) < len(problem.entities) or any("*" in one for one in problem.entities):
        return frozenset({("all", "all")})
    return frozenset((one, str(rows[one][place])) for one in named for place in places)


def let_in(server: RunningServer) -> int:
    """Let in what is held, from outside of the server, and wait until it has seen that."""
    from sqlalchemy import func, true
    from sqlalchemy import select as sql_select

    from store.database import Store
    from store.facts import WorldEvents
    from store.tables import bases, events, held

    store = Store(server.store)
    with store.reading() as connection:
        worlds = list(connection.execute(sql_select(held.c.world).distinct()).scalars())
    number = sum(WorldEvents(store, [], 7.0).let_in(one, true(), "replay", "") for one in worlds)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with store.reading() as connection:
            newest = connection.execute(sql_select(func.max(events.c.number))).scalar()
            taken = connection.execute(sql_select(func.min(bases.c.taken))).scalar()
        if taken is None or taken == newest:
            break
        time.sleep(0.05)
    return number


def stored_ids(server: RunningServer) -> list[str]:
    """Return the ids of all predictions in the server's database, each as often as it is there."""
    from sqlalchemy import select as sql_select

    from store.database import Store
    from store.tables import predictions

    with Store(server.store).reading() as connection:
        return list(connection.execute(sql_select(predictions.c.id)).scalars())


def report(played: Played) -> Iterator[str]:
    yield json.dumps(
        {
            "asked": played.asked,
            "different": len(played.different),
            "kills": played.kills,
            "swapped": played.swapped,
            "doubled": played.doubled,
            "late": played.late,
            "held": played.held,
        }
    )
    yield from played.different[:10]


if __name__ == "__main__":
    write_judged(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
