"""Whether a model is to be made now, and why, in a sentence.

All of it can be read off origin and the store: which model the branch has, whether it was judged,
when it was made (the author's date of its metrics), and which alarms are open since then.
"""

from dataclasses import dataclass

import pandas as pd

from experiments import dag
from experiments.cycle.here import CycleStep
from experiments.cycle.new_data import FreshData
from experiments.git import git, git_or_empty
from experiments.promotion import record
from experiments.promotion.bundles import recorded_hash
from experiments.promotion.registry import champion
from monitoring.alarms import alarms
from monitoring.summary import BIAS, DATA, OPEN, PERFORMANCE, PREDICTIONS
from retrace.base import paths

OF_THE_WORLD = (DATA, PREDICTIONS, PERFORMANCE, BIAS)  # what a new fit may help against
DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Reason:
    """`act` is whether there is something to do: make a model, or judge the one that is there."""

    act: bool
    words: str


def stale_stages(here: CycleStep) -> list[str]:
    """Return the stages that the branch's own code, parameters and data have changed; asked before
    anything new is taken in."""
    return dag.stale(f"evaluate@{here.problem.name}")


def decide(here: CycleStep, stale: list[str], fresh: FreshData) -> Reason:
    """Say whether to go on, by what is weightiest."""
    name = here.problem.name
    if stale:
        return Reason(True, f"the branch has changed since its model was made ({', '.join(stale)})")
    if waits := unjudged(name):
        return Reason(True, waits)
    made = made_at(name)
    alarm = _alarm(here, made)
    if not fresh.taken:
        if alarm:
            return Reason(False, f"{alarm}, but there is no new data to learn from")
        return Reason(False, "there is no new data")
    if alarm:
        return Reason(True, alarm)
    least = here.params.least_new_labels
    if fresh.n_rows >= least:
        return Reason(True, f"{fresh.n_rows:,} new labels are known; {least:,} are enough")
    days = (here.now - made) / DAY if made is not None else float("inf")
    if not 0 <= days < here.params.every_days:
        age = f"is {days:.0f} days old" if 0 <= days < float("inf") else "is of another time"
        return Reason(True, f"the model {age}, and {fresh.n_rows:,} new labels are known")
    return Reason(
        False,
        f"{fresh.n_rows:,} new labels of {least:,}, and the model is {days:.1f} days old of "
        f"{here.params.every_days:g}",
    )


def unjudged(name: str) -> str:
    """Return words for a model of the branch that is not in use and was not refused; else ""."""
    model, in_use = recorded_hash("HEAD", paths.bundle(name)), champion(name)
    if model is None:
        return "the branch has no model yet"
    if in_use is not None and recorded_hash(in_use.commit, paths.bundle(name)) == model:
        return ""
    if git_or_empty("cat-file", "-t", f"HEAD:{record.kept_path(name, model).as_posix()}"):
        return ""
    return "the model of the branch is not in use, and was not judged"


def registered(name: str) -> str:
    """Return the version under which the branch's model is registered; "" where it is not."""
    model = recorded_hash("HEAD", paths.bundle(name))
    for tag in reversed(git("tag", "--list", "--sort=version:refname", f"{name}@v*").splitlines()):
        if model is not None and recorded_hash(tag, paths.bundle(name)) == model:
            return tag.removeprefix(f"{name}@")
    return ""


def made_at(name: str) -> pd.Timestamp | None:
    """Return when the branch's model was made; None where nothing says so."""
    said = git_or_empty("log", "-1", "--format=%aI", "--", paths.metrics(name).as_posix())
    return pd.Timestamp(said).tz_convert("UTC") if said else None


def _alarm(here: CycleStep, made: pd.Timestamp | None) -> str:
    """Return words for the newest open alarm that the model of the branch has not answered."""
    if here.store is None:
        return ""
    since = 0 if made is None else int(made.timestamp() * 1e6)
    now = int(here.now.timestamp() * 1e6)
    for one in alarms(here.store, here.problem.name):
        ours = one.kind in OF_THE_WORLD and one.state == OPEN
        if ours and (since <= one.raised_at <= now or since > now):
            return f"an alarm of {one.kind} is open ({one.words})"
    return ""
