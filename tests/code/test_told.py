"""The forecast that is told is the one that costs least on validation."""

import numpy as np
import pandas as pd
import pytest

from problems import parts
from problems.contract import Evaluation
from problems.parts import find_problem
from retrace.judge.gate import GateParams, decide
from workflow.told import cheapest, costs_beside, with_told

ORDERS = find_problem("order_completion")


def rows(seed: int, n: int = 2000) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    middle = rng.uniform(50, 100, n)
    shares = {"p50": 0.0, "p60": 10.1, "p70": 21.0, "p80": 33.7, "p90": 51.3}  # of a sd of 40
    return pd.DataFrame(
        {
            "prediction": middle,
            **{name: middle + more for name, more in shares.items()},
            "outcome": middle + rng.normal(0, 40, n),
            "lower": middle - 66,
            "upper": middle + 66,
            "rule": middle + 20 + rng.normal(0, 60, n),
        }
    )


@pytest.mark.parametrize(
    ("early", "late", "told"),
    [(0.05, 0.02, "p70"), (0.02, 0.02, "prediction"), (0.09, 0.01, "p90")],
)
def test_hours_too_early_that_cost_more_are_told_later(
    early: float, late: float, told: str
) -> None:
    settings = parts.settings(parts.evaluation("orders").settings, ORDERS, "evaluate")
    changed = {"optimistic_cost_per_hour": early, "pessimistic_cost_per_hour": late}
    settings = settings.model_copy(update=changed)
    assert cheapest(ORDERS, rows(1), settings) in (told, "p50" if told == "prediction" else told)
    scored = with_told(rows(2), cheapest(ORDERS, rows(1), settings))
    costs = costs_beside(ORDERS, scored, settings)
    assert costs is not None
    median = parts.evaluation("orders").cost(ORDERS, scored, scored["prediction"], settings)
    assert costs["told"].mean() <= median.mean()


def test_a_problem_without_costs_tells_its_prediction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "evaluation", lambda world: Evaluation())
    assert cheapest(ORDERS, rows(1), None) is None
    assert "told" not in with_told(rows(2), None)


def test_the_gate_refuses_what_costs_more_than_the_rule_with_a_smaller_error() -> None:
    scored = rows(3)
    found = [
        decide(scored, None, task="regression", metric="mae", params=GateParams(), costs=costs)
        for costs in (
            None,
            pd.DataFrame({"told": 3.0, "rule": np.tile([2.0, 3.5], 1000)}),
            pd.DataFrame({"told": 2.0, "rule": np.tile([2.0, 3.5], 1000)}),
        )
    ]
    assert [one.passed for one in found] == [True, False, True]
    assert found[1].reasons[0].startswith("costs more than the rule: mean cost higher by 0.25")


def test_the_gate_holds_what_is_told_against_what_the_champion_tells() -> None:
    settings = parts.settings(parts.evaluation("orders").settings, ORDERS, "evaluate")
    scored, champion = with_told(rows(4), "prediction"), rows(4)["prediction"] + 3
    reasons = {}
    for told in ("prediction", "p70"):  # p70 costs least
        costs = costs_beside(ORDERS, scored, settings, scored[told])
        found = decide(
            scored, champion, task="regression", metric="mae", params=GateParams(), costs=costs
        )
        reasons[told] = [one for one in found.reasons if one.startswith("costs more")]
    assert reasons["prediction"] == []
    assert reasons["p70"][0].startswith("costs more than the champion: mean cost higher by")
