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
from experiments.promotion.publish import carry_out, left_over, prepare, publish
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
    name = problem.name
    place = repository.find_place(push=push)
    repository.check_committed()
    repository.check_remote_tags(name, place)
    registry.check_clock(name)
    champion = registry.champion(name)
    check_other_model(name, champion)
    check_challenger(problem, push=push)
    with scratch(name) as folder:
        found = judge(problem, champion, folder)
        version = registry.next_version(name)
        text = record.promotion(problem, version, champion, found, place)
        if dry_run or not found.verdict.passed:
            return Outcome(version, champion, found, text, [])
        path = record.path_of(name, version)
        title = f"Promote {name} {version}"
        registry.wait_for_clock(name)
        plan = prepare(
            place,
            folder / "clone",
            path,
            text,
            title,
            lambda clone: registry.register(clone, name, version, f"{title}: {path.as_posix()}"),
        )
        publish(place, plan, plan_file(name))
    return Outcome(version, champion, found, text, list(plan.tags))


def finish(problem: str, *, push: bool) -> str:
    """Carry out what a killed promotion or rollback has left; return its title, or nothing."""
    place = repository.find_place(push=push)
    with scratch(problem):
        plan = left_over(place, plan_file(problem))
        if plan is None:
            return ""
        carry_out(place, plan, plan_file(problem))
    return plan.title


def plan_file(problem: str) -> Path:
    return SCRATCH / f"plan-{problem}.json"


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
    registry.check_clock(problem)
    current = registry.champion(problem)
    if current is None:
        raise RetraceError(
            f"no version of '{problem}' is in stage {registry.PROD}: there is nothing to roll "
            f"back. `retrace promote {problem}` makes the first."
        )
    back = registry.previous(problem, current)
    with scratch(problem) as folder:
        fetch_bundle(back.tag, back.commit, paths.bundle(problem), folder / "bundle")
        path = record.rollback_path(problem, registry.last_number(problem) + 1)
        text = record.rollback(problem, current, back, reason)
        title = f"Roll {problem} back to {back.version}"
        if dry_run:
            return Rollback(current, back, text, "")
        message = f"{title}: {path.as_posix()}"
        registry.wait_for_clock(problem)
        plan = prepare(
            place,
            folder / "clone",
            path,
            text,
            title,
            lambda clone: [registry.assign(clone, problem, back.version, message)],
        )
        publish(place, plan, plan_file(problem))
    return Rollback(current, back, text, *plan.tags)


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
