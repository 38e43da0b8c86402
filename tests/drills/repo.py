"""Copies of the project to break, and real commands in them, away from this machine's settings."""

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml

from tests.conftest import ROOT, commit, environment, of_world, read_yaml, traced_python
from tests.drills import Size
from tests.drills.place import project
from tests.forked import by_path, quick

LIMIT_SECONDS = 3600.0
OURS = ("AWS_", "DVC_", "RCLONE_", "XDG_")
Item = TypeVar("Item")
Result = TypeVar("Result")
UNCOUNTED = ("/.git/", "/.dvc/tmp/", "/.dvc/cache/runs/", "/__pycache__/")


@dataclass(frozen=True)
class Repo:
    """A copy of the project. `more` is environment of its commands on top of a plain one."""

    path: Path
    more: Mapping[str, str] = field(default_factory=dict)
    umask: int = -1  # of its commands; -1 leaves it

    @property
    def env(self) -> dict[str, str]:
        home = self.path.with_name(f"{self.path.name}.home")
        home.mkdir(exist_ok=True)
        own = {
            name: value
            for name, value in environment().items()
            if not name.startswith(OURS) and "_proxy" not in name.lower()
        }
        folders = {
            "HOME": str(home),
            "DVC_GLOBAL_CONFIG_DIR": str(home / "dvc"),
            "DVC_SYSTEM_CONFIG_DIR": str(home / "dvc-system"),
            "DVC_SITE_CACHE_DIR": str(home / "dvc-site"),
        }
        return {**own, **folders, "DVC_NO_ANALYTICS": "1", "COLUMNS": "100", **self.more}

    def start(self, *words: str, log: Path | None = None) -> subprocess.Popen[str]:
        """Start a command in a process group of its own; what it prints goes to `log`."""
        return self._start(words, self.env, log)

    def _start(
        self, words: tuple[str, ...], env: dict[str, str], log: Path | None = None
    ) -> subprocess.Popen[str]:
        output = log.open("w") if log else subprocess.PIPE
        try:
            return subprocess.Popen(
                words,
                cwd=self.path,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
                umask=self.umask,
            )
        finally:
            if log:
                output.close()  # type: ignore[union-attr]

    def run(self, *words: str, ok: bool | None = True) -> str:
        """Run a command and return what it printed. With `ok` None it may succeed or fail.

        Python starts by fork: what is killed, or races, is for `start`.
        """
        process = self._start(by_path(words), quick(self.env))
        output, _ = process.communicate(timeout=LIMIT_SECONDS)
        assert ok is None or (process.returncode == 0) == ok, f"{' '.join(words)}\n{output}"
        return output

    def lock(self) -> dict[str, Any]:
        """Return the stages of dvc.lock, parsed: their order follows the order of execution."""
        stages: dict[str, Any] = read_yaml(self.path / "dvc.lock")["stages"]
        return stages

    def files(self) -> set[str]:
        """Return all files, those of the cache too, but not Git's and DVC's own notes."""
        found = (path for path in self.path.rglob("*") if path.is_file() or path.is_symlink())
        names = (f"/{path.relative_to(self.path).as_posix()}" for path in found)
        return {name[1:] for name in names if not any(part in name for part in UNCOUNTED)}

    def copy(self, path: Path) -> "Repo":
        """Return a copy of all that is there, outputs and cache too."""
        shutil.copytree(self.path, path, symlinks=True)
        return Repo(path, self.more, self.umask)

    def clone(self, path: Path) -> "Repo":
        """Return a second copy as another person would get it."""
        self.run("git", "clone", "--quiet", str(self.path), str(path))
        return Repo(path, self.more, self.umask)


def worlds(size: Size) -> list[str]:
    """Return the worlds of params.yaml; the first alone where things must be short."""
    found = list(yaml.safe_load((ROOT / "params.yaml").read_text())["worlds"])
    return found[:1] if size == "short" else found


def fresh(path: Path, size: Size, world: str | None = None) -> Repo:
    """Return a committed copy of the project in which nothing has run; of one world, if named."""
    repo = Repo(project(path, size))
    if world is not None:
        params = yaml.safe_load((path / "params.yaml").read_text())
        kept = of_world(params, world)
        (path / "params.yaml").write_text(yaml.safe_dump(kept, sort_keys=False))
    for name in ("metrics", "plots", "reports", "trials"):  # of the default run
        shutil.rmtree(path / name, ignore_errors=True)
    commit(path, "A drill's parameters")
    return repo


@functools.cache
def reproduced(size: Size, world: str | None = None) -> Repo:
    """Return a project whose DAG has run, committed. Copy it; it is shared by all drills."""
    folder = Path(tempfile.mkdtemp(prefix="drills-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    repo = fresh(folder / "project", size, world)
    start = time.monotonic()
    replace(repo, more={"PATH": traced_python(folder, environment()["PATH"])}).run("dvc", "repro")
    (folder / "seconds").write_text(f"{time.monotonic() - start:.1f}")
    commit(repo.path, "The DAG has run")
    return repo


def seconds(repo: Repo) -> float:
    """Return how long the whole DAG of a reproduced project took."""
    return float(repo.path.with_name("seconds").read_text())


def traced(repo: Repo) -> dict[str, dict[str, list[str]]]:
    """Return the files and keys that each stage of a reproduced project used."""
    found = repo.path.with_name("traced").glob("*.json")
    return {path.stem: json.loads(path.read_text()) for path in found}


def not_yet_run(repo: Repo, path: Path) -> Repo:
    """Return a clone of a reproduced project as it was before its DAG ran."""
    clone = repo.clone(path)
    clone.run("git", "reset", "--quiet", "--hard", "HEAD~1")
    return clone


def retrace(*words: str) -> tuple[str, ...]:
    """Return the command line of `retrace` in the copy that it runs in."""
    return (sys.executable, "-m", "commands", *words)


def spread(function: Callable[[Item], Result], items: Iterable[Item], size: Size) -> list[Result]:
    """Return what a function says of each item, as many at once as there are processors.

    They wait for processes, so that threads are enough. In the short version, which runs beside
    other tests, one after another.
    """
    with ThreadPoolExecutor(1 if size == "short" else len(cores())) as pool:
        return list(pool.map(function, items))


def cores() -> list[int]:
    """Return the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))
