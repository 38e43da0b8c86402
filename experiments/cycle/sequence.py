"""A cycle from beginning to end, in the clone and with the lock.

Each step does nothing where its result is in origin already; what a killed cycle had not pushed is
made again, the stages out of DVC's run cache.
"""

from experiments.cycle import reasons, training, tried
from experiments.cycle.here import CycleStep, run_dvc
from experiments.cycle.new_data import FreshData, bring
from experiments.cycle.record import CycleOutcome
from experiments.cycle.status import DONE, KEPT, REFUSED
from experiments.promotion import record
from experiments.promotion.bundles import recorded_hash
from experiments.promotion.facts import check_data
from experiments.promotion.registry import champion
from monitoring.notices import NOTE, URGENT, WARNING
from retrace.base import paths


def run(here: CycleStep) -> CycleOutcome:
    """Do what there is to do now, and say what came of it."""
    name = here.problem.name
    challenger = tried.running(here)
    if challenger is not None:
        return tried.follow(here, challenger)
    if version := reasons.registered(name) if reasons.unjudged(name) else "":
        return _begin(here, version)

    target = f"evaluate@{name}"
    run_dvc("pull", "--quiet", "--allow-missing", "--with-deps", target)  # what lacks is made again
    stale = reasons.stale_stages(here)
    fresh = bring(here)
    here.note("data", str(fresh))
    if fresh.refused:
        return _refused(here, fresh)
    why = reasons.decide(here, stale, fresh)
    here.note("decide", why.words)
    if not why.act:
        return CycleOutcome(status=DONE, words=f"{name}: nothing to do, {why.words}", weight=-1)
    if here.is_plan:
        return CycleOutcome(status=DONE, words=_plan(here, why.words), weight=-1)

    check_data(here.problem.world)  # of the branch: the gate would refuse the model
    training.train(here)
    here.note("train", "made")
    commit = training.commit(here, why.words)
    here.note("commit", commit[:12])
    return _judge(here, why.words)


def _judge(here: CycleStep, why: str) -> CycleOutcome:
    """Ask the gate about the model of the clone's last commit, and act on it."""
    name = here.problem.name
    in_use = champion(name)
    model = recorded_hash("HEAD", paths.bundle(name))
    if in_use is not None and recorded_hash(in_use.commit, paths.bundle(name)) == model:
        here.push()
        words = f"{name}: the new model is {in_use.version}, which is in use, to the byte"
        return CycleOutcome(status=DONE, words=f"{words}. Made because {why}.", weight=NOTE)
    found = training.judge(here)
    version, reasons_against = found.facts.challenger.name, found.judgement.verdict.reasons
    if reasons_against:
        here.note("gate", "no")
        training.keep_record(here, record.kept(found.facts, found.judgement, why))
        return CycleOutcome(
            status=KEPT,
            words=f"{name}: a new model was made because {why}, and the one in use is kept: "
            f"{reasons_against[0]}",
            to_do="Nothing at once: the next new data makes another one.",
            weight=WARNING,
            key=f"kept {name} {model}",
        )
    here.note("gate", f"yes: {version}")
    if training.evidence(here) != "offline":
        return _begin(here, version)
    return CycleOutcome(
        status=DONE,
        words=f"{name} {version} is in prod. Made because {why}.",
        to_do=f"`retrace rollback {name}` takes it back.",
        weight=NOTE,
        key=f"promote {name} {version}",
    )


def _begin(here: CycleStep, version: str) -> CycleOutcome:
    if here.is_plan:
        words = f"{here.problem.name} {version} has passed the gate: try it on live traffic"
        return CycleOutcome(status=DONE, words=words, weight=-1)
    return tried.start(here, version)


def _refused(here: CycleStep, fresh: FreshData) -> CycleOutcome:
    name = here.problem.name
    return CycleOutcome(
        status=REFUSED,
        words=f"{name}: {fresh}. Nothing was learnt from it; the model in use stays.",
        to_do=f"Look at the source; the file is in {here.work / 'set-aside'}. Repaired, it is "
        "taken at the next run; other files are meanwhile.",
        weight=URGENT,
        key=f"refused {name} {' '.join(path for path, _ in fresh.refused)} {here.now:%F}",
    )


def _plan(here: CycleStep, why: str) -> str:
    kind = training.evidence(here)
    then = "promote it" if kind == "offline" else f"try it on live traffic ({kind})"
    return f"{here.problem.name}: make a new model, because {why}; where the gate passes, {then}"
