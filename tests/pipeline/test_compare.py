"""`retrace compare` on real experiments of a toy problem."""

import csv
import io
import json

import pytest

from commands.compare import chosen, difference_text, five_digits, short, show
from experiments.parameters import changed
from experiments.predictions import Compared
from experiments.shown import Revision
from retrace.judge.comparison import Difference

STAGE = """\
import json, pathlib, yaml
train = yaml.safe_load(open("params.yaml"))["toy"]["train"]
if train["leaves"] < 2:
    raise SystemExit("toy: 'toy.train.leaves' is 1: it should be 2 or more.")
values = {"mae_seconds": 40 / train["leaves"], "rmse_seconds": 55 / train["leaves"]}
values |= {f"absolute_percentage_error_{n}": n * 1234.5678 for n in range(7)}
pathlib.Path("metrics").mkdir(exist_ok=True)
pathlib.Path("metrics/toy.json").write_text(json.dumps(values))
pathlib.Path("metrics/other.json").write_text(json.dumps({"not_toys": 1}))
"""
PARAMS = """\
worlds:
  depot:
    source: data/raw/depot
problems:
  toy:
    world: depot
  other:
    world: depot
depot:
  simulate:
    rows: 10
toy:
  train:
    leaves: 31
    name: plain
other:
  train:
    leaves: 1
"""
DVC_YAML = """\
stages:
  toy:
    cmd: python stage.py
    deps:
    - stage.py
    params:
    - depot
    - toy
    - other
    metrics:
    - metrics/toy.json:
        cache: false
    - metrics/other.json:
        cache: false
"""


@pytest.fixture(scope="module")
def toy(new_repo, tmp_path_factory):
    """Make a repository with one commit of a stage that has run."""
    repo = new_repo(tmp_path_factory.mktemp("toy"))
    for name, text in (("stage.py", STAGE), ("params.yaml", PARAMS), ("dvc.yaml", DVC_YAML)):
        repo.write(name, text)
    repo.write(".gitignore", "__pycache__/\n")
    repo.dvc("repro")
    repo.git("add", ".")
    repo.git("commit", "--quiet", "-m", "A toy")
    return repo


def test_without_experiments_then_with_two(toy):
    output = toy.retrace("compare", "toy")
    assert "workspace" in output
    assert "main" in output
    assert "No experiments yet: dvc exp run -S toy." in output

    toy.dvc(
        "exp", "run", "--name", "wide", "-S", "toy.train.leaves=63", "-S", "other.train.leaves=2"
    )
    toy.git("restore", ".")
    toy.dvc(
        "exp", "run", "--name", "named", "-S", "toy.train.name=new", "-S", "depot.simulate.rows=5"
    )
    toy.git("restore", ".")
    output = toy.retrace("compare", "toy")
    assert max(map(len, output.splitlines())) <= 100
    assert "No experiments" not in output
    assert "train.leaves=63" in output
    assert "train.name=new" in output
    assert "depot.simulate.rows=5" in output
    assert "other" not in output  # another problem's parameters and metrics
    assert "not_toys" not in output
    assert "0.63492" in output
    assert "1 more metrics" in output

    rows = {
        row["experiment"]: row
        for row in csv.DictReader(io.StringIO(toy.retrace("compare", "toy", "--csv")))
    }
    assert list(rows) == ["workspace", "main", "named", "wide"] or list(rows) == [
        "workspace",
        "main",
        "wide",
        "named",
    ]
    assert rows["wide"]["changed"] == "train.leaves=63"
    assert float(rows["wide"]["mae_seconds"]) == 40 / 63
    assert float(rows["main"]["mae_seconds"]) == 40 / 31
    names = list(json.loads((toy.path / "metrics/toy.json").read_text()))
    assert list(rows["wide"])[4:] == names

    table = toy.retrace("compare", "toy", "--md").splitlines()
    assert table[0].startswith("| experiment | changed | mae_seconds |")
    assert all(line.count("|") == 11 for line in table if line.startswith("|"))
    assert any("not compared" in line for line in table)  # a toy has no predictions
    assert any("`train.leaves=63`" in line for line in table)


