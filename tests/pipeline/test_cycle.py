"""The cycle with real git, dvc and a store: new data to a better model in use, whatever happens.

Each run of a cycle that trains takes some ten seconds of the processor: most are for `make drills`.
"""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import change_params, environment, made_once, run
from tests.pipeline.factory import MONTHS, NAME, WEAK, Factory, in_prod, make_factory, receiver

AUGUST, SEPTEMBER = "2025-09-13", "2025-10-13"  # by then all that is known of the month before
LOCK = f"refs/retrace/cycle/{NAME}"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "factory", make_factory)


@pytest.fixture
def factory(made: Path, tmp_path: Path) -> Factory:
    """A copy of the factory that this test may change."""
    return Factory(Path(shutil.copytree(made, tmp_path / "factory", symlinks=True)))


@pytest.fixture(scope="module")
def done(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Factory:
    """A factory whose cycle has taken August in. Read it, or copy it."""

    def make(folder: Path) -> None:
        factory = Factory(Path(shutil.copytree(made, folder, symlinks=True)))
        factory.tell("2025-08")
        assert f"{NAME} v0.0.2 is in prod" in factory.cycle(AUGUST)

    return Factory(made_once(tmp_path_factory, "factory_done", make))


def what_counts(factory: Factory) -> tuple[str, ...]:
    """Return what origin has, but for who made it when: the files of the branch and the tags."""
    files = [
        line for line in factory.git("ls-tree", "-r", "main").splitlines()
        if "experiments/promotions" not in line
    ]  # fmt: skip
    refs = factory.git("for-each-ref", "--format=%(refname)").splitlines()
    return (*files, *refs)


# ---- new data ------------------------------------------------------------------------------------


def test_new_data_makes_a_better_model_and_puts_it_into_use(done: Factory) -> None:
    record = json.loads((done.work / "record.json").read_text())
    assert list(record["steps"]) == ["data", "decide", "train", "commit", "gate"]
    assert "data/external/fraud/2025-08.csv" in record["steps"]["data"]
    assert record["outcome"]["status"] == 0
    assert done.git("log", "-3", "--format=%s", "main").splitlines()[:2] == [
        f"Promote {NAME} v0.0.2", f"New model of {NAME}",
    ]  # fmt: skip
    assert done.git("log", "-1", "--format=%aI", "main").startswith(f"{AUGUST}T00:00:00")
    assert "v0.0.2" in in_prod(done)
    assert done.git("show", f"main:experiments/promotions/{NAME}/v0.0.2.md").startswith("# fraud")
    assert LOCK not in done.git("for-each-ref")


def test_others_get_data_and_model_from_the_remotes(done: Factory, tmp_path: Path) -> None:
    run(tmp_path, "git", "clone", "-q", str(done.top / "origin.git"), "other")
    run(tmp_path / "other", "dvc", "remote", "modify", "--local", "storage", "url",
        str(done.top / "remote"))  # fmt: skip
    run(tmp_path / "other", "dvc", "pull", "-q", "--with-deps", f"evaluate@{NAME}")
    months = sorted(path.name for path in (tmp_path / "other" / MONTHS).glob("*.csv"))
    assert months[-1] == "2025-08.csv"
    assert (tmp_path / "other/models" / NAME / "bundle.json").exists()


def test_the_copy_that_was_called_stays_as_it_was(done: Factory, made: Path) -> None:
    before = Factory(made).project
    for words in (("status", "--porcelain"), ("show-ref", "--head")):
        assert run(done.project, "git", *words) == run(before, "git", *words)
    assert not (done.project / MONTHS / "2025-08.csv").exists()


def copied(factory: Factory, to: Path) -> Factory:
    return Factory(Path(shutil.copytree(factory.top, to / "factory", symlinks=True)))


def test_nothing_new_does_nothing(done: Factory, tmp_path: Path) -> None:
    factory = copied(done, tmp_path)
    before = factory.git("for-each-ref")
    assert "nothing to do, there is no new data" in factory.cycle("2025-09-14")
    shutil.rmtree(factory.work)  # as on another machine
    assert "nothing to do, there is no new data" in factory.cycle("2025-09-14")
    assert factory.git("for-each-ref") == before


@pytest.mark.slow
def test_a_plan_says_what_would_be_done_and_does_nothing(factory: Factory) -> None:
    factory.tell("2025-08")
    before = factory.git("for-each-ref")
    said = factory.cycle(AUGUST, "--plan")
    assert "make a new model, because" in said
    assert "where the gate passes, promote it" in said
    assert factory.git("for-each-ref") == before
    assert not (factory.work / "record.json").exists()


@pytest.mark.slow
def test_a_closed_month_keeps_its_bytes_and_few_labels_wait(done: Factory, tmp_path: Path) -> None:
    factory = copied(done, tmp_path)
    month = factory.work / "clone" / MONTHS / "2025-08.csv"
    august = month.read_bytes()
    factory.tell("2025-09")
    said = factory.cycle("2025-09-19")  # a week of September, of which outcomes are mature
    assert "new labels of 5,000, and the model is 6.0 days old of 7" in said
    assert month.read_bytes() == august


# ---- what goes wrong -----------------------------------------------------------------------------


@pytest.mark.slow
def test_a_bad_month_stops_before_training_and_the_next_good_one_goes_on(
    done: Factory, tmp_path: Path
) -> None:
    factory = copied(done, tmp_path)
    before = factory.git("for-each-ref")
    factory.tell("2025-09", lambda rows: rows.assign(is_fraud=1 - rows["is_fraud"]))
    said = factory.cycle(SEPTEMBER, status=5)
    assert "data/external/fraud/2025-09.csv was refused: is_fraud mean is 0.1" in said
    assert "stages.featurize" not in said
    assert factory.git("for-each-ref") == before
    (kept,) = (factory.work / "set-aside").iterdir()
    assert kept.name.endswith("-2025-09.csv")
    assert "nothing to do" in factory.cycle(SEPTEMBER)  # the same bytes are not asked again

    factory.tell("2025-09")  # corrected at the source
    said = factory.cycle(SEPTEMBER, "--plan")
    assert "make a new model, because the model is 30 days old" in said


def test_a_step_that_fails_leaves_the_champion_and_is_told(factory: Factory) -> None:
    wrong = {NAME: {"train": {"num_leaves": 1}}}
    factory.push(lambda project: change_params(project, wrong), "One leaf")
    before = factory.git("for-each-ref")
    with receiver() as (address, told):
        told_to = {"RETRACE_NOTIFY_CYCLE": f"json://{address}/"}
        said = factory.cycle(AUGUST, status=1, env=told_to)
    assert len(told) == 1
    assert f"{NAME}.train.num_leaves" in told[0]
    assert f"{NAME}: the cycle failed, and the model in use stays" in said
    assert f"{NAME}.train.num_leaves" in said.partition("the cycle failed")[2]
    assert "the next run begins from what origin has" in said
    assert factory.git("for-each-ref") == before  # the lock is given back, too


def test_no_remote_is_said(factory: Factory) -> None:
    run(factory.project, "git", "remote", "remove", "origin")
    assert "there is no Git remote 'origin'" in factory.cycle(AUGUST, status=1)


# ---- a change of code ----------------------------------------------------------------------------


@pytest.mark.slow
def test_a_change_of_the_pipeline_goes_through_the_same_gate(factory: Factory) -> None:
    path = "workflow/refit.py"  # of stage train

    def change(project: Path) -> None:
        (project / path).write_text(f"{(project / path).read_text()}\nANOTHER = 1\n")

    factory.push(change, "Other code")
    said = factory.cycle(AUGUST)
    assert "because the branch has changed since its model was made (train@fraud" in said
    assert f"{NAME} v0.0.2 is in prod" in said
    assert "ANOTHER" in factory.git("show", f"{NAME}@v0.0.2:{path}")


@pytest.mark.slow
def test_what_is_worse_is_not_shipped(done: Factory, tmp_path: Path) -> None:
    factory = copied(done, tmp_path)
    factory.push(lambda project: change_params(project, {NAME: WEAK}), "One round")
    said = factory.cycle("2025-09-14", status=3)
    assert "the one in use is kept: not better than the" in said
    assert "v0.0.2" in in_prod(factory)
    assert "The gate says no" in factory.git("log", "-1", "-p", "main")
    assert "nothing to do" in factory.cycle("2025-09-14")  # it is not judged again


# ---- killed, and two at once ---------------------------------------------------------------------


def begin(factory: Factory) -> subprocess.Popen[str]:
    """Start a cycle by its own process, whose id stays the same."""
    words = [sys.executable, "-m", "commands", *factory.command(AUGUST)[1:]]
    return subprocess.Popen(
        words, cwd=factory.project, env=environment(), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def wait_for(process: subprocess.Popen[str], holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 600
    while not holds():
        assert process.poll() is None, process.stdout.read()  # type: ignore[union-attr]
        assert time.monotonic() < until
        time.sleep(0.002)


@pytest.mark.slow
def test_of_two_at_once_one_acts(factory: Factory) -> None:
    factory.tell("2025-08")
    change_params(factory.project, {"cycle": {"wait_minutes": 0.0}})  # of this copy
    process = begin(factory)
    wait_for(process, lambda: LOCK in factory.git("for-each-ref"))
    said = factory.cycle(AUGUST, "--work", str(factory.top / "elsewhere"), status=6)
    assert f"a cycle of {NAME} is at work: " in said
    assert f"process {process.pid}, since " in said
    assert not (factory.top / "elsewhere/clone").exists()
    out, _ = process.communicate(timeout=600)
    assert process.returncode == 0, out
    assert "v0.0.2" in in_prod(factory)
    assert LOCK not in factory.git("for-each-ref")


@pytest.mark.slow
def test_killed_after_every_step_the_next_run_goes_on(done: Factory, factory: Factory) -> None:
    factory.tell("2025-08")
    file = factory.work / "record.json"

    def noted(step: str, before: str) -> Callable[[], bool]:
        def holds() -> bool:
            if not file.exists():
                return False
            record = json.loads(file.read_text())
            return record["begun_at"] != before and step in record["steps"]

        return holds

    for moment in ("lock", "data", "decide", "train", "commit", "tag"):
        before = json.loads(file.read_text())["begun_at"] if file.exists() else ""
        process = begin(factory)
        if moment == "lock":
            wait_for(process, lambda: LOCK in factory.git("for-each-ref"))
        elif moment == "tag":
            wait_for(process, lambda: f"{NAME}@v0.0.2" in factory.git("for-each-ref"))
        else:
            wait_for(process, noted(moment, before))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert LOCK in factory.git("for-each-ref")  # the next one takes it over
        expected = "v0.0.2" if moment == "tag" else "v0.0.1"
        assert expected in in_prod(factory)
    assert "nothing to do" in factory.cycle(AUGUST)
    assert what_counts(factory) == what_counts(done)
