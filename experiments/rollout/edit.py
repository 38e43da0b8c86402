"""Start, ramp and stop an arm: `rollout.yaml` is checked, changed and committed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

from dvc.utils.serialize import modify_yaml

from experiments.git import git, git_or_empty
from experiments.rollout.evidence import COLUMNS
from experiments.rollout.resolve import plan_of
from problems import parts
from problems.contract import Problem
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.params import parse_section
from serving.rollout import AB, Challenger, Rollout, moment_of, read_rollouts
from serving.wanted import PATH, Wanted

HEAD = """\
# What is tried beside the champions, on whom, and since when: docs/rollout.md. `retrace rollout`
# edits it, servers follow it.
"""


def start(
    problem: Problem,
    arm: str,
    version: str,
    *,
    mode: str,
    share: float = 0.0,
    where: Mapping[str, Sequence[str]] | None = None,
    subject: str = "",
    until: str = "",
) -> str:
    """Add an arm and commit it; return what was done.

    Raises RetraceError, and changes nothing, for an arm that is there already, a version that there
    is not, a column that rows do not have or that the log leaves out, and shares above 1.
    """
    before = read_rollouts().get(problem.name)
    if before and arm in before.challengers:
        raise RetraceError(
            f"{problem.name} has an arm '{arm}' already; `retrace rollout ramp` changes its share, "
            "`retrace rollout stop` takes it out, --arm NAME adds another."
        )
    subject = subject or (before.subject if before else _usual_subject(problem))
    if before and subject != before.subject:
        raise RetraceError(
            f"{problem.name} assigns by '{before.subject}' already; arms of one problem share it."
        )
    _check_columns(problem, subject, where or {})
    version = _pinned(problem, version)
    block: dict[str, Any] = {"version": version, "mode": mode, "since": _now()}
    if mode == AB:
        block |= {"begins_at": _room(before, share), "share": share}
    if where:
        block["where"] = {name: list(values) for name, values in where.items()}
    if until:
        block["until"] = _moment(until)
    salt = before.salt if before else f"{problem.name}-{git('rev-parse', '--short', 'HEAD')}"
    whole = before.model_dump(exclude_defaults=True) if before else {}
    whole |= {"subject": subject, "salt": salt}
    whole["challengers"] = {**whole.get("challengers", {}), arm: block}
    checked = parse_section(Rollout, whole, problem.name, PATH)
    plan_of(Wanted((problem.name,)), {}, {problem.name: checked})  # is it there?
    _write(problem.name, whole)
    words = (
        f"{problem.name}: {version} in {'shadow' if mode != AB else f'{share:.0%} A/B'} as '{arm}'"
    )
    return _commit(f"Rollout of {words}")


def ramp(problem: Problem, arm: str, share: float) -> str:
    """Give an arm another share, and commit that; return what was done."""
    rollout, one = _arm(problem, arm)
    if one.mode != AB:
        raise RetraceError(
            f"'{arm}' is in shadow: it sees every request. Stop it; start it as A/B."
        )
    if share == one.share:
        raise RetraceError(f"'{arm}' has {share:.0%} already.")
    whole = rollout.model_dump(exclude_defaults=True)
    whole["challengers"][arm] |= {"share": share, "ramps": {**one.ramps, _now(): one.share}}
    parse_section(Rollout, whole, problem.name, PATH)
    _write(problem.name, whole)
    return _commit(f"Rollout of {problem.name}: '{arm}' from {one.share:.0%} to {share:.0%}")


def stop(problem: Problem, arm: str) -> str:
    """Take an arm out, and commit that; return what was done. Its answers stay in the store."""
    rollout, _ = _arm(problem, arm)
    left = {name: one for name, one in rollout.challengers.items() if name != arm}
    whole = rollout.model_copy(update={"challengers": left}).model_dump(exclude_defaults=True)
    policy = whole.keys() - {"subject", "salt"}  # what somebody has chosen for the next one, too
    _write(problem.name, whole if policy else None)
    return _commit(f"Rollout of {problem.name}: '{arm}' stopped")


def _pinned(problem: Problem, version: str) -> str:
    """Return a version that stays what it is: a branch, or HEAD, by its commit."""
    tags = git("tag", "--list", version, f"{problem.name}@{version}")
    if tags or (Path(version) / paths.bundle(problem.name)).is_dir():
        return version
    commit = git_or_empty("rev-parse", "--verify", "--quiet", f"{version}^{{commit}}")
    return commit[:12] or version


def _arm(problem: Problem, arm: str) -> tuple[Rollout, Challenger]:
    rollout = read_rollouts().get(problem.name)
    there = ", ".join(rollout.challengers) if rollout else "none"
    if rollout is None or arm not in rollout.challengers:
        raise RetraceError(f"{PATH} has no arm '{arm}' of {problem.name}; there: {there}.")
    return rollout, rollout.challengers[arm]


def _usual_subject(problem: Problem) -> str:
    """Return what rows are grouped by, which are answered together, else the column of the person
    whose row it is, else the row's own name."""
    personal = parts.world(problem.world).personal
    return (*problem.group, *personal[:1], *problem.key)[0]