def test_what_has_no_results_shows_no_figures_but_its_state_and_cause(toy):
    toy.dvc("exp", "run", "--queue", "--name", "broken", "-S", "toy.train.leaves=1")
    toy.dvc("queue", "start")
    toy.dvc("queue", "logs", "broken", "--follow")
    toy.dvc("exp", "run", "--queue", "--name", "waiting", "-S", "toy.train.leaves=5")
    toy.dvc("exp", "run", "-S", "toy.train.leaves=0", fails=True)  # stays in the workspace
    try:
        rows = {
            row["experiment"]: row
            for row in csv.DictReader(io.StringIO(toy.retrace("compare", "toy", "--csv")))
        }
        cause = "toy: 'toy.train.leaves' is 1: it should be 2 or more."
        assert rows["broken"]["state"] == f"Failed: {cause}"
        assert rows["waiting"]["state"] == "Queued"
        assert rows["workspace"]["state"] == "Not run"
        for name in ("broken", "waiting", "workspace"):
            assert rows[name]["mae_seconds"] == ""
        assert rows["main"]["mae_seconds"] != ""
        output = toy.retrace("compare", "toy")
        assert f"  broken: failed: {cause}" in output
        assert "no difference" not in output
        assert "`train.leaves=1`<br>Failed" in toy.retrace("compare", "toy", "--md")
    finally:
        toy.git("restore", ".")
        toy.dvc("queue", "remove", "--all")


def test_an_unknown_experiment_is_named(toy):
    output = toy.retrace("compare", "toy", "wode", fails=True)
    assert "no experiment 'wode'" in output
    assert "Traceback" not in output


def test_an_unknown_problem_is_named(toy):
    output = toy.retrace("compare", "tow", fails=True)
    assert "did you mean 'toy'?" in output
    assert "Traceback" not in output


def test_an_experiment_with_another_problem_is_left_out():
    base = Revision("main", "0123abc", metrics={"mae": 1.0})
    elsewhere = Revision("elsewhere", "1", is_experiment=True, metrics={"mae": 1.0})
    code = Revision("code", "2", is_experiment=True, metrics={"mae": 2.0})
    queued = Revision("queued", "3", is_experiment=True, state="Queued")
    tuned = Revision(
        "tuned", "4", is_experiment=True, changed={"train.leaves": 5}, metrics={"mae": 1.0}
    )
    rows = [base, elsewhere, code, queued, tuned]
    assert chosen(rows, []) == [base, code, queued, tuned]
    assert chosen(rows, ["elsewhere"]) == [base, elsewhere]


def test_many_changes_and_metrics_fit_in_100_columns(capsys):
    metrics = {f"average_precision_{n}": n + 1.2345 for n in range(8)}
    names = ("learning_rate", "min_data_in_leaf", "bagging_fraction", "lambda_l2")
    changes = {f"train.{name}": 0.56789 for name in names}
    tuned = Revision("order-stuck-1-12", "1", is_experiment=True, changed=changes, metrics=metrics)
    show([Revision("main", "0123abc", metrics=metrics), tuned], "order_stuck")
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert any(line.rstrip().endswith("8.2345") for line in lines)
    for name in names:
        assert any(f" {name}=0.56789 " in line for line in lines)


def test_changed():
    before = {"p": {"a": {"b": 1, "gone": 2}}, "w": {"rows": 1}, "q": {"c": 1}}
    after = {"p": {"a": {"b": 1, "new": [1]}}, "w": {"rows": 2}, "q": {"c": 2}}
    assert changed(before, after, "p", "w") == {"a.new": [1], "a.gone": None, "w.rows": 2}
    assert changed(before, after, "q", "q") == {"c": 2}
    assert changed(before, {}, "p", "w") == {}
    without = {"w": {"rows": 1}}  # a commit before the problem came
    assert changed(without, after, "p", "w") == {"w.rows": 2}


def test_numbers_and_headers_are_short():
    assert [five_digits(value) for value in (None, 0.123456789, 1234567, 3, "x")] == [
        "-",
        "0.12346",
        "1,234,567",
        "3",
        "x",
    ]
    assert five_digits(9.147e-05) == "0.00009147"
    assert short("mae_seconds", 7) == "mae\nseconds"
    assert short("absolute_percentage_error", 7) == "absolu.\npercen.\nerror"


def test_a_header_is_whole_where_there_is_room(capsys):
    row = Revision(
        "main", "0123abc", metrics={"absolute_percentage_error": 1.5, "oracle_ratio": 2.0}
    )
    show([row], "toy")
    assert "percentage" in capsys.readouterr().out


def test_a_small_difference_is_written_without_an_exponent():
    found = Difference(9.147e-05, -1.2e-06, 0.0001888, 3048, 3048)
    text = difference_text(Compared(found, 0, None))
    assert text.startswith("+0.0000915 (-0.0000012 to +0.0001888), 3048 rows")
