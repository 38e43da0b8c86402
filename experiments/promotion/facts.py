"""All that a promotion or rollback rests on, gathered before anything is judged or changed.

From the cheapest refusal to the dearest: the first thing that is not as it must be raises a
RetraceError, which says what to do.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from experiments import dag
from experiments.git import git, git_or_empty, json_at, yaml_at
from experiments.promotion import registry
from experiments.promotion.bundles import recorded_hash
from experiments.promotion.registry import Assigned
from problems.contract import Problem
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.files import read_json
from retrace.base.params import PATH

SHOWN = 5  # changed files that a message names


@dataclass(frozen=True)
class Place:
    """Where the record is committed, and by whom. `remote` is None for this machine alone."""

    branch: str
    commit: str
    who: str  # name <address>
    remote: str | None = None
    remote_branch: str = ""  # refs/heads/...


@dataclass(frozen=True)
class Version:
    """What the commit of a version has in Git beside its model."""

    name: str
    commit: str
    metrics: dict[str, float]
    fingerprint: str  # of the raw data
    params: dict[str, Any]


@dataclass(frozen=True)
class Facts:
    """The champion, if any, and the challenger: the model of the current commit."""

    problem: Problem
    place: Place
    champion: Assigned | None
    before: Version | None  # the champion's
    challenger: Version


@dataclass(frozen=True)
class Back:
    """Which version goes out of prod, which one comes back, and the number of the tag for it."""

    place: Place
    out: Assigned
    back: Assigned
    number: int


def gather(problem: Problem, *, push: bool) -> Facts:
    """Return what a promotion needs to know, or refuse it."""
    name = problem.name
    place = find_place(push=push)
    check_committed()
    check_tags(name, place)
    champion = registry.champion(name)
    check_other_model(name, champion)
    check_artifact(name)
    check_current(name)
    check_data(problem.world)
    if push:
        check_pushed(name)
    before = version_at(problem, champion.version, champion.commit) if champion else None
    challenger = version_at(problem, registry.next_version(name), place.commit)
    return Facts(problem, place, champion, before, challenger)


def gather_back(problem: str, *, push: bool) -> Back:
    """Return what a rollback needs to know, or refuse it.

    Uncommitted changes do not stand in the way: it may have to be done at once.
    """
    place = find_place(push=push)
    check_tags(problem, place)
    current = registry.champion(problem)
    if current is None:
        raise RetraceError(
            f"no version of '{problem}' is in stage {registry.PROD}: there is nothing to roll "
            f"back. `retrace promote {problem}` makes the first."
        )
    number = registry.last_number(problem) + 1
    return Back(place, current, registry.previous(problem, current), number)


def version_at(problem: Problem, name: str, commit: str) -> Version:
    """Return what a commit has of a problem's model."""
    return Version(
        name,
        commit,
        json_at(commit, paths.metrics(problem.name)),
        json_at(commit, paths.ingest_metrics(problem.world)).get("fingerprint", "not known"),
        yaml_at(commit, PATH),
    )


# ---- this copy and its remote ------------------------------------------------------------------


def find_place(*, push: bool) -> Place:
    """Return branch and remote. Raises RetraceError where nothing can be promoted from."""
    check_history()
    commit = git_or_empty("rev-parse", "--verify", "--quiet", "HEAD")
    if not commit:
        raise RetraceError("this repository has no commit yet: there is no model to promote.")
    branch = git_or_empty("symbolic-ref", "--quiet", "--short", "HEAD")
    if not branch:
        raise RetraceError(
            f"HEAD is detached at {commit[:7]}: the record would be on no branch. "
            "`git switch BRANCH` first, or `git switch --create BRANCH` here."
        )
    who = git("var", "GIT_COMMITTER_IDENT").partition(">")[0] + ">"  # a time comes after it
    if not push:
        return Place(branch, commit, who)
    remotes = git_or_empty("remote").split()
    remote = git_or_empty("config", f"branch.{branch}.remote")
    if not remote:
        remote = "origin" if "origin" in remotes else "".join(remotes[:1])
    if remote not in remotes:
        raise RetraceError(
            "this repository has no Git remote to push the tags to. `git remote add origin URL`, "
            "or --no-push for work on this machine alone."
        )
    ahead = git_or_empty("config", f"branch.{branch}.merge") or f"refs/heads/{branch}"
    return Place(branch, commit, who, remote, ahead)


def check_history() -> None:
    """Refuse a folder outside a repository, and a shallow clone, which has not every tag."""
    inside = git_or_empty("rev-parse", "--is-shallow-repository")
    if not inside:
        raise RetraceError("this is not a Git repository: versions and stages are Git tags.")
    if inside == "true":
        raise RetraceError(
            "this is a shallow clone: earlier versions and their tags may be missing. "
            "`git fetch --unshallow --tags` brings them."
        )


