"""Warnings of orders that get stuck: as a ranking, as probabilities, and in money."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from problems.orders.evaluation.costs import Costs
from retrace.base.tables import Column, Picture, Table
from retrace.judge import metrics
from retrace.judge.costs import cheapest_threshold, cost_by_rank, cost_curve

CURVE_POINTS = 40
WORDS = {"unattended_cost_eur": Column("cost if nobody looks", "EUR", "money")}
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)


def by_rank(score: pd.Series, scored: pd.DataFrame, costs: Costs) -> NDArray[np.float64]:
    """Return the total cost of looking at the first 0, 1, ... rows, the most likely ones first."""
    saved = np.where(scored["outcome"] > 0.5, costs.saved_share * costs.stuck_cost, 0.0)
    lost = (1.0 - costs.saved_share) * costs.stuck_cost * float((scored["outcome"] > 0.5).sum())
    return np.asarray(lost + cost_by_rank(score, costs.check_cost, saved))


def cheapest(valid: pd.DataFrame, costs: Costs) -> float:
    """Return the probability from which looking at an order costs least on scored rows."""
    return cheapest_threshold(valid["prediction"], by_rank(valid["prediction"], valid, costs))


def cost(scored: pd.DataFrame, looked_at: pd.Series, costs: Costs) -> NDArray[np.float64]:
    """Return what each row costs, given which are looked at."""
    stuck = scored["outcome"] > 0.5
    left = np.where(looked_at, 1.0 - costs.saved_share, 1.0)
    return np.asarray(costs.check_cost * looked_at + costs.stuck_cost * stuck * left)


def headline(scored: pd.DataFrame, costs: Costs) -> dict[str, float]:
    y, p = scored["outcome"], scored["prediction"]
    look = p >= scored["threshold"]
    figures = {
        "average_precision": metrics.average_precision(y, p),
        "cost_eur": float(cost(scored, look, costs).mean()),
        "unattended_cost_eur": float(costs.stuck_cost * y.mean()),
        "auc": metrics.roc_auc(y, p),
        "log_loss": float(metrics.log_losses(y, p).mean()),
        "rule_average_precision": metrics.average_precision(y, scored["rule"]),
        "naive_average_precision": metrics.average_precision(y, scored["naive"]),
    }
    if "rule_threshold" in scored:
        by_rule = scored["rule"] >= scored["rule_threshold"]
        figures["rule_cost_eur"] = float(cost(scored, by_rule, costs).mean())
    if "oracle" in scored:
        figures["oracle_average_precision"] = metrics.average_precision(y, scored["oracle"])
    return figures


def tables(scored: pd.DataFrame, costs: Costs) -> dict[str, Table]:
    curve = check_curve(scored, costs)
    chosen, best = curve[curve["chosen"] == 1].iloc[0], curve.nsmallest(1, "cost_per_1000").iloc[0]
    return {
        "cost_curve": Table(
            curve,
            "What looking at orders costs, by threshold",
            {
                "threshold": Column("threshold"),
                "looked_at_share": Column("looked at", kind="share"),
                "recall": Column("stuck ones found", kind="share"),
                "cost_per_1000": Column("cost per 1,000 open orders", "EUR", "money"),
                "chosen": Column("chosen on validation", kind="flag"),
            },
            Picture(
                "curves",
                x="threshold",
                y=("cost_per_1000",),
                mark="chosen",
                log=True,
                caption=f"The threshold chosen on validation, {chosen['threshold']:.3g}, costs "
                f"{chosen['cost_per_1000']:,.0f} EUR per 1,000 open orders; the cheapest of these, "
                f"{best['threshold']:.3g}, would cost {best['cost_per_1000']:,.0f} EUR.",
            ),
        ),
        "looked_at": Table(
            by_share(scored, costs),
            "Looking at the most likely ones",
            {
                "looked_at": Column("looked at", kind="share"),
                "rows": Column("snapshots", kind="count"),
                **_found(""),
                **_found(" of the rule", "rule_"),
            },
        ),
    }


def _found(owner: str, prefix: str = "") -> dict[str, Column]:
    return {
        f"{prefix}precision": Column(f"precision{owner}", kind="share"),
        f"{prefix}recall": Column(f"recall{owner}", kind="share"),
        f"{prefix}cost_eur": Column(f"cost per prediction{owner}", "EUR", "money"),
    }


def check_curve(scored: pd.DataFrame, costs: Costs) -> pd.DataFrame:
    """Return checks, recall and cost per 1,000 rows by threshold; `chosen` is validation's."""
    cost = by_rank(scored["prediction"], scored, costs)
    curve = cost_curve(scored, cost, np.geomspace(0.01, 0.99, CURVE_POINTS))
    curve["acted_on"] = curve["acted_on"] / len(scored)
    return curve.rename(columns={"acted_on": "looked_at_share"})


def by_share(scored: pd.DataFrame, costs: Costs) -> pd.DataFrame:
    """What looking at the most likely share of rows finds, by model and by rule."""
    records = []
    y = scored["outcome"].to_numpy()
    for share in SHARES:
        n = max(round(share * len(y)), 1)
        record: dict[str, float] = {"looked_at": share, "rows": n}
        for owner, name in (("", "prediction"), ("rule_", "rule")):
            order = np.argsort(-scored[name].to_numpy(), kind="stable")[:n]
            record[f"{owner}precision"] = float(y[order].mean())
            record[f"{owner}recall"] = float(y[order].sum() / max(y.sum(), 1.0))
            record[f"{owner}cost_eur"] = float(by_rank(scored[name], scored, costs)[n] / len(y))
        records.append(record)
    return pd.DataFrame(records)
