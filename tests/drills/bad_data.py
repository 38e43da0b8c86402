"""Bad data caught: raw data goes wrong in many ways; ingest or validate must say so, by column."""

import importlib
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from problems import parts
from problems.contract import Simulated
from stages.simulate import write_raw
from tests.drills import Outcome, Row, Size
from tests.drills.harm import Bench, worse
from tests.drills.mutations import FileMutation, Mutation
from tests.drills.reception import PARAMS, Reception, named_in, receive

TITLE = "Bad data caught"
WORLDS = ("price", "service_time", "orders", "fraud")
STRENGTHS = ("weak", "middle", "strong")
TARGETS = {"weak": 0.0, "middle": 0.8, "strong": 0.95}
TARGETS_SHORT = {"weak": 0.0, "middle": 0.4, "strong": 0.6}  # of three or four mutations
SEED = 20_001  # of the data that is damaged
CLEAN_SEEDS = range(40_001, 40_031)  # limits were chosen on other ones
CLEAN = {"short": 1, "drill": 15, "full": 30}  # of them, of each world
EVERY = {"short": 40, "drill": 1, "full": 1}  # mutations; the short version takes a few


@dataclass(frozen=True)
class Attempt:
    """One mutation at one strength. Where it was not caught: how much worse models get by it."""

    world: str
    name: str
    strength: str
    caught: bool
    harm: str = ""


@dataclass(frozen=True)
class Ground:
    """A world's raw data that is to be damaged, its files, and how they are received as they are.

    bench: None in the short version, which does not ask what is lost.
    """

    world: str
    made: Simulated
    folder: Path
    usual: Reception
    bench: Bench | None

    @property
    def clean(self) -> Path:
        return self.folder / "clean"


def run(size: Size, folder: Path) -> Outcome:
    mutations = [
        (world, number)
        for world in WORLDS
        for number in range(0, len(mutations_of(world)), EVERY[size])
    ]
    seeds = list(CLEAN_SEEDS)[: CLEAN[size]]
    clean = [(world, seed) for world in WORLDS for seed in seeds]
    damage, simulation = (partial(look, size=size, folder=folder) for look in (try_one, try_clean))
    if size == "short":
        trials, alarms = list(map(damage, mutations)), list(map(simulation, clean))
    else:
        os.environ["OMP_NUM_THREADS"] = "1"  # each core has a process
        with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
            trials, alarms = list(pool.map(damage, mutations)), list(pool.map(simulation, clean))
    found = [trial for some in trials for trial in some]
    said = dict(zip(clean, alarms, strict=True))
    rows = [row for world in WORLDS for row in rows_of(world, found, said, size)]
    return Outcome(tuple(rows), figure(rows), details(found, said))


def rows_of(
    world: str, trials: list[Attempt], alarms: dict[tuple[str, int], str], size: Size
) -> list[Row]:
    rows = []
    for strength in STRENGTHS:
        some = [one for one in trials if (one.world, one.strength) == (world, strength)]
        share = 1 - (TARGETS_SHORT if size == "short" else TARGETS)[strength]
        allowed = int(share * len(some) + 1e-9)  # 1 - 0.8 is a little less than 0.2
        lost = sum(not one.caught for one in some)
        rows.append(Row(f"{world}: mutations, {strength}", len(some), lost, allowed))
    said = [words for (name, _), words in alarms.items() if name == world]
    return [*rows, Row(f"{world}: clean simulations", len(said), sum(map(bool, said)))]


def figure(rows: list[Row]) -> str:
    shares = []
    for strength in reversed(STRENGTHS):
        some = [row for row in rows if row.tried.endswith(strength)]
        times = sum(row.times for row in some)
        shares.append(f"{sum(row.survived for row in some) / times:.0%} of {times} {strength}")
    alarms = [row for row in rows if row.tried.endswith("simulations")]
    false = f"{sum(r.lost for r in alarms)} false alarms on {sum(r.times for r in alarms)} clean"
    return f"caught {', '.join(shares)} mutations; {false} simulations"


def details(trials: list[Attempt], alarms: dict[tuple[str, int], str]) -> str:
    said = [f"- {world}, seed {seed}: {words}" for (world, seed), words in alarms.items() if words]
    missed = [
        f"| {one.world} | {one.name} | {one.strength} | {one.harm} |"
        for one in trials
        if not one.caught
    ]
    lines = ["False alarms:", "", *said, ""] if said else []
    if missed:
        lines += [
            "Not caught, and by how much a model trained on it is worse on clean test rows:",
            "",
            "| world | mutation | strength | the model is worse by |",
            "|---|---|---|---|",
            *missed,
        ]
    return "\n".join(lines)


