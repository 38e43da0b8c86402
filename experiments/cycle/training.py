"""From new data to a judged model: dvc repro, the commit, the gate."""

from experiments.cycle.here import CycleStep, must_dvc
from experiments.git import git
from experiments.promotion import record
from experiments.promotion.bundles import recorded_hash
from experiments.promotion.promote import Promotion, promote, register
from problems import parts
from retrace.base import paths
from retrace.judge.gate import GateParams


def evidence(here: CycleStep) -> str:
    """Return what the gate asks for: "offline", or live traffic by "shadow" or "ab"."""
    return str(parts.settings(GateParams, here.problem, "gate").evidence)


def train(here: CycleStep) -> None:
    """Run the problem's stages. Raises RetraceError with the last words of one that fails."""
    must_dvc("repro", f"evaluate@{here.problem.name}")


def commit(here: CycleStep, why: str) -> str:
    """Commit data, lock and metrics, and bring data and model to DVC's remote; return the commit.

    The remote has them before origin has the commit, so that nobody gets one without the other.
    """
    git("add", "--all")
    if git("status", "--porcelain"):
        title = f"New model of {here.problem.name}"
        git("commit", "--quiet", "--message", f"{title}\n\nBecause {why}.")
    here.lock.check()
    must_dvc("push", "--quiet", "--with-deps", f"evaluate@{here.problem.name}")
    return git("rev-parse", "HEAD")


def judge(here: CycleStep) -> Promotion:
    """Ask the gate. On a yes the model is registered in origin, and where no live traffic is asked
    for it is in prod; one atomic push has commit, record and tags."""
    here.lock.check()
    if evidence(here) == "offline":
        return promote(here.problem, push=True, dry_run=False)
    return register(here.problem)


def keep_record(here: CycleStep, text: str, revision: str = "HEAD") -> None:
    """Commit why a revision's model is not taken into use, and push: it is not judged again."""
    model = recorded_hash(revision, paths.bundle(here.problem.name))
    path = record.kept_path(here.problem.name, str(model))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    git("add", "--", path.as_posix())
    git("commit", "--quiet", "--message", f"Keep the model of {here.problem.name} in use: {path}",
        "--", path.as_posix())  # fmt: skip
    here.push()
