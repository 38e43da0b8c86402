"""experiments/promotions/<problem>/: one page a promotion, on which figures it was decided.

A record has no date: the commit that adds it and the tag on that commit have one.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from experiments.parameters import changed
from experiments.promotion.facts import Back, Facts, Version
from experiments.promotion.judgement import Judgement
from experiments.promotion.registry import PROD, Assigned
from problems.contract import Problem
from retrace.judge.comparison import Difference
from retrace.judge.metrics import METRICS
from retrace.judge.tasks import JUDGING


def path_of(problem: str, version: str) -> Path:
    return Path("experiments/promotions") / problem / f"{version}.md"


def rollback_path(problem: str, number: int) -> Path:
    """Return the record of a rollback, named by the number of its tag: `price#prod#3`."""
    return Path("experiments/promotions") / problem / f"rollback-{number}.md"


def kept_path(problem: str, model: str) -> Path:
    """Return the record of a model that was not taken into use, by its hash in dvc.lock."""
    return Path("experiments/promotions") / problem / f"kept-{model[:12]}.md"


def tried_path(problem: str, number: int) -> Path:
    """Return the record of a promotion on live traffic, named by the number of its tag."""
    return Path("experiments/promotions") / problem / f"tried-{number}.md"


def promotion(facts: Facts, found: Judgement, done: str = f"Promoted to `{PROD}`") -> str:
    """Return the record of a promotion, or of what else was `done` with the challenger."""
    problem, place, champion = facts.problem, facts.place, facts.champion
    before = f"{champion.version} ({champion.commit[:7]})" if champion else "none"
    lines = [
        f"# {problem.name} {facts.challenger.name}",
        "",
        f"- {done}: the model of {place.commit[:7]}, branch {place.branch}",
        f"- Asked for by: {place.who}",
        f"- Champion before: {before}",
        "",
        "## On the same rows",
        "",
        *same_rows(problem, champion, found),
        "",
        "## Figures of each, on its own test window",
        "",
        *own_figures(facts),
        "",
        "## Data",
        "",
        *(f"- {side.name}: `{side.fingerprint}`" for side in sides(facts)),
        "",
        "## Parameters changed",
        "",
        *parameters(facts),
    ]
    return "\n".join(lines) + "\n"


def sides(facts: Facts) -> list[Version]:
    """Return challenger and champion, if there is one."""
    return [facts.challenger, *([facts.before] if facts.before else [])]


def same_rows(problem: Problem, champion: Assigned | None, found: Judgement) -> Iterator[str]:
    """Yield the figures that the gate has looked at, as Markdown."""
    verdict, limits = found.verdict, found.limits
    loss = METRICS[problem.metric].loss_words
    yield f"| | mean {loss} |"
    yield "|---|---:|"
    for side, value in found.losses.items():
        who = f"champion {champion.version}" if side == "champion" and champion else side
        yield f"| {who} | {value:.5g} |"
    yield ""
    drawn = "each row for itself" if found.blocks == "row" else f"drawn by {found.blocks}"
    yield f"- Rows: {found.rows:,} of the test window, {drawn}"
    if found.rows_seen:
        yield f"- Left out, since the champion was fitted on them: {found.rows_seen:,} rows"
    if found.rows_apart:
        yield f"- Left out, since the champion has not predicted them: {found.rows_apart:,} rows"
    if verdict.champion is not None and verdict.gain is not None:
        yield f"- Champion's loss minus challenger's: {_interval(verdict.champion)}"
        yield f"- Gain: {verdict.gain:.2%} of the champion's loss; asked: {limits.min_gain:.2%}"
        yield (
            f"- Slices of {limits.slice_min_rows} rows and more that are worse beyond noise by "
            f"more than {limits.slice_max_worse:.0%}: {len(verdict.worse) or 'none'}"
        )
    yield f"- Rule's loss minus challenger's: {_interval(verdict.rule)}"
    promise = JUDGING[problem.task].promise
    name = {"calibration": "Calibration", "coverage": "Coverage of the interval"}[promise]
    band = getattr(limits, promise)
    if band is not None:
        yield f"- {name}: {verdict.band:.3f}; asked: {band.least:g} to {band.most:g}"
    yield from (f"- Note: {note}" for note in found.notes)


def _interval(difference: Difference) -> str:
    return f"{difference.mean:.4g} (95 % interval {difference.lower:.4g} to {difference.upper:.4g})"


def own_figures(facts: Facts) -> Iterator[str]:
    """Yield both sides' metrics as a Markdown table."""
    columns = sides(facts)
    yield f"| | {' | '.join(side.name for side in columns)} |"
    yield f"|---|{'---:|' * len(columns)}"
    for key in dict.fromkeys(key for side in columns for key in side.metrics):
        cells = (f"{side.metrics[key]:.5g}" if key in side.metrics else "" for side in columns)
        yield f"| {key} | {' | '.join(cells)} |"


def parameters(facts: Facts) -> Iterator[str]:
    if facts.before is None:
        yield "There was no champion."
        return
    problem, before, after = facts.problem, facts.before.params, facts.challenger.params
    new = changed(before, after, problem.name, problem.world)
    old = changed(after, before, problem.name, problem.world)
    for key, value in new.items():
        yield f"- `{key}`: {json.dumps(old[key])} → {json.dumps(value)}"
    if not new:
        yield "None."


def kept(facts: Facts, found: Judgement, why: str) -> str:
    """Return the record of a model that the gate has refused; `why` it was made."""
    reasons = [f"- {reason}" for reason in found.verdict.reasons]
    text = promotion(facts, found, "Not taken into use")
    _, _, rest = text.partition("\n\n")
    title = f"# {facts.problem.name}: the model in use is kept"
    return "\n".join([title, "", f"Made because {why}. The gate says no:", "", *reasons, "", rest])


def tried(problem: str, before: str, version: str, evidence: str, who: str) -> str:
    """Return the record of a promotion on live traffic."""
    return (
        f"# {problem} {version}\n\n"
        f"- Promoted to `{PROD}`: what {path_of(problem, version).name} has the figures of\n"
        f"- On live traffic: {evidence}\n"
        f"- Asked for by: {who}\n"
        f"- Champion before: {before or 'none'}\n"
    )


def rollback(problem: str, facts: Back, reason: str) -> str:
    """Return the record of a rollback."""
    out, back = facts.out, facts.back
    return (
        f"# {problem}: back to {back.version}\n\n"
        f"- Out of `{PROD}`: {out.version} ({out.commit[:7]})\n"
        f"- Back in `{PROD}`: {back.version} ({back.commit[:7]})\n"
        f"- Asked for by: {facts.place.who}\n"
        f"- Reason: {reason or 'not given'}\n"
    )
