"""SIGKILL at random moments: the same command, started again, ends as if nothing had happened."""

import itertools
import os
import random
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import yaml

from experiments.tune import log
from tests.drills import Outcome, Row, Size
from tests.drills.repo import Repo, cores, not_yet_run, reproduced, retrace, seconds, worlds

TITLE = "Killed"

SEED = 11
KINDS = ("the stage", "dvc", "the whole process group")
KILLS = {"short": 3, "drill": 30, "full": 30}
TUNE_KILLS = {"short": 2, "drill": 10, "full": 20}
TRIALS = {"short": 6, "drill": 24, "full": 40}


def run(size: Size, folder: Path) -> Outcome:
    """Kill `dvc repro` and `retrace tune` at random moments and let them go on."""
    rows, lost = repros(size, folder)
    more, tuned = tunes(size, folder)
    rows, lost = rows + more, lost + tuned
    times = sum(row.times for row in rows)
    figure = f"{times} kills: {sum(row.lost for row in rows)} not made good by the same command"
    details = EXPLAINED + "".join(f"- {line}\n" for line in lost)
    return Outcome(tuple(rows), figure, details)


EXPLAINED = """
Moments are spread over the whole run at random, the worlds take turns. After each kill `dvc repro`
is started at once, while the stage of a killed `dvc` may still be running. It must succeed by
itself, with the dvc.lock of an undisturbed run, and leave the very files of that run: no
`*.partial-*`, nothing more and nothing less in the cache. A killed search must have every trial
that it reported, each once, and end with the trials of an undisturbed one.

"""


# ---- dvc repro ---------------------------------------------------------------------------------


def repros(size: Size, folder: Path) -> tuple[list[Row], list[str]]:
    names, count = worlds(size), KILLS[size]
    chance = random.Random(SEED)
    moments = [(number + chance.random()) / count for number in range(count)]
    chance.shuffle(moments)
    bases = {world: reproduced(size, world) for world in names}

    def part(number: int) -> str:
        world, kind = names[number // len(KINDS) % len(names)], KINDS[number % len(KINDS)]
        return killed(bases[world], folder / f"killed{number}", kind, moments[number])

    with ThreadPoolExecutor(len(cores()) if size == "drill" else 1) as pool:
        reasons = list(pool.map(part, range(count)))
    rows = []
    for number, kind in enumerate(KINDS):
        own = reasons[number :: len(KINDS)]
        rows.append(Row(f"dvc repro, SIGKILL to {kind}", len(own), sum(map(bool, own))))
    return rows, [reason for reason in reasons if reason]


def killed(base: Repo, path: Path, kind: str, share: float) -> str:
    """Kill a run after a share of its time; return what is wrong after the next one, or ''."""
    for attempt in itertools.count():
        repo = not_yet_run(base, path.with_name(f"{path.name}-{attempt}"))
        process = repo.start("dvc", "repro", log=path.with_name(f"{path.name}-{attempt}.log"))
        moment = share * seconds(base) * 0.9 * 0.7**attempt
        time.sleep(moment)
        if kill(process, kind):
            break  # else it had ended before, on a machine that became faster
    where = f"SIGKILL to {kind} of {base.path.parent.name} after {moment:.1f} s"
    try:
        repo.run("dvc", "repro")
    except AssertionError as error:
        return f"{where}: the next dvc repro failed: {str(error)[-300:]!r}"
    return "; ".join(f"{where}: {reason}" for reason in differences(repo, base))


def differences(repo: Repo, base: Repo) -> list[str]:
    """Return in what a project that has run differs from an undisturbed one."""
    found = []
    if repo.lock() != base.lock():
        one, other = repo.lock(), base.lock()
        found.append(f"dvc.lock differs in {[n for n in other if one.get(n) != other[n]]}")
    files, undisturbed = repo.files(), base.files()
    if files != undisturbed:
        found.append(f"left over {sorted(files - undisturbed)}")
        found.append(f"missing {sorted(undisturbed - files)}")
    return found


def kill(process: subprocess.Popen[str], kind: str) -> bool:
    """Send SIGKILL; return False where the process had ended by itself."""
    if kind == "the stage":
        stage = stage_of(process)
        if stage is None:
            return False
        stage.kill()
    elif process.poll() is not None:
        return False
    elif kind == "dvc":
        os.kill(process.pid, signal.SIGKILL)
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return process.returncode != 0


def stage_of(process: subprocess.Popen[str]) -> psutil.Process | None:
    """Return the stage that runs, or the next one that starts; None where dvc ends before."""
    while process.poll() is None:
        try:
            for child in psutil.Process(process.pid).children(recursive=True):
                if any(word.startswith("stages.") for word in child.cmdline()):
                    return child
        except psutil.Error:
            pass
        time.sleep(0.01)
    return None


# ---- retrace tune ------------------------------------------------------------------------------


def tunes(size: Size, folder: Path) -> tuple[list[Row], list[str]]:
    names = worlds(size)
    kills = [len(range(number, TUNE_KILLS[size], len(names))) for number in range(len(names))]
    reasons: list[str] = []
    count = trials = 0
    for world, times in zip(names, kills, strict=True):
        if times:
            found, finished = tune(size, world, times, folder)
            reasons += found
            count, trials = count + times, trials + finished
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
    path = repo.path / log.path_of(problem)
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
    if len(lines(path)) != len(found) + torn + 1:
        reasons.append(f"{problem}: a trial is there twice")
    return reasons, len(found)


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def outcome(repo: Repo, problem: str) -> list[tuple[object, ...]]:
    """Return the trials of a search, without how long each took."""
    trials, _ = log.read(repo.path / log.path_of(problem))
    return [(t.trial, t.state, t.score, t.rounds, sorted(t.parameters.items())) for t in trials]
