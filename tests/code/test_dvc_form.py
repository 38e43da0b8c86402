"""The files of parameters have the form that DVC writes: `-S` changes one line, no comment goes."""

import shutil
from difflib import ndiff
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides

from tests.conftest import ROOT

CHECKS = "problems/price/checks.yaml"


def changed(file: str, setting: str, folder: Path) -> list[str]:
    """Return the lines that `dvc exp run -S file:setting` takes out and puts in."""
    copy = folder / "copy.yaml"
    shutil.copy(ROOT / file, copy)
    apply_overrides(copy, [setting])
    before, after = ((path).read_text("utf-8").splitlines() for path in (ROOT / file, copy))
    return [line for line in ndiff(before, after) if line[0] in "+-"]


@pytest.mark.parametrize(
    ("file", "setting", "line"),
    [
        ("params.yaml", "price.train.num_leaves=63", "    num_leaves: 63"),
        ("params.yaml", "price.train.learning_rate=0.005", "    learning_rate: 0.005"),
        ("params.yaml", "fraud.evaluate.amount_bands.1=60.0", "    - 60.0"),
        ("params.yaml", "orders.ingest.withdrawal=[refused]", "    - refused"),
        ("params.yaml", "service_time.backtest.alarm.ignored_columns.6='*_day'", "      - '*_day'"),
        ("params.yaml", "service_time.backtest.alarm.bias_sd=0.4", "      bias_sd: 0.4"),
        ("params.yaml", "service_time.features.holidays=SWE", "    holidays: SWE"),
        ("params.yaml", "worlds.price.source=data/x.tsv", "    source: data/x.tsv"),
        ("params.yaml", "service_time.simulate.start='2024-02-01'", "    start: '2024-02-01'"),
        ("params.yaml", "+price.text.min_rows=2", "    min_rows: 2"),
        (CHECKS, "checks.price_usd.p50.soft.most=50", "        most: 50"),
        (CHECKS, "rows_min=20", "rows_min: 20"),
    ],
)
def test_one_setting_is_one_line(file: str, setting: str, line: str, tmp_path: Path) -> None:
    lines = changed(file, setting, tmp_path)
    gone, come = ([one[2:] for one in lines if one[0] == sign] for sign in "-+")
    assert [one.partition("#")[0].rstrip() for one in come] == [line]
    assert len(gone) == (0 if setting.startswith("+") else 1)
    assert [one.partition("#")[2] for one in gone if "#" in one] == [
        one.partition("#")[2] for one in come if "#" in one
    ]


@pytest.mark.parametrize(
    "file",
    ["params.yaml", *(str(p.relative_to(ROOT)) for p in ROOT.glob("problems/*/checks.yaml"))],
)
def test_what_dvc_writes_is_what_is_there(file: str, tmp_path: Path) -> None:
    assert changed(file, "+another=1", tmp_path) == ["+ another: 1"]


def test_params_are_those_that_an_experiment_changes() -> None:
    assert len((ROOT / "params.yaml").read_text("utf-8").splitlines()) <= 600
