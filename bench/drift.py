"""How often the alarm rings falsely, and what it notices: simulations with other seeds.

    python -m bench drift

30 stationary simulations of each world that has time, and for each kind of change five that change
half-way. Limits come from params.yaml; none was chosen on these seeds.
The alarm is asked each month, as the backtest asks it; when it rings, the model is fitted anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from bench.worlds import WORLDS, Rows
from problems.contract import find_problem
from retrace.base.params import read_key
from stages.backtest import read_settings
from stages.lifecycle.models import Past
from stages.lifecycle.replay import Replay, Watched

STATIONARY = 30
CHANGED = 5  # of each kind

Line = tuple[str, str, str]


@dataclass(frozen=True)
class Watch:
    """One question to the alarm: at `now`, of the model in use."""

    now: pd.Timestamp
    watched: Watched


def watches(name: str, rows: Rows) -> Iterator[Watch]:
    """Ask the alarm at the start of every period; the model is fitted anew when it rings."""
    problem = find_problem(name)
    past = Past(problem, rows, read_settings(problem), gate=False)
    replay, starts = Replay(past), past.starts()
    model = past.fit(starts[0])
    for before, now in pairwise(starts[:-1]):
        watched = replay.watch(model, before, now)
        yield Watch(now, watched)
        if watched.alarm.rings:
            model = past.fit(now)


def study(world: str) -> list[Line]:
    """Return what the alarms of a world's problems do: what, measured, with."""
    names = [name for name, entry in read_key("backtests").items() if entry["world"] == world]
    first, kinds = WORLDS[world].first_seed, WORLDS[world].kinds
    found = stationary(world, names, range(first, first + STATIONARY))
    for number, kind in enumerate(kinds):
        start = first + 1000 * (number + 1)
        found += noticed(world, names, kind, range(start, start + CHANGED))
    return sorted(found, key=lambda line: names.index(line[0].split(":")[0]))


def stationary(world: str, names: list[str], seeds: range) -> list[Line]:
    """Count false alarms among the months asked."""
    rings: dict[str, list[bool]] = {name: [] for name in names}
    for seed in seeds:
        rows = WORLDS[world].stationary(seed)
        for name in names:
            rings[name] += [watch.watched.alarm.rings for watch in watches(name, rows)]
    return [
        (
            f"{name}: nothing changes",
            f"{sum(heard)} of {len(heard)} months ring falsely ({np.mean(heard):.1%})",
            f"{len(seeds)} seeds from {seeds.start}",
        )
        for name, heard in rings.items()
    ]


def noticed(world: str, names: list[str], kind: str, seeds: range) -> list[Line]:
    """Measure the delay of the first alarm after a change.

    Seeds where the alarm had rung before are left out: their model would be another one.
    """
    at = pd.Timestamp(WORLDS[world].at, tz="UTC")
    delays: dict[str, list[float]] = {name: [] for name in names}
    for seed in seeds:
        rows = WORLDS[world].changed(kind, seed, at)
        for name in names:
            rings = [watch.now for watch in watches(name, rows) if watch.watched.alarm.rings]
            if not rings or rings[0] > at:
                delays[name].append((rings[0] - at).days if rings else float("nan"))
    found = []
    for name, days in delays.items():
        heard = [value for value in days if value == value]
        said = f"{len(heard)} of {len(days)} noticed"
        if heard:
            said += f", after {np.median(heard):.0f} days (median), {max(heard):.0f} at most"
        found.append((f"{name}: {kind}", said, f"{len(days)} of {len(seeds)} from {seeds.start}"))
    return found
