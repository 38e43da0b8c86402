"""`retrace experiment`: only the experiment comes back, whatever is going on here."""

import re
import sys
from pathlib import Path

import yaml

from tests.conftest import change_params, run

EXPERIMENT = (sys.executable, "-m", "commands", "experiment")
FEWER = ("-S", "price.train.num_leaves=5")
CLONES = ".dvc/tmp/retrace/experiments"


def experiments(clone: Path) -> list[str]:
    return run(clone, "dvc", "exp", "list", "--name-only").split()


def test_it_comes_back_and_leaves_what_is_not_committed(clone: Path) -> None:
    run(clone, "git", "config", "user.name", "Somebody")
    change_params(clone, {"fraud": {"train": {"num_leaves": 9}}})
    unfinished = clone / "metrics/price.json"  # as of a stage that runs
    unfinished.unlink()
    left = clone / CLONES / "999999999"  # of a process that was killed
    left.mkdir(parents=True)
    before = run(clone, "git", "status", "--porcelain")

    output = run(clone, *EXPERIMENT, "--name", "fewer", *FEWER, "evaluate@price")
    assert "without your changes of params.yaml" in output
    assert run(clone, "git", "status", "--porcelain") == before
    assert experiments(clone) == ["fewer"]
    assert list((clone / CLONES).iterdir()) == []

    run(clone, "git", "checkout", "--quiet", ".")
    run(clone, "dvc", "exp", "apply", "fewer")  # its data is in the cache of both
    params = yaml.safe_load((clone / "params.yaml").read_text())
    assert params["price"]["train"]["num_leaves"] == 5
    assert re.search("up to date", run(clone, "dvc", "status", "evaluate@price"))

    again = run(clone, *EXPERIMENT, "--name", "fewer", *FEWER, ok=False)
    assert "there is an experiment 'fewer' of this commit already" in again


def test_one_that_fails_leaves_nothing(clone: Path) -> None:
    output = run(clone, *EXPERIMENT, "-S", "price.train.num_leaves=1", "train@price", ok=False)
    assert "'price.train.num_leaves' is 1" in output
    assert "Nothing came back" in output
    assert experiments(clone) == []
    assert list((clone / CLONES).iterdir()) == []
