"""Put right the files of DVC's own that a kill has torn; make repro does it first.

    retrace mend

DVC writes `dvc.lock` and `.dvc/tmp/rwlock` in place. Killed in that moment it leaves half a file,
and refuses to start again. Nothing is lost: `dvc.lock` comes back from the last commit, and the
stages that have run since then from DVC's run cache; the other file only says who is at work.
"""

import argparse
import json
import subprocess
import time
from pathlib import Path

from dvc.exceptions import DvcException
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from dvc.utils import strictyaml

from retrace.base.errors import RetraceError

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
        print(f"{AT_WORK} is torn, as by a kill: removed, DVC makes it anew.")
    return 0


def torn(path: Path) -> bool:
    """Return whether the file is there, is not what DVC writes, and stays so."""
    if whole(path):
        return False
    time.sleep(WRITTEN_SECONDS)
    return not whole(path)


def whole(path: Path) -> bool:
    """Return whether DVC can read the file, or need not because there is none."""
    try:
        if path == AT_WORK:
            return isinstance(json.loads(path.read_text("utf-8")), dict)
        strictyaml.load(str(path), COMPILED_LOCKFILE_SCHEMA)
    except FileNotFoundError:
        return True
    except (ValueError, DvcException):
        return False
    return True


def restored() -> str:
    """Put back the lock file of the last commit, or none where that has none."""
    done = subprocess.run(
        ["git", "show", f"HEAD:./{LOCK}"], capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        LOCK.write_text(done.stdout, "utf-8")
        return "put back from the last commit"
    if "does not exist" not in done.stderr and "exists on disk" not in done.stderr:
        raise RetraceError(f"{LOCK} is torn, and Git cannot say what it was:\n{done.stderr}")
    LOCK.unlink()
    return "removed, as the last commit has none"
