"""`retrace experiment`: only the experiment comes back, whatever is going on here."""

import re
import sys
from pathlib import Path

import yaml

from tests.conftest import change_params, run

EXPERIMENT = (sys.executable, "-m", "commands", "experiment")
FEWER = ("-S", "price.train.num_leaves=5")
CLONES = ".dvc/tmp/retrace/experiments"


def experiments(prices: Path) -> list[str]:
    return run(prices, "dvc", "exp", "list", "--name-only").split()


def test_it_comes_back_and_leaves_what_is_not_committed(prices: Path) -> None:
    run(prices, "git", "config", "user.name", "Somebody")
    change_params(prices, {"price": {"evaluate": {"slice_min_rows": 9}}})
    unfinished = prices / "metrics/price.json"  # as of a stage that runs
    unfinished.unlink()
    left = prices / CLONES / "999999999"  # of a process that was killed
    left.mkdir(parents=True)
    before = run(prices, "git", "status", "--porcelain")

    output = run(prices, *EXPERIMENT, "--name", "fewer", *FEWER, "evaluate@price")
    assert "without your changes of params.yaml" in output
    assert run(prices, "git", "status", "--porcelain") == before
    assert experiments(prices) == ["fewer"]
    assert list((prices / CLONES).iterdir()) == []

    run(prices, "git", "checkout", "--quiet", ".")
    run(prices, "dvc", "exp", "apply", "fewer")  # its data is in the cache of both
    params = yaml.safe_load((prices / "params.yaml").read_text())
    assert params["price"]["train"]["num_leaves"] == 5
    assert re.search("up to date", run(prices, "dvc", "status", "evaluate@price"))

    again = run(prices, *EXPERIMENT, "--name", "fewer", *FEWER, ok=False)
    assert "there is an experiment 'fewer' of this commit already" in again


def test_one_that_fails_leaves_nothing(prices: Path) -> None:
    output = run(prices, *EXPERIMENT, "-S", "price.train.num_leaves=1", "train@price", ok=False)
    assert "'price.train.num_leaves' is 1" in output
    assert "Nothing came back" in output
    assert experiments(prices) == []
    assert list((prices / CLONES).iterdir()) == []
