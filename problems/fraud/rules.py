"""What a fraud model is judged against: a bank's two rules, the terminal's average, the oracle."""

import numpy as np
import pandas as pd
from pydantic import Field

from problems.contract import Problem, Rules, WithRule
from retrace.base.params import Params


class RuleSettings(Params):
    """`fraud.evaluate.rule`: an amount limit and a velocity rule, as banks have."""

    amount_limit: float = Field(gt=0)
    velocity_count: int = Field(ge=1)  # payments of one customer, this one included
    velocity_hours: float = Field(gt=0)


PRIOR_ROWS = 20.0  # payments that the overall rate counts for (assumed)


def rule(
    problem: Problem, train: pd.DataFrame, rows: pd.DataFrame, settings: WithRule[RuleSettings]
) -> pd.Series:
    """Training's fraud rate among payments that break none, one or both of the rules."""
    known = _broken(train, settings.rule)
    overall = train[problem.target].mean()
    sums = train.groupby(known)[problem.target].agg(["sum", "size"])
    rates = (sums["sum"] + overall) / (sums["size"] + 1)
    return _broken(rows, settings.rule).map(rates).fillna(overall)


def _broken(rows: pd.DataFrame, rule: RuleSettings) -> "pd.Series[int]":
    """Count the rules that a payment breaks: 0, 1 or 2."""
    seconds = rows["at"].to_numpy("datetime64[s]").astype(np.int64)
    codes = pd.factorize(rows["customer_id"])[0].astype(np.int64)
    order = np.lexsort((seconds, codes))
    span = int(seconds.max() - seconds.min()) + 2 * int(rule.velocity_hours * 3600) + 2
    key = (codes * span + (seconds - seconds.min()))[order]
    start = np.searchsorted(key, key - int(rule.velocity_hours * 3600), side="left")
    fast = np.empty(len(rows), bool)
    fast[order] = np.arange(len(rows)) - start + 1 >= rule.velocity_count
    return (rows["amount"] > rule.amount_limit).astype("int64") + fast.astype(np.int64)


def naive(
    problem: Problem, train: pd.DataFrame, rows: pd.DataFrame, settings: WithRule[RuleSettings]
) -> pd.Series:
    """The terminal's fraud rate in training, drawn towards that of all."""
    overall = train[problem.target].mean()
    sums = train.groupby("terminal_id")[problem.target].agg(["sum", "size"])
    rates = (sums["sum"] + PRIOR_ROWS * overall) / (sums["size"] + PRIOR_ROWS)
    return rows["terminal_id"].map(rates).fillna(overall)


def oracle(problem: Problem, rows: pd.DataFrame, truth: pd.DataFrame) -> pd.Series:
    """The probability for one who knows how each payment came about, but not by whose hand."""
    return rows["transaction_id"].map(truth.set_index("transaction_id")["probability"])


RULES = Rules(rule, naive, oracle)
