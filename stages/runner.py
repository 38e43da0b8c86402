"""How every stage runs: one name, one lock, clear errors."""

import argparse
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from retrace.base.errors import RetraceError
from retrace.base.params import changed_since_read

STARTED = time.time()
LOCKS = Path(".dvc/tmp/retrace")


def run_stage(main: Callable[[str], None]) -> None:
    """Run a stage's `main` for the world or problem that the command line names."""
    stage = Path(sys.argv[0]).stem
    parser = argparse.ArgumentParser(prog=f"python -m stages.{stage}")
    parser.add_argument("name", help="a world or problem of params.yaml")
    name = parser.parse_args().name
    if not re.fullmatch(r"\w[\w-]*", name):  # it becomes part of paths
        parser.error(f"{name!r} is no name of a world or problem")
    _run(f"{stage}@{name}", lambda: main(name))


def run_single(main: Callable[[], None]) -> None:
    """Run the `main` of a stage that is one for all problems."""
    stage = Path(sys.argv[0]).stem
    argparse.ArgumentParser(prog=f"python -m stages.{stage}").parse_args()
    _run(stage, main)


def _run(label: str, main: Callable[[], None]) -> None:
    """Run under a lock that keeps two writers from one output, and end with a clear message.

    The stage of a killed `dvc` may still be running.
    """
    try:
        with _lock(label):
            main()
            _refuse_changes()
    except RetraceError as error:
        sys.exit(f"{label}: {error}")
    except OSError as error:
        if error.filename is None and error.errno is None:
            raise
        sys.exit(f"{label}: {error.filename or 'disk'}: {error.strerror}.")


def _refuse_changes() -> None:
    """Raise RetraceError when what the stage has used was changed while it ran.

    DVC hashes code and parameters when the stage has ended: dvc.lock would say that the new ones
    made what the old ones made.
    """
    here, now = Path.cwd(), time.time()
    changed = changed_since_read()
    for module in list(sys.modules.values()):
        file = Path(getattr(module, "__file__", None) or "")
        if file.is_relative_to(here) and file.is_file() and STARTED < file.stat().st_mtime <= now:
            changed.append(str(file.relative_to(here)))
    if changed:
        raise RetraceError(
            f"{', '.join(sorted(changed))} changed while this stage ran, so that its outputs "
            "belong to neither state. Run the same command again."
        )


def say(message: str) -> None:
    """Print one line of a stage's outcome."""
    print(message, flush=True)


def _lock(label: str) -> FileLock:
    LOCKS.mkdir(parents=True, exist_ok=True)
    lock = FileLock(LOCKS / f"{label}.lock")
    try:
        lock.acquire(timeout=1)
    except Timeout:
        say(f"{label}: another process is still running this stage; waiting for it to end.")
        lock.acquire()
    return lock
