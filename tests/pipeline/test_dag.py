"""The DAG under real dvc: only what changed is rebuilt, and nothing is lost when it breaks."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT, SHARED, change_params, commit, environment, run

LISTINGS = SHARED / "mercari" / "train.tsv"


def ran(output: str) -> list[str]:
    """The stages that a `dvc repro` ran, by name."""
    return re.findall(r"Running stage '([\w@]+)'", output)


def lock(folder: Path) -> dict:
    return yaml.safe_load((folder / "dvc.lock").read_text())["stages"]


def test_a_second_repro_runs_nothing(clone: Path) -> None:
    assert ran(run(clone, "dvc", "repro")) == []
    assert run(clone, "git", "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("change", "stages"),
    [
        ({"train": {"num_leaves": 7}}, ["train", "evaluate", "report"]),
        ({"evaluate": {"slice_min_rows": 30}}, ["evaluate", "report"]),
        ({"ingest": {"max_quarantined": 0.05}}, ["ingest", "report"]),
        ({"split": {"seed": 9}}, ["featurize", "train", "evaluate", "report"]),
    ],
)
def test_only_what_depends_on_a_parameter_runs(clone: Path, change: dict, stages: list) -> None:
    change_params(clone, {"price": change})
    expected = [stage if stage == "report" else f"{stage}@price" for stage in stages]
    assert ran(run(clone, "dvc", "repro")) == expected


def test_experiments_are_run_shown_compared_and_applied(clone: Path) -> None:
    run(clone, "dvc", "exp", "run", "-n", "wide", "-S", "price.train.num_leaves=63")
    commit_of = run(clone, "git", "rev-parse", "HEAD").strip()
    shown = run(clone, "dvc", "exp", "show", "--csv")
    assert "wide" in shown
    assert "63" in next(line for line in shown.splitlines() if "wide" in line)
    run(clone, "git", "stash", "-q")
    run(clone, "dvc", "checkout", "-q")
    difference = json.loads(run(clone, "dvc", "exp", "diff", "--json", commit_of, "wide"))
    assert difference["params"]["params.yaml"]["price.train.num_leaves"]["new"] == 63
    assert "rmsle" in difference["metrics"]["metrics/price.json"]
    run(clone, "dvc", "exp", "apply", "wide")
    assert yaml.safe_load((clone / "params.yaml").read_text())["price"]["train"]["num_leaves"] == 63
    assert ran(run(clone, "dvc", "repro")) == []
    plots = json.loads(run(clone, "dvc", "plots", "diff", "HEAD", "--json").splitlines()[-1])
    assert any("learning" in name for name in plots["data"] if plots["data"][name])


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("price.train.num_leafs=63", "num_leafs"),
        ("price.train.num_leaves=many", r"'price\.train\.num_leaves' is 'many'.*integer"),
        ("price.train.num_leaves=1", r"'price\.train\.num_leaves' is 1.*greater than or equal"),
    ],
)
def test_a_mistake_in_a_setting_is_named(clone: Path, setting: str, words: str) -> None:
    assert re.search(words, run(clone, "dvc", "exp", "run", "-S", setting, ok=False))


def test_an_unknown_parameter_is_named(clone: Path) -> None:
    change_params(clone, {"price": {"train": {"num_leafs": 3}}})
    output = run(clone, "dvc", "repro", ok=False)
    assert "unknown key 'price.train.num_leafs'; did you mean 'num_leaves'?" in output
    assert "Traceback" not in output


def test_the_truth_is_for_evaluate_and_backtest_alone(clone: Path) -> None:
    before = lock(clone)
    shutil.rmtree(clone / "data/truth")
    for stage in ("ingest", "validate", "featurize", "train"):
        run(clone, "python", "-m", f"stages.{stage}", "price")
    output = run(clone, "python", "-m", "stages.evaluate", "price", ok=False)
    assert "data/truth/price.json is missing" in output
    output = run(clone, "python", "-m", "stages.backtest", "fraud", ok=False)
    assert "data/truth/fraud.json is missing" in output
    run(clone, "dvc", "repro")
    assert lock(clone) == before


def test_another_folder_order_and_locale_give_the_same_lock(
    reproduced: Path, project: Path
) -> None:
    run(
        project,
        "dvc",
        "repro",
        TZ="Asia/Tokyo",
        LANG="C",
        LC_ALL="C",
        PYTHONHASHSEED="7",
        OMP_NUM_THREADS="1",
    )
    assert lock(project) == lock(reproduced)


@pytest.mark.parametrize("stage", ["simulate", "ingest", "featurize", "train", "evaluate"])
def test_a_killed_run_is_finished_by_the_next(clone: Path, stage: str) -> None:
    """SIGKILL to dvc alone, so that its stage goes on as an orphan while the next repro starts."""
    before = lock(clone)
    started, go_on = clone / "started", clone / "go_on"
    slow = clone / "stages" / f"{stage}.py"
    slow.write_text(
        slow.read_text().replace(
            "def main(name: str) -> None:\n",
            "def main(name: str) -> None:\n"
            "    import time\n"
            "    from pathlib import Path\n\n"
            "    if not Path('started').exists():\n"
            "        Path('started').touch()\n"
            "        while not Path('go_on').exists():\n"
            "            time.sleep(0.1)\n",
        )
    )
    first = repro(clone)
    deadline = time.monotonic() + 120
    while not started.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert started.exists()
    os.kill(first.pid, signal.SIGKILL)
    first.wait()  # its pipe stays open: the orphan has it
    second, output = repro(clone), ""
    assert second.stdout
    for line in second.stdout:
        output += line
        if "waiting for it to end" in line:
            go_on.touch()
    assert second.wait() == 0, output
    assert go_on.exists(), output
    outs = {name: entry.get("outs") for name, entry in lock(clone).items()}
    assert outs == {name: entry.get("outs") for name, entry in before.items()}
    assert not list(clone.glob("**/*.partial-*"))


def test_what_is_changed_while_a_stage_runs_is_not_recorded(clone: Path) -> None:
    """DVC would note the new parameter and the new code beside the model of the old ones."""
    runner = clone / "stages/runner.py"
    text = runner.read_text()
    wait = "Path('done').touch()\n            while not Path('go_on').exists():\n"
    call = "            _refuse_changes()\n"
    runner.write_text(
        text.replace(call, f"            {wait}                time.sleep(0.1)\n{call}")
    )
    os.utime(runner, (0, 0))
    process = repro(clone, "-f", "-s", "train@price")
    while process.poll() is None and not (clone / "done").exists():
        time.sleep(0.1)
    change_params(clone, {"price": {"train": {"num_leaves": 7}, "split": {"seed": 9}}})
    (clone / "retrace/fit/boosters.py").touch()
    (clone / "go_on").touch()
    output, _ = process.communicate()
    assert process.returncode != 0
    assert (
        "'price.train' of params.yaml, retrace/fit/boosters.py changed while this stage" in output
    )
    assert "Traceback" not in output
    runner.write_text(text)
    assert "train@price" in ran(run(clone, "dvc", "repro"))


def repro(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Start `dvc repro` and go on."""
    return subprocess.Popen(
        ["dvc", "repro", *words],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_killed_stage_leaves_no_half_output(clone: Path) -> None:
    before = lock(clone)
    slow = clone / "retrace" / "base" / "files.py"
    text = slow.read_text()
    slow.write_text(
        text.replace(
            "        yield partial\n",
            "        yield partial\n        import os\n\n        os.kill(os.getpid(), 9)\n",
            1,
        )
    )
    run(clone, "dvc", "repro", ok=False)
    slow.write_text(text)
    run(clone, "dvc", "repro")
    assert lock(clone) == before
    run(clone, "dvc", "repro", "-f", "-s", "simulate@price")  # else the cache has its outputs
    assert lock(clone) == before
    assert not list(clone.glob("**/*.partial-*"))


def test_too_many_bad_rows_stop_with_a_table_of_reasons(clone: Path) -> None:
    source = clone / "data/external/bad.tsv"
    source.parent.mkdir(parents=True, exist_ok=True)
    lines = (clone / "data/raw/price/train.tsv").read_text().splitlines()
    cut = [line.split("\t") for line in lines]
    for fields in cut[1:]:
        fields[5] = "0.0"
    source.write_text("\n".join("\t".join(fields) for fields in cut) + "\n")
    change_params(clone, {"worlds": {"price": {"source": "data/external/bad.tsv"}}})
    run(clone, "dvc", "add", "-q", "data/external/bad.tsv")
    output = run(clone, "dvc", "repro", ok=False)
    assert "price is 0 (first in row 1)" in output
    assert "price.ingest.max_quarantined is 2.0%" in output
    assert "Traceback" not in output
    change_params(clone, {"worlds": {"price": {"source": "data/raw/price"}}})
    run(clone, "dvc", "repro")


@pytest.mark.skipif(not LISTINGS.exists(), reason=f"no real listings at {LISTINGS}")
def test_real_listings_by_one_line(clone: Path) -> None:
    external = clone / "data/external"
    external.mkdir(parents=True, exist_ok=True)
    shutil.copy(LISTINGS, external / "mercari.tsv")
    run(clone, "dvc", "add", "-q", "data/external/mercari.tsv")
    change_params(clone, {"worlds": {"price": {"source": "data/external/mercari.tsv"}}})
    output = run(clone, "dvc", "repro")
    assert "simulate@price" not in ran(output)
    figures = json.loads((clone / "metrics/price.json").read_text())
    assert "oracle_ratio" not in figures
    assert figures["rmsle"] < 0.9 * figures["rule_rmsle"]
    ingest = json.loads((clone / "metrics/ingest/price.json").read_text())
    assert ingest["rows_in"] == 7979 == ingest["rows_out"] + ingest["rows_quarantined"]


def test_stages_say_what_they_are(reproduced: Path) -> None:
    listed = run(reproduced, "dvc", "stage", "list")
    assert all(len(line.split(maxsplit=1)) == 2 for line in listed.splitlines())
    for stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].values():
        assert stage.get("do", stage)["desc"]


def test_the_model_is_an_artifact(clone: Path, tmp_path: Path) -> None:
    """DVC finds a version of an artifact by its tag, as GTO writes it."""
    output = tmp_path / "model"
    run(clone, "git", "tag", "-a", "price@v1.0.0", "-m", "First version")
    run(clone, "dvc", "artifacts", "get", str(clone), "price", "-o", str(output))
    assert (output / "bundle.json").exists()


def test_commits_are_needed_only_for_history(clone: Path) -> None:
    """A changed file that no stage uses rebuilds nothing."""
    (clone / "README.md").write_text("changed")
    commit(clone, "Other words")
    assert ran(run(clone, "dvc", "repro")) == []
