"""A copy of the project to measure in, and commands that are timed there."""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]


def copy_project(folder: Path) -> None:
    """Copy what Git tracks, as a repository of its own without cache."""
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    for name in filter(None, names.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    command(folder, "git", "init", "-q")


def command(folder: Path, *words: str) -> tuple[float, float, str]:
    """Run a command; return seconds, peak memory of the process in GB, and what it printed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            words,
            cwd=folder,
            env={**os.environ, "PATH": path},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        output.seek(0)
        printed = output.read()
    if status:
        sys.exit(f"{' '.join(words)} failed:\n{printed}")
    return seconds, usage.ru_maxrss / 1e6, printed


def cpu_seconds() -> float:
    """Return the seconds of the processor that all commands so far have used: on a machine that
    does something else as well, they say more than the clock."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_stage(folder: Path, name: str, of: str) -> tuple[float, float, str]:
    """Run a stage of a problem or world, as `command` does."""
    return command(folder, sys.executable, "-m", f"stages.{name}", of)


def set_params(folder: Path, key: str, value: object) -> None:
    """Change one number of params.yaml, named with dots."""
    for name in reversed(key.split(".")):
        value = {name: value}
    change_params(folder, value)  # type: ignore[arg-type]


def change_params(folder: Path, changes: Mapping[str, Any]) -> None:
    """Change params.yaml: mappings are merged, all else is replaced."""
    path = folder / "params.yaml"
    params = yaml.safe_load(path.read_text())
    _merge(params, changes)
    path.write_text(yaml.safe_dump(params, sort_keys=False))


def _merge(target: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        if isinstance(value, Mapping) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        else:
            target[key] = value
