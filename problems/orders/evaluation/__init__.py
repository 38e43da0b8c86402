"""How good forecasts of open orders are: in hours, in money, step by step, and for whom."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from problems.contract import EvaluateParams, Evaluation, Problem
from problems.orders.evaluation import completion, stuck
from problems.orders.rules import RuleSettings
from retrace.base.tables import Table
from retrace.judge.slices import bands


class EvaluateSettings(EvaluateParams):
    """`order_completion.evaluate` and `order_stuck.evaluate`. Costs are in EUR.

    A forecast that is too early is optimistic: customers call. One that is too late is pessimistic:
    sales are lost. A stuck order that nobody looks at costs `stuck_cost`; looking at an order costs
    `check_cost`, and saves the share `saved_share` of what a stuck one costs.
    """

    rule: RuleSettings
    time_zone: str
    optimistic_cost_per_hour: float = Field(ge=0)
    pessimistic_cost_per_hour: float = Field(ge=0)
    stuck_cost: float = Field(ge=0)
    check_cost: float = Field(ge=0)
    saved_share: float = Field(ge=0, le=1)
    elapsed_bands_days: list[float]
    slice_columns: list[str]


def threshold(problem: Problem, valid: pd.DataFrame, settings: EvaluateSettings) -> float:
    """Return the probability from which looking at an order costs least on validation rows."""
    if problem.task == "regression":
        return float("nan")
    return stuck.cheapest(valid, settings)


def headline(
    problem: Problem, scored: pd.DataFrame, settings: EvaluateSettings
) -> dict[str, float]:
    """Return the flat metrics of scored rows, the headline first, cost second."""
    own = completion if problem.task == "regression" else stuck
    figures: dict[str, float] = own.headline(scored, settings)
    return {key: value for key, value in figures.items() if np.isfinite(value)}


def slices(
    problem: Problem, scored: pd.DataFrame, settings: EvaluateSettings, past: pd.DataFrame
) -> pd.DataFrame:
    """Return the slice labels of scored rows; further ones by `slice_columns` that the log has."""
    local = scored["snapshot_at"].dt.tz_convert(settings.time_zone)
    days = (scored["snapshot_at"] - scored["started_at"]).dt.total_seconds() / 86_400
    own = {
        "activity": scored["activity"].astype("str"),
        "elapsed": bands(days, settings.elapsed_bands_days, "days"),
        "rework": _times(scored["repeats"]),
        "promise": _promise(scored),
        "season": local.dt.month.map(lambda month: f"month {month:02d}"),
    }
    further = {
        name.removeprefix("text_"): scored[name].astype("str").replace("", "none")
        for name in settings.slice_columns
        if name in scored
    }
    frame = pd.DataFrame({**own, **further}, index=scored.index)
    return frame[[*problem.slices, *further]]


def _times(repeats: pd.Series) -> "pd.Series[str]":
    names = {0: "no repeats", 1: "1 repeat", 2: "2 or more repeats"}
    found: pd.Series[str] = repeats.clip(upper=2).map(names)
    return found


def _promise(rows: pd.DataFrame) -> "pd.Series[str]":
    past = (rows["promised_at"] < rows["snapshot_at"]).map({True: "past", False: "ahead"})
    return pd.Series(past.where(rows["promised_at"].notna(), "none"))


def tables(
    problem: Problem,
    scored: pd.DataFrame,
    settings: EvaluateSettings,
    rows: pd.DataFrame,
    truth: pd.DataFrame | None,
) -> dict[str, Table]:
    """Return the problem's own tables by name."""
    own = completion if problem.task == "regression" else stuck
    found: dict[str, Table] = own.tables(scored, settings)
    return found


def cost(
    problem: Problem, scored: pd.DataFrame, told: pd.Series, settings: EvaluateSettings
) -> NDArray[np.float64]:
    """Return what each forecast of the completion costs, in EUR."""
    return completion.cost(scored, told, settings)


EVALUATION = Evaluation(
    EvaluateSettings,
    headline,
    slices,
    tables,
    threshold,
    {**completion.WORDS, **stuck.WORDS},
    cost,
)
