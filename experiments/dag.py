"""Ask DVC about the DAG, in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

from retrace.base.errors import RetraceError


def dvc(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dvc", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def stale(target: str) -> list[str]:
    """Return the stages up to `target` whose code, data, parameters or outputs have changed."""
    done = dvc("status", "--json", "--with-deps", target)
    if done.returncode != 0:
        raise RetraceError(f"dvc status {target} failed:\n{done.stderr.strip()}")
    return list(json.loads(done.stdout or "{}"))


def not_in_remote(target: str) -> list[str]:
    """Return the outputs up to `target` that the default remote has not; of a folder its name.

    Raises RetraceError when the remote cannot be asked.
    """
    done = dvc("status", "--cloud", "--json", "--with-deps", target)
    if done.returncode != 0:
        raise RetraceError(
            f"the DVC remote cannot be asked what it has:\n{done.stderr.strip()}\n"
            "`make doctor` says what is wrong with it; --no-push promotes on this machine alone."
        )
    states: dict[str, str] = json.loads(done.stdout or "{}")
    lacking = {Path(path) for path, state in states.items() if state in ("new", "missing")}
    return sorted(str(path) for path in lacking if not lacking.intersection(path.parents))