# ---- damage ------------------------------------------------------------------------------------


def simulate(world: str, size: Size, seed: int) -> Simulated:
    simulator = parts.simulator(world)
    sizes = importlib.import_module(f"tests.drills.mutations.{world}").SIZES[size]
    settings = simulator.settings(**{**PARAMS[world]["simulate"], **sizes, "seed": seed})
    made: Simulated = simulator.simulate(settings)
    return made


def write(raw: dict[str, pd.DataFrame], folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, frame in raw.items():
        write_raw(frame.copy(deep=False), folder / name)


def mutations_of(world: str) -> tuple[Mutation | FileMutation, ...]:
    found: tuple[Mutation | FileMutation, ...] = importlib.import_module(
        f"tests.drills.mutations.{world}"
    ).MUTATIONS
    return found


@lru_cache(maxsize=1)  # the trials of a world follow each other
def ground(world: str, size: Size, folder: Path) -> Ground:
    made = simulate(world, size, SEED)
    write(made.raw, folder / "clean")
    usual = receive(world, folder / "clean")
    bench = None
    if size != "short" and usual.ingested is not None:
        bench = Bench.of(world, usual.ingested.clean, size, folder / "bench")
    return Ground(world, made, folder, usual, bench)


def try_one(which: tuple[str, int], size: Size, folder: Path) -> list[Attempt]:
    """Try one mutation of a world at each strength."""
    world, number = which
    on = ground(world, size, folder / f"{world}-{os.getpid()}")
    mutation = mutations_of(world)[number]
    trials = []
    for strength, share in zip(STRENGTHS, mutation.strengths, strict=True):
        source = on.folder / f"{number}-{strength}"
        source.mkdir()
        for name in on.made.raw:
            if name != mutation.table:
                (source / name).symlink_to(on.clean / name)
        rng = np.random.default_rng([SEED, number])
        rows = _damage(mutation, on.made, share, rng, on.clean, source)
        verdict = receive(world, source, on.usual.ingested)
        caught = is_caught(mutation, verdict, on.usual, rows)
        asked = not caught and (strength != "weak" or size == "full")
        cost = harm(verdict, on.bench) if asked else ""
        trials.append(Attempt(world, mutation.name, strength, caught, cost))
    return trials


def is_caught(
    mutation: Mutation | FileMutation, verdict: Reception, usual: Reception, rows: int
) -> bool:
    """Whether the damage was seen, and a message names its column.

    A message is also the reason of at least half of the `rows` that were changed, in quarantine.
    """
    if verdict.names(mutation.columns):
        return True
    unusual = verdict.reasons - usual.reasons
    named = sum(n for reason, n in unusual.items() if named_in(reason, mutation.columns))
    return named > 0 and 2 * named >= rows


def harm(verdict: Reception, bench: Bench | None) -> str:
    """Tell how much worse models get that are trained on what was not caught."""
    if bench is None or verdict.ingested is None:
        return ""
    before, after = bench.usual, bench.errors(verdict.ingested.clean)
    return ", ".join(worse(name, before[name], after[name]) for name in before)


def _damage(
    mutation: Mutation | FileMutation,
    made: Simulated,
    share: float,
    rng: np.random.Generator,
    clean: Path,
    source: Path,
) -> int:
    """Write the damaged table; return how many rows it changed, at least 1."""
    table = made.raw[mutation.table]
    if isinstance(mutation, FileMutation):
        data = (clean / mutation.table).read_bytes()
        (source / mutation.table).write_bytes(mutation.damage(data, share))
        return len(table)
    known = table.assign(truth=made.truth[mutation.truth]) if mutation.truth else table
    changed = mutation.change(known, share, rng).drop(columns="truth", errors="ignore")
    write_raw(changed.copy(deep=False), source / mutation.table)
    if len(changed) != len(table) or list(changed) != list(table):
        return max(1, abs(len(changed) - len(table)))
    other = np.zeros(len(table), bool)
    for name in table:
        old, new = table[name].astype(object), changed[name].astype(object)
        if not old.equals(new):
            same = (
                (old == new) | (old.isna() & new.isna()) | (old.astype("str") == new.astype("str"))
            )
            other |= ~same.to_numpy(bool)
    return max(1, int(other.sum()))


def try_clean(which: tuple[str, int], size: Size, folder: Path) -> str:
    """Return what is said to a clean simulation with another seed; "" is right."""
    world, seed = which
    source = folder / f"{world}-clean-{seed}"
    write(simulate(world, size, seed).raw, source)
    verdict = receive(world, source)
    return "" if verdict.silent else verdict.words
