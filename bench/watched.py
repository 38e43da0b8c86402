"""What a watch notices on live weeks, and what a pass costs.

    python -m bench watch                     weeks of all problems that have time, into RESULTS.md
    python -m bench watch-scale               a million answers a day, SQLite and PostgreSQL
    python -m bench.watched fraud 2           prints the weeks of one problem: how many seeds

Weeks: simulations with other seeds, those of the drift study, once with nothing that changes and
once with each kind of change half-way. A model is fitted when the backtest begins; then its
answers and outcomes go into a store week by week, and a watch looks after each. When an alarm of
data, predictions or performance is raised, the model is fitted again. A month is false where such
an alarm is new in it and nothing has changed.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import stages  # noqa: F401  (before NumPy: pins its instructions)
from bench.drift import FIRST_SEED
from bench.live import ReplayedModel, outcomes_of, true_metric
from bench.worlds import WORLDS
from monitoring.settings import MonitoringParams
from monitoring.summary import DATA, PERFORMANCE, PREDICTIONS, Alarm
from monitoring.watch import watch
from problems.parts import find_problem
from stages.backtest import read_settings
from store.database import Store
from workflow.replay.models import Past

Line = tuple[str, str, str]
OF_MODEL = (DATA, PREDICTIONS, PERFORMANCE)
SEEDS = {"service_time": 4, "fraud": 2, "order_completion": 3, "order_stuck": 3}
CHANGED, KIND = 1, "sudden"  # seeds of a change, and which: all kinds are in the drift study
WEEK, MONDAY = pd.Timedelta(7, "D"), pd.offsets.Week(weekday=0)


@dataclass(frozen=True)
class WatchedWeek:
    """What a pass at the end of a week said.

    foreseen, came : the metric as the model led to expect it before outcomes, and as it turned out
    """

    end: pd.Timestamp
    new: tuple[Alarm, ...]
    foreseen: float
    came: float

    @property
    def of_model(self) -> list[Alarm]:
        return [one for one in self.new if one.kind in OF_MODEL]

    @property
    def rang(self) -> bool:
        return bool(self.of_model)


def weeks(name: str, rows: pd.DataFrame) -> Iterator[WatchedWeek]:
    """Serve and watch week by week; the model is fitted again when an alarm asks for it."""
    problem, params = find_problem(name), MonitoringParams()
    past = Past(problem, rows, read_settings(problem))
    first, last = (past.starts()[place] for place in (0, -1))
    begin = (first + MONDAY).normalize()  # so that the newest seven days are a week of the calendar
    model = ReplayedModel.of(past, past.fit(first))
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/store.db")
        store.upgrade()
        ends = pd.date_range(begin + WEEK, last, freq=WEEK)
        for end in ends:
            model.answers(store, end - WEEK, end)
            outcomes_of(store, past, end - WEEK, end)
            at = int(end.value // 1000)
            found = watch(store, problem, [model], params, at, kinds=("week",))
            this = [one for one in found.made if one.kind == "week" and one.end == at]
            foreseen = this[0].expected_metric if this else None
            came = true_metric(past, model, end - WEEK, end)
            week = WatchedWeek(end, found.new, np.nan if foreseen is None else foreseen, came)
            yield week
            if week.rang:
                model = ReplayedModel.of(past, past.fit(end))


def study(name: str, n_seeds: int = 0) -> list[Line]:
    """Return what a watch of a problem does: what, measured, with."""
    world, first = WORLDS[find_problem(name).world], FIRST_SEED[name]
    seeds = range(first, first + (n_seeds or SEEDS[name]))
    calm = {seed: [*weeks(name, world.stationary(seed))] for seed in seeds}
    together = [week for one in calm.values() for week in one]
    months = [
        any(week.rang for week in one[place : place + 4])
        for one in calm.values()
        for place in range(0, len(one), 4)
    ]
    causes = Counter(f"{one.kind} {one.subject}" for week in together for one in week.of_model)
    found = [
        (
            f"**`{name}`: false months where nothing changes**",
            f"{np.mean(months):.1%}",
            f"{sum(months)} of {len(months)} times four weeks, {len(seeds)} seeds from "
            f"{seeds.start}" + "".join(f"; {words}: {n}" for words, n in causes.most_common(5)),
        ),
        (f"`{name}`: the metric as expected before outcomes", *_foreseen(together)),
    ]
    at = pd.Timestamp(world.at, tz="UTC")
    start = first + 1000 * (world.kinds.index(KIND) + 1)
    days = [
        _delay(name, world.changed(KIND, seed, at), at) for seed in range(start, start + CHANGED)
    ]
    heard = [one for one in days if np.isfinite(one)]
    said = f"{len(heard)} of {len(days)} noticed"
    said += f", after {np.median(heard):.0f} days (median)" if heard else ""
    return [*found, (f"`{name}`: {KIND} change", said, f"seeds from {start}")]


def _delay(name: str, rows: pd.DataFrame, at: pd.Timestamp) -> float:
    """Return after how many days the first alarm since a change came; NaN where none did."""
    rang = [week.end for week in weeks(name, rows) if week.rang and week.end > at]
    return (rang[0] - at).days if rang else float("nan")


def _foreseen(calm: list[WatchedWeek]) -> tuple[str, str]:
    table = pd.DataFrame({"foreseen": [one.foreseen for one in calm],
                          "came": [one.came for one in calm]}).dropna()  # fmt: skip
    if len(table) < 3:
        return "the model does not say", f"{len(table)} weeks"
    error = (table["foreseen"] / table["came"] - 1).abs().mean()
    usual = (table["came"].mean() / table["came"] - 1).abs().mean()
    with_ = f"the mean of all weeks {usual:.1%}; correlation {table.corr().iloc[0, 1]:.2f}"
    return f"off by {error:.1%} of what came (mean)", f"{with_}; {len(table)} weeks"


# ---- what a pass costs ---------------------------------------------------------------------------

N_A_DAY, N_DAYS = 1_000_000, 3


def scale(url: str, folder: Path, n_a_day: int = N_A_DAY) -> list[Line]:
    """Fill days with as many answers, with outcomes, and time a pass after each, in a process of
    its own."""
    from bench.many import fill

    store = Store(url)
    store.upgrade()
    found = []
    for day in range(N_DAYS):
        until = fill(store, day, n_a_day)
        took, rss = _timed(url, until, folder)
        what = f"{store.engine.dialect.name}: a pass after day {day + 1}"
        of = f"{n_a_day:,} answers a day, all with outcomes; of `price`"
        found.append((what, f"{took:.1f} s, {rss:,.0f} MB", of))
    return found


def _timed(url: str, at: int, folder: Path) -> tuple[float, float]:
    """Return seconds and the largest memory of a pass; to load Python's modules does not count."""
    command = [sys.executable, "-m", "bench.watched", "--pass", str(at), str(folder)]
    done = subprocess.run(
        command,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "RETRACE_STORE": url},
    )
    took, rss = done.stdout.split()[-2:]
    return float(took), float(rss)


def _pass(at: int, folder: str) -> None:
    from experiments.watched import models_in_use

    store = Store()
    models = models_in_use(store, ["price"], folder)
    began = time.monotonic()
    watch(store, find_problem("price"), models["price"], MonitoringParams(), at)
    took = time.monotonic() - began
    print(f"{took:.2f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}")


def main() -> None:
    if sys.argv[1] == "--pass":
        _pass(int(sys.argv[2]), sys.argv[3])
        return
    for line in study(sys.argv[1], int(sys.argv[2])):
        print("| " + " | ".join(line) + " |", flush=True)


if __name__ == "__main__":
    main()
