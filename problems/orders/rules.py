"""What forecasts are judged against: the promise, the step's median, the mean, and the oracle.

Without a promise in the log the rule is the median of the step: that of training's remaining hours
after the same activity.
"""

import numpy as np
import pandas as pd

from problems.contract import Problem, Rules, WithRule
from problems.defaults import RULE_LEAST_ROWS
from retrace.base.params import Params

PRIOR_ROWS = 20.0  # that the overall rate counts for (assumed)


class RuleSettings(Params):
    """`<problem>.evaluate.rule`: whether promises are used where the log has them."""

    promise: bool


def rule(
    problem: Problem, train: pd.DataFrame, rows: pd.DataFrame, settings: WithRule[RuleSettings]
) -> pd.Series:
    """The hours until the promise, else the step's median; of stuck orders, training's rate among
    rows of the same step that this forecast sees late, or in time."""
    expected = expected_hours(train, rows, settings)
    if problem.task == "regression":
        return expected
    known = _step_and_lateness(train, train, settings)
    overall = train[problem.target].mean()
    sums = train.groupby(known)[problem.target].agg(["sum", "size"])
    rates = (sums["sum"] + PRIOR_ROWS * overall) / (sums["size"] + PRIOR_ROWS)
    return _step_and_lateness(train, rows, settings).map(rates).fillna(overall)


def expected_hours(
    train: pd.DataFrame, rows: pd.DataFrame, settings: WithRule[RuleSettings]
) -> pd.Series:
    """Return the rule's remaining hours of each row; never below 0."""
    hours = step_median(train, rows)
    if settings.rule.promise:
        promised = (rows["promised_at"] - rows["snapshot_at"]).dt.total_seconds() / 3600
        hours = promised.clip(lower=0.0).fillna(hours)
    return hours


def step_median(train: pd.DataFrame, rows: pd.DataFrame) -> pd.Series:
    """Return training's median of the remaining hours after the same activity, else of all."""
    steps = train["remaining_hours"].groupby(train["activity"].astype("str"))
    known = steps.median()[steps.size() >= RULE_LEAST_ROWS]
    overall = float(train["remaining_hours"].median())
    found: pd.Series = rows["activity"].astype("str").map(known).astype("float64")
    return found.fillna(0.0 if np.isnan(overall) else overall)


def _step_and_lateness(
    train: pd.DataFrame, rows: pd.DataFrame, settings: WithRule[RuleSettings]
) -> "pd.Series[str]":
    """Name the step, and whether by the step's median the order will be later than promised, or
    than training's usual (P90) order where there is no promise."""
    elapsed = (rows["snapshot_at"] - rows["started_at"]).dt.total_seconds() / 3600
    total = elapsed + step_median(train, rows)
    usual = (train["completed_at"] - train["started_at"]).dt.total_seconds().quantile(0.9) / 3600
    limit = pd.Series(usual, index=rows.index, dtype="float64")
    if settings.rule.promise:
        promised = (rows["promised_at"] - rows["started_at"]).dt.total_seconds() / 3600
        limit = promised.fillna(limit)
    late = (total > limit).map({True: " late", False: " in time"})
    return rows["activity"].astype("str") + late


def naive(
    problem: Problem, train: pd.DataFrame, rows: pd.DataFrame, settings: WithRule[RuleSettings]
) -> pd.Series:
    """The mean of training's rows: of their remaining hours, or of how many got stuck."""
    return pd.Series(float(train[problem.target].mean()), index=rows.index)


def oracle(problem: Problem, rows: pd.DataFrame, truth: pd.DataFrame) -> pd.Series:
    """The metric's optimum for one who knows the process, but not the noise of the future: the
    conditional median of the remaining hours, or the probability of getting stuck.

    Known for the moments after events; missing for others.
    """
    column = "remaining_hours_median" if problem.task == "regression" else "stuck_probability"
    known = rows[["order_id", "snapshot_at"]].merge(
        truth[["order_id", "snapshot_at", column]], how="left", on=["order_id", "snapshot_at"]
    )
    return pd.Series(known[column].to_numpy(np.float64), index=rows.index)


RULES = Rules(rule, naive, oracle)
