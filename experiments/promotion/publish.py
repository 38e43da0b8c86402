"""Record, commit and tags: all of them, or nothing.

1. In a scratch clone, which nobody sees, the record is committed and GTO makes its tags.
2. Branch and tags go to the remote in one atomic push. Whoever is second is refused there, and
   nothing has changed, here or there.
3. Here the branch moves forward to the record, and then the tags appear in one transaction.

Killed before 2, nothing was promoted. Killed after it, `git pull --tags` brings the whole of it.
With --no-push, killed within 3, there is a record without tags: the next promotion replaces it.
Tags without their record there never are.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from experiments.promotion.repository import Place, git, identity
from retrace.base.errors import RetraceError

UNCHANGED = "Nothing was promoted, here or there."


def publish(
    place: Place,
    scratch: Path,
    path: Path,
    text: str,
    message: str,
    make_tags: Callable[[Path], list[str]],
) -> list[str]:
    """Commit `text` at `path` and make the tags; return their names.

    `make_tags` gets the folder of a clone whose HEAD has the record.
    """
    clone = scratch / "clone"
    shutil.rmtree(clone, ignore_errors=True)
    name, address = identity()
    git("clone", "--quiet", "--shared", "--no-checkout", ".", str(clone))
    git("config", "user.name", name, folder=clone)
    git("config", "user.email", address, folder=clone)
    git("reset", "--quiet", folder=clone)  # the index, but no files
    (clone / path).parent.mkdir(parents=True, exist_ok=True)
    (clone / path).write_text(text, "utf-8")
    git("add", path.as_posix(), folder=clone)
    git("commit", "--quiet", "--allow-empty", "--message", message, folder=clone)
    tags = make_tags(clone)
    commit = git("rev-parse", "HEAD", folder=clone)
    names = {tag: git("rev-parse", f"refs/tags/{tag}", folder=clone) for tag in tags}

    refs = [f"refs/tags/{tag}" for tag in tags]
    git("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", str(clone), "HEAD", *refs)
    if place.remote is not None:
        push(place, commit, names)
    adopt(commit, names)
    shutil.rmtree(clone, ignore_errors=True)
    return tags


def push(place: Place, commit: str, tags: dict[str, str]) -> None:
    """Push the record's commit and the tags, by object name, in one step."""
    specs = [f"{name}:refs/tags/{tag}" for tag, name in tags.items()]
    remote = str(place.remote)
    try:
        git("push", "--quiet", "--atomic", remote, f"{commit}:{place.remote_branch}", *specs)
    except RetraceError as error:
        words = str(error)
        if "already exists" in words or "fetch first" in words or "non-fast-forward" in words:
            raise RetraceError(
                f"somebody has promoted or pushed in the meantime; {remote} has refused:\n"
                f"{words}\n{UNCHANGED} `git pull --tags`, and promote against the champion of now."
            ) from None
        raise RetraceError(f"{words}\n{UNCHANGED}") from None


def adopt(commit: str, tags: dict[str, str]) -> None:
    """Move this branch to the record's commit, then make the tags."""
    git("merge", "--quiet", "--ff-only", commit)
    lines = [f"create refs/tags/{tag} {name}" for tag, name in tags.items()]
    git("update-ref", "--stdin", stdin="\n".join(["start", *lines, "prepare", "commit", ""]))
