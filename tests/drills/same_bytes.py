"""Two clones under other conditions make the same dvc.lock, and so does running a stage again."""

import os
import random
import shutil
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.drills import Outcome, Row, Size
from tests.drills.difference import difference
from tests.drills.repo import Repo, fresh, reproduced, spread, worlds

TITLE = "Same bytes"

# One processor, and folders are listed in another order, as another file system would.
SHUFFLED = """
import os, random

if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

def shuffled(entries):
    entries = sorted(entries, key=lambda entry: getattr(entry, "name", entry))
    random.Random(5).shuffle(entries)
    return entries

class Scan:
    def __init__(self, *where):
        with scandir(*where) as entries:
            self.entries = iter(shuffled(entries))
    def __iter__(self):
        return self.entries
    def __next__(self):
        return next(self.entries)
    def __enter__(self):
        return self
    def __exit__(self, *_):
        pass
    def close(self):
        pass

listdir, scandir = os.listdir, os.scandir
os.listdir = lambda *where: shuffled(listdir(*where))
os.scandir = Scan
"""
# Before the stages can: they hold NumPy and OpenBLAS to AVX2.
NARROW = """
import os, sys
if any(word.startswith("stages.") for word in sys.orig_argv):
    os.environ["NPY_DISABLE_CPU_FEATURES"] = "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"
    os.environ["OPENBLAS_CORETYPE"] = "Nehalem"
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    import numpy, scipy.linalg
"""
NO_AVX512 = "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX512DQ,-AVX512CD"
NO_AVX2 = f"{NO_AVX512},-AVX2,-AVX,-FMA,-FMA4,-BMI2,-XSAVEC"


def run(size: Size, folder: Path) -> Outcome:
    """Make the DAG in clones under other conditions and compare what dvc.lock says."""
    world = worlds(size)[0] if size == "short" else None
    here = reproduced(size, world)
    parts = [lambda: other_conditions(here, fresh(folder / "source", size, world), folder, size)]
    if size != "short":
        parts.append(lambda: narrower(here, folder))
    rows, details = [], ""
    for found, measured in spread(lambda part: part(), parts, size):
        rows += found
        details += measured
    lost = sum(row.lost for row in rows[:2])
    return Outcome(
        tuple(rows),
        f"{rows[0].times:,} entries of dvc.lock under other conditions and "
        f"{sum(row.times for row in rows[1:2])} stages run again: {lost} differ",
        details,
    )


CONDITIONS = """
The other conditions: another folder (with a space and a letter outside ASCII, on another file
system where there is one), TZ, LANG, HOME and PYTHONHASHSEED, umask 077 instead of 022, three
threads on one processor instead of one on each, files created in reverse order, and folders listed
in another order.
"""


def other_conditions(here: Repo, source: Repo, folder: Path, size: Size) -> tuple[list[Row], str]:
    """Run the DAG in a clone under other conditions, and then each stage there again.

    The short version leaves the second out: it would find the same, and takes as long.
    """
    there = elsewhere(source, folder)
    try:
        there.run("dvc", "repro")
        rows = [compared("outputs in a clone under other conditions (below)", here, there)]
        return rows if size == "short" else [*rows, again(there)], CONDITIONS
    finally:
        shutil.rmtree(there.path.parents[1], ignore_errors=True)


def elsewhere(source: Repo, folder: Path) -> Repo:
    """Return a copy of `source` with files created in reverse, under all other conditions."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 4e9
    top = (memory if roomy else folder) / f"another plåce {os.getpid()}"
    path = top / "deeper" / "project"
    listed = source.run("git", "ls-files", "-z").split("\0")
    for name in sorted(filter(None, listed), reverse=True):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source.path / name, path / name)
    hook = folder / "shuffled"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(SHUFFLED)
    more = {
        "PYTHONPATH": str(hook),
        "PYTHONHASHSEED": "4711",
        "OMP_NUM_THREADS": "3",
        "TZ": "Pacific/Chatham",
        "LANG": "tr_TR.UTF-8",
        "LC_ALL": "C",
        "USER": "somebody",
    }
    repo = Repo(path, more, umask=0o077)
    repo.run("git", "init", "--quiet", "-b", "main")
    repo.run("git", "add", "-A")
    repo.run("git", "commit", "--quiet", "-m", "The same files")
    return repo


def entries(lock: dict[str, Any]) -> dict[str, Any]:
    """Return what dvc.lock says, one entry a command, dependency, parameter and output."""
    found: dict[str, Any] = {}
    for stage, entry in lock.items():
        found[f"{stage} cmd"] = entry["cmd"]
        for kind in ("deps", "outs"):
            found |= {f"{stage} {kind} {item['path']}": item for item in entry.get(kind, [])}
        for file, values in entry.get("params", {}).items():
            found |= {f"{stage} params {file} {key}": value for key, value in values.items()}
    return found


def compared(tried: str, first: Repo, second: Repo) -> Row:
    one, other = entries(first.lock()), entries(second.lock())
    names = one.keys() | other.keys()
    return Row(tried, len(names), sum(one.get(name) != other.get(name) for name in names))


def again(repo: Repo) -> Row:
    """Run every stage again by itself, in an order that is not that of the DAG."""
    before = repo.lock()
    names = sorted(before)
    random.Random(3).shuffle(names)
    output = repo.run("dvc", "repro", "--force", "--single-item", *names)
    assert output.count("Running stage") == len(names), output
    after = repo.lock()
    changed = [name for name in names if after[name] != before[name]]
    return Row("stages run again with dvc repro -f -s", len(names), len(changed))


# ---- narrower vector instructions --------------------------------------------------------------


def narrower(here: Repo, folder: Path) -> tuple[list[Row], str]:
    """Run the DAG as on processors without AVX-512, and without AVX2 and FMA."""
    hook = folder / "narrow"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(NARROW)
    kinds = {
        "outputs without AVX-512": {"GLIBC_TUNABLES": NO_AVX512},
        "outputs without AVX2 and FMA": {"GLIBC_TUNABLES": NO_AVX2, "PYTHONPATH": str(hook)},
    }
    rows, text = [], ""
    for number, (tried, more) in enumerate(kinds.items()):
        repo = replace(here.clone(folder / f"narrow{number}"), more=more)
        repo.run("dvc", "repro", "--force")
        outs = _outs(here)
        changed = [name for name, md5 in _outs(repo).items() if outs[name] != md5]
        promised = number == 0
        rows.append(Row(tried, len(outs), len(changed), 0 if promised else len(outs)))
        lines = [
            f"- `{name}`: {difference(here.path / name, repo.path / name)}" for name in changed
        ]
        text += f"\nDifferent {tried}, of {len(outs)}: {len(changed)}\n\n" + "\n".join(lines) + "\n"
    return rows, textwrap.dedent(NARROW_TEXT) + text


NARROW_TEXT = """
Without AVX-512: glibc's mathematics (which LightGBM calls) does without; NumPy and OpenBLAS always
do in a stage. Without AVX2 and FMA: these three do without as well, which the project does not
promise to stand. LightGBM, Arrow and DuckDB choose their instructions when they are compiled.
"""


def _outs(repo: Repo) -> dict[str, str]:
    return {out["path"]: out["md5"] for entry in repo.lock().values() for out in entry["outs"]}
