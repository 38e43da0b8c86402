"""The DAG under real dvc: only what changed is rebuilt, and nothing is lost when it breaks."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT, change_params, commit, read_yaml, run
from tests.data import forms

CHECKS = "problems/price/checks.yaml"
README = (ROOT / "README.md").read_text("utf-8")


def ran(output: str) -> list[str]:
    """The stages that a `dvc repro` ran, by name."""
    return re.findall(r"Running stage '([\w@]+)'", output)


def lock(folder: Path) -> dict:
    return read_yaml(folder / "dvc.lock")["stages"]


def test_a_second_repro_runs_nothing(clone: Path) -> None:
    assert ran(run(clone, "dvc", "repro")) == []
    assert run(clone, "git", "status", "--porcelain") == ""


@pytest.mark.slow
def test_a_first_run_makes_what_git_has_not(reproduced: Path, tmp_path: Path) -> None:
    """As README says: of a clone without a cache, four kinds of stages need not run."""
    run(tmp_path, "git", "clone", "--quiet", str(reproduced), "first")
    first = tmp_path / "first"
    made = ["simulate", "ingest", "featurize", "train", "evaluate"]
    kept = ["validate", "backtest", "page", "story"]
    output = run(first, "dvc", "repro", *(f"{stage}@fraud" for stage in (*made, *kept)))
    assert ran(output) == [f"{stage}@fraud" for stage in made]
    assert lock(first) == lock(reproduced)
    assert f"skips {', '.join(f'`{s}`' for s in kept[:-1])} and `{kept[-1]}`" in README


def test_experiments_are_run_shown_compared_and_applied(prices: Path) -> None:
    run(prices, "dvc", "exp", "run", "-n", "wide", "-S", "price.train.num_leaves=63")
    commit_of = run(prices, "git", "rev-parse", "HEAD").strip()
    shown = run(prices, "dvc", "exp", "show", "--csv")
    assert "wide" in shown
    assert "63" in next(line for line in shown.splitlines() if "wide" in line)
    run(prices, "git", "stash", "-q")
    run(prices, "dvc", "checkout", "-q")
    difference = json.loads(run(prices, "dvc", "exp", "diff", "--json", commit_of, "wide"))
    assert difference["params"]["params.yaml"]["price.train.num_leaves"]["new"] == 63
    assert "rmsle" in difference["metrics"]["metrics/price.json"]
    run(prices, "dvc", "exp", "apply", "wide")
    assert (
        yaml.safe_load((prices / "params.yaml").read_text())["price"]["train"]["num_leaves"] == 63
    )
    assert ran(run(prices, "dvc", "repro")) == []
    plots = json.loads(run(prices, "dvc", "plots", "diff", "HEAD", "--json").splitlines()[-1])
    assert any("learning" in name for name in plots["data"] if plots["data"][name])


@pytest.mark.slow
def test_a_setting_of_either_file_is_one_line_and_reruns_what_reads_it(clone: Path) -> None:
    """On the project's own params.yaml, with its comments; the sizes alone are small."""
    shutil.copy(ROOT / "params.yaml", clone / "params.yaml")
    commit(clone, "The project's own parameters")
    settings = ["price.simulate.rows=600", f"{CHECKS}:checks.price_usd.p50.soft.most=50"]
    words = [word for setting in settings for word in ("-S", setting)]
    output = run(clone, "dvc", "exp", "run", *words, "validate@price")
    assert ran(output) == ["simulate@price", "ingest@price", "validate@price"]
    counts = run(clone, "git", "diff", "--numstat", "--", "params.yaml", CHECKS).split()
    assert counts == ["1", "1", "params.yaml", "1", "1", CHECKS]
    results = json.loads((clone / "metrics/validation/price.json").read_text())["results"]
    assert [r["limit"] for r in results if r["check"] == "quantile at 0.5"][1] == (
        "at least 8 and at most 50"
    )

    again = f"{CHECKS}:checks.price_usd.p50.soft.most=60"
    assert ran(run(clone, "dvc", "exp", "run", "-S", again, "validate@price")) == ["validate@price"]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (f"{CHECKS}:checks.price_usd.p50.sotf.most=50", "sotf"),
        (f"{CHECKS}:+checks.brand.missing_shar.soft.most=1", "missing_shar'; did you mean"),
        (
            f"{CHECKS}:checks.price_usd.p50.soft.most=x",
            r"yaml: 'checks\.price_usd\.p50.* 'x'",
        ),
        ("price.simulate.seed='3'", r"'price\.simulate\.seed' is .*valid integer"),
        ("price.train.num_leafs=63", "num_leafs"),
        ("price.train.num_leaves=many", r"'price\.train\.num_leaves' is 'many'.*integer"),
        ("price.train.num_leaves=1", r"'price\.train\.num_leaves' is 1.*greater than or equal"),
    ],
)
def test_a_mistake_in_a_setting_is_named(prices: Path, setting: str, words: str) -> None:
    assert re.search(words, run(prices, "dvc", "exp", "run", "-S", setting, ok=False))


