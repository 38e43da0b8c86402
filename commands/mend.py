"""Repair DVC's own files after a kill has torn them; make repro does it first.

    retrace mend

DVC writes `dvc.lock` and `.dvc/tmp/rwlock` in place. Killed in that moment it leaves half a file,
and refuses to start again. Nothing is lost: `dvc.lock` comes back from the last commit, and the
stages that have run since then from DVC's run cache; the other file only says who is at work.

Half a lock may still be YAML. DVC 3.67 takes it for a whole one, and a folder that the last stage
no longer names for one of DVC 2: it writes the folder's list to `.dvc/cache/XX`, where nothing asks
for it. So a stage that is named in half leaves the lock file; the run cache has it.
"""

import argparse
import json
import re
import time
from pathlib import Path

from dvc.dependency import ParamsDependency
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from dvc.utils import strictyaml
from dvc_data.hashfile.hash import DEFAULT_ALGORITHM

from experiments.git import git
from retrace.base.files import replacing

LOCK = Path("dvc.lock")
AT_WORK = Path(".dvc/tmp/rwlock")
MERGE = "<<<<<<< "
WRITTEN_SECONDS = 1.0  # by then a DVC that is at work has written it whole


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing to choose."""


def run(args: argparse.Namespace) -> int:  # noqa: ARG001
    if torn(LOCK):
        print(f"{LOCK} is torn, as by a kill: {restored()}. dvc repro finds again what has run.")
    elif stage := named_in_half():
        print(f"{LOCK} names {stage} in half, as after a kill: removed; dvc repro finds it again.")
    if torn(AT_WORK):
        AT_WORK.unlink(missing_ok=True)
        print(f"{AT_WORK} is torn, as by a kill: removed; DVC writes a new one.")
    return 0


def torn(path: Path) -> bool:
    """Return whether the file is there, is not what DVC writes, and stays so."""
    if whole(path):
        return False
    time.sleep(WRITTEN_SECONDS)
    return not whole(path)


def whole(path: Path) -> bool:
    """Return whether DVC can read the file, or need not because there is none.

    A lock file with the marks of a merge is whole: nobody was killed, and DVC says what it is.
    """
    try:
        text = path.read_text("utf-8")
        if path == AT_WORK:
            return isinstance(json.loads(text), dict)
        if MERGE not in text:
            strictyaml.load(str(path), COMPILED_LOCKFILE_SCHEMA)
    except FileNotFoundError:
        return True
    except (ValueError, DvcException):
        return False
    return True


def restored() -> str:
    """Put back the lock file of the last commit, or none where that has none."""
    if not git("ls-tree", "--name-only", "HEAD", str(LOCK)):
        LOCK.unlink()
        return "removed, as the last commit has none"
    with replacing(LOCK) as partial:
        partial.write_text(git("show", f"HEAD:./{LOCK}") + "\n", "utf-8")
    return "put back from the last commit"


# ---- half a lock file that is YAML -------------------------------------------------------------

STAGE = re.compile(r"^  (\S+):$", re.MULTILINE)


def named_in_half() -> str | None:
    """Take the last stage out of the lock file where that does not say all of it; return its name.

    DVC writes from the top, so that no other is cut. A stage that dvc.yaml has given one more
    output since looks the same; it would run again in any case.
    """
    text = LOCK.read_text("utf-8") if LOCK.exists() else ""
    stages = list(STAGE.finditer(text)) if MERGE not in text else []
    if not stages or (text.endswith("\n") and whole_stage(stages[-1][1])):
        return None
    time.sleep(WRITTEN_SECONDS)
    if LOCK.read_text("utf-8") != text:
        return None  # it was being written
    if len(stages) == 1:
        LOCK.unlink()
    else:
        with replacing(LOCK) as partial:
            partial.write_text(text[: stages[-1].start()], "utf-8")
    return stages[-1][1]


def whole_stage(name: str) -> bool:
    """Return whether the lock file says all of a stage that dvc.yaml knows: hashes and sizes."""
    try:
        with Repo() as repo:
            stage = repo.stage.load_one("dvc.yaml", name)
    except DvcException:  # no such stage, or dvc.yaml is at fault: dvc repro says so
        return True
    files = [file for file in (*stage.deps, *stage.outs) if file.is_in_repo]
    return all(
        file.hash_name == DEFAULT_ALGORITHM
        and file.hash_info
        and file.meta.size is not None
        and (file.meta.nfiles is not None or not file.hash_info.isdir)
        for file in files
        if not isinstance(file, ParamsDependency)
    )
