"""What live traffic says of a challenger, where `<problem>.gate.evidence` asks for it."""

from dataclasses import replace
from pathlib import Path

from experiments.installed import server_packages
from experiments.promotion.judgement import Judgement
from problems.contract import Problem
from retrace.base import paths
from retrace.fit.bundle import Bundle


def with_live_evidence(problem: Problem, found: Judgement, url: str | None) -> Judgement:
    """Return the judgement with what an arm of rollout.yaml has shown of this commit's model: a
    reason against it where that is not `promote`, else a note.

    Raises RetraceError where the store cannot be asked, or the server's packages are missing.
    """
    kind = found.limits.evidence
    if kind == "offline":
        return found
    sentence, is_for = _live(problem, kind, url)
    if is_for:
        return replace(found, notes=(*found.notes, f"on live traffic ({kind}): {sentence}"))
    reasons = (*found.verdict.reasons, f"live evidence ({kind}) is asked for: {sentence}")
    return replace(found, verdict=replace(found.verdict, reasons=reasons))


def _live(problem: Problem, kind: str, url: str | None) -> tuple[str, bool]:
    """Return what an arm of this kind says of the model in models/, and whether it is for it."""
    with server_packages():
        from experiments.rollout.resolve import plan_of
        from experiments.rollout.verdict import verdict_on
        from serving.rollout import read_rollouts
        from serving.wanted import CHAMPION, Wanted
        from store.database import Store
    rollout = read_rollouts().get(problem.name)
    here = Bundle.load(paths.bundle(problem.name)).fingerprint
    plan = plan_of(Wanted((problem.name,)))
    arms = [
        model.arm
        for model in plan.models
        if model.arm != CHAMPION
        and rollout is not None
        and rollout.challengers[model.arm].mode == kind
        and Bundle.load(Path(model.top) / paths.bundle(problem.name)).fingerprint == here
    ]
    if rollout is None or not arms:
        return (
            f"no arm of rollout.yaml tries this commit's model so; `retrace rollout start "
            f"{problem.name} HEAD --mode {kind}` does.",
            False,
        )
    store = Store(url, existing=True)
    verdict = verdict_on(store, problem, rollout, arms[0]).verdict
    return f"{arms[0]}: {verdict.sentence}", verdict.decision == "promote"
