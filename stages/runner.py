"""How every stage runs: one name, one lock, clear errors."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from retrace.errors import RetraceError

LOCKS = Path(".dvc/tmp/retrace")


def run_stage(main: Callable[[str], None]) -> None:
    """Run a stage's `main` for the world or problem that the command line names.

    The lock keeps two writers from one output: the stage of a killed `dvc` may still be running.
    """
    stage = Path(sys.argv[0]).stem
    parser = argparse.ArgumentParser(prog=f"python -m stages.{stage}")
    parser.add_argument("name", help="a world or problem of params.yaml")
    name = parser.parse_args().name
    try:
        with _lock(stage, name):
            main(name)
    except RetraceError as error:
        sys.exit(f"{stage}@{name}: {error}")
    except OSError as error:
        if error.filename is None and error.errno is None:
            raise
        sys.exit(f"{stage}@{name}: {error.filename or 'disk'}: {error.strerror}.")


def say(message: str) -> None:
    """Print one line of a stage's outcome."""
    print(message, flush=True)


def _lock(stage: str, name: str) -> FileLock:
    LOCKS.mkdir(parents=True, exist_ok=True)
    lock = FileLock(LOCKS / f"{stage}@{name}.lock")
    try:
        lock.acquire(timeout=1)
    except Timeout:
        say(f"{stage}@{name}: another process is still running this stage; waiting for it to end.")
        lock.acquire()
    return lock
