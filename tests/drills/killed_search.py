"""A search that is killed again and again: no finished trial is lost, and none is there twice."""

import random
import time
from pathlib import Path

import yaml

from experiments.tune import log
from tests.drills import Row, Size
from tests.drills.kill import kill
from tests.drills.repo import Repo, reproduced, retrace, spread, worlds

SEED = 12
KILLS = {"short": 1, "drill": 10, "full": 20}
TRIALS = {"short": 4, "drill": 24, "full": 40}


def tunes(size: Size, folder: Path) -> tuple[list[Row], list[str]]:
    names = worlds(size)
    kills = [len(range(number, KILLS[size], len(names))) for number in range(len(names))]
    searches = [(world, times) for world, times in zip(names, kills, strict=True) if times]
    found = spread(lambda one: tune(size, *one, folder), searches, size)
    reasons = [reason for some, _ in found for reason in some]
    count, trials = sum(kills), sum(finished for _, finished in found)
    rows = [
        Row(f"retrace tune, SIGKILL; {trials} trials in all", count, min(len(reasons), count)),
    ]
    return rows, reasons


def tune(size: Size, world: str, kills: int, folder: Path) -> tuple[list[str], int]:
    """Kill one search again and again; return what was lost, and how many trials it has."""
    base = reproduced(size, world)
    problem = next(iter(yaml.safe_load((base.path / "params.yaml").read_text())["problems"]))
    words = retrace("tune", problem, "--trials", str(TRIALS[size]))
    undisturbed = base.copy(folder / f"tune-{world}")
    start = time.monotonic()
    undisturbed.run(*words)
    each = (time.monotonic() - start) / TRIALS[size]

    repo = base.copy(folder / f"tune-{world}-killed")
    chance, reasons = random.Random(SEED), []
    path = repo.path / log.folder_of(problem)
    for number in range(kills):
        before = lines(path)
        output = folder / f"tune-{world}-{number}.log"
        process = repo.start(*words, log=output)
        wanted = len(before) + chance.choice((0, 1, 2))
        while process.poll() is None and len(lines(path)) < wanted:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, each if wanted > len(before) else 10 * each))
        kill(process, "the whole process group")
        after = lines(path)
        reported = output.read_text().count("\ntrial ") + output.read_text().startswith("trial ")
        if after[: len(before)] != before or len(after) < len(before) + reported:
            reasons.append(f"{problem}: a trial was lost by kill {number}")
    repo.run(*words)
    found, torn = log.read(path)
    if outcome(repo, problem) != outcome(undisturbed, problem):
        reasons.append(f"{problem}: other trials than those of an undisturbed search")
    if [trial.trial for trial in found] != list(range(TRIALS[size])):
        reasons.append(f"{problem}: trials {[trial.trial for trial in found]}")
    if len(lines(path)) != len(found) + torn:
        reasons.append(f"{problem}: a trial is there twice")
    return reasons, len(found)


def lines(folder: Path) -> list[str]:
    """Return the lines of a search's files, in their order, without headers."""
    files = sorted(folder.glob("*.csv"))
    return [line for file in files for line in file.read_text().splitlines()[1:]]


def outcome(repo: Repo, problem: str) -> list[tuple[object, ...]]:
    """Return the trials of a search, without how long each took."""
    trials, _ = log.read(repo.path / log.folder_of(problem))
    return [(t.trial, t.state, t.score, t.rounds, sorted(t.parameters.items())) for t in trials]
