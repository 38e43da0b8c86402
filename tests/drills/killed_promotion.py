"""A promotion that is killed: it has happened, here and in the remote, or it has not."""

import random
import time
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT, commit
from tests.drills import Row, Size
from tests.drills.kill import kill
from tests.drills.repo import Repo, reproduced, retrace, spread, worlds

SEED = 41
KILLS = {"short": 0, "drill": 8, "full": 20}


def promotes(size: Size, folder: Path) -> tuple[list[Row], list[str]]:
    """Kill `retrace promote` at random moments, most of them late, where it publishes."""
    if not (ROOT / "commands/promote.py").exists() or not KILLS[size]:
        return [], []
    world = worlds(size)[0]
    problem, project = prepared(reproduced(size, world), folder / "promotion")
    trial = moved(project, folder / "promotion-undisturbed")
    start = time.monotonic()
    trial.run(*retrace("promote", problem))
    seconds = time.monotonic() - start
    assert state(trial, problem) == "whole", "an undisturbed promotion is not whole"

    chance = random.Random(SEED)
    moments = [seconds * (1 - chance.random() ** 2) for _ in range(KILLS[size])]

    def part(number: int) -> tuple[bool, str]:
        repo = moved(project, folder / f"promotion{number}")
        process = repo.start(*retrace("promote", problem), log=repo.path.with_name("log"))
        time.sleep(moments[number])
        killed = kill(process, "the whole process group")  # else it had ended just before
        return killed, after(repo, problem)

    found = spread(part, range(KILLS[size]), size)
    reasons = [
        f"promotion of {problem}, kill {number}: {reason}"
        for number, (_, reason) in enumerate(found)
        if reason
    ]
    kills = sum(killed for killed, _ in found)
    return [Row("retrace promote, SIGKILL", kills, len(reasons))], reasons


def prepared(base: Repo, folder: Path) -> tuple[str, Repo]:
    """Return a problem, and its project with two remotes beside it and a gate that says yes."""
    folder.mkdir()
    repo = base.copy(folder / "project")
    params = yaml.safe_load((repo.path / "params.yaml").read_text())
    problem = str(next(iter(params["problems"])))
    params[problem]["gate"] = opened(params[problem]["gate"])
    (repo.path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    repo.run("git", "init", "--quiet", "--bare", "-b", "main", "../origin.git")
    repo.run("git", "remote", "add", "origin", "../origin.git")
    repo.run("dvc", "remote", "modify", "storage", "url", "../store")
    repo.run("dvc", "repro", "--quiet")
    commit(repo.path, "A model, and a gate that lets it pass")
    repo.run("dvc", "push", "--quiet")
    repo.run("git", "push", "--quiet", "-u", "origin", "main")
    return problem, repo


def opened(gate: dict[str, Any]) -> dict[str, Any]:
    """Return limits that every model keeps."""
    limits: dict[str, Any] = {"min_gain": 0.0, "slice_max_worse": 1e6}
    bands = {"coverage": {"least": 0.0, "most": 1.0}, "calibration": {"least": 0.0, "most": 1e6}}
    return {name: {**limits, **bands}.get(name, value) for name, value in gate.items()}


def moved(project: Repo, folder: Path) -> Repo:
    """Return a copy of the project and of the remotes beside it, which have relative paths."""
    return Repo(Repo(project.path.parent).copy(folder).path / "project")


def after(repo: Repo, problem: str) -> str:
    """Return what is wrong after a kill, and after what the guide says to do then; or ''."""
    found = state(repo, problem)
    if found not in ("nothing", "whole", "only there"):
        return found
    if found == "only there":
        repo.run("git", "pull", "--quiet", "--tags")
    elif found == "nothing":
        repo.run(*retrace("promote", problem))
    now = state(repo, problem)
    if now != "whole":
        return f"{found}, and then {now}"
    return repo.run("git", "status", "--porcelain")


def state(repo: Repo, problem: str) -> str:
    """Say whether record, commit and tags are there, in the project and in its remote."""
    here = parts(repo.run("git", "show-ref", ok=None), problem, "refs/heads/main", repo)
    there = parts(repo.run("git", "ls-remote", "origin"), problem, "refs/heads/main", repo)
    names = {0: "nothing", 3: "whole"}
    both = (names.get(sum(here)), names.get(sum(there)))
    if both == ("nothing", "whole"):
        return "only there"
    if both[0] == both[1] and both[0]:
        return both[0]
    return f"half a promotion: version, stage and record are {here} here and {there} there"


def parts(refs: str, problem: str, branch: str, repo: Repo) -> tuple[bool, bool, bool]:
    found = dict(line.split()[::-1] for line in refs.splitlines() if line)
    version = any(name.startswith(f"refs/tags/{problem}@") for name in found)
    stage = any(name.startswith(f"refs/tags/{problem}#prod") for name in found)
    record = f"experiments/promotions/{problem}"
    listed = repo.run("git", "ls-tree", "-r", "--name-only", found[branch], ok=None)
    return version, stage, record in listed
