"""The workflows' own lines as a runner runs them: an empty cache, and all data in an S3 bucket.

What they ask of DVC, other commands ask too: only what changed runs, and only what that needs is
downloaded.
"""

import dataclasses
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from commands.storage import S3Server
from tests.conftest import ROOT, change_params, commit, environment, make_venv, run
from tests.forked import quick
from tests.pipeline.test_dag import lock, ran
from tests.s3 import local_s3

WIDER = {"price": {"train": {"num_leaves": 7}}}
AFTER_TRAIN = ["train@price", "evaluate@price", "page@price", "report"]
ITS_INPUTS = {"data/clean/price.parquet", "data/features/price", "data/truth/price"}


@dataclasses.dataclass(frozen=True)
class Runner:
    """A runner's clone: no cache, keys in the environment, and files for what a step hands on."""

    folder: Path
    env: dict[str, str]

    def run(self, line: str, ok: bool = True) -> str:
        """Run a line with the shell and the options of a workflow's step."""
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", line],
            cwd=self.folder,
            env=quick(self.env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert (done.returncode == 0) == ok, f"{line}\n{done.returncode}\n{done.stdout}"
        return done.stdout

    def steps(self, workflow: str, **env: str) -> list[str]:
        """Run the lines of a workflow's first job, word for word, and return what each printed."""
        runner = dataclasses.replace(self, env=self.env | env)
        return [runner.run(line) for line in lines(workflow)]

    def downloaded(self) -> set[str]:
        """Return the outputs that are here, of those that DVC keeps."""
        outs = [out for stage in lock(self.folder).values() for out in stage["outs"]]
        ignored = run(self.folder, "git", "check-ignore", *(out["path"] for out in outs)).split()
        return {path for path in ignored if (self.folder / path).exists()}


def lines(workflow: str) -> list[str]:
    jobs = yaml.safe_load((ROOT / f".github/workflows/{workflow}.yml").read_text())["jobs"]
    return [step["run"] for step in next(iter(jobs.values()))["steps"] if "run" in step]


@pytest.fixture(scope="module")
def bucket(
    reproduced_price: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, S3Server]]:
    """The reproduced project as a Git repository, and a server that has all its data."""
    folder = tmp_path_factory.mktemp("bucket")
    run(folder, "git", "clone", "--quiet", str(reproduced_price), "hub")
    with local_s3(folder / "s3") as server:
        run(reproduced_price, "dvc", "push", "--quiet", **keys(server))
        yield folder / "hub", server


def keys(server: S3Server) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": server.key,
        "AWS_SECRET_ACCESS_KEY": server.secret,
        "AWS_ENDPOINT_URL": server.endpoint,
    }


@pytest.fixture
def runner(bucket: tuple[Path, S3Server], tmp_path: Path) -> Runner:
    hub, server = bucket
    folder = tmp_path / "runner"
    run(tmp_path, "git", "clone", "--quiet", str(hub), str(folder))
    make_venv(folder)
    files = {name: str(tmp_path / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    base = run(folder, "git", "rev-parse", "HEAD").strip()
    own = {"BASE": base, "PYTHONPATH": str(folder), "CI": "true"}
    return Runner(folder, {**environment(), **keys(server), **files, **own})


def text(runner: Runner, name: str) -> str:
    return Path(runner.env[name]).read_text()


def test_metrics_of_a_pull_request(runner: Runner) -> None:
    unchanged = runner.run(lines("pull-request")[0])
    assert ran(unchanged) == []
    assert runner.downloaded() == set()
    change_params(runner.folder, WIDER)
    commit(runner.folder, "More leaves")
    printed, _ = runner.steps("pull-request")
    assert ran(printed) == AFTER_TRAIN
    new = {"models/price", "data/held/price.parquet", "data/serving/price"}
    new |= {"data/predictions/price.parquet"}
    drawn = {"plots/price/predicted.png", "reports/index.html"}
    assert runner.downloaded() == ITS_INPUTS | new | drawn
    changes = text(runner, "GITHUB_OUTPUT")
    assert re.search(r"\| metrics/price\.json +\| rmsle ", changes)
    assert "### price" in changes


@pytest.mark.slow
def test_an_experiment_by_hand(runner: Runner) -> None:
    form = {"PROBLEM": "price", "PARAMETERS": "price.train.num_leaves=7 price.train.max_rounds=9"}
    printed = runner.steps("experiment", **form)[-1]
    assert ran(printed) == AFTER_TRAIN[:2]
    summary = text(runner, "GITHUB_STEP_SUMMARY")
    assert "`train.num_leaves=7`<br>`train.max_rounds=9`" in summary


@pytest.mark.slow
def test_commands_without_a_cache(runner: Runner) -> None:
    downstream = "--pull --allow-missing --downstream train@price"
    dry = ("--allow-missing --dry", "--allow-missing --dry evaluate@price")
    for words in (*dry, downstream):
        assert ran(runner.run(f"dvc repro {words}")) == [], words
    change_params(runner.folder, WIDER)
    for words in dry:  # as docs/storage.md says
        failed = runner.run(f"dvc repro {words}", ok=False)
        assert f"failed to reproduce '{AFTER_TRAIN[0]}'" in failed
    runner.run("dvc pull data/features/price")
    assert ran(runner.run(f"dvc repro {dry[1]}")) == AFTER_TRAIN[:1]
    assert runner.downloaded() == {"data/features/price"}
    assert ran(runner.run(f"dvc repro {downstream}")) == AFTER_TRAIN


def test_a_step_that_fails_stops_the_workflow(runner: Runner) -> None:
    change_params(runner.folder, {"price": {"train": {"num_leaves": 1}}})
    commit(runner.folder, "Too few leaves")
    with pytest.raises(AssertionError, match=r"'price\.train\.num_leaves' is 1"):
        runner.steps("pull-request")