def test_an_unknown_parameter_is_named(prices: Path) -> None:
    change_params(prices, {"price": {"train": {"num_leafs": 3}}})
    output = run(prices, "dvc", "repro", ok=False)
    assert "unknown key 'price.train.num_leafs'; did you mean 'num_leaves'?" in output
    assert "Traceback" not in output


def test_the_truth_is_for_evaluate_alone(prices: Path) -> None:
    """And for the replay: test_backtest.py has it."""
    before = lock(prices)
    shutil.rmtree(prices / "data/truth/price")
    shutil.rmtree(prices / "data/raw/price/_truth")
    for stage in ("ingest", "validate", "featurize", "train", "evaluate"):
        run(prices, "python", "-m", f"stages.{stage}", "price")
    assert "oracle_ratio" not in json.loads((prices / "metrics/price.json").read_text())
    run(prices, "dvc", "repro")
    assert lock(prices) == before


def test_listings_of_somebody_else_by_one_line(prices: Path) -> None:
    external = prices / "data/external"
    external.mkdir(parents=True, exist_ok=True)
    forms.listings(external / "listings.tsv", 2000)
    run(prices, "dvc", "add", "-q", "data/external/listings.tsv")
    change_params(prices, {"worlds": {"price": {"source": "data/external/listings.tsv"}}})
    output = run(prices, "dvc", "repro")
    assert "simulate@price" not in ran(output)
    figures = json.loads((prices / "metrics/price.json").read_text())
    assert "oracle_ratio" not in figures
    assert figures["rmsle"] < 0.9 * figures["rule_rmsle"]
    ingest = json.loads((prices / "metrics/ingest/price.json").read_text())
    assert ingest["rows_in"] == 2016 == ingest["rows_out"] + ingest["rows_quarantined"]


def test_too_many_bad_rows_stop_with_a_table_of_reasons(prices: Path) -> None:
    source = prices / "data/external/bad.tsv"
    source.parent.mkdir(parents=True, exist_ok=True)
    lines = (prices / "data/raw/price/train.tsv").read_text().splitlines()
    cut = [line.split("\t") for line in lines]
    for fields in cut[1:]:
        fields[5] = "0.0"
    source.write_text("\n".join("\t".join(fields) for fields in cut) + "\n")
    change_params(prices, {"worlds": {"price": {"source": "data/external/bad.tsv"}}})
    run(prices, "dvc", "add", "-q", "data/external/bad.tsv")
    output = run(prices, "dvc", "repro", ok=False)
    assert "price is 0 (first in row 1)" in output
    assert "price.ingest.max_quarantined is 2.0%" in output
    assert "Traceback" not in output
    change_params(prices, {"worlds": {"price": {"source": "data/raw/price"}}})
    run(prices, "dvc", "repro")


def test_stages_say_what_they_are(reproduced: Path) -> None:
    listed = run(reproduced, "dvc", "stage", "list")
    assert all(len(line.split(maxsplit=1)) == 2 for line in listed.splitlines())
    for stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].values():
        assert stage.get("do", stage)["desc"]


def test_the_model_is_an_artifact(prices: Path, tmp_path: Path) -> None:
    """DVC finds a version of an artifact by its tag, as GTO writes it."""
    output = tmp_path / "model"
    run(prices, "git", "tag", "-a", "price@v1.0.0", "-m", "First version")
    run(prices, "dvc", "artifacts", "get", str(prices), "price", "-o", str(output))
    assert (output / "bundle.json").exists()
