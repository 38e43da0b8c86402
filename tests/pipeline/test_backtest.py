"""The replay and the retraining on a real DAG: only what changed, and a page that decides."""

import json
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.conftest import ROOT, change_params, commit, run, run_stages
from tests.pipeline.test_dag import ran

RETRACE = (sys.executable, "-m", "commands")
PROBLEMS = ("service_time", "fraud")


@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_replay_has_its_outputs(reproduced: Path, problem: str) -> None:
    periods = pd.read_csv(reproduced / f"plots/{problem}/backtest.csv")
    assert sorted(set(periods["policy"])) == ["alarm", "every", "never"]
    assert periods.loc[periods["policy"] == "never", "retrained"].sum() == 0
    first = periods[periods["period"] == periods["period"].min()]
    assert first["score"].nunique() == 1  # all begin with the same model
    figures = json.loads((reproduced / f"metrics/backtest/{problem}.json").read_text())
    assert len(figures) <= 8
    assert figures["retrainings_every"] >= figures["retrainings_alarm"]
    tables = {path.stem for path in (reproduced / f"metrics/backtest/{problem}").iterdir()}
    assert tables == {"retrainings", "changes", "drift"}
    assert "Left alone, or retrained?" in (reproduced / "reports/index.html").read_text()


@pytest.mark.slow
def test_an_alarm_limit_runs_the_replay_alone(payments: Path) -> None:
    change_params(payments, {"fraud": {"backtest": {"alarm": {"feature_psi": 9.0}}}})
    found = ran(run(payments, "dvc", "repro"))
    assert {"backtest@fraud", "page@fraud", "report"} <= set(found)
    assert set(found) <= {"backtest@fraud", "page@fraud", "story@fraud", "report"}


@pytest.mark.parametrize("truth", ["none", "that of other data"])
def test_data_without_its_truth_has_no_changes(payments: Path, truth: str) -> None:
    path = payments / "data/raw/fraud/_truth/truth.json"
    text = path.read_text()
    shutil.rmtree(payments / "data/truth/fraud")
    if truth == "none":
        shutil.rmtree(path.parent)
    else:
        path.unlink()  # it is a link into the cache
        path.write_text(json.dumps({**json.loads(text), "raw": "another"}))
    run_stages(payments, "ingest@fraud", "backtest@fraud")
    assert len(pd.read_csv(payments / "metrics/backtest/fraud/changes.csv")) == 0
    retrainings = pd.read_csv(payments / "metrics/backtest/fraud/retrainings.csv")
    assert retrainings["false_alarm"].isna().all()


def test_a_problem_without_time_is_refused_by_name(prices: Path) -> None:
    fraud = yaml.safe_load((ROOT / "params.yaml").read_text())["fraud"]
    change_params(prices, {"price": {"backtest": fraud["backtest"]}})
    change_params(prices, {"backtests": {"price": {"world": "price"}}})
    output = run(prices, "dvc", "repro", "backtest@price", ok=False)
    assert "price has no time of prediction or of outcome" in output
    assert "Traceback" not in output


def test_a_world_that_backtests_and_problems_name_differently_is_refused(payments: Path) -> None:
    change_params(payments, {"backtests": {"fraud": {"world": "orders"}}})
    output = run(payments, "python", "-m", "stages.backtest", "fraud", ok=False)
    assert "backtests.fraud.world is 'orders' and problems.fraud.world is 'fraud'" in output
    assert "Traceback" not in output


def test_a_new_month_is_one_parameter_and_one_command(payments: Path) -> None:
    same = run(payments, *RETRACE, "retrain", "fraud", ok=False)
    assert "the same to the byte" in same
    before = pd.read_parquet(payments / "data/clean/fraud.parquet")
    change_params(payments, {"fraud": {"simulate": {"more_months": 1}}})
    limits = {"min_gain": 0.0, "calibration": {"least": 0.01, "most": 100.0}}
    change_params(payments, {"fraud": {"gate": limits}})
    output = run(payments, "sh", "-c", "python -m commands retrain fraud; echo status $?")
    after = pd.read_parquet(payments / "data/clean/fraud.parquet")
    rest = after[after["transaction_id"].isin(before["transaction_id"])]
    pd.testing.assert_frame_equal(rest.reset_index(drop=True), before)
    page = (payments / "reports/retrain-fraud.md").read_text()
    assert page in output
    assert "| rows in | 12,000 | 13,200 |" in page
    assert all(len(line) <= 100 for line in page.splitlines())
    promoted = "Promote the new model" in page
    assert f"status {0 if promoted else 3}" in output
    assert promoted == ("retrace promote fraud" in page)
    assert not run(payments, "git", "worktree", "list").count("\n") > 1
    its_chain_leaves_nothing_to_do(payments, page)


def its_chain_leaves_nothing_to_do(clone: Path, page: str) -> None:
    """Run the commands that the page prints, with remotes; the report then has the new model."""
    run(clone.parent, "git", "clone", "--quiet", "--bare", str(clone), "origin.git")
    run(clone, "git", "remote", "add", "origin", "../origin.git")
    run(clone, "git", "push", "--quiet", "--set-upstream", "origin", "main")
    run(clone, "dvc", "remote", "modify", "storage", "url", "../store")
    chain = [line.strip() for line in page.splitlines() if line.startswith("    ")]
    run(clone, "bash", "-e", "-c", "\n".join(chain), PYTHONPATH=str(clone))
    assert "up to date" in run(clone, "dvc", "status")
    assert run(clone, "git", "status", "--porcelain") == ""
    assert run(clone, "git", "rev-list", "origin/main..main") == ""
    part = json.loads(run(clone, "git", "show", "origin/main:reports/parts/fraud.json"))
    figures = json.loads((clone / "metrics/fraud.json").read_text())
    assert f"{figures['average_precision']:.3f}" in json.dumps(part)


def test_a_failed_run_keeps_the_model_and_says_so(payments: Path) -> None:
    commit(payments, "All there")
    change_params(payments, {"fraud": {"simulate": {"more_month": 1}}})
    output = run(payments, *RETRACE, "retrain", "fraud", ok=False)
    assert "did you mean 'more_months'?" in output
    assert "the model in use stays" in output
    assert "Traceback" not in output
