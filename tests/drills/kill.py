"""SIGKILL, at any moment, to a stage, to dvc or to all of them."""

import os
import signal
import subprocess
import time

import psutil

KINDS = ("the whole process group", "the stage", "dvc")


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
