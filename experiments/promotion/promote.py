"""The order of a promotion and of a rollback: gather facts, judge, plan, carry out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from experiments.promotion import record, registry
from experiments.promotion.bundles import fetch_bundle
from experiments.promotion.facts import (
    Back,
    Facts,
    Place,
    check_tags,
    find_place,
    gather,
    gather_back,
)
from experiments.promotion.judgement import Judgement, judge
from experiments.promotion.live import with_live_evidence
from experiments.promotion.plan import carry_out, left_over, make_plan, scratch
from problems.contract import Problem
from retrace.base import paths


@dataclass(frozen=True)
class Promotion:
    """What came of it. `tags` are empty where the gate says no, and on a dry run."""

    facts: Facts
    judgement: Judgement
    text: str  # of the record
    tags: tuple[str, ...] = ()


def promote(problem: Problem, *, push: bool, dry_run: bool, store: str | None = None) -> Promotion:
    """Judge the model of the current commit; on a yes, register it and put it into prod. `store` is
    where live evidence is, where the gate asks for it.

    Raises RetraceError where the question cannot be asked.
    """
    name = problem.name
    with scratch(name) as folder:
        facts = gather(problem, push=push)
        judged = judge(problem, facts.champion, folder)
        found = with_live_evidence(problem, judged, store)
        outcome = Promotion(facts, found, record.promotion(facts, found))
        if dry_run or not found.verdict.passed:
            return outcome
        version = facts.challenger.name
        tags = _carried_out(
            name, facts.place, folder, record.path_of(name, version), outcome.text,
            f"Promote {name} {version}",
            lambda clone, message: registry.register(clone, name, version, message),
        )  # fmt: skip
    return replace(outcome, tags=tags)


def register(problem: Problem) -> Promotion:
    """Judge the model of the current commit on the test window alone; on a yes register and push
    it, in no stage: live traffic is to speak next.

    Raises RetraceError where the question cannot be asked.
    """
    name = problem.name
    with scratch(name) as folder:
        facts = gather(problem, push=True)
        found = judge(problem, facts.champion, folder)
        outcome = Promotion(facts, found, record.promotion(facts, found, "Registered, to be tried"))
        if not found.verdict.passed:
            return outcome
        version = facts.challenger.name
        tags = _carried_out(
            name, facts.place, folder, record.path_of(name, version), outcome.text,
            f"Register {name} {version}",
            lambda clone, message: [registry.register_version(clone, name, version, message)],
        )  # fmt: skip
    return replace(outcome, tags=tags)


def promote_tried(problem: str, version: str, evidence: str) -> str:
    """Put a registered version into prod, since live traffic is for it; return the tag.

    Raises RetraceError where its bundle is gone, or somebody was faster.
    """
    with scratch(problem) as folder:
        place = find_place(push=True)
        check_tags(problem, place)
        champion = registry.champion(problem)
        tag, number = f"{problem}@{version}", registry.last_number(problem) + 1
        fetch_bundle(tag, tag, paths.bundle(problem), folder / "bundle")
        before = champion.version if champion else ""
        text = record.tried(problem, before, version, evidence, place.who)
        (assigned,) = _carried_out(
            problem, place, folder, record.tried_path(problem, number), text,
            f"Promote {problem} {version}",
            lambda clone, message: [registry.assign(clone, problem, version, message)],
        )  # fmt: skip
    return assigned


def _carried_out(
    problem: str,
    place: Place,
    folder: Path,
    path: Path,
    text: str,
    title: str,
    make_tags: Callable[[Path, str], list[str]],
) -> tuple[str, ...]:
    """Commit a record at its path, tag it and carry that out; return the tags.

    make_tags : gets the clone, whose HEAD has the record, and the tags' message
    """
    message = f"{title}: {path.as_posix()}"
    plan = make_plan(
        place, folder / "clone", (path, text, title), lambda clone: make_tags(clone, message)
    )
    carry_out(problem, place, plan)
    return tuple(plan.tags)


@dataclass(frozen=True)
class Rollback:
    """What came of it. `tag` is empty on a dry run."""

    facts: Back
    text: str  # of the record
    tag: str = ""


def roll_back(problem: str, reason: str, *, push: bool, dry_run: bool) -> Rollback:
    """Put the champion before the current one back into prod, when its bundle is whole."""
    with scratch(problem) as folder:
        facts = gather_back(problem, push=push)
        back = facts.back
        fetch_bundle(back.tag, back.commit, paths.bundle(problem), folder / "bundle")
        outcome = Rollback(facts, record.rollback(problem, facts, reason))
        if dry_run:
            return outcome
        (tag,) = _carried_out(
            problem, facts.place, folder, record.rollback_path(problem, facts.number), outcome.text,
            f"Roll {problem} back to {back.version}",
            lambda clone, message: [registry.assign(clone, problem, back.version, message)],
        )  # fmt: skip
    return replace(outcome, tag=tag)


def finish(problem: str, *, push: bool) -> str:
    """Carry out what a killed promotion or rollback has left; return its title, or nothing."""
    with scratch(problem):
        place = find_place(push=push)
        plan = left_over(problem, place)
        if plan is None:
            return ""
        carry_out(problem, place, plan)
    return plan.title
