"""How often the alarm is false, and what it notices: simulations with other seeds.

    python -m bench drift

30 stationary simulations for each problem that has time, and for each kind of change five that
change half-way. Limits come from params.yaml; none was chosen on these seeds.
The alarm is asked each month, as the backtest asks it; when it is raised, the model is fitted
again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from bench.worlds import WORLDS, DriftWorld, Rows
from problems.parts import find_problem
from stages.backtest import read_settings
from workflow.replay.models import Past
from workflow.replay.replay import Replay, Watched

# none of those on which limits were chosen
FIRST_SEED = {
    "service_time": 20_000,
    "fraud": 5000,
    "order_completion": 30_000,
    "order_stuck": 40_000,  # limits were changed after a study of those from 30,000
}
STATIONARY = 30
CHANGED = 5  # of each kind

Line = tuple[str, str, str]


@dataclass(frozen=True)
class Watch:
    """One question to the alarm: at `now`, of the model in use."""

    now: pd.Timestamp
    watched: Watched


def watches(name: str, rows: Rows) -> Iterator[Watch]:
    """Ask the alarm at the start of every period; the model is fitted again when it is raised."""
    problem = find_problem(name)
    past = Past(problem, rows, read_settings(problem), gate=False)
    replay, starts = Replay(past), past.starts()
    model = past.fit(starts[0])
    for before, now in pairwise(starts[:-1]):
        watched = replay.watch(model, before, now)
        yield Watch(now, watched)
        if watched.alarm.raised:
            model = past.fit(now)


def study(name: str) -> list[Line]:
    """Return what the alarm of a problem does: what, measured, with."""
    world, first = WORLDS[find_problem(name).world], FIRST_SEED[name]
    found = [stationary(name, world, range(first, first + STATIONARY))]
    for number, kind in enumerate(world.kinds):
        start = first + 1000 * (number + 1)
        found.append(noticed(name, world, kind, range(start, start + CHANGED)))
    return found


def stationary(name: str, world: DriftWorld, seeds: range) -> Line:
    """Count false alarms among the months asked."""
    raised = [
        watch.watched.alarm.raised
        for seed in seeds
        for watch in watches(name, world.stationary(seed))
    ]
    return (
        "nothing changes",
        f"{sum(raised)} of {len(raised)} months have a false alarm ({np.mean(raised):.1%})",
        f"{len(seeds)} seeds from {seeds.start}",
    )


def noticed(name: str, world: DriftWorld, kind: str, seeds: range) -> Line:
    """Measure the delay of the first alarm after a change.

    Seeds where the alarm had rung before are left out: their model would be another one.
    """
    at = pd.Timestamp(world.at, tz="UTC")
    days = []
    for seed in seeds:
        rows = world.changed(kind, seed, at)
        raised = [watch.now for watch in watches(name, rows) if watch.watched.alarm.raised]
        if not raised or raised[0] > at:
            days.append((raised[0] - at).days if raised else float("nan"))
    heard = [value for value in days if value == value]
    said = f"{len(heard)} of {len(days)} noticed"
    if heard:
        said += f", after {np.median(heard):.0f} days (median), {max(heard):.0f} at most"
    return kind, said, f"{len(days)} of {len(seeds)} seeds from {seeds.start}"
