"""The challenger on live traffic: started by what the gate asks for, then read at each run.

The cycle's arm is `cycle`; those that people start are left alone. One challenger is tried at a
time: while it is, no new model is made.
"""

from itertools import pairwise

import pandas as pd

from experiments.cycle.here import CycleStep
from experiments.cycle.record import CycleOutcome
from experiments.cycle.status import DONE, KEPT, WAITS
from experiments.cycle.training import evidence, keep_record
from experiments.git import git_or_empty
from experiments.promotion.promote import promote_tried
from experiments.promotion.registry import champion
from experiments.rollout import edit
from experiments.rollout.verdict import verdict_on
from monitoring.notices import NOTE, WARNING
from retrace.base.errors import RetraceError
from serving.rollout import AB, Challenger, read_rollouts
from store.stops import stops_in

ARM = "cycle"
DAY = pd.Timedelta(days=1)


def running(here: CycleStep) -> Challenger | None:
    """Return the challenger that the cycle tries; None where it tries none."""
    rollout = read_rollouts().get(here.problem.name)
    return rollout.challengers.get(ARM) if rollout else None


def start(here: CycleStep, version: str) -> CycleOutcome:
    """Try a registered version as the gate asks, and push that."""
    name, kind = here.problem.name, evidence(here)
    here.lock.check()
    share = here.params.shares[0] if kind == AB else 0.0
    words = edit.start(here.problem, ARM, version, mode=kind, share=share)
    here.push()
    return CycleOutcome(
        status=WAITS,
        words=f"{words}; the gate passes, and live traffic is to speak now",
        to_do=f"`retrace rollout verdict {name} {ARM}` says what is known so far.",
        weight=NOTE,
        key=f"start {name} {version}",
    )


def follow(here: CycleStep, tried: Challenger) -> CycleOutcome:
    """Read the verdict on the challenger, and do what it says.

    Raises RetraceError where there is no store to ask.
    """
    name, version = here.problem.name, tried.version
    if here.store is None:
        raise RetraceError(
            f"{name} {version} is tried on live traffic, and there is no store to ask what came of "
            "it: --store or $RETRACE_STORE names the server's database."
        )
    decision, sentence = _verdict(here, tried)
    in_use = champion(name)
    if in_use is not None and in_use.version == version:
        decision, sentence = "done", "it is in use already"
    if here.is_plan:
        return CycleOutcome(status=WAITS, words=f"{name} {version} is tried: {sentence}", weight=-1)
    if decision == "wait":
        return _wait(here, tried, sentence)
    if decision == "promote":
        here.lock.check()
        promote_tried(name, version, sentence)
    edit.stop(here.problem, ARM)
    if decision in ("promote", "done"):
        here.push()
        words, key = f"{name} {version} is in prod: {sentence}", f"promote {name} {version}"
        return CycleOutcome(status=DONE, words=words, weight=NOTE, key=key)
    text = f"# {name} {version}: stopped on live traffic\n\n{sentence}\n"
    keep_record(here, text, f"{name}@{version}")
    return CycleOutcome(
        status=KEPT,
        words=f"{name} {version} is stopped, and the model in use stays: {sentence}",
        to_do="Nothing at once: the next new data makes another one.",
        weight=WARNING,
        key=f"stop {name} {version}",
    )


def _verdict(here: CycleStep, tried: Challenger) -> tuple[str, str]:
    """Return what is to be done with the challenger, and why."""
    assert here.store is not None
    name = here.problem.name
    stopped = stops_in(here.store).get((name, ARM, tried.since))
    if stopped:
        return "stop", f"the guard has stopped it: {stopped}"
    found = verdict_on(here.store, here.problem, read_rollouts()[name], ARM).verdict
    days = _days_since(here, f"in .* as '{ARM}'$")
    if found.decision == "wait" and days > here.params.most_days:
        return "stop", f"no verdict in {days:.0f} days. {found.sentence}"
    return found.decision, found.sentence


def _wait(here: CycleStep, tried: Challenger, sentence: str) -> CycleOutcome:
    """Give an A/B arm its next share, where it has had this one for long enough."""
    name, words = here.problem.name, sentence
    shares = dict(pairwise(here.params.shares))
    if tried.mode == AB and tried.share in shares:
        days = _days_since(here, f"'{ARM}' from|in .* as '{ARM}'$")
        if days >= here.params.ramp_days:
            words = f"{edit.ramp(here.problem, ARM, shares[tried.share])}. {sentence}"
            here.push()
    words = f"{name} {tried.version} is tried: {words}"
    return CycleOutcome(status=WAITS, words=words, weight=-1)


def _days_since(here: CycleStep, words: str) -> float:
    """Return how many days ago rollout.yaml was last changed so, by the author's date."""
    said = git_or_empty("log", "-1", "--format=%aI", "--extended-regexp",
                        f"--grep=^Rollout of {here.problem.name}: .*({words})")  # fmt: skip
    return (here.now - pd.Timestamp(said).tz_convert("UTC")) / DAY if said else 0.0
