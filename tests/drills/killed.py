"""SIGKILL at random moments: the same command, started again, ends as if nothing had happened."""

import itertools
import random
import time
from pathlib import Path

from tests.drills import Outcome, Row, Size
from tests.drills.kill import KINDS, kill
from tests.drills.killed_promotion import promotes
from tests.drills.killed_search import tunes
from tests.drills.repo import Repo, not_yet_run, reproduced, retrace, seconds, spread, worlds

TITLE = "Killed"

SEED = 11
KILLS = {"short": 1, "drill": 30, "full": 30}
CUTS = {"short": 0, "drill": 8, "full": 8}  # tests/code/test_mend.py has the short form


def run(size: Size, folder: Path) -> Outcome:
    """Kill `dvc repro` and `retrace tune` at random moments and let them go on."""
    rows, lost = repros(size, folder)
    for part in (
        cuts,
        tunes,
        promotes,
    ):  # by themselves: their moments are shares of a measured time
        more, found = part(size, folder)
        rows, lost = rows + more, lost + found
    times = sum(row.times for row in rows)
    figure = f"{times} kills: {sum(row.lost for row in rows)} not made good by the same command"
    took = [f"{world} {seconds(reproduced(size, world)):.0f} s" for world in worlds(size)]
    details = f"{EXPLAINED}The whole DAG took, of each world alone: {', '.join(took)}.\n\n"
    details += "".join(f"- {line}\n" for line in lost)
    return Outcome(tuple(rows), figure, details)


EXPLAINED = """
Moments are spread over the whole run at random, the worlds take turns. After each kill the two
commands of `make repro` are started at once, `retrace mend` and `dvc repro`, while the stage of a
killed `dvc` may still be running. They must succeed by themselves, with the dvc.lock of an
undisturbed run, and leave the very files of that run: no `*.partial-*`, nothing more and nothing
less in the cache. The same must hold where a kill left the first part of a dvc.lock, cut at any
byte, or, every second time, at the end of a line, so that it may still be YAML. A killed search
must have every trial that it reported, each once, and end with the trials of an undisturbed one.

"""


# ---- dvc repro ---------------------------------------------------------------------------------


def repros(size: Size, folder: Path) -> tuple[list[Row], list[str]]:
    names, count = worlds(size), KILLS[size]
    chance = random.Random(SEED)
    moments = [(number + chance.random()) / count for number in range(count)]
    chance.shuffle(moments)
    bases = {world: reproduced(size, world) for world in names}

    def part(number: int) -> tuple[str, bool]:
        world, kind = names[number // len(KINDS) % len(names)], KINDS[number % len(KINDS)]
        return killed(bases[world], folder / f"killed{number}", kind, moments[number])

    found = spread(part, range(count), size)
    reasons, mended = [reason for reason, _ in found], sum(torn for _, torn in found)
    rows = []
    for number, kind in enumerate(KINDS[:count]):
        own = reasons[number :: len(KINDS)]
        rows.append(Row(f"dvc repro, SIGKILL to {kind}", len(own), sum(map(bool, own))))
    told = [f"{mended} of {count} kills tore a file of DVC's own, which `retrace mend` put right"]
    return rows, [reason for reason in reasons if reason] + told * bool(mended)


def killed(base: Repo, path: Path, kind: str, share: float) -> tuple[str, bool]:
    """Kill a run after a share of its time and run it again.

    Return what is wrong after that, or '', and whether a file of DVC's own had to be mended.
    """
    for attempt in itertools.count():
        repo = not_yet_run(base, path.with_name(f"{path.name}-{attempt}"))
        process = repo.start("dvc", "repro", log=path.with_name(f"{path.name}-{attempt}.log"))
        moment = share * seconds(base) * 0.9 * 0.7**attempt
        time.sleep(moment)
        if kill(process, kind):
            break  # else it had ended before, on a machine that became faster
    where = f"SIGKILL to {kind} of {base.path.parent.name} after {moment:.1f} s"
    torn = bool(repo.run(*retrace("mend")).strip())
    try:
        repo.run("dvc", "repro")
    except AssertionError as error:
        return f"{where}: the next dvc repro failed: {str(error)[-300:]!r}", torn
    return "; ".join(f"{where}: {reason}" for reason in differences(repo, base)), torn


def cuts(size: Size, folder: Path) -> tuple[list[Row], list[str]]:
    """Cut dvc.lock, as a kill does while DVC writes it, and go on."""
    names, count = worlds(size), CUTS[size]
    chance = random.Random(SEED)
    places = [chance.random() for _ in range(count)]

    def part(number: int) -> str:
        base = reproduced(size, names[number % len(names)])
        return cut(base, folder / f"cut{number}", places[number], at_line_end=number % 2 == 0)

    reasons = [reason for reason in spread(part, range(count), size) if reason]
    return [Row("dvc.lock cut short", count, len(reasons))] * bool(count), reasons


def cut(base: Repo, path: Path, share: float, *, at_line_end: bool) -> str:
    """Leave a share of a lock file, run again; return what is wrong after that, or ''."""
    repo = base.copy(path)
    lock = repo.path / "dvc.lock"
    text = lock.read_text("utf-8")
    end = int(share * len(text))
    if at_line_end:
        end = text.find("\n", end) + 1
    lock.write_text(text[:end], "utf-8")
    repo.run("git", "rm", "--quiet", "--cached", "dvc.lock")  # no commit has one to go back to
    repo.run("git", "commit", "--quiet", "--message", "No lock")
    repo.run(*retrace("mend"))
    repo.run("dvc", "repro")
    where = f"dvc.lock of {base.path.parent.name} cut after {end} bytes"
    return "; ".join(f"{where}: {reason}" for reason in differences(repo, base))


def differences(repo: Repo, base: Repo, *, cache: bool = True) -> list[str]:
    """Return in what a project that has run differs from an undisturbed one."""
    found = []
    if repo.lock() != base.lock():
        one, other = repo.lock(), base.lock()
        found.append(f"dvc.lock differs in {[n for n in other if one.get(n) != other[n]]}")
    files, undisturbed = (
        {name for name in one.files() if cache or not name.startswith(".dvc/cache/")}
        for one in (repo, base)
    )
    if files != undisturbed:
        found.append(f"left over {sorted(files - undisturbed)}")
        found.append(f"missing {sorted(undisturbed - files)}")
    return found
