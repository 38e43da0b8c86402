"""Steps of a story of promotions: models, versions, and what must not change."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from experiments.promotion import registry
from experiments.promotion.bundles import recorded_hash
from experiments.promotion.promote import promote, roll_back
from problems.parts import find_problem
from retrace.base.errors import RetraceError
from tests.conftest import (
    SMALL,
    change_params,
    commit,
    copy_project,
    of_world,
    run,
)

RETRACE = (sys.executable, "-m", "commands")
GATE = {"min_gain": 0.005, "coverage": {"least": 0.6, "most": 1.0}}  # 600 rows are few
WEAK = {"price": {"text": {"alpha": 1000.0}, "train": {"max_rounds": 4}, "gate": GATE}}
GOOD = {"price": {"text": {"alpha": 8.0}, "train": {"max_rounds": 60}, "gate": GATE}}


def make_model(project: Path, params: dict) -> None:
    """Change parameters, rebuild, commit and push everything."""
    change_params(project, params)
    run(project, "dvc", "repro", "-q", "evaluate@price")
    commit(project, "A model")
    run(project, "dvc", "push", "-q", "--with-deps", "evaluate@price")
    run(project, "git", "push", "-q", "-u", "origin", "main")


def take_model(project: Path, rev: str) -> None:
    """Commit the model of an earlier commit again, with its parameters."""
    run(project, "git", "checkout", "-q", rev, "--", "dvc.lock", "metrics", "params.yaml", "plots")
    run(project, "dvc", "checkout", "-q", "--with-deps", "evaluate@price")


def promote_price(**how):
    return promote(find_problem("price"), **{"push": True, "dry_run": False, **how})


def roll_back_price():
    return roll_back("price", "", push=True, dry_run=False)


def register(project: Path, version: str) -> None:
    """Make HEAD's model the champion without asking the gate, in the remote too."""
    registry.register(project, "price", version, "By hand")
    run(project, "git", "push", "-q", "origin", "--tags")


def everything(project: Path) -> str:
    """Name all that a promotion could have changed, here and in the remote."""
    return "\n".join(
        run(project, "git", *words)
        for words in (("show-ref", "--head"), ("ls-remote", "origin"), ("status", "--porcelain"))
    )


def refused(words: str, call=promote_price) -> None:
    """The call must end with a message that has `words`, and must change nothing."""
    before = everything(Path())
    with pytest.raises(RetraceError, match=words):
        call()
    assert everything(Path()) == before
    assert run(Path(), "git", "worktree", "list").count("\n") == 1


def make_champion(project: Path, name: str, change: Callable[[str], str]) -> None:
    """Tag a commit of the champion's model with one file changed as the new champion, v0.1.0."""
    run(project, "git", "switch", "-q", "--detach", "price@v0.0.1")
    before = (project / name).read_text("utf-8")
    (project / name).write_text(change(before), "utf-8")
    assert change(before) != before
    commit(project, "Other code")
    register(project, "v0.1.0")
    run(project, "git", "switch", "-q", "main")


def bundle_objects(project: Path, tag: str) -> list[Path]:
    """Return the list of files of a tag's bundle, and its point booster, below a cache."""
    name = recorded_hash(tag, Path("models/price"))
    listing = Path("files/md5") / name[:2] / name[2:]
    entries = json.loads((project / ".dvc/cache" / listing).read_text("utf-8"))
    point = next(e["md5"] for e in entries if e["relpath"] == "boosters/point.txt")
    return [listing, Path("files/md5") / point[:2] / point[2:]]


def make_story(top: Path) -> Path:
    """A weak champion, price v0.0.1, and a better model committed after it; all of it is pushed.

    `project` has `origin.git` and the DVC remote `store` beside it, by relative paths.
    """
    project = top / "project"
    for folder in (project, top / "store"):
        folder.mkdir()
    run(top, "git", "init", "-q", "--bare", "-b", "main", "origin.git")
    copy_project(project)
    (project / "dvc.lock").unlink()
    small = of_world(yaml.safe_load((project / "params.yaml").read_text()), "price")
    (project / "params.yaml").write_text(yaml.safe_dump(small, sort_keys=False))
    change_params(project, {"price": SMALL["price"]})
    change_params(project, {"price": {"simulate": {"rows": 6000}}})  # enough to tell two apart
    run(project, "git", "remote", "add", "origin", "../origin.git")
    run(project, "dvc", "remote", "modify", "storage", "url", "../store")
    make_model(project, WEAK)
    output = run(project, *RETRACE, "promote", "price")
    assert "price v0.0.1 is in prod" in output
    make_model(project, GOOD)
    return top