def _check_columns(problem: Problem, subject: str, where: Mapping[str, Sequence[str]]) -> None:
    from problems.rows import RowReader

    world = parts.world(problem.world)
    known = RowReader.of_rows(world).by_name
    for name in (subject, *where):
        if name not in known and not name.startswith("text_"):
            raise RetraceError(f"rows of {world.name} have no '{name}'; there: {', '.join(known)}.")
    own = [name for name in (subject, *where) if name in COLUMNS and name not in problem.key]
    if own:
        raise RetraceError(
            f"the log has something else under '{own[0]}': nobody could judge by that column."
        )
    if problem.group and subject not in problem.group:
        raise RetraceError(
            f"rows of one {problem.group[0]} are answered together, in one arm, whatever their "
            f"'{subject}' is. Assign by '{problem.group[0]}'."
        )
    hidden = [name for name in where if name in world.personal]
    hidden += [subject] if subject in world.personal[1:] else []
    if hidden:
        raise RetraceError(
            f"'{hidden[0]}' is a column about people, which log and store leave out: nobody could "
            "judge by it. Assign by another column."
        )


def _room(before: Rollout | None, share: float) -> float:
    """Return where a new arm begins: as far as can be from those that are there, so that all can
    grow."""
    if before is None:
        return 0.0
    taken = sorted(
        (one.begins_at, one.begins_at + one.share)
        for one in before.challengers.values()
        if one.mode == AB
    )
    if not taken:
        return 0.0
    ends = [end for _, end in taken]
    starts = [*(begin for begin, _ in taken[1:]), 1.0]
    gap, end = max((begin - end, end) for begin, end in zip(starts, ends, strict=True))
    middle = round(end + gap / 2, 6)
    return middle if middle + share <= end + gap else round(end + gap - share, 6)


def _moment(text: str) -> str:
    try:
        found = moment_of(text)
    except ValueError:
        raise RetraceError(
            f"'{text}' is no moment; expected 2026-12-31 or 2026-12-31T18:00Z."
        ) from None
    if found <= datetime.now(UTC):
        raise RetraceError(f"{text} has been: an arm that ends then would never begin.")
    return found.isoformat()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _write(problem: str, block: Mapping[str, Any] | None) -> None:
    """Write a problem's block, or take it out; the comment at the file's top stays."""
    if not PATH.exists():
        PATH.write_text(HEAD, "utf-8")
    lines = takewhile(lambda line: line.startswith("#"), PATH.read_text("utf-8").splitlines())
    head = "".join(f"{line}\n" for line in lines)
    with modify_yaml(str(PATH)) as whole:
        whole.pop(problem, None)
        if block is not None:
            whole[problem] = block
    body = PATH.read_text("utf-8").removeprefix(head).strip()
    PATH.write_text(head if body == "{}" else f"{head}{body}\n", "utf-8")


def _commit(words: str) -> str:
    git("add", "--", str(PATH))
    git("commit", "--quiet", "--message", words, "--", str(PATH))
    return words
