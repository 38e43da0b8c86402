"""The orders' models on a small simulation: better than rule and mean, and sensible."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from problems import parts
from problems.orders import evaluation, rules, simulate
from problems.orders.ingest import IngestSettings, ingest
from problems.parts import find_problem
from problems.predict import predict
from retrace.judge import metrics
from retrace.past.splits import SplitParams, split
from tests.conftest import ROOT
from tests.model import fitting

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
NAMES = ("order_completion", "order_stuck")


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> tuple[pd.DataFrame, pd.DataFrame]:
    sized = {**PARAMS["orders"]["simulate"], "orders": 5000, "futures": 32}
    made = simulate.simulate(simulate.SimulateSettings(**sized))
    path: Path = tmp_path_factory.mktemp("orders") / "events.parquet"
    made.raw["events.parquet"].to_parquet(path, index=False)
    return ingest(path, IngestSettings(**PARAMS["orders"]["ingest"])).clean, made.truth


@pytest.fixture(scope="module", params=NAMES)
def fitted(request, world):
    """A problem, its bundle, and its scored test rows."""
    rows, truth = world
    problem = find_problem(request.param)
    windows = split(
        rows, parts.settings(SplitParams, problem, "split"), problem.group, problem.time,
        target=problem.target, known_at=problem.known_at,
    )  # fmt: skip
    quick = {"max_rounds": 150, "learning_rate": 0.1, "early_stopping_rounds": 15}
    bundle, _ = fitting.fit(problem, rows, windows, **quick)
    train = (windows == "train").to_numpy()
    test = rows[windows == "test"].reset_index(drop=True)
    settings = parts.settings(evaluation.EvaluateSettings, problem, "evaluate")
    found = predict(problem, bundle, test.drop(columns=problem.target), past=rows)
    scored = test.assign(
        outcome=test[problem.target],
        **found,
        rule=rules.rule(problem, rows[train], test, settings),
        naive=rules.naive(problem, rows[train], test, settings),
        oracle=rules.oracle(problem, test, truth),
        threshold=0.3,
    )
    return problem, bundle, scored, settings, rows


def test_between_the_rule_and_the_oracle(fitted) -> None:
    problem, _, scored, _, _ = fitted
    metric = metrics.METRICS[problem.metric]
    score = {
        n: metric(scored["outcome"], scored[n]) for n in ("prediction", "rule", "naive", "oracle")
    }
    if problem.task == "regression":
        assert score["oracle"] < score["prediction"] < 0.75 * score["naive"] < score["rule"]
        assert score["prediction"] < 1.35 * score["oracle"]
        assert 0.8 < metrics.coverage(scored["outcome"], scored["lower"], scored["upper"]) < 0.98
    else:
        assert score["oracle"] > score["prediction"] > 1.2 * score["rule"] > score["naive"]
        bias = scored["prediction"].mean() / scored["outcome"].mean()
        assert 0.7 < bias < 1.4


def test_a_later_step_leaves_less_to_do(fitted) -> None:
    problem, _, scored, _, _ = fitted
    if problem.task == "binary":
        pytest.skip("of hours only")
    by_step = scored.groupby(scored["activity"].astype("str"))["prediction"].median()
    assert by_step["delivered"] < 0.3 * by_step["dispatched"]
    assert by_step["dispatched"] < by_step["placed"]


def test_an_unknown_activity_and_an_unknown_value_do_not_crash(fitted) -> None:
    problem, bundle, scored, _, rows = fitted
    test = scored[rows.columns.drop(problem.target)].head(50)
    strange = test.assign(
        activity=pd.Categorical(["teleported"] * len(test)),
        text_region=pd.Categorical(["Atlantis"] * len(test)),
    )
    one, other = (
        predict(problem, bundle, part, past=rows)["prediction"] for part in (test, strange)
    )
    assert np.isfinite(other).all()
    assert not np.allclose(one, other)


def test_columns_that_a_log_has_not_are_missing_values(fitted) -> None:
    problem, bundle, scored, _, rows = fitted
    test = scored[rows.columns.drop(problem.target)].head(50)
    fewer = test.drop(columns=["count_restocked", "number_order_value", "text_region"])
    found = predict(problem, bundle, fewer, past=rows)
    assert np.isfinite(found["prediction"]).all()
    with pytest.raises(KeyError):
        predict(problem, bundle, test.drop(columns="step_orders"), past=rows)


def test_costs_are_in_the_headline_and_in_the_tables(fitted) -> None:
    problem, _, scored, settings, rows = fitted
    figures = evaluation.headline(problem, scored, settings)
    assert len(figures) <= 9
    assert list(figures)[1] == "cost_eur"
    tables = evaluation.tables(problem, scored, settings, rows, None)
    if problem.task == "regression":
        error = scored["prediction"] - scored["outcome"]
        by_hand = (0.02 * error.clip(lower=0) + 0.05 * (-error).clip(lower=0)).mean()
        assert figures["cost_eur"] == pytest.approx(by_hand)
        told = tables["told"].frame.set_index("told")
        assert told.loc["p80", "optimistic_share"] < told.loc["model", "optimistic_share"]
    else:
        look = scored["prediction"] >= 0.3
        stuck = scored["outcome"] > 0.5
        by_hand = (2 * look + 25 * stuck * np.where(look, 0.5, 1.0)).mean()
        assert figures["cost_eur"] == pytest.approx(by_hand)
        assert figures["unattended_cost_eur"] == pytest.approx(25 * stuck.mean())
        curve = tables["cost_curve"].frame
        assert curve["recall"].is_monotonic_decreasing
        at = curve[curve["chosen"] == 1].iloc[0]
        assert at["cost_per_1000"] == pytest.approx(1000 * figures["cost_eur"], rel=1e-6)
    labels = evaluation.slices(problem, scored, settings, rows)
    assert {*problem.slices, "region", "customer_segment"} == set(labels)
    assert labels.notna().all(axis=None)


def test_the_threshold_is_the_cheapest_on_validation(fitted) -> None:
    problem, _, scored, settings, _ = fitted
    if problem.task == "regression":
        return
    chosen = evaluation.threshold(problem, scored, settings)
    costs = [
        evaluation.headline(problem, scored.assign(threshold=at), settings)["cost_eur"]
        for at in (chosen, 0.0, chosen / 2, (1 + chosen) / 2, 1.1)
    ]
    assert costs[0] == min(costs)


def test_simulation_and_ingest_mean_the_same_by_stuck(world) -> None:
    made, read = PARAMS["orders"]["simulate"], PARAMS["orders"]["ingest"]
    assert made["usual_share"] == read["usual_share"]
    assert made["sla_days"] == read["sla_days"]
    assert read["usual_quantile"] == 0.95
    rows, truth = world
    both = rows.merge(truth, on=["order_id", "snapshot_at"], how="left", validate="one_to_one")
    assert both["stuck_probability"].notna().all()
    known = both[both["gets_stuck"].notna()]
    assert known["gets_stuck"].mean() == pytest.approx(known["stuck_probability"].mean(), rel=0.15)
    half = (both["remaining_hours"] < both["remaining_hours_median"])[
        both["remaining_hours"].notna()
    ]
    assert 0.4 < half.mean() < 0.6
