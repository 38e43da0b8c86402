"""What a price model is judged against: the shop's rule, the historical average, the oracle."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from problems.contract import Problem, Rules
from problems.defaults import RULE_LEAST_ROWS
from retrace.base.params import Params

CATEGORY = ["category_1", "category_2", "category_3"]


def rule(problem: Problem, train: pd.DataFrame, rows: pd.DataFrame, settings: Params) -> pd.Series:
    """Median price of the same category and brand, else of the category, else of all."""
    return _backed_off(
        train,
        rows,
        problem.target,
        [[*CATEGORY, "brand"], CATEGORY],
        "median",
        train[problem.target].median(),
    )


def naive(problem: Problem, train: pd.DataFrame, rows: pd.DataFrame, settings: Params) -> pd.Series:
    """Average of the category's past prices, on the log scale, where RMSLE has its mean."""
    logs = train.assign(**{problem.target: np.log1p(train[problem.target])})
    mean = _backed_off(
        logs, rows, problem.target, [CATEGORY, CATEGORY[:1]], "mean", logs[problem.target].mean()
    )
    return pd.Series(np.expm1(mean))


def oracle(problem: Problem, rows: pd.DataFrame, truth: pd.DataFrame) -> pd.Series:
    """RMSLE's optimum given all that a listing shows: the mean log price that made it."""
    expected = truth.set_index("train_id")["expected_log_price"]
    return pd.Series(np.expm1(rows[problem.key[0]].map(expected)))


def _backed_off(
    train: pd.DataFrame,
    rows: pd.DataFrame,
    target: str,
    levels: Sequence[list[str]],
    statistic: str,
    default: float,
) -> pd.Series:
    """Take the `statistic` of the target at the first of `levels` that enough training rows know:
    nobody would trust the price of a single listing."""
    found = pd.Series(np.nan, index=rows.index)
    for columns in levels:
        groups = train.groupby(columns)[target]
        known = groups.agg(statistic)[groups.size() >= RULE_LEAST_ROWS].rename("value")
        joined = rows[columns].merge(known, how="left", left_on=columns, right_index=True)
        found = found.fillna(joined["value"])
    return found.fillna(default)


RULES = Rules(rule, naive, oracle)
