"""How good planned service times are: by stop, by route, by season, and for whom."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from problems.contract import EvaluateParams, Evaluation, Problem
from problems.service_time.evaluation import declare
from problems.service_time.evaluation.routes import by_route, service_levels
from problems.service_time.evaluation.visits import visit_table
from problems.service_time.rules import RuleSettings
from retrace.base.tables import Column, Table
from retrace.judge import metrics
from retrace.judge.comparison import paired_difference
from retrace.judge.costs import told
from retrace.judge.slices import bands

WORDS = {
    "cost_eur": Column("cost per stop", "EUR", "money"),
    "median_cost_eur": Column("cost per stop if the median is planned", "EUR", "money"),
    "route_mae_minutes": Column("mean absolute error of whole routes", "minutes"),
}
WEEKS_OF_CHRISTMAS = (pd.Timedelta(days=21), pd.Timedelta(days=7))  # before and after the 25th


class EvaluateSettings(EvaluateParams):
    """`service_time.evaluate`."""

    rule: RuleSettings
    time_zone: str
    new_driver_stops: int = Field(ge=1)
    new_customer_stops: int = Field(ge=1)
    new_region_days: int = Field(ge=1)
    planned_bands_minutes: list[float] = Field(min_length=1)
    cost_per_minute_over: float = Field(ge=0)  # planned too long: the van waits
    cost_per_minute_under: float = Field(ge=0)  # too short: the next customers wait


def headline(
    problem: Problem,
    scored: pd.DataFrame,
    settings: EvaluateSettings,
) -> dict[str, float]:
    """Return the flat metrics of scored stops, the headline first."""
    y, p = scored["outcome"], scored["prediction"]
    figures = {
        "mae_seconds": metrics.mae(y, p),
        "cost_eur": float(cost(problem, scored, told(scored), settings).mean()),
        "rule_mae_seconds": metrics.mae(y, scored["rule"]),
        "rule_cost_eur": float(cost(problem, scored, scored["rule"], settings).mean()),
        "median_cost_eur": float(cost(problem, scored, p, settings).mean()),
        "naive_mae_seconds": metrics.mae(y, scored["naive"]),
    }
    if "oracle" in scored:
        figures["oracle_ratio"] = figures["mae_seconds"] / metrics.mae(y, scored["oracle"])
    routes = by_route(scored)
    return figures | {
        "coverage_90": metrics.coverage(y, scored["lower"], scored["upper"]),
        "route_mae_minutes": float(routes["model_error"].abs().mean() / 60),
        "bias_seconds": float((p - y).mean()),
    }


def cost(
    problem: Problem, scored: pd.DataFrame, told: pd.Series, settings: EvaluateSettings
) -> NDArray[np.float64]:
    """Return what each stop costs that is planned with `told` seconds, in EUR."""
    over, under = settings.cost_per_minute_over / 60, settings.cost_per_minute_under / 60
    return metrics.linear_cost(scored["outcome"], told, over, under)


def slices(
    problem: Problem, scored: pd.DataFrame, settings: EvaluateSettings, past: pd.DataFrame
) -> pd.DataFrame:
    """Return the slice labels of scored stops; `past` are all clean stops, for tenure."""
    local = local_arrival(scored, settings)
    stairs = (scored["floor"] > 0) & ~scored["has_lift"]
    access = np.where(stairs, "stairs", np.where(scored["floor"] > 0, "lift", "ground floor"))
    before = {name: _stops_before(scored, past, name) for name in ("driver_id", "customer_id")}
    return pd.DataFrame(
        {
            "region": scored["region"] + _new_region(scored, past, settings),
            "dwelling": scored["dwelling"],
            "access": access,
            "season": season(local),
            "driver_tenure": _new(before["driver_id"], settings.new_driver_stops),
            "customer": _new(before["customer_id"], settings.new_customer_stops),
        },
        index=scored.index,
    )[list(problem.slices)]


def local_arrival(stops: pd.DataFrame, settings: EvaluateSettings) -> pd.Series:
    """Return the local time of the planned arrival: routes are planned the evening before."""
    arrival = stops["planned_arrival_at"].fillna(stops["planned_at"])
    return pd.Series(arrival.dt.tz_convert(settings.time_zone))


def season(local: pd.Series) -> pd.Series:
    """Name the season of each local time; Christmas is one of its own."""
    wall = local.dt.tz_localize(None)
    christmas = pd.to_datetime(wall.dt.year.astype(str) + "-12-25")
    before, after = WEEKS_OF_CHRISTMAS
    near = (wall >= christmas - before) & (wall <= christmas + after)
    quarter = wall.dt.month % 12 // 3
    names = quarter.map({0: "winter", 1: "spring", 2: "summer", 3: "autumn"})
    return pd.Series(names.where(~near, "Christmas"))


def tables(
    problem: Problem,
    scored: pd.DataFrame,
    settings: EvaluateSettings,
    rows: pd.DataFrame,
    truth: pd.DataFrame | None,
) -> dict[str, Table]:
    """Return the problem's own tables by name. `rows` are all clean stops."""
    judged = {} if truth is None else {"visits": declare.visits(visit_table(rows, truth))}
    return {
        "service_level": declare.service_level(service_levels(scored)),
        "routes": declare.routes(route_table(scored)),
        "months": declare.months(month_table(scored, settings)),
        "fairness": declare.fairness(fairness(scored)),
        **judged,
        "planned_bands": declare.planned_bands(planned_bands(scored, settings)),
    }


