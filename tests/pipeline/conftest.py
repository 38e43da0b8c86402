"""Real `dvc` and `git` in temporary folders, away from this machine's own settings."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.forked import by_path, quick

TOP = Path(__file__).resolve().parents[2]

# Loaded by every Python below a test that asks for `loopback_only`.
GUARD = """
import os, socket

def guarded(real):
    def connect(self, address):
        host = address[0] if isinstance(address, tuple) else "127.0.0.1"
        if host not in ("127.0.0.1", "::1", "localhost"):
            with open(os.environ["GUARD_LOG"], "a") as log:
                log.write(f"{address}\\n")
            raise OSError(f"no network in this test: {address}")
        return real(self, address)
    return connect

socket.socket.connect = guarded(socket.socket.connect)
socket.socket.connect_ex = guarded(socket.socket.connect_ex)
"""


@dataclass(frozen=True)
class Repo:
    """A folder with a Git and DVC repository, and the environment that its commands run in."""

    path: Path
    env: dict[str, str]

    def run(self, *words: str, fails: bool = False) -> str:
        """Run a command and return what it printed; it must succeed, or with `fails` must not."""
        done = subprocess.run(
            by_path(words),
            cwd=self.path,
            env=quick(self.env),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
            check=False,
        )
        assert (done.returncode != 0) == fails, f"{' '.join(words)}\n{done.stdout}"
        return done.stdout

    def dvc(self, *words: str, fails: bool = False) -> str:
        return self.run("dvc", *words, fails=fails)

    def git(self, *words: str) -> str:
        return self.run("git", *words)

    def retrace(self, *words: str, fails: bool = False) -> str:
        return self.run(sys.executable, "-m", "commands", *words, fails=fails)

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def clone(self, path: Path) -> "Repo":
        """Return a second copy as another person would get it."""
        self.git("clone", "--quiet", str(self.path), str(path))
        return Repo(path, self.env)


@pytest.fixture(scope="session")
def clean_env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return an environment with .venv first, and nobody's Git, DVC or AWS settings."""
    home = tmp_path_factory.mktemp("home")
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "DVC_", "GIT_", "RCLONE_")) and "_proxy" not in name.lower()
    }
    return {
        **own,
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{own['PATH']}",
        "PYTHONPATH": str(TOP),
        "COLUMNS": "100",
        "DVC_NO_ANALYTICS": "1",
        "DVC_GLOBAL_CONFIG_DIR": str(home / "dvc"),
        "DVC_SYSTEM_CONFIG_DIR": str(home / "dvc-system"),
        "DVC_SITE_CACHE_DIR": str(home / "dvc-site"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_NAME": "A Tester" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "tester@example.org" for who in ("AUTHOR", "COMMITTER")},
    }


@pytest.fixture(scope="session")
def repo_at(clean_env: dict[str, str]) -> Callable[[Path], Repo]:
    """Return a function from a repository's folder to its Repo."""
    return lambda path: Repo(path, clean_env)


@pytest.fixture(scope="session")
def new_repo(repo_at: Callable[[Path], Repo]) -> Callable[[Path], Repo]:
    """Return a function that makes an empty repository with the project's own .dvc/config."""

    def make(path: Path) -> Repo:
        path.mkdir(parents=True, exist_ok=True)
        repo = repo_at(path)
        repo.git("init", "--quiet", "--initial-branch", "main")
        repo.dvc("init", "--quiet")
        repo.write(".dvc/config", (TOP / ".dvc/config").read_text("utf-8"))
        return repo

    return make


@pytest.fixture
def loopback_only(clean_env: dict[str, str], tmp_path: Path) -> tuple[dict[str, str], Path]:
    """Return an environment whose Python reaches loopback only, and the log of what it tried."""
    folder = tmp_path / "guard"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    log = folder / "log"
    path = f"{folder}{os.pathsep}{clean_env['PYTHONPATH']}"
    return {**clean_env, "PYTHONPATH": path, "GUARD_LOG": str(log)}, log