def check_committed() -> None:
    """Refuse a model that could have been made by something that is not committed."""
    lines = git("status", "--porcelain").splitlines()
    if lines:
        more = f"\n  and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
        shown = "\n".join(f"  {line.strip()}" for line in lines[:SHOWN])
        raise RetraceError(
            f"uncommitted changes; a version must be what its commit has:\n{shown}{more}\n"
            "Commit them, or put them away with `git stash --include-untracked`."
        )


def check_tags(problem: str, place: Place) -> None:
    """Refuse when the remote's versions or stages are not ours, and when the clock is behind them.

    It changes nothing here; what is pushed after this is caught by the push itself.
    """
    if place.remote is not None:
        check_remote_tags(problem, place, place.remote)
    registry.check_clock(problem)


def check_remote_tags(problem: str, place: Place, remote: str) -> None:
    patterns = [f"refs/tags/{problem}{mark}*" for mark in "@#"]
    try:
        there = _tags(git("ls-remote", remote, *patterns))
    except RetraceError as error:
        raise RetraceError(f"{error}\n--no-push is for work on this machine alone.") from None
    here = _tags(git("for-each-ref", "--format=%(objectname) %(refname)", *patterns))
    new = [tag for tag, name in there.items() if here.get(tag) != name]
    if new:
        raise RetraceError(
            f"{remote} has versions or stages of '{problem}' that are not here: "
            f"{', '.join(sorted(new))}. Somebody has promoted in the meantime, or a promotion "
            "from here was cut short after its push. `git pull --tags`, then look again."
        )
    ours = [tag for tag in here if tag not in there]
    if ours:
        words = " ".join(f"'{tag}'" for tag in sorted(ours))
        raise RetraceError(
            f"{remote} lacks what was promoted here with --no-push: {', '.join(ours)}. "
            f"`git push --atomic {remote} {place.branch} {words}` first."
        )


def _tags(text: str) -> dict[str, str]:
    pairs = (line.split() for line in text.splitlines())
    return {name.removeprefix("refs/tags/"): oid for oid, name in pairs if "^{}" not in name}


# ---- the challenger ----------------------------------------------------------------------------


def check_other_model(problem: str, champion: Assigned | None) -> None:
    """Refuse a model that is the champion itself."""
    if champion is None:
        return
    here = recorded_hash("HEAD", paths.bundle(problem))
    if here is not None and here == recorded_hash(champion.commit, paths.bundle(problem)):
        raise RetraceError(
            f"the model of this commit is the champion, {problem} {champion.version}, to the "
            "byte: there is nothing to promote."
        )


def check_artifact(name: str) -> None:
    """DVC and GTO know a model by its entry in dvc.yaml."""
    artifacts = yaml.safe_load(Path("dvc.yaml").read_text("utf-8")).get("artifacts") or {}
    path = (artifacts.get(name) or {}).get("path")
    if path != paths.bundle(name).as_posix():
        raise RetraceError(
            f"dvc.yaml: `artifacts` has no entry '{name}' with path {paths.bundle(name)}, so that "
            "nobody could fetch a version of it. Add it, with type: model."
        )


def check_current(name: str) -> None:
    """Refuse a model that the code, data and parameters of its commit would not give."""
    stale = dag.stale(f"evaluate@{name}")
    if stale:
        raise RetraceError(
            f"the DAG is not up to date: {', '.join(stale)}. `dvc repro` and commit dvc.lock, so "
            "that the version is what its commit says."
        )


def check_data(world: str) -> None:
    """Soft failures count too: what nobody has looked at should not become the champion."""
    found = read_json(paths.validation_metrics(world))
    failed = [
        f"  {item['column']}: {item['check']} is {item['found']}, expected {item['limit']}"
        for item in found["results"]
        if not item["passed"]
    ]
    if failed:
        raise RetraceError(
            f"data checks have failed ({paths.validation_metrics(world)}):\n"
            + "\n".join(failed)
            + f"\nRepair the source; or, if the data is right, change the limit in "
            f"{paths.checks(world)}, and commit why."
        )


def check_pushed(name: str) -> None:
    """Refuse a model that nobody else could fetch."""
    missing = dag.not_in_remote(f"evaluate@{name}")
    if missing:
        raise RetraceError(
            f"not in the DVC remote: {', '.join(missing)}. `dvc push` first, or nobody else "
            "could fetch this version; --no-push promotes on this machine alone."
        )
