"""Forecasts of the completion: errors in hours, and what they cost."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from problems.orders.evaluation.costs import Costs
from retrace.base.tables import Column, Picture, Table
from retrace.judge import metrics
from retrace.judge.costs import told

WORDS = {
    "cost_eur": Column("cost per prediction", "EUR", "money"),
    "median_cost_eur": Column("cost per prediction if the median is told", "EUR", "money"),
}
ROWS = Column("snapshots", kind="count")
MAE = Column("mean absolute error", "hours")
RULE_MAE = Column("mean absolute error of the rule", "hours")
COVERAGE = Column("inside the interval", kind="share")
TOLD = ("model", "p50", "p60", "p70", "p80", "p90", "rule", "naive", "oracle")


def cost(scored: pd.DataFrame, forecast: pd.Series, costs: Costs) -> NDArray[np.float64]:
    """Return what each forecast costs: hours too late and hours too early have different prices."""
    return metrics.linear_cost(
        scored["outcome"],
        forecast,
        costs.pessimistic_cost_per_hour,
        costs.optimistic_cost_per_hour,
    )


def headline(scored: pd.DataFrame, costs: Costs) -> dict[str, float]:
    y, p = scored["outcome"], scored["prediction"]
    figures = {
        "mae_hours": metrics.mae(y, p),
        "cost_eur": float(cost(scored, told(scored), costs).mean()),
        "rule_mae_hours": metrics.mae(y, scored["rule"]),
        "rule_cost_eur": float(cost(scored, scored["rule"], costs).mean()),
        "median_cost_eur": float(cost(scored, p, costs).mean()),
        "naive_mae_hours": metrics.mae(y, scored["naive"]),
    }
    if "oracle" in scored:
        figures["oracle_ratio"] = figures["mae_hours"] / metrics.mae(y, scored["oracle"])
    return figures | {
        "coverage_90": metrics.coverage(y, scored["lower"], scored["upper"]),
        "bias_hours": float((p - y).mean()),
    }


def tables(scored: pd.DataFrame, costs: Costs) -> dict[str, Table]:
    return {
        "months": Table(
            by_month(scored, costs),
            "Month by month",
            {
                "month": Column("month", kind="month"),
                "rows": ROWS,
                "mae_hours": MAE,
                "rule_mae_hours": RULE_MAE,
                "bias_hours": Column("bias", "hours"),
                "coverage": COVERAGE,
                "cost_eur": Column("cost per prediction", "EUR", "money"),
            },
            Picture(
                "lines",
                x="month",
                y=("mae_hours", "rule_mae_hours"),
                caption="Error of the model and of the rule by month.",
            ),
        ),
        "told": Table(
            told_table(scored, costs),
            "What customers are told, and what it costs",
            {
                "told": Column("told", kind="text"),
                "mae_hours": MAE,
                "optimistic_share": Column("too early", kind="share"),
                "optimistic_hours": Column("too early by", "hours"),
                "pessimistic_hours": Column("too late by", "hours"),
                "cost_eur": Column("cost per prediction", "EUR", "money"),
                "chosen": Column("chosen on validation", kind="flag"),
            },
        ),
        "progress": Table(
            by_progress(scored),
            "By the order's events so far",
            {
                "events_so_far": Column("events so far", kind="text"),
                "rows": ROWS,
                "mae_hours": MAE,
                "rule_mae_hours": RULE_MAE,
                "coverage": COVERAGE,
                "median_interval_hours": Column("median width of the interval", "hours"),
            },
        ),
    }


def told_table(scored: pd.DataFrame, costs: Costs) -> pd.DataFrame:
    """What it costs to tell the customer the model's forecast, a later quantile, or the rule's.

    Where optimistic hours cost more than pessimistic ones, a later quantile is the cheaper one.
    """
    named = scored.assign(model=scored["prediction"])
    owners = [name for name in TOLD if name in named and named[name].equals(told(named))][:1]
    records = []
    for name in TOLD:
        if name in named:
            error = named[name] - named["outcome"]
            records.append(
                {
                    "told": name,
                    "mae_hours": float(error.abs().mean()),
                    "optimistic_share": float((error < 0).mean()),
                    "optimistic_hours": float((-error).clip(lower=0).mean()),
                    "pessimistic_hours": float(error.clip(lower=0).mean()),
                    "cost_eur": float(cost(scored, named[name], costs).mean()),
                    "chosen": int(name in owners),
                }
            )
    return pd.DataFrame(records)


def by_progress(scored: pd.DataFrame) -> pd.DataFrame:
    """Error by the number of the order's events so far: how early can one tell?"""
    number = scored["events"].clip(upper=10)
    label = number.astype(str).where(number < 10, "10 and more")
    frame = _errors(scored).assign(events_so_far=label, order=number)
    table = frame.groupby(["order", "events_so_far"], as_index=False).agg(
        rows=("model", "size"),
        mae_hours=("model", "mean"),
        rule_mae_hours=("by_rule", "mean"),
        coverage=("inside", "mean"),
        median_interval_hours=("width", "median"),
    )
    return table.drop(columns="order")


def by_month(scored: pd.DataFrame, costs: Costs) -> pd.DataFrame:
    """Error and cost by local month."""
    month = scored["snapshot_at"].dt.tz_convert(costs.time_zone).dt.strftime("%Y-%m")
    frame = _errors(scored).assign(
        month=month,
        cost=cost(scored, told(scored), costs),
        error=scored["prediction"] - scored["outcome"],
    )
    return frame.groupby("month", as_index=False).agg(
        rows=("model", "size"),
        mae_hours=("model", "mean"),
        rule_mae_hours=("by_rule", "mean"),
        bias_hours=("error", "mean"),
        coverage=("inside", "mean"),
        cost_eur=("cost", "mean"),
    )


def _errors(scored: pd.DataFrame) -> pd.DataFrame:
    y = scored["outcome"]
    return pd.DataFrame(
        {
            "model": (scored["prediction"] - y).abs(),
            "by_rule": (scored["rule"] - y).abs(),
            "inside": (y >= scored["lower"]) & (y <= scored["upper"]),
            "width": scored["upper"] - scored["lower"],
        }
    )
