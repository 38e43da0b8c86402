"""From a file to a judged, searched and promoted model: a regression with time, a yes or no without
time, and several classes."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.datasets import load_iris

from tests.conftest import ROOT, commit, copy_project, run

BIKES = ROOT / "tests/pipeline/bikes/hour.csv"
COMMANDS = ("python", "-m", "commands")
QUICK = {"max_rounds": 150, "early_stopping_rounds": 20, "learning_rate": 0.1}
EMPTY = {"simulators": [], "worlds": {}, "problems": {}, "backtests": {}}


def members(path: Path) -> None:
    """Write who stays: a decimal comma, no ids, and a column that was written down afterwards."""
    rng = np.random.default_rng(3)
    n = 2900
    fee, visits = rng.uniform(10, 60, n), rng.poisson(6, n)
    plan = rng.choice(["basic", "family", "student"], n)
    chance = 1 / (1 + np.exp(-(3 + 0.7 * (visits - 6) - 0.12 * fee + 2 * (plan == "family"))))
    stays = rng.random(n) < chance
    reason = np.where(~stays & (rng.random(n) < 0.4), rng.choice(["price", "moved"], n), "")
    columns = {
        "monthly fee (EUR)": [f"{one:.2f}".replace(".", ",") for one in fee],
        "visits": visits,
        "plan": plan,
        "reason": reason,
        "stays": np.where(stays, "yes", "no"),
    }
    pd.DataFrame(columns).to_csv(path, sep=";", index=False)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with three problems of files, after `dvc repro`, committed."""
    top = tmp_path_factory.mktemp("own")
    folder = top / "project"
    folder.mkdir()
    copy_project(folder)
    (folder / "dvc.lock").unlink(missing_ok=True)
    (folder / "params.yaml").write_text(yaml.safe_dump(EMPTY, sort_keys=False))
    members(top / "members.csv")
    load_iris(as_frame=True).frame.to_csv(top / "iris.csv", index=False)
    zone = ("--zone", "America/New_York")
    new(folder, "bikes", str(BIKES), "--target", "count", "--time", "dateday+hour", *zone)
    new(folder, str(top / "members.csv"), "--target", "stays")
    new(folder, "flowers", str(top / "iris.csv"), "--target", "target", "--task", "multiclass")
    quick(folder, "bikes", "members", "flowers")
    (top / "printed").write_text(run(folder, "dvc", "repro"))
    commit(folder, "Three problems")
    return folder


def new(folder: Path, *words: str, ok: bool = True) -> str:
    return run(folder, *COMMANDS, "new", "--yes", *words, ok=ok)


def quick(folder: Path, *names: str) -> None:
    path = folder / "params.yaml"
    params = yaml.safe_load(path.read_text())
    for name in names:
        params[name]["train"] |= QUICK
    path.write_text(yaml.safe_dump(params, sort_keys=False))


def figures(folder: Path, name: str) -> dict[str, float]:
    return json.loads((folder / f"metrics/{name}.json").read_text())


def test_each_model_beats_its_rule_and_the_average(own: Path) -> None:
    for name, metric, sign in (
        ("bikes", "rmsle", 1),
        ("members", "auc", -1),
        ("flowers", "log_loss", 1),
    ):
        found = figures(own, name)
        assert list(found)[:2] == [f"valid_{metric}", metric]
        values = [sign * found[f"{who}{metric}"] for who in ("", "rule_", "naive_")]
        assert values[0] < min(values[1:]), (name, found)


def test_what_gives_the_answer_away_is_left_out(own: Path) -> None:
    entries = yaml.safe_load((own / "params.yaml").read_text())["problems"]
    assert [*entries["bikes"]["left_out"]] == ["casual", "registered"]
    assert [*entries["members"]["left_out"]] == ["reason"]
    used = json.loads((own / "models/bikes/bundle.json").read_text())["columns"]
    assert {"at_hour", "temp"} <= {*used}
    assert not {"casual", "registered", "count"} & {*used}


@pytest.mark.slow
def test_one_line_brings_back_what_was_left_out(own: Path) -> None:
    setting = "~problems.bikes.left_out.casual"
    run(own, "dvc", "exp", "run", "--temp", "-n", "back", "-S", setting, "evaluate@bikes")
    back = json.loads(
        run(own, "git", "show", "refs/exps/" + ref(own, "back") + ":metrics/bikes.json")
    )
    assert back["rmsle"] < 0.9 * figures(own, "bikes")["rmsle"]


def ref(folder: Path, name: str) -> str:
    found = run(folder, "git", "for-each-ref", "--format=%(refname)", "refs/exps").split()
    return next(one for one in found if one.endswith(f"/{name}")).removeprefix("refs/exps/")


def test_the_end_of_the_run_is_the_first_screen_of_the_report(own: Path) -> None:
    printed = (own.parent / "printed").read_text()
    for words in ("rule", "naive", "left out: casual, registered", "90"):
        assert words in printed
    page = (own / "reports/index.html").read_text()
    assert "casual + registered = count" in page


def test_no_check_fails_on_the_data_that_it_was_made_of(own: Path) -> None:
    for name in ("bikes", "members", "flowers"):
        found = json.loads((own / f"metrics/validation/{name}.json").read_text())
        assert [one for one in found["results"] if not one["passed"]] == [], name


@pytest.mark.slow
def test_search_and_promotion_work_as_with_any_problem(own: Path) -> None:
    for name in ("members", "flowers"):
        assert "best valid" in run(own, *COMMANDS, "tune", name, "--trials", "2")
    commit(own, "Trials")
    said = run(own, *COMMANDS, "promote", "members", "--no-push")
    assert "prod" in said


KILLED = """
import os, sys
from experiments.new import place
write = place._replace
place._replace = lambda path, text: os._exit(9) if path == place.PARAMS else write(path, text)
from commands.__main__ import main
main(sys.argv[1:])
"""


def test_after_a_kill_the_same_command_works_and_taken_out_again_nothing_is_left(own: Path) -> None:
    before = run(own, "git", "status", "--porcelain")
    words = ("more", str(BIKES), "--target", "count", "--time", "dateday+hour")
    run(own, "python", "-c", KILLED, "new", "--yes", *words, ok=False)
    assert (own / "problems/more").exists()
    assert "cut off" in new(own, *words)
    assert "already" in new(own, *words, ok=False)
    run(own, "dvc", "repro", "validate@more")
    run(own, *COMMANDS, "new", "--remove", "more")
    assert run(own, "git", "status", "--porcelain") == before
