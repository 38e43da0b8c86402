"""Repair DVC's own files after a kill has torn them; make repro does it first.

    retrace mend

DVC writes `dvc.lock` and `.dvc/tmp/rwlock` in place. Killed in that moment it leaves half a file,
and refuses to start again. Nothing is lost: `dvc.lock` comes back from the last commit, and the
stages that have run since then from DVC's run cache; the other file only says who is at work.
"""

import argparse
import json
import time
from pathlib import Path

from dvc.exceptions import DvcException
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from dvc.utils import strictyaml

from experiments.git import git
from retrace.base.files import replacing

LOCK = Path("dvc.lock")
AT_WORK = Path(".dvc/tmp/rwlock")
WRITTEN_SECONDS = 1.0  # by then a DVC that is at work has written it whole


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing to choose."""


def run(args: argparse.Namespace) -> int:  # noqa: ARG001
    if torn(LOCK):
        print(f"{LOCK} is torn, as by a kill: {restored()}. dvc repro finds again what has run.")
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
        if "<<<<<<< " not in text:
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
