"""Record, commit and tags: all of them, or nothing.

1. In a scratch clone, which nobody sees, the record is committed and GTO makes its tags.
2. What is to be done is written down, as a `PromotionPlan`.
3. Branch and tags go to the remote in one atomic push. Whoever is second is refused there, and
   nothing has changed, here or there.
4. Here the branch moves forward to the record, and then the tags appear in one transaction.

Killed before 2, nothing has happened. Killed after it, the next promotion or rollback carries the
plan out to its end first; each step does nothing where it has been done.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import Field

from experiments.git import git, git_or_empty
from experiments.promotion.facts import Place
from retrace.base.errors import RetraceError
from retrace.base.files import read_json, write_json
from retrace.base.params import Params, parse_section

UNCHANGED = "Nothing was promoted, here or there."
SCRATCH = Path(".dvc/tmp/retrace")  # DVC keeps it out of Git


class Overtaken(RetraceError):
    """Somebody else has pushed in the meantime: the remote has refused what was made here."""


class PromotionPlan(Params):
    """What is left to do: move the branch from `base` to `commit`, and make the tags."""

    title: str
    path: Path = Field(strict=False)  # the record's; a text in JSON
    base: str
    commit: str
    tags: dict[str, str]  # name: object
    push: bool


@contextmanager
def scratch(problem: str) -> Iterator[Path]:
    """Yield an empty folder to work in; one promotion of a problem at a time in this copy."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    lock = FileLock(SCRATCH / f"promote-{problem}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RetraceError(
            f"another promotion or rollback of '{problem}' is running in this copy; wait for it."
        ) from None
    folder = SCRATCH / f"promote-{problem}"
    try:
        shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()


def make_plan(
    place: Place,
    clone: Path,
    record: tuple[Path, str, str],
    make_tags: Callable[[Path], list[str]],
) -> PromotionPlan:
    """Commit the record (path, text, title) in a scratch clone, and bring commit and tags here.

    They have no name here yet. `make_tags` gets the folder of the clone, whose HEAD has the record,
    and returns the tags' names.
    """
    path, text, title = record
    name, _, address = place.who.removesuffix(">").partition(" <")
    git("clone", "--quiet", "--shared", "--no-checkout", ".", str(clone))
    git("config", "user.name", name, folder=clone)
    git("config", "user.email", address, folder=clone)
    git("reset", "--quiet", folder=clone)  # the index, but no files
    (clone / path).parent.mkdir(parents=True, exist_ok=True)
    (clone / path).write_text(text, "utf-8")
    git("add", path.as_posix(), folder=clone)
    git("commit", "--quiet", "--allow-empty", "--message", title, folder=clone)
    tags = make_tags(clone)
    refs = [f"refs/tags/{tag}" for tag in tags]
    git("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", str(clone), "HEAD", *refs)
    return PromotionPlan(
        title=title,
        path=path,
        base=place.commit,
        commit=git("rev-parse", "HEAD", folder=clone),
        tags={tag: git("rev-parse", f"refs/tags/{tag}", folder=clone) for tag in tags},
        push=place.remote is not None,
    )


def file_of(problem: str) -> Path:
    return SCRATCH / f"plan-{problem}.json"


def left_over(problem: str, place: Place) -> PromotionPlan | None:
    """Return the plan of a promotion that was killed, or None where there is nothing to finish.

    A plan that the branch has left behind is forgotten: where it had been pushed, the remote has
    the whole of it.
    """
    file = file_of(problem)
    if not file.exists():
        return None
    plan = parse_section(PromotionPlan, read_json(file), "plan", file)
    if place.commit in (plan.base, plan.commit) and plan.push == (place.remote is not None):
        return plan
    file.unlink()
    return None


def carry_out(problem: str, place: Place, plan: PromotionPlan) -> None:
    """Write the plan down, and do it: first in the remote, where somebody else may be faster."""
    file = file_of(problem)
    write_json(plan.model_dump(mode="json"), file)
    if place.remote is not None:
        try:
            push(place, plan.commit, plan.tags)
        except RetraceError:
            file.unlink()
            raise
    adopt(plan)
    file.unlink()


def push(place: Place, commit: str, tags: dict[str, str]) -> None:
    """Push the record's commit and the tags, by object name, in one step."""
    specs = [f"{name}:refs/tags/{tag}" for tag, name in tags.items()]
    remote = str(place.remote)
    try:
        git("push", "--quiet", "--atomic", remote, f"{commit}:{place.remote_branch}", *specs)
    except RetraceError as error:
        words = str(error)
        if "already exists" in words or "fetch first" in words or "non-fast-forward" in words:
            raise Overtaken(
                f"somebody has promoted or pushed in the meantime; {remote} has refused:\n"
                f"{words}\n{UNCHANGED} `git pull --tags`, and promote against the champion of now."
            ) from None
        raise RetraceError(f"{words}\n{UNCHANGED}") from None


def adopt(plan: PromotionPlan) -> None:
    """Move this branch to the record's commit, then make the tags."""
    if not git_or_empty("cat-file", "-t", f"HEAD:{plan.path.as_posix()}"):
        git("rm", "--quiet", "--cached", "--ignore-unmatch", plan.path.as_posix())
        plan.path.unlink(missing_ok=True)  # of a merge that was killed
    git("merge", "--quiet", "--ff-only", plan.commit)
    new = [
        item for item in plan.tags.items() if not git_or_empty("rev-parse", f"refs/tags/{item[0]}")
    ]
    lines = [f"create refs/tags/{tag} {name}" for tag, name in new]
    git("update-ref", "--stdin", stdin="\n".join(["start", *lines, "prepare", "commit", ""]))
