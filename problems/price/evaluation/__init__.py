"""How good a suggested price is, in money and by slice."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from problems.contract import EvaluateParams, Evaluation, Problem
from retrace.base.tables import Column, Picture, Table
from retrace.judge import metrics
from retrace.judge.costs import told
from retrace.judge.slices import bands

BAND_EDGES_USD = [10.0, 20.0, 40.0, 80.0, 200.0]
WORDS = {
    "cost_usd": Column("cost per prediction", "USD", "money"),
    "median_cost_usd": Column("cost per prediction if the median is told", "USD", "money"),
}


class EvaluateSettings(EvaluateParams):
    """`price.evaluate`."""

    cost_per_usd_over: float = Field(ge=0)  # too high loses the sale
    cost_per_usd_under: float = Field(ge=0)  # too low loses money


def headline(
    problem: Problem,
    scored: pd.DataFrame,
    settings: EvaluateSettings,
) -> dict[str, float]:
    """Return the flat metrics of scored rows (outcome, prediction, lower, upper, rule, naive and,
    on simulated data, oracle), the headline first."""
    y = scored["outcome"]
    figures = {
        "rmsle": metrics.rmsle(y, scored["prediction"]),
        "mae_usd": metrics.mae(y, scored["prediction"]),
        "rule_rmsle": metrics.rmsle(y, scored["rule"]),
        "naive_rmsle": metrics.rmsle(y, scored["naive"]),
        "cost_usd": float(cost(problem, scored, told(scored), settings).mean()),
        "rule_cost_usd": float(cost(problem, scored, scored["rule"], settings).mean()),
        "median_cost_usd": float(cost(problem, scored, scored["prediction"], settings).mean()),
        "coverage_90": metrics.coverage(y, scored["lower"], scored["upper"]),
    }
    if "oracle" in scored:
        figures["oracle_ratio"] = figures["rmsle"] / metrics.rmsle(y, scored["oracle"])
    return figures


def cost(
    problem: Problem, scored: pd.DataFrame, told: pd.Series, settings: EvaluateSettings
) -> NDArray[np.float64]:
    """Return what each row's price costs, in USD."""
    return metrics.linear_cost(
        scored["outcome"],
        told,
        settings.cost_per_usd_over,
        settings.cost_per_usd_under,
    )


def slices(
    problem: Problem, scored: pd.DataFrame, settings: EvaluateSettings, past: pd.DataFrame
) -> pd.DataFrame:
    """Return the slice labels of scored rows, one column per slice of the problem.

    Prices are banded by what is suggested: a band of what was paid holds, at its ends, the rows of
    which every model suggests too little, or too much.
    """
    return pd.DataFrame(
        {
            "category": scored["category_1"].where(scored["category_1"] != "", "(none)"),
            "condition": scored["condition"].astype(str),
            "suggested_price": bands(scored["prediction"], BAND_EDGES_USD, problem.unit),
            "brand": (scored["brand"] != "").map({True: "known", False: "missing"}),
        },
        index=scored.index,
    )[list(problem.slices)]


def tables(
    problem: Problem,
    scored: pd.DataFrame,
    settings: EvaluateSettings,
    rows: pd.DataFrame,
    truth: pd.DataFrame | None,
) -> dict[str, Table]:
    """Return what suggestions cost by band of the suggested price, and how wide intervals are."""
    frame = scored.assign(
        suggested=bands(scored["prediction"], BAND_EDGES_USD, problem.unit),
        cost_usd=cost(problem, scored, told(scored), settings),
        width_usd=scored["upper"] - scored["lower"],
    )
    by_band = frame.groupby("suggested", observed=True).agg(
        rows=("cost_usd", "size"),
        mean_cost_usd=("cost_usd", "mean"),
        median_interval_usd=("width_usd", "median"),
    )
    return {
        "suggested_bands": Table(
            by_band.reset_index(),
            "By suggested price",
            {
                "suggested": Column("suggested price", kind="text"),
                "rows": Column("listings", kind="count"),
                "mean_cost_usd": Column("mean cost", "USD", "money"),
                "median_interval_usd": Column("median width of the interval", "USD"),
            },
            Picture(
                "bars",
                y=("mean_cost_usd", "median_interval_usd"),
                rows="rows",
                caption="The dearer a listing, the more a wrong price costs.",
            ),
        )
    }


EVALUATION = Evaluation(EvaluateSettings, headline, slices, tables, words=WORDS, cost=cost)
