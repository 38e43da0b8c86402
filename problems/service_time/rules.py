"""What a service time model is judged against: the 7-minute rule, the average, the oracle."""

import numpy as np
import pandas as pd
from pydantic import Field

from problems.contract import Problem, Rules, WithRule
from retrace.base.params import Params


class RuleSettings(Params):
    """`service_time.evaluate.rule`: the old system's minutes, with planners' adjustments."""

    base_seconds: float = Field(gt=0)
    per_box_above_seconds: float
    usual_boxes: int = Field(ge=0)
    per_floor_without_lift_seconds: float
    block_seconds: float


def rule(
    problem: Problem,
    train: pd.DataFrame,
    rows: pd.DataFrame,
    settings: WithRule[RuleSettings],
) -> pd.Series:
    """Seven minutes, and what planners add for big orders, stairs and blocks."""
    rule = settings.rule
    stairs = rows["floor"].clip(lower=0) * (~rows["has_lift"])
    return (
        rule.base_seconds
        + rule.per_box_above_seconds * (rows["boxes"] - rule.usual_boxes)
        + rule.per_floor_without_lift_seconds * stairs
        + rule.block_seconds * (rows["dwelling"] == "block")
    ).clip(lower=60.0)


def naive(
    problem: Problem,
    train: pd.DataFrame,
    rows: pd.DataFrame,
    settings: WithRule[RuleSettings],
) -> pd.Series:
    """Average of the customer's stops in training, else of the area's, else of all."""
    found = pd.Series(np.nan, index=rows.index)
    for column in ("customer_id", "area_id"):
        known = train.groupby(column)[problem.target].mean()
        found = found.fillna(rows[column].map(known))
    return found.fillna(train[problem.target].mean())


def oracle(
    problem: Problem,
    rows: pd.DataFrame,
    truth: pd.DataFrame,
) -> pd.Series:
    """MAE's optimum: the median for one who knows all but the noise of the single stop."""
    return rows["stop_id"].map(truth.set_index("stop_id")["median_seconds"])


RULES = Rules(rule, naive, oracle)
