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
from commands.watch import ALARMS
from monitoring.settings import MonitoringParams
from monitoring.summary import DATA, PERFORMANCE, PREDICTIONS, Alarm
from monitoring.watch import watch
from problems.parts import find_problem
from stages.backtest import read_settings
from store.database import Store
from workflow.replay.models import Past

Line = tuple[str, str, str]
OF_MODEL = (DATA, PREDICTIONS, PERFORMANCE)
SEEDS = {"service_time": 1, "fraud": 1, "order_completion": 1, "order_stuck": 1}
CHANGED, KIND = 1, "sudden"  # seeds of a change, and which: all kinds are in the drift study
WEEK, MONDAY = pd.Timedelta(7, "D"), pd.offsets.Week(weekday=0)


@dataclass(frozen=True)
class WatchedWeek:
    """What a pass at the end of a week said.

    foreseen, expected, came : the metric as the model foresaw it before outcomes, at the level of
        the weeks that were known by then, and as it turned out
    """

    end: pd.Timestamp
    new: tuple[Alarm, ...]
    foreseen: float
    expected: float
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
    mature = pd.Timedelta(past.settings.backtest.mature_days, "D")
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
            said = [(one.foreseen_metric, one.expected_metric) for one in this] or [(None, None)]
            foreseen, expected = (np.nan if one is None else one for one in said[0])
            whole = end + mature <= last  # else those that take long are not among them
            came = true_metric(past, model, end - WEEK, end) if whole else np.nan
            week = WatchedWeek(end, found.new, foreseen, expected, came)
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
        (f"`{name}`: the metric before outcomes", *_foreseen(together, "expected")),
        (f"`{name}`: the same as the model alone foresees it", *_foreseen(together, "foreseen")),
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
    rang = (week.end for week in weeks(name, rows) if week.rang and week.end > at)
    first = next(rang, None)
    return float("nan") if first is None else (first - at).days


def _foreseen(calm: list[WatchedWeek], which: str) -> tuple[str, str]:
    table = pd.DataFrame({"foreseen": [getattr(one, which) for one in calm],
                          "came": [one.came for one in calm]}).dropna()  # fmt: skip
    if len(table) < 3:
        return "the model does not say", f"{len(table)} weeks"
    error = (table["foreseen"] / table["came"] - 1).abs().mean()
    usual = (table["came"].mean() / table["came"] - 1).abs().mean()
    with_ = f"the mean of all weeks {usual:.1%}; correlation {table.corr().iloc[0, 1]:.2f}"
    return f"off by {error:.1%} of what came (mean)", f"{with_}; {len(table)} weeks"


# ---- what a pass costs ---------------------------------------------------------------------------

N_A_DAY, N_DAYS = 1_000_000, 3


def scale(url: str, n_a_day: int = N_A_DAY) -> list[Line]:
    """Fill days with as many answers, with outcomes, and time `retrace watch` after each."""
    from bench.many import fill

    store = Store(url)
    store.upgrade()
    found = []
    for day in range(N_DAYS):
        until = fill(store, day, n_a_day)
        store.engine.dispose()
        took, cpu, rss = _timed(url, pd.Timestamp(until, unit="us", tz="UTC"))
        what = f"{store.engine.dialect.name}: `retrace watch price` after day {day + 1}"
        load = f"load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores"
        of = f"{n_a_day:,} answers a day, all with outcomes; {load}"
        found.append((what, f"{took:.1f} s, {cpu:.1f} s of CPU, {rss:,.0f} MB", of))
        print(" | ".join(found[-1]), file=sys.stderr, flush=True)
    return found


def scales(folder: Path) -> list[Line]:
    """Return what a pass costs with SQLite, and with PostgreSQL where that is installed."""
    from tests.online.postgres import postgres, programs

    found = scale(f"sqlite:///{folder}/store.db")
    if programs() is None:
        return [*found, ("postgresql", "not measured", "PostgreSQL is not installed")]
    with postgres() as running:
        return found + scale(running.url)


def _timed(url: str, at: pd.Timestamp) -> tuple[float, float, float]:
    """Return a whole command's seconds by the clock and of CPU, and its largest memory in MB."""
    command = [sys.executable, "-m", "commands", "watch", "price", "--models", "."]
    command += ["--at", at.isoformat()]
    began = time.monotonic()
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, env={**os.environ, "RETRACE_STORE": url}
    )
    assert running.stdout is not None
    said = running.stdout.read().decode()
    _, status, usage = os.wait4(running.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, ALARMS):
        raise RuntimeError(said)
    cpu = usage.ru_utime + usage.ru_stime
    return time.monotonic() - began, cpu, usage.ru_maxrss / 1024


def main() -> None:
    for line in study(sys.argv[1], int(sys.argv[2])):
        print("| " + " | ".join(line) + " |", flush=True)


if __name__ == "__main__":
    main()
