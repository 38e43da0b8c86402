"""The simulated payments: what a bank would have, and what the checks of params say."""

import numpy as np
import pandas as pd
import pytest
import yaml

from problems.fraud.ingest import CLEAN
from problems.fraud.schema import WORLD
from problems.fraud.simulate import SimulateSettings, simulate
from tests.conftest import ROOT
from tests.data.clean import limits
from workflow.validate import run_checks

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())["fraud"]


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    made = simulate(SimulateSettings(**{**PARAMS["simulate"], "transactions": 30_000}))
    assert "probability" not in made.raw["transactions.parquet"]
    return made.raw["transactions.parquet"]


def test_the_simulated_table_keeps_the_schema_and_all_checks(raw: pd.DataFrame) -> None:
    clean = raw[list(CLEAN)]
    WORLD.schema.validate(clean)
    checks = limits("fraud").listed()
    assert [record for record in run_checks(clean, checks) if not record["passed"]] == []


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("is_fraud", lambda values: values * 0),
        ("is_fraud", lambda values: 1 - values),
        ("amount", lambda values: values * 100 + 500),
        ("amount", lambda values: values * 0 + 5),
    ],
)
def test_what_would_mislead_fails_a_hard_check(raw: pd.DataFrame, column: str, change) -> None:
    wrong = raw[list(CLEAN)].assign(**{column: change(raw[column])})
    records = run_checks(wrong, limits("fraud").listed())
    assert any(r["level"] == "hard" and not r["passed"] for r in records)


def test_labels_come_days_later_and_nights_are_quiet(raw: pd.DataFrame) -> None:
    wait = (raw["known_at"] - raw["at"]).dt.total_seconds() / 86_400
    assert wait.between(2, 12).all()
    assert np.median(wait) == pytest.approx(7, abs=0.01)
    assert 0.005 < (raw["at"].dt.hour < 6).mean() < 0.1
    assert raw["at"].is_monotonic_increasing
