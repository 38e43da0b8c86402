"""Which forecast is told to whom acts on it: the prediction, or a quantile that costs less."""

from typing import Any

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


def with_told(scored: pd.DataFrame, name: str | None) -> pd.DataFrame:
    """Add the forecast of this name as `told`; nothing without one."""
    return scored if name is None else scored.assign(told=scored[name])


def costs_beside(
    problem: Problem,
    scored: pd.DataFrame,
    settings: EvaluateParams,
    champion: pd.Series | None = None,
) -> pd.DataFrame | None:
    """Return what each row costs by what is told, by the rule, and by what a champion tells where
    that is known (same index), as the gate asks for it; None where nothing was chosen to be told.
    """
    if "told" not in scored:
        return None
    sides = scored if champion is None else scored.assign(champion=champion)
    names = [name for name in ("told", "rule", "champion") if name in sides]
    found = {name: costs(problem, sides, name, settings) for name in names}
    return pd.DataFrame(found, index=scored.index)


def decided(scored: pd.DataFrame, told: str | None) -> dict[str, Any]:
    """Return what a server does with an answer: the forecast that it tells, or the probability from
    which on somebody acts."""
    threshold = {"threshold": float(scored["threshold"].iloc[0])} if "threshold" in scored else {}
    return {"told": told, **threshold}
