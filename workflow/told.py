"""Which forecast is told to whom acts on it: the prediction, or a quantile that costs less."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from problems import parts
from problems.contract import EvaluateParams, Problem
from retrace.fit.intervals import ONE_SIDED

CANDIDATES = ("prediction", *ONE_SIDED)


def costs(
    problem: Problem, scored: pd.DataFrame, told: str, settings: EvaluateParams
) -> NDArray[np.float64] | None:
    """Return what telling a column of scored rows costs, each row; None where no cost is given."""
    cost = parts.evaluation(problem.world).cost
    if cost is None or problem.task != "regression" or told not in scored:
        return None
    return cost(problem, scored, scored[told], settings)


def cheapest(problem: Problem, held: pd.DataFrame, settings: EvaluateParams) -> str | None:
    """Return the column that costs least to tell on rows that the model was not fitted on; None
    where no cost is given."""
    means = {}
    for name in CANDIDATES:
        found = costs(problem, held, name, settings)
        if found is not None:
            means[name] = float(found.mean())
    return min(means, key=lambda name: means[name]) if means else None


def with_told(
    problem: Problem, scored: pd.DataFrame, held: pd.DataFrame, settings: EvaluateParams
) -> pd.DataFrame:
    """Add the forecast that is told as `told`, chosen on held rows; nothing without costs."""
    name = cheapest(problem, held, settings)
    return scored if name is None else scored.assign(told=scored[name])


def costs_beside_rule(
    problem: Problem, scored: pd.DataFrame, settings: EvaluateParams
) -> pd.DataFrame | None:
    """Return what each row costs by what is told and by the rule, as the gate asks for it."""
    told, rule = (costs(problem, scored, name, settings) for name in ("told", "rule"))
    if told is None or rule is None:
        return None
    return pd.DataFrame({"told": told, "rule": rule}, index=scored.index)
