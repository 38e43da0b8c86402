"""Bad data caught: raw data goes wrong in many ways; ingest or validate must say so, by column."""

import importlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from problems.contract import Simulated, part
from stages.simulate import write_raw
from tests.drills import Outcome, Row, Size
from tests.drills.harm import Bench, worse
from tests.drills.judge import PARAMS, Verdict, judge, named_in
from tests.drills.mutations import FileMutation, Mutation

TITLE = "Bad data caught"
WORLDS = ("price", "service_time", "orders", "fraud")
STRENGTHS = ("weak", "middle", "strong")
TARGETS = {"weak": 0.0, "middle": 0.8, "strong": 0.95}
TARGETS_SHORT = {"weak": 0.0, "middle": 0.4, "strong": 0.8}  # of five mutations
SEED = 20_001  # of the data that is damaged
CLEAN_SEEDS = range(30_001, 30_031)  # limits were chosen on other ones
CLEAN_SHORT = 1
EVERY = {"short": 12, "drill": 1, "full": 1}  # mutations; the short version takes a few


@dataclass(frozen=True)
class Found:
    """What came of one world: rows of the drill, and a line for each miss."""

    rows: list[Row]
    missed: list[str]


@dataclass(frozen=True)
class Case:
    """One mutation at one strength, and how it was received."""

    world: str
    mutation: Mutation | FileMutation
    strength: str
    source: Path
    verdict: Verdict
    rows: int  # that were changed
    unusual: dict[str, int]  # rows in quarantine beyond those of the clean data, by reason

    @property
    def caught(self) -> bool:
        """Whether the damage was seen, and a message names its column."""
        if self.verdict.names(self.mutation.columns):
            return True
        named = sum(
            n for reason, n in self.unusual.items() if named_in(reason, self.mutation.columns)
        )
        return named > 0 and 2 * named >= self.rows


def run(size: Size, folder: Path) -> Outcome:
    if size == "short":
        found = [try_world(world, size, folder) for world in WORLDS]
    else:
        with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
            found = list(pool.map(partial(try_world, size=size, folder=folder), WORLDS))
    rows = [row for world in found for row in world.rows]
    return Outcome(tuple(rows), figure(rows), details([m for world in found for m in world.missed]))


def try_world(world: str, size: Size, folder: Path) -> Found:
    """Damage a world's raw data in all ways, and simulate clean data."""
    rows, missed = [], []
    cases = list(damaged(world, size, folder / world))
    for strength in STRENGTHS:
        some = [case for case in cases if case.strength == strength]
        lost = sum(not case.caught for case in some)
        share = 1 - (TARGETS_SHORT if size == "short" else TARGETS)[strength]
        allowed = int(share * len(some) + 1e-9)  # 1 - 0.8 is a little less than 0.2
        rows.append(Row(f"{world}: mutations, {strength}", len(some), lost, allowed))
    if size != "short":
        usual = judge(world, folder / world / "clean").ingested
        bench = Bench.of(world, usual.clean, size, folder / f"{world}-bench") if usual else None
        for case in cases:
            if not case.caught:
                cost = harm(case, bench)
                missed.append(f"| {world} | {case.mutation.name} | {case.strength} | {cost} |")
    alarms = false_alarms(world, size, folder / f"{world}-clean")
    n_clean = CLEAN_SHORT if size == "short" else len(CLEAN_SEEDS)
    rows.append(Row(f"{world}: clean simulations", n_clean, len(alarms)))
    missed += [f"| {world} | false alarm: {alarm} | | |" for alarm in alarms]
    return Found(rows, missed)


def figure(rows: list[Row]) -> str:
    shares = []
    for strength in reversed(STRENGTHS):
        some = [row for row in rows if row.tried.endswith(strength)]
        times = sum(row.times for row in some)
        shares.append(f"{sum(row.survived for row in some) / times:.0%} of {times} {strength}")
    alarms = [row for row in rows if row.tried.endswith("simulations")]
    false = f"{sum(r.lost for r in alarms)} false alarms on {sum(r.times for r in alarms)} clean"
    return f"caught {', '.join(shares)} mutations; {false} simulations"


def harm(case: Case, bench: Bench | None) -> str:
    """Tell how much worse models get that are trained on what was not caught."""
    if bench is None or case.verdict.ingested is None:
        return ""
    before, after = bench.usual, bench.errors(case.verdict.ingested.clean)
    return ", ".join(worse(name, before[name], after[name]) for name in before)


def details(missed: list[str]) -> str:
    if not missed:
        return ""
    lines = [
        "Not caught, and by how much a model that is trained on it is worse on clean test rows:",
        "",
        "| world | mutation | strength | the model is worse by |",
        "|---|---|---|---|",
        *missed,
    ]
    return "\n".join(lines)


# ---- damage ------------------------------------------------------------------------------------


def simulate(world: str, size: Size, seed: int) -> Simulated:
    simulator = part(world, "simulate")
    sizes = importlib.import_module(f"tests.drills.mutations.{world}").SIZES[size]
    settings = simulator.Settings(**{**PARAMS[world]["simulate"], **sizes, "seed": seed})
    made: Simulated = simulator.simulate(settings)
    return made


def write(raw: dict[str, pd.DataFrame], folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, frame in raw.items():
        write_raw(frame.copy(deep=False), folder / name)


def damaged(world: str, size: Size, folder: Path) -> Iterator[Case]:
    """Yield each mutation at each strength."""
    made = simulate(world, size, SEED)
    raw = made.raw
    write(raw, folder / "clean")
    usual = judge(world, folder / "clean")
    mutations = importlib.import_module(f"tests.drills.mutations.{world}").MUTATIONS
    for number, mutation in enumerate(mutations[:: EVERY[size]]):
        for strength, share in zip(STRENGTHS, mutation.strengths, strict=True):
            source = folder / f"{number}-{strength}"
            source.mkdir()
            for name in raw:
                if name != mutation.table:
                    (source / name).symlink_to(folder / "clean" / name)
            rng = np.random.default_rng([SEED, number])
            rows = _damage(mutation, made, share, rng, folder / "clean", source)
            verdict = judge(world, source)
            unusual = dict(verdict.reasons - usual.reasons)
            yield Case(world, mutation, strength, source, verdict, rows, unusual)


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


def false_alarms(world: str, size: Size, folder: Path) -> list[str]:
    """Return what is said to clean simulations with other seeds."""
    said = []
    for seed in list(CLEAN_SEEDS)[: CLEAN_SHORT if size == "short" else None]:
        write(simulate(world, size, seed).raw, folder / str(seed))
        verdict = judge(world, folder / str(seed))
        if not verdict.silent:
            said.append(f"{seed}: {verdict.words}")
    return said
