"""The copy that promotes: its branch and remote, and what makes a promotion from it impossible."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from retrace.base.errors import RetraceError

SHOWN = 5  # changed files that a message names


@dataclass(frozen=True)
class Place:
    """Where the promotion is committed. `remote` is None for work on this machine alone."""

    branch: str
    commit: str
    remote: str | None = None
    remote_branch: str = ""  # refs/heads/...


def git(*words: str, folder: Path | None = None, stdin: str | None = None, **env: str) -> str:
    """Run git and return what it printed; an error has git's own words."""
    done = subprocess.run(
        ["git", *words],
        cwd=folder,
        input=stdin,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RetraceError(f"git {' '.join(words)} failed:\n{done.stderr.strip()}")
    return done.stdout.strip()


def answer(*words: str) -> str:
    """Run git and return what it printed, or nothing where it has no answer."""
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def find_place(*, push: bool) -> Place:
    """Return branch and remote. Raises RetraceError where nothing can be promoted from."""
    check_history()
    commit = answer("rev-parse", "--verify", "--quiet", "HEAD")
    if not commit:
        raise RetraceError("this repository has no commit yet: there is no model to promote.")
    branch = answer("symbolic-ref", "--quiet", "--short", "HEAD")
    if not branch:
        raise RetraceError(
            f"HEAD is detached at {commit[:7]}: the record would be on no branch. "
            "`git switch BRANCH` first, or `git switch --create BRANCH` here."
        )
    if not push:
        return Place(branch, commit)
    remotes = answer("remote").split()
    remote = answer("config", f"branch.{branch}.remote")
    if not remote:
        remote = "origin" if "origin" in remotes else "".join(remotes[:1])
    if remote not in remotes:
        raise RetraceError(
            "this repository has no Git remote to push the tags to. `git remote add origin URL`, "
            "or --no-push for work on this machine alone."
        )
    ahead = answer("config", f"branch.{branch}.merge") or f"refs/heads/{branch}"
    return Place(branch, commit, remote, ahead)


def check_history() -> None:
    """Raise RetraceError outside a repository and in a shallow clone, which has not every tag."""
    inside = answer("rev-parse", "--is-shallow-repository")
    if not inside:
        raise RetraceError("this is not a Git repository: versions and stages are Git tags.")
    if inside == "true":
        raise RetraceError(
            "this is a shallow clone: earlier versions and their tags may be missing. "
            "`git fetch --unshallow --tags` brings them."
        )


def check_committed() -> None:
    """Raise RetraceError when the model could have been made by something that Git has not."""
    lines = git("status", "--porcelain").splitlines()
    if lines:
        more = f"\n  and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
        shown = "\n".join(f"  {line.strip()}" for line in lines[:SHOWN])
        raise RetraceError(
            f"uncommitted changes; a version must be what Git has:\n{shown}{more}\n"
            "Commit them, or put them away with `git stash --include-untracked`."
        )


def check_remote_tags(problem: str, place: Place) -> None:
    """Raise RetraceError when somebody else's versions or stages are not here, or ours not there.

    It changes nothing here; what is pushed after this is caught by the push itself.
    """
    if place.remote is None:
        return
    patterns = [f"refs/tags/{problem}{mark}*" for mark in "@#"]
    try:
        there = _tags(git("ls-remote", place.remote, *patterns))
    except RetraceError as error:
        raise RetraceError(f"{error}\n--no-push is for work on this machine alone.") from None
    here = _tags(git("for-each-ref", "--format=%(objectname) %(refname)", *patterns))
    new = [tag for tag, name in there.items() if here.get(tag) != name]
    if new:
        raise RetraceError(
            f"{place.remote} has versions or stages of '{problem}' that are not here: "
            f"{', '.join(sorted(new))}. Somebody has promoted in the meantime, or a promotion "
            "from here was cut short after its push. `git pull --tags`, then look again."
        )
    ours = [tag for tag in here if tag not in there]
    if ours:
        words = " ".join(f"'{tag}'" for tag in sorted(ours))
        raise RetraceError(
            f"{place.remote} lacks what was promoted here with --no-push: {', '.join(ours)}. "
            f"`git push --atomic {place.remote} {place.branch} {words}` first."
        )


def _tags(text: str) -> dict[str, str]:
    pairs = (line.split() for line in text.splitlines())
    return {name.removeprefix("refs/tags/"): oid for oid, name in pairs if "^{}" not in name}


def identity() -> tuple[str, str]:
    """Return name and address of whoever asks, as Git would write them into a commit."""
    text = git("var", "GIT_COMMITTER_IDENT")
    name, _, rest = text.partition(" <")
    return name, rest.partition(">")[0]