def planned_bands(scored: pd.DataFrame, settings: EvaluateSettings) -> pd.DataFrame:
    """What is behind a plan: real times, errors and intervals by the planned minutes."""
    frame = scored.assign(
        planned=bands(scored["prediction"] / 60, settings.planned_bands_minutes, "minutes"),
        error=scored["prediction"] - scored["outcome"],
        inside=(scored["outcome"] >= scored["lower"]) & (scored["outcome"] <= scored["upper"]),
        width=scored["upper"] - scored["lower"],
    )
    frame["size"] = frame["error"].abs()
    by_band = frame.groupby("planned", observed=True).agg(
        stops=("error", "size"),
        median_actual_seconds=("outcome", "median"),
        mae_seconds=("size", "mean"),
        bias_seconds=("error", "mean"),
        median_interval_seconds=("width", "median"),
        coverage=("inside", "mean"),
    )
    return by_band.reset_index()


def route_table(scored: pd.DataFrame) -> pd.DataFrame:
    """Error of a route's sum beside the sum of its stops' errors: how much cancels."""
    routes = by_route(scored)
    return pd.DataFrame(
        [
            {
                "planned_with": name,
                "routes": len(routes),
                "mean_error_of_sum_minutes": routes[f"{name}_error"].abs().mean() / 60,
                "mean_sum_of_errors_minutes": routes[f"{name}_absolute"].mean() / 60,
                "bias_minutes": routes[f"{name}_error"].mean() / 60,
            }
            for name in ("model", "rule", "naive")
        ]
    )


def month_table(scored: pd.DataFrame, settings: EvaluateSettings) -> pd.DataFrame:
    """Error by local month, and the share of its stops near Christmas."""
    local = local_arrival(scored, settings)
    frame = scored.assign(
        month=local.dt.strftime("%Y-%m"),
        christmas=season(local) == "Christmas",
        model=(scored["prediction"] - scored["outcome"]).abs(),
        by_rule=(scored["rule"] - scored["outcome"]).abs(),
        inside=(scored["outcome"] >= scored["lower"]) & (scored["outcome"] <= scored["upper"]),
    )
    return frame.groupby("month", as_index=False).agg(
        stops=("model", "size"),
        mae_seconds=("model", "mean"),
        rule_mae_seconds=("by_rule", "mean"),
        coverage=("inside", "mean"),
        christmas_share=("christmas", "mean"),
    )


def fairness(scored: pd.DataFrame) -> pd.DataFrame:
    """Bias against that of all stops, with its 95 % interval: who is planned shorter than others?

    Planning the median makes every plan a little short, by the same share; what is unfair is a
    difference in that share. The intervals are wide enough that with 95 % certainty all of them
    hold (Bonferroni): a report must not accuse one group in twenty.
    """
    error = scored["prediction"] - scored["outcome"]
    relative = error - scored["prediction"] * error.sum() / scored["prediction"].sum()
    groups = [
        (name, value, index)
        for name in ("region", "driver_tenure")
        for value, index in scored.groupby(f"slice_{name}", observed=True).groups.items()
    ]
    records = []
    for slice_name, value, index in groups:
        found = paired_difference(
            np.zeros(len(index)),
            relative.loc[index],
            blocks=scored.loc[index, "route_id"],
            confidence=1 - 0.05 / len(groups),
        )
        records.append(
            {
                "slice": slice_name,
                "value": value,
                "stops": found.n_rows,
                "bias_seconds": error.loc[index].mean(),
                "relative_bias_seconds": found.mean,
                "lower_95": found.lower,
                "upper_95": found.upper,
                "planned_shorter": int(found.upper < 0),
            }
        )
    return pd.DataFrame.from_records(records)


def _stops_before(scored: pd.DataFrame, past: pd.DataFrame, column: str) -> pd.Series:
    """Count the entity's stops that were planned before each scored one's route."""
    count = past.groupby(column)["planned_at"].rank(method="min") - 1
    by_stop = pd.Series(count.to_numpy(), index=past["stop_id"])
    return scored["stop_id"].map(by_stop)


def _new(stops_before: pd.Series, limit: int) -> pd.Series:
    return pd.Series(np.where(stops_before < limit, "new", "known"), index=stops_before.index)


def _new_region(scored: pd.DataFrame, past: pd.DataFrame, settings: EvaluateSettings) -> pd.Series:
    first = past.groupby("region")["planned_at"].min()
    opened = scored["region"].map(first)
    late = opened > past["planned_at"].min() + pd.Timedelta(days=settings.new_region_days)
    return pd.Series(late.map({True: " (new)", False: ""}))


EVALUATION = Evaluation(EvaluateSettings, headline, slices, tables, words=WORDS, cost=cost)
