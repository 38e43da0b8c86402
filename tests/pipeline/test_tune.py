"""`retrace tune` and `retrace compare` on the real DAG of a small project."""

import csv
import hashlib
import io
import json
import shlex
import shutil
import signal
import subprocess
import sys
import time

import pytest

from experiments.tune import log
from retrace.base import paths
from tests.conftest import ROOT, change_params, commit, run

SEARCH = (ROOT / "docs/search.md").read_text("utf-8")
SHOW = next(line for line in SEARCH.splitlines() if line.startswith("dvc exp show"))
RETRACE = (sys.executable, "-m", "commands")
FEATURES = """
import hashlib
from experiments.tune.features import features_at
from problems.parts import find_problem
from retrace.base import paths
with features_at(find_problem("price"), {"text.alpha": 4.0}) as top:
    print(hashlib.md5((top / paths.window("price", "train")).read_bytes()).hexdigest())
"""


def test_a_search_resumes_ends_as_an_experiment_and_is_compared(prices):
    path = prices / log.folder_of("price")
    shutil.rmtree(path)  # the project's own trials
    output = run(prices, *RETRACE, "tune", "price", "--trials", "3")
    assert "trial   3" in output
    first, _ = log.read(path)
    assert len(first) == 3

    commit(prices, "Trials")
    output = run(prices, *RETRACE, "tune", "price", "--trials", "4", "--keep", "1")
    assert "going on from 3 trials" in output
    assert "trial   3" not in output
    assert log.read(path)[0][:3] == first
    assert run(prices, "git", "diff", "--name-only", "params.yaml").strip() == ""  # apply does that
    drawn = (prices / paths.search("price")).read_text("utf-8").splitlines()
    assert drawn[0].startswith("number,state,score,best,")
    assert len(drawn) == 5
    found = json.loads(run(prices, "dvc", "plots", "show", "--json").splitlines()[-1])["data"]
    drawn = found[paths.search("price").as_posix()][0]["content"]
    assert len(drawn["vconcat"]) == 2  # of our template
    rows = drawn["data"]["values"]
    assert {row["metric"] for row in rows} == {"RMSLE"}
    assert [float(row["learning_rate"]) for row in rows] == [
        pytest.approx(trial.parameters["learning_rate"], rel=1e-5) for trial in log.read(path)[0]
    ]
    assert output.count("on the calibration window, which chose nothing") == 1
    assert ("nothing to adopt" in output) != ("dvc exp apply" in output)  # never both
    output = run(prices, *RETRACE, "tune", "price", "--trials", "4")
    assert "4 trials of seed 1 are there" in output
    assert "--trials 54 makes fifty more" in output
    assert "calibration window" not in output

    best = min(log.read(path)[0], key=lambda trial: trial.score)
    output = run(prices, *RETRACE, "compare", "price", "--csv")
    row = next(
        r for r in csv.DictReader(io.StringIO(output)) if r["experiment"].startswith("price-")
    )
    assert f"train.learning_rate={best.parameters['learning_rate']}" in row["changed"]
    assert float(row["loss_gain_lower_95"]) < float(row["loss_gain"])
    assert float(row["loss_gain"]) < float(row["loss_gain_upper_95"])
    table = run(prices, *RETRACE, "compare", "price", row["experiment"])
    assert max(map(len, table.splitlines())) <= 100
    assert "95 % interval" in table
    shown = run(prices, *shlex.split(SHOW))
    assert row["experiment"] in shown
    assert "price.train.learning_rate" in shown
    assert max(map(len, shown.splitlines())) <= 120

    space = {"price": {"tune": {"space": {"lambda_l2": {"high": 50.0}}}}}
    change_params(prices, space)
    output = run(prices, *RETRACE, "tune", "price", "--trials", "1")
    assert "4 trials of other data or another space are ignored" in output
    assert "featurize@price" not in run(
        prices, "dvc", "status"
    )  # editing the space re-runs nothing

    change_params(prices, {"price": {"encode": {"category_min_rows": 4}}})
    output = run(prices, *RETRACE, "tune", "price", ok=False)
    assert "the features of 'price' are stale: featurize@price" in output
    assert "Traceback" not in output

    both = {"choices": [7], "low": 4.0}
    change_params(prices, {"price": {"tune": {"space": {"num_leaves": both}}}})
    output = run(prices, *RETRACE, "tune", "price", "--trials", "1", ok=False)
    assert "'price.tune.space.num_leaves'" in output
    assert "Traceback" not in output


@pytest.mark.slow
def test_a_trial_makes_the_features_that_the_dag_would(prices):
    path = prices / log.folder_of("price")
    shutil.rmtree(path)  # the project's own trials
    change_params(prices, {"price": {"tune": {"space": {"text.alpha": {"choices": [4.0]}}}}})
    output = run(prices, *RETRACE, "tune", "price", "--trials", "1")
    assert "  -S ++price.text.alpha=4.0" in output
    assert log.read(path)[0][-1].state == log.DONE
    made = run(prices, sys.executable, "-c", FEATURES)
    change_params(prices, {"price": {"text": {"alpha": 4.0}}})
    run(prices, "dvc", "repro", "featurize@price")
    features = (prices / paths.window("price", "train")).read_bytes()
    assert hashlib.md5(features).hexdigest() == made.strip()


@pytest.mark.slow
def test_interrupted_it_goes_on_to_the_very_trials_of_one_run(prices):
    """With Ctrl-C; drills/killed_search.py has SIGKILL."""
    path = prices / log.folder_of("price")
    shutil.rmtree(path)
    words = [*RETRACE, "tune", "price", "--trials"]
    process = subprocess.Popen(
        [*words, "500"],
        cwd=prices,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # A test run in the background of a shell ignores Ctrl-C, and what it starts would as well.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        deadline = time.monotonic() + 120
        while len(log.read(path)[0]) < 8 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in errors
    before = log.read(path)[0]
    more = len(before) + 2
    run(prices, *words, str(more))
    resumed = log.read(path)[0]
    assert resumed[: len(before)] == before

    shutil.rmtree(path)
    run(prices, *words, str(more))
    at_once = log.read(path)[0]

    def essence(trials):
        return [(t.trial, t.state, t.score, t.rounds, t.parameters, t.curve) for t in trials]

    assert essence(resumed) == essence(at_once)
