"""Ask Git, and read what a commit has without checking it out."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

from retrace.base.errors import RetraceError


def git(*words: str, folder: Path | None = None, stdin: str | None = None) -> str:
    """Run git and return what it printed; an error has git's own words."""
    done = _run(*words, folder=folder, stdin=stdin)
    if done.returncode != 0:
        raise RetraceError(f"git {' '.join(words)} failed:\n{done.stderr.strip()}")
    return done.stdout.strip()


def git_or_empty(*words: str) -> str:
    """Run git and return what it printed, or nothing where it has no answer."""
    done = _run(*words)
    return done.stdout.strip() if done.returncode == 0 else ""


def json_at(commit: str, path: Path) -> dict[str, Any]:
    """Return a JSON file of a commit; empty where it has none."""
    return dict(json.loads(git_or_empty("show", f"{commit}:{path.as_posix()}") or "{}"))


def yaml_at(commit: str, path: Path) -> dict[str, Any]:
    """Return a YAML file of a commit; empty where it has none."""
    return dict(yaml.safe_load(git_or_empty("show", f"{commit}:{path.as_posix()}")) or {})


def _run(
    *words: str, folder: Path | None = None, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *words],
        cwd=folder,
        input=stdin,
        env=os.environ,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
