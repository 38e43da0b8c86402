"""What errors cost, in two numbers: for a problem that says no more of them.

EVALUATION = forecasts("EUR")    # cost_over, cost_under: of each unit too much, and too little
EVALUATION = alerts("EUR")       # cost_act, cost_miss: of acting on a row, and of a yes missed

The numbers are settings of `<problem>.evaluate`.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from problems import defaults
from problems.contract import EvaluateParams, Evaluation, Problem
from retrace.base.tables import Column, Picture, Table
from retrace.judge import metrics
from retrace.judge.costs import cheapest_threshold, cost_by_rank, cost_curve, told

COST, MEDIAN, NOTHING = "cost_per_row", "median_cost_per_row", "cost_per_row_without_acting"
CURVE_POINTS = 40


class ForecastCosts(EvaluateParams):
    """Costs of a unit of the target."""

    cost_over: float = Field(ge=0)
    cost_under: float = Field(ge=0)


class AlertCosts(EvaluateParams):
    """Costs of a row: a yes that is acted on is saved."""

    cost_act: float = Field(ge=0)
    cost_miss: float = Field(ge=0)


def forecasts(currency: str = "") -> Evaluation:
    """Return the evaluation of a regression whose errors cost money: told is what costs least."""
    return Evaluation(
        ForecastCosts,
        _forecasts_headline,
        cost=_forecast_cost,
        words={
            COST: Column("cost per row", currency, "money"),
            MEDIAN: Column("cost per row if the prediction is told", currency, "money"),
        },
    )


def alerts(currency: str = "") -> Evaluation:
    """Return the evaluation of a yes or no on which somebody acts, from the threshold that costs
    least."""
    return Evaluation(
        AlertCosts,
        _alerts_headline,
        tables=_curve,
        threshold=_threshold,
        words={
            COST: Column("cost per row", currency, "money"),
            NOTHING: Column("cost per row if nobody acts", currency, "money"),
        },
    )


def _forecast_cost(
    problem: Problem, scored: pd.DataFrame, told: pd.Series, settings: ForecastCosts
) -> NDArray[np.float64]:
    return metrics.linear_cost(scored["outcome"], told, settings.cost_over, settings.cost_under)


def _forecasts_headline(
    problem: Problem, scored: pd.DataFrame, settings: ForecastCosts
) -> dict[str, float]:
    def mean(forecast: pd.Series) -> float:
        return float(_forecast_cost(problem, scored, forecast, settings).mean())

    own = {
        COST: mean(told(scored)), f"rule_{COST}": mean(scored["rule"]),
        MEDIAN: mean(scored["prediction"]),
    }  # fmt: skip
    return _second(defaults.headline(problem, scored, settings), own)


def _second(figures: dict[str, float], own: dict[str, float]) -> dict[str, float]:
    """Put figures after the headline, which comes first."""
    first, *rest = figures
    return {first: figures[first], **own, **{name: figures[name] for name in rest}}


def _alerts_headline(
    problem: Problem, scored: pd.DataFrame, settings: AlertCosts
) -> dict[str, float]:
    own = {COST: _acting(scored, scored["prediction"] >= scored["threshold"], settings)}
    if "rule_threshold" in scored:
        by_rule = scored["rule"] >= scored["rule_threshold"]
        own[f"rule_{COST}"] = _acting(scored, by_rule, settings)
    own[NOTHING] = settings.cost_miss * float(scored["outcome"].mean())
    return _second(defaults.headline(problem, scored, settings), own)


def _acting(scored: pd.DataFrame, acted_on: pd.Series, settings: AlertCosts) -> float:
    missed = (scored["outcome"] > 0.5) & ~acted_on
    return float((settings.cost_act * acted_on + settings.cost_miss * missed).mean())


def _by_rank(scored: pd.DataFrame, settings: AlertCosts) -> NDArray[np.float64]:
    saved = np.where(scored["outcome"] > 0.5, settings.cost_miss, 0.0)
    return cost_by_rank(scored["prediction"], settings.cost_act, saved)


def _threshold(problem: Problem, valid: pd.DataFrame, settings: AlertCosts) -> float:
    return cheapest_threshold(valid["prediction"], _by_rank(valid, settings))


def _curve(
    problem: Problem,
    scored: pd.DataFrame,
    settings: AlertCosts,
    rows: pd.DataFrame,
    truth: pd.DataFrame | None,
) -> dict[str, Table]:
    """Return what acting costs by threshold."""
    points = np.geomspace(0.001, 0.99, CURVE_POINTS)
    curve = cost_curve(scored, _by_rank(scored, settings), points)
    curve["acted_on"] = curve["acted_on"] / len(scored)
    chosen, best = curve[curve["chosen"] == 1].iloc[0], curve.nsmallest(1, "cost_per_1000").iloc[0]
    columns = {
        "threshold": Column("threshold"),
        "acted_on": Column("acted on", kind="share"),
        "recall": Column("found of all that are a yes", kind="share"),
        "cost_per_1000": Column("cost per 1,000 rows", kind="money"),
        "chosen": Column("chosen on validation", kind="flag"),
    }
    caption = (
        f"The threshold chosen on validation, {chosen['threshold']:.3g}, costs "
        f"{chosen['cost_per_1000']:,.0f} per 1,000 rows; the cheapest of these, "
        f"{best['threshold']:.3g}, would cost {best['cost_per_1000']:,.0f}."
    )
    picture = Picture(
        "curves", x="threshold", y=("cost_per_1000",), mark="chosen", log=True, caption=caption
    )
    return {"cost_curve": Table(curve, "What acting costs, by threshold", columns, picture)}
