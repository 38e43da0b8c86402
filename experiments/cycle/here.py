"""What every step of a cycle has at hand, and how it asks DVC and gives to origin."""

import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from experiments.cycle.lock import CycleLock
from experiments.cycle.record import Recorder
from experiments.cycle.settings import CycleParams
from experiments.git import git
from experiments.promotion.plan import Overtaken
from problems.contract import Problem
from retrace.base.errors import RetraceError
from store.database import Store

SHOWN = 12  # last lines of a command that failed
DVC_SAYS = ("Running stage", "> ", "ERROR: failed to reproduce", "Updating lock", "Verifying")


@dataclass(frozen=True)
class CycleStep:
    """Everything is done in the current folder, the clone.

    now     : the moment, UTC; in simulated time that of the simulation
    is_plan : say what would be done, and give nothing to origin or DVC's remote
    """

    problem: Problem
    params: CycleParams
    store: Store | None
    now: pd.Timestamp
    work: Path
    lock: CycleLock
    recorder: Recorder
    branch: str
    is_plan: bool = False

    def note(self, name: str, words: str) -> None:
        """Say what a step came to, and keep it."""
        print(f"{name}: {words}", file=sys.stderr, flush=True)
        if not self.is_plan:
            self.recorder.step(name, words)

    def push(self) -> None:
        """Bring the branch to origin. Raises Overtaken where somebody else was faster."""
        self.lock.check()
        try:
            git("push", "--quiet", "origin", f"HEAD:refs/heads/{self.branch}")
        except RetraceError as error:
            if "rejected" in str(error):
                raise Overtaken(str(error)) from None
            raise


def run_dvc(*words: str) -> str:
    """Run DVC, its words on standard error; return "", or the last words of what failed."""
    command = [sys.executable, "-m", "dvc", *words]
    print("dvc", *words, file=sys.stderr, flush=True)
    last: deque[str] = deque(maxlen=SHOWN)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        for line in process.stdout or ():
            sys.stderr.write(line)
            if not line.startswith(DVC_SAYS) and "didn't change, skipping" not in line:
                last.append(line.strip())
    sys.stderr.flush()
    return "\n".join(filter(None, last)) or "no word" if process.returncode else ""


def must_dvc(*words: str) -> None:
    """Run DVC; RetraceError with its last words where it failed."""
    if said := run_dvc(*words):
        raise RetraceError(f"dvc {' '.join(words)} failed:\n{said}")
