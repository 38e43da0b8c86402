"""Where a life is played: origin, remote, and a copy whose first model is in use."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from bench.clone import change_params, command, copy_project
from experiments.promotion import registry
from problems.contract import Problem
from tests.conftest import of_world

SOURCE = "data/external"


@dataclass(frozen=True)
class LifePlace:
    """The folders of one problem's life."""

    top: Path
    problem: str

    @property
    def home(self) -> Path:
        """The copy that the server runs in."""
        return self.top / "home"

    def run(self, *words: str) -> str:
        return command(self.home, *words)[2]

    def pull(self) -> None:
        """Bring what the cycle has pushed."""
        self.run("git", "pull", "--quiet", "--tags", "origin", "main")


def copied(folder: Path, world: str, changes: dict[str, Any]) -> None:
    """Copy the project with one world alone."""
    folder.mkdir(parents=True)
    copy_project(folder)
    (folder / "dvc.lock").unlink()
    path = folder / "params.yaml"
    alone = of_world(yaml.safe_load(path.read_text("utf-8")), world)
    path.write_text(yaml.safe_dump(alone, sort_keys=False), "utf-8")
    change_params(folder, changes)


def prepare(
    place: LifePlace,
    problem: Problem,
    rows: pd.DataFrame,
    at: pd.Timestamp,
    changes: dict[str, Any],
) -> None:
    """Make the first model of rows whose outcome is known at a moment, and put it into use."""
    name, world = problem.name, problem.world
    own = {"worlds": {world: {"source": f"{SOURCE}/{world}"}}, "backtests": {}, "simulators": []}
    copied(place.home, world, {**changes, **own})
    command(place.top, "git", "init", "-q", "--bare", "-b", "main", "origin.git")
    (place.top / "remote").mkdir()
    folder = place.home / SOURCE / world
    folder.mkdir(parents=True)
    known = rows[rows[problem.known_at] < at]
    for month, part in known.groupby(known[problem.time].dt.strftime("%Y-%m")):
        part.to_csv(folder / f"{month}.csv", index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
    place.run("git", "checkout", "-q", "-B", "main")
    place.run("git", "remote", "add", "origin", "../origin.git")
    place.run("dvc", "remote", "modify", "storage", "url", "../remote")
    place.run("dvc", "add", "--quiet", f"{SOURCE}/{world}")
    place.run("dvc", "repro", "--quiet", f"evaluate@{name}")
    place.run("git", "add", "-A")
    place.run("git", "commit", "-q", "--date", at.isoformat(), "-m", "The first model")
    place.run("git", "push", "-q", "-u", "origin", "main")
    place.run("dvc", "push", "--quiet", "--with-deps", f"evaluate@{name}")
    registry.register(place.home, name, "v0.0.1", "The first model")
    place.run("git", "push", "-q", "origin", "--tags")
