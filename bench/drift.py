"""How often the alarm rings falsely, and what it notices: simulations with other seeds.

    python -m bench drift

30 stationary simulations of each world that has time, and for each kind of change simulations that
change half-way. Limits come from params.yaml; none was chosen on these seeds.
The alarm is asked each month, as the backtest asks it; when it rings, the model is fitted anew.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from problems.contract import find_problem, part
from retrace.base.params import read_params
from retrace.splits import unit_hash
from retrace.walk import period_starts
from stages.backtest import read_settings
from stages.lifecycle.replay import Replay, Watched
from stages.simulate import write_raw

KINDS = ("slow", "sudden", "one region", "one feature's unit", "seasonal")
STATIONARY = 30
CHANGED = 5  # of each kind
FIRST_SEED = {"service_time": 20_000, "fraud": 5000}  # none of those on which limits were chosen
SLOW_DAYS, SEASON_DAYS = 180, 61

Rows = pd.DataFrame


@dataclass(frozen=True)
class Watch:
    """One question to the alarm: at `now`, of the model in use."""

    now: pd.Timestamp
    watched: Watched


def watches(name: str, rows: Rows) -> Iterator[Watch]:
    """Ask the alarm at the start of every period; the model is fitted anew when it rings."""
    problem = find_problem(name)
    replay = Replay(problem, rows, read_settings(problem))
    params = replay.settings.backtest
    starts = period_starts(rows[replay.time], params.period)[params.first_periods :]
    model = replay.fit(starts[0])
    for before, now in pairwise(starts[:-1]):
        watched = replay.watch(model, before, now)
        yield Watch(now, watched)
        if watched.alarm.rings:
            model = replay.fit(now)


def clean(world: str, seed: int, **settings: object) -> Rows:
    """Simulate with some settings changed, and ingest."""
    simulator, ingest = part(world, "simulate"), part(world, "ingest")
    chosen = read_params(simulator.Settings, f"{world}.simulate")
    chosen = simulator.Settings(**{**chosen.model_dump(), **settings, "seed": seed})
    with TemporaryDirectory() as folder:
        for file, frame in simulator.simulate(chosen).raw.items():
            write_raw(frame, Path(folder) / file)
        rows: Rows = ingest.ingest(
            Path(folder), read_params(ingest.Settings, f"{world}.ingest")
        ).clean
    return rows


# ---- service_time: changes are put into the clean table ------------------------------------------


def stops(seed: int) -> Rows:
    months = read_params(part("service_time", "simulate").Settings, "service_time.simulate").months
    return clean(
        "service_time", seed, drift_log_per_year=0.0, christmas=0.0, new_region_month=months + 1
    )


def changed_stops(kind: str, seed: int, at: pd.Timestamp) -> Rows:
    """Service takes a sixth longer; in one region a third; or weights come in pounds."""
    rows = stops(seed)
    days = ((rows["planned_at"] - at).dt.total_seconds() / 86_400).to_numpy()
    after = (days >= 0).astype(float)
    logs = {
        "slow": 0.15 * np.clip(days / SLOW_DAYS, 0.0, 1.0),
        "sudden": 0.15 * after,
        "one region": 0.3 * after * (rows["region"] == "oslo_east").to_numpy(),
        "one feature's unit": 0.0 * after,
        "seasonal": 0.15 * after * (days < SEASON_DAYS),
    }
    rows["service_seconds"] *= np.exp(logs[kind])
    if kind == "one feature's unit":
        rows["weight_kg"] *= np.where(after > 0, 2.2046, 1.0)
    return rows


# ---- fraud: the frauds of a later era take the place of those of the second ----------------------


def payments(seed: int, era: int = 1) -> Rows:
    return clean("fraud", seed, change_months=100.0, first_era=era)


def changed_payments(kind: str, seed: int, at: pd.Timestamp) -> Rows:
    """Fraudsters go over to the last era's ways; in one region only; or amounts are in kroner."""
    before = payments(seed)
    if kind == "one feature's unit":
        before["amount"] = (before["amount"] * np.where(before["at"] >= at, 11.5, 1.0)).round(2)
        return before
    return pd.concat(
        [_kept(before, kind, at, late=False), _kept(payments(seed, 3), kind, at, late=True)]
    ).sort_values(["at", "transaction_id"], ignore_index=True)


def _kept(rows: Rows, kind: str, at: pd.Timestamp, *, late: bool) -> Rows:
    """Keep rows of the customers and times that have (`late`) or have not gone over; the ordinary
    payments of both simulations are the same ones."""
    days = ((rows["at"] - at).dt.total_seconds() / 86_400).to_numpy()
    luck = unit_hash(rows, ["customer_id"], 1)
    after = days >= 0
    gone = {
        "slow": luck < np.clip(days / SLOW_DAYS, 0.0, 1.0),
        "sudden": after,
        "one region": after & (luck < 0.25),
        "seasonal": after & (days < SEASON_DAYS),
    }[kind]
    rows = rows[gone if late else ~gone]
    return rows.assign(transaction_id=rows["transaction_id"] + ("L" if late else "E"))


WORLDS: dict[str, tuple[Callable[[int], Rows], Callable[[str, int, pd.Timestamp], Rows], str]] = {
    "service_time": (stops, changed_stops, "2025-05-15"),
    "fraud": (payments, changed_payments, "2025-06-15"),
}


def study(name: str) -> list[tuple[str, str, str]]:
    """Return what the alarm of one problem does: what, measured, with."""
    first = FIRST_SEED[name]
    seeds = range(first, first + STATIONARY)
    false, months = stationary(name, seeds)
    with_ = f"{len(seeds)} seeds from {seeds.start}"
    found = [(f"{name}: nothing changes", f"{false} of {months} months ring falsely", with_)]
    for number, kind in enumerate(KINDS):
        start = first + 1000 * (number + 1)
        seeds = range(start, start + CHANGED)
        delays = noticed(name, kind, seeds)
        heard = [days for days in delays if days == days]
        said = f"{len(heard)} of {len(delays)} noticed"
        if heard:
            said += f", after {np.median(heard):.0f} days (median), {max(heard):.0f} at most"
        found.append((f"{name}: {kind}", said, f"{len(seeds)} seeds from {start}"))
    return found


def stationary(name: str, seeds: range) -> tuple[int, int]:
    """Return false alarms and months asked."""
    rings = [
        watch.watched.alarm.rings
        for seed in seeds
        for watch in watches(name, WORLDS[name][0](seed))
    ]
    return sum(rings), len(rings)


def noticed(name: str, kind: str, seeds: range) -> list[float]:
    """Return the delay in days of the first alarm after the change, by seed; NaN where none came.

    Seeds where the alarm had rung before are left out: their model would be another one.
    """
    at = pd.Timestamp(WORLDS[name][2], tz="UTC")
    delays = []
    for seed in seeds:
        rings = [
            watch.now
            for watch in watches(name, WORLDS[name][1](kind, seed, at))
            if watch.watched.alarm.rings
        ]
        if not rings or rings[0] > at:
            delays.append((rings[0] - at).days if rings else float("nan"))
    return delays
