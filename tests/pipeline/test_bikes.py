"""A table of one's own becomes a judged model in a few lines, without a simulator."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.conftest import ROOT, copy_project, run

BIKES = ROOT / "tests/pipeline/bikes"
LEAKS = ("casual", "registered")  # they add up to the target


@pytest.fixture(scope="module")
def bikes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose only problem is the rentals, after `dvc repro`."""
    folder = tmp_path_factory.mktemp("bikes") / "project"
    folder.mkdir()
    copy_project(folder)
    (folder / "dvc.lock").unlink(missing_ok=True)
    shutil.copytree(BIKES / "problems", folder / "problems", dirs_exist_ok=True)
    source = folder / "data/external/bikes.csv"
    source.parent.mkdir(parents=True)
    shutil.copy(BIKES / "hour.csv", source)
    params = yaml.safe_load((BIKES / "params.yaml").read_text())
    (folder / "params.yaml").write_text(yaml.safe_dump({"simulators": [], **params}))
    run(folder, "dvc", "repro")
    return folder


def lines(*paths: Path) -> int:
    text = "\n".join(path.read_text() for path in paths)
    return sum(bool(line.strip()) for line in text.splitlines())


def test_a_table_needs_sixty_lines_of_python_and_fifteen_of_yaml() -> None:
    assert lines(*BIKES.glob("problems/**/*.py")) < 60
    assert lines(BIKES / "params.yaml", *BIKES.glob("problems/**/*.yaml")) <= 15


def test_the_model_is_judged_beside_rule_and_average(bikes: Path) -> None:
    figures = json.loads((bikes / "metrics/bikes.json").read_text())
    assert list(figures)[:2] == ["valid_mae_bikes", "mae_bikes"]
    assert figures["mae_bikes"] < 0.7 * figures["rule_mae_bikes"] < figures["naive_mae_bikes"]
    assert 0.75 < figures["coverage_90"] <= 1
    records = pd.read_parquet(bikes / "data/predictions/bikes.parquet")
    error = (records["prediction"] - records["outcome"]).abs().mean()
    assert figures["mae_bikes"] == pytest.approx(error)
    assert not any("oracle" in key for key in figures)  # nobody simulated these


def test_what_adds_up_to_the_target_is_not_used(bikes: Path) -> None:
    used = json.loads((bikes / "models/bikes/bundle.json").read_text())["columns"]
    assert not {*LEAKS, "count"} & {*used}
    assert {"at_hour", "temp", "workingday"} <= {*used}


def test_days_first_are_read_in_the_zone_of_the_source(bikes: Path) -> None:
    clean = pd.read_parquet(bikes / "data/clean/bikes.parquet")
    assert clean["at"].iloc[0] == pd.Timestamp("2011-09-12 04:00", tz="UTC")  # in Washington 0
    assert clean["at"].iloc[-1] == pd.Timestamp("2011-11-12 04:00", tz="UTC")  # 23, in winter
    rejected = pd.read_parquet(bikes / "data/quarantine/bikes.parquet")
    assert rejected["reason"].str.startswith("at happened twice").tolist() == [True]
    assert rejected[["file", "row"]].values.tolist() == [["bikes.csv", 1320]]
    figures = json.loads((bikes / "metrics/ingest/bikes.json").read_text())
    assert (figures["rows_in"], figures["rows_out"]) == (1462, 1461) == (1462, len(clean))


def test_the_past_is_replayed(bikes: Path) -> None:
    table = pd.read_csv(bikes / "plots/bikes/backtest.csv")
    assert table.groupby("policy").size().to_dict() == dict.fromkeys(["alarm", "every", "never"], 4)
    assert table.loc[table["policy"] == "every", "score"].between(5, 80).all()
    known = json.loads((bikes / "metrics/backtest/bikes.json").read_text())
    assert known["retrainings_every"] == 3


def test_the_report_shows_it(bikes: Path) -> None:
    page = (bikes / "reports/index.html").read_text()
    assert "bikes" in page
    assert not (bikes / "data/raw").exists() or not list((bikes / "data/raw").glob("bikes*"))
    assert "up to date" in run(bikes, "dvc", "status")
