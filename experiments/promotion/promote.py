"""The order of a promotion and of a rollback, from the cheapest refusal to the last step."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from experiments.promotion import record, registry, repository
from experiments.promotion.bundles import fetch_bundle, recorded_hash
from experiments.promotion.judgement import Judgement, judge
from experiments.promotion.preconditions import check_challenger
from experiments.promotion.publish import publish
from experiments.promotion.registry import Assigned
from problems.contract import Problem
from retrace.base import paths
from retrace.base.errors import RetraceError

SCRATCH = Path(".dvc/tmp/retrace")  # DVC keeps it out of Git


@dataclass(frozen=True)
class Outcome:
    """What came of it. `tags` are empty where the gate says no, and on a dry run."""

    version: str
    champion: Assigned | None
    judgement: Judgement
    text: str
    tags: list[str]


def promote(problem: Problem, *, push: bool, dry_run: bool) -> Outcome:
    """Judge the model of the current commit; on a yes, register it and put it into prod.

    Raises RetraceError where the question cannot be asked.
    """
    place = repository.find_place(push=push)
    repository.check_committed()
    repository.check_remote_tags(problem.name, place)
    champion = registry.champion(problem.name)
    check_other_model(problem.name, champion)
    check_challenger(problem, push=push)
    with scratch(problem.name) as folder:
        found = judge(problem, champion, folder)
        version = registry.next_version(problem.name)
        text = record.promotion(problem, version, champion, found, place)
        tags: list[str] = []
        if found.verdict.passed and not dry_run:
            registry.wait_for_clock(problem.name)
            path = record.path_of(problem.name, version)
            title = f"Promote {problem.name} {version}"
            tags = publish(
                place,
                folder,
                path,
                text,
                title,
                lambda clone: registry.register(
                    clone, problem.name, version, f"{title}: {path.as_posix()}"
                ),
            )
    return Outcome(version, champion, found, text, tags)


def check_other_model(problem: str, champion: Assigned | None) -> None:
    """Raise RetraceError when the current commit's model is the champion itself."""
    if champion is None:
        return
    here = recorded_hash("HEAD", paths.bundle(problem))
    if here is not None and here == recorded_hash(champion.commit, paths.bundle(problem)):
        raise RetraceError(
            f"the model of this commit is the champion, {problem} {champion.version}, to the "
            "byte: there is nothing to promote."
        )


@dataclass(frozen=True)
class Rollback:
    """Which version went out of prod, which one is back, and the tag that says so."""

    out: Assigned
    back: Assigned
    text: str
    tag: str


def roll_back(problem: str, reason: str, *, push: bool, dry_run: bool) -> Rollback:
    """Put the champion before the current one back into prod, when its bundle is whole.

    Uncommitted changes do not stand in the way: it may have to be done at once.
    """
    place = repository.find_place(push=push)
    repository.check_remote_tags(problem, place)
    current = registry.champion(problem)
    if current is None:
        raise RetraceError(
            f"no version of '{problem}' is in stage {registry.PROD}: there is nothing to roll "
            f"back. `retrace promote {problem}` makes the first."
        )
    back = registry.previous(problem, current)
    with scratch(problem) as folder:
        fetch_bundle(back.tag, back.commit, paths.bundle(problem), folder / "bundle")
        number = registry.last_number(problem) + 1
        text = record.rollback(problem, current, back, reason)
        path = record.rollback_path(problem, number)
        title = f"Roll {problem} back to {back.version}"
        tag = ""
        if not dry_run:
            registry.wait_for_clock(problem)
            (tag,) = publish(
                place,
                folder,
                path,
                text,
                title,
                lambda clone: [
                    registry.assign(clone, problem, back.version, f"{title}: {path.as_posix()}")
                ],
            )
    return Rollback(current, back, text, tag)


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
