"""The fraud model on a small simulation: better than the bank's rules, and sensible."""

import pandas as pd
import pytest
import yaml

from problems.fraud import evaluation, rules, simulate
from problems.fraud.features import FeatureSettings
from problems.fraud.ingest import CLEAN
from problems.parts import find_problem
from retrace.base.arrays import from_frame, take, to_frame
from retrace.base.errors import RetraceError
from retrace.judge import metrics
from retrace.past.splits import SplitParams, split
from tests.conftest import ROOT
from tests.model import fitting

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())["fraud"]
FEATURES = FeatureSettings(**PARAMS["features"])


@pytest.fixture(scope="module")
def world() -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    sized = {**PARAMS["simulate"], "transactions": 40_000, "fraud_rate": 0.03}
    made = simulate.simulate(simulate.SimulateSettings(**sized))
    rows = made.raw["transactions.parquet"][list(CLEAN)]
    windows = split(rows, SplitParams(**PARAMS["split"]), ["transaction_id"], "at")
    return rows, made.truth, windows


def fit(rows: pd.DataFrame, windows: pd.Series):
    problem = find_problem("fraud")
    return fitting.fit(problem, rows, windows, max_rounds=120, learning_rate=0.1)


@pytest.fixture(scope="module")
def scored(world):
    rows, truth, windows = world
    bundle, frame = fit(rows, windows)
    problem, settings = find_problem("fraud"), evaluation.EvaluateSettings(**PARAMS["evaluate"])
    train, test = rows[windows == "train"], rows[windows == "test"]
    table = test.assign(
        outcome=test["is_fraud"].astype(float),
        prediction=bundle.predict(take(frame, (windows == "test").to_numpy()))["prediction"],
        rule=rules.rule(problem, train, test, settings),
        naive=rules.naive(problem, train, test, settings),
        oracle=rules.oracle(problem, test, truth),
    )
    return table, bundle, frame


def test_it_beats_rule_and_naive_and_not_the_oracle(scored) -> None:
    table = scored[0]
    found = {
        name: metrics.average_precision(table["outcome"], table[name])
        for name in ("prediction", "rule", "naive", "oracle")
    }
    assert found["prediction"] > 2 * max(found["rule"], found["naive"])
    assert found["prediction"] < found["oracle"]
    loss = {n: metrics.log_losses(table["outcome"], table[n]).mean() for n in found}
    assert loss["oracle"] < loss["prediction"] < min(loss["rule"], loss["naive"])


def test_probabilities_are_calibrated(scored) -> None:
    table = scored[0]
    assert table["prediction"].mean() == pytest.approx(table["outcome"].mean(), rel=0.35)


def test_more_known_frauds_of_a_terminal_do_not_mean_less_risk(scored) -> None:
    _, bundle, frame = scored
    some = to_frame(frame).sample(2000, random_state=1)
    risk = []
    for frauds in (0, 2, 6):
        known = {f"terminal_known_{d}": 20.0 for d in (7, 30)}
        counts = {f"terminal_frauds_{d}": float(frauds) for d in (7, 30)}
        rates = {f"terminal_fraud_rate_{d}": (frauds + 0.08) / 30 for d in (7, 30)}
        changed = some.assign(**known, **counts, **rates, terminal_all_frauds=float(frauds))
        risk.append(bundle.predict(from_frame(changed))["prediction"].mean())
    assert risk[0] < risk[1]
    assert risk[2] > 0.9 * risk[1]


def test_an_all_genuine_training_window_is_an_error(world) -> None:
    rows, _, windows = world
    honest = rows.assign(is_fraud=rows["is_fraud"].where(windows != "train", 0))
    with pytest.raises(RetraceError, match=r"training window have\s+'is_fraud' = 0"):
        fit(honest, windows)


def test_the_simulation_has_its_shares_and_its_bytes(world) -> None:
    rows, truth, _ = world
    assert rows["is_fraud"].mean() == pytest.approx(0.03, abs=0.004)
    assert truth["probability"].mean() == pytest.approx(rows["is_fraud"].mean(), abs=0.002)
    odd = truth["way"] != "ordinary"
    assert rows.loc[odd, "is_fraud"].mean() == pytest.approx(0.9, abs=0.03)
    sized = {**PARAMS["simulate"], "transactions": 2000}
    one, two = (simulate.simulate(simulate.SimulateSettings(**sized)) for _ in range(2))
    pd.testing.assert_frame_equal(one.raw["transactions.parquet"], two.raw["transactions.parquet"])
    assert len(one.truth) == 2000


def test_fraudsters_change_their_ways() -> None:
    sized = {**PARAMS["simulate"], "transactions": 200_000, "fraud_rate": 0.05}
    made = simulate.simulate(simulate.SimulateSettings(**sized))
    odd = made.truth["way"] != "ordinary"
    at = made.raw["transactions.parquet"]["at"]
    era = ((at - at.min()).dt.days // 76)[odd]
    ways = pd.crosstab(era, made.truth.loc[odd, "way"], normalize="index")
    assert ways.loc[0, "loud"] > 0.4
    assert ways.loc[3, "loud"] < 0.35
    assert ways.loc[0, "night"] == 0
    assert ways.loc[3, "night"] > 0.08
