"""How good fraud probabilities are: as a ranking, for a team that calls cards, and in money."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from problems.contract import EvaluateParams, Evaluation, Problem
from problems.fraud.rules import RuleSettings
from retrace.base.tables import Column, Picture, Table
from retrace.judge import metrics
from retrace.judge.costs import cheapest_threshold, cost_by_rank, cost_curve
from retrace.judge.slices import bands

CURVE_POINTS = 40
WORDS = {
    "card_precision_*": Column("share of compromised among the * cards called a day", kind="share"),
    "balanced_accuracy": Column("balanced accuracy of the alerts", kind="share"),
    "false_positive_rate": Column("genuine payments with an alert", kind="share"),
    "cost_per_1000": Column("cost per 1,000 payments", kind="money"),
}


class EvaluateSettings(EvaluateParams):
    """`fraud.evaluate`. Costs are in the currency of amounts."""

    rule: RuleSettings
    missed_share: float = Field(ge=0)  # of the amount of a missed fraud that is lost
    missed_fee: float = Field(ge=0)
    alert_cost: float = Field(ge=0)
    cards_a_day: int = Field(ge=1)
    amount_bands: list[float]
    age_bands_days: list[float]
    time_zone: str
    night_from: int = Field(ge=0, le=23)
    night_until: int = Field(ge=0, le=23)


def threshold(problem: Problem, valid: pd.DataFrame, settings: EvaluateSettings) -> float:
    """Return the probability from which an alert costs least on scored validation rows."""
    return cheapest_threshold(valid["prediction"], costs_by_rank(valid, settings))


def costs_by_rank(scored: pd.DataFrame, settings: EvaluateSettings) -> NDArray[np.float64]:
    """Return the total cost of alerting the first 0, 1, ... rows, the most suspicious first."""
    saved = missed_cost(scored, settings)
    return cost_by_rank(scored["prediction"], settings.alert_cost, saved)


def missed_cost(scored: pd.DataFrame, settings: EvaluateSettings) -> NDArray[np.float64]:
    """Return what each row costs when nobody looks at it; a genuine one costs nothing."""
    loss = settings.missed_share * scored["amount"] + settings.missed_fee
    return (loss * (scored["outcome"] > 0.5)).to_numpy(np.float64)


def card_precision(scored: pd.DataFrame, cards_a_day: int) -> float:
    """Mean over days of the share of compromised cards among the most suspicious ones.

    A card counts by its most suspicious payment of the day; a card found on an earlier day is left
    out, as in the Fraud Detection Handbook (Le Borgne et al. 2022).
    """
    day = scored["at"].dt.floor("D").rename("day")
    cards = scored.groupby([day, "customer_id"])[["prediction", "outcome"]].max().reset_index()
    found: list[str] = []
    shares = []
    for _, today in cards.groupby("day", sort=True):
        open_cards = today[~today["customer_id"].isin(found)]
        top = open_cards.sort_values(["prediction", "customer_id"], ascending=[False, True])
        top = top.head(cards_a_day)
        hits = top.loc[top["outcome"] > 0.5, "customer_id"]
        shares.append(len(hits) / cards_a_day)
        found += hits.tolist()
    return float(np.mean(shares))


def at_threshold(scored: pd.DataFrame, settings: EvaluateSettings) -> dict[str, float]:
    """Return balanced accuracy, false positive rate and cost per 1,000 payments."""
    fraud, alert = scored["outcome"] > 0.5, scored["prediction"] >= scored["threshold"]
    recall = float(alert[fraud].mean()) if fraud.any() else float("nan")
    false = float(alert[~fraud].mean())
    cost = settings.alert_cost * alert.sum() + missed_cost(scored, settings)[~alert].sum()
    return {
        "balanced_accuracy": (recall + 1 - false) / 2,
        "false_positive_rate": false,
        "cost_per_1000": float(1000 * cost / len(scored)),
    }


def headline(
    problem: Problem, scored: pd.DataFrame, settings: EvaluateSettings
) -> dict[str, float]:
    """Return the flat metrics of scored rows, the headline first."""
    y = scored["outcome"]
    figures = {
        "average_precision": metrics.average_precision(y, scored["prediction"]),
        "auc": metrics.roc_auc(y, scored["prediction"]),
        f"card_precision_{settings.cards_a_day}": card_precision(scored, settings.cards_a_day),
        **at_threshold(scored, settings),
        "rule_average_precision": metrics.average_precision(y, scored["rule"]),
        "naive_average_precision": metrics.average_precision(y, scored["naive"]),
    }
    if "rule_threshold" in scored:
        by_rule = scored.assign(prediction=scored["rule"], threshold=scored["rule_threshold"])
        figures["rule_cost_per_1000"] = at_threshold(by_rule, settings)["cost_per_1000"]
    if "oracle" in scored:
        figures["oracle_average_precision"] = metrics.average_precision(y, scored["oracle"])
    return {key: value for key, value in figures.items() if np.isfinite(value)}


def slices(
    problem: Problem, scored: pd.DataFrame, settings: EvaluateSettings, past: pd.DataFrame
) -> pd.DataFrame:
    """Return the slice labels of scored rows; ages are counted from the first payment in `past`."""
    ages = {}
    for entity in ("terminal", "customer"):
        first = past.groupby(f"{entity}_id")["at"].min()
        age = (scored["at"] - scored[f"{entity}_id"].map(first)).dt.total_seconds() / 86_400
        ages[f"{entity}_age"] = bands(age, settings.age_bands_days, "days")
    hour = scored["at"].dt.tz_convert(settings.time_zone).dt.hour
    late, early = hour >= settings.night_from, hour < settings.night_until
    both = settings.night_from < settings.night_until
    night = late & early if both else late | early
    return pd.DataFrame(
        {
            "amount": bands(scored["amount"], settings.amount_bands, "of money"),
            **ages,
            "night": night.map({True: "night", False: "day"}),
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
    """Return the cost by threshold, and week by week how good the alerts were."""
    curve = alert_curve(scored, settings)
    chosen, best = curve[curve["chosen"] == 1].iloc[0], curve.nsmallest(1, "cost_per_1000").iloc[0]
    return {
        "cost_curve": Table(
            curve,
            "What alerts cost, by threshold",
            {
                "threshold": Column("threshold"),
                "alerts_a_day": Column("alerts a day"),
                "recall": Column("frauds with an alert", kind="share"),
                "cost_per_1000": Column("cost per 1,000 payments", kind="money"),
                "chosen": Column("chosen on validation", kind="flag"),
            },
            Picture(
                "curves",
                x="threshold",
                y=("cost_per_1000",),
                mark="chosen",
                log=True,
                caption=f"The threshold chosen on validation, {chosen['threshold']:.3g}, costs "
                f"{chosen['cost_per_1000']:.1f} per 1,000 payments; the cheapest of these, "
                f"{best['threshold']:.3g}, would cost {best['cost_per_1000']:.1f}.",
            ),
        ),
        "weeks": Table(
            by_week(scored),
            "Week by week",
            {
                "week": Column("week", kind="text"),
                "rows": Column("payments", kind="count"),
                "frauds": Column("frauds", kind="count"),
                "alerts": Column("alerts", kind="count"),
                "average_precision": Column("average precision"),
            },
        ),
    }


def alert_curve(scored: pd.DataFrame, settings: EvaluateSettings) -> pd.DataFrame:
    """Return alerts a day, recall and cost per 1,000 by threshold; `chosen` is validation's."""
    cost = costs_by_rank(scored, settings)
    days = max(scored["at"].dt.floor("D").nunique(), 1)
    curve = cost_curve(scored, cost, np.geomspace(0.001, 0.95, CURVE_POINTS))
    curve["acted_on"] = curve["acted_on"] / days
    return curve.rename(columns={"acted_on": "alerts_a_day"})


def by_week(scored: pd.DataFrame) -> pd.DataFrame:
    """Return fraud, alerts and average precision by week of the test window."""
    week = (scored["at"] - scored["at"].min().floor("D")).dt.days // 7 + 1
    records = []
    for number, rows in scored.groupby(week):
        alert = rows["prediction"] >= rows["threshold"]
        records.append(
            {
                "week": int(number),
                "rows": len(rows),
                "frauds": int(rows["outcome"].sum()),
                "alerts": int(alert.sum()),
                "average_precision": metrics.average_precision(rows["outcome"], rows["prediction"]),
            }
        )
    return pd.DataFrame(records)


EVALUATION = Evaluation(EvaluateSettings, headline, slices, tables, threshold, WORDS)
