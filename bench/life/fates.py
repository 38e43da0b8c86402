"""What a life comes to: fates by month beside each other, and what happened when."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from bench.life.course import LifeCourse
from bench.life.play import Played
from experiments.cycle.status import KEPT
from monitoring.alarms import alarms
from problems import parts
from retrace.base.arrays import from_frame, join
from retrace.judge import metrics
from store.database import Store

LOOP, ALONE, CALENDAR = "full loop", "left alone", "retrained by calendar"
FATES = (ALONE, CALENDAR, LOOP)
OFFLINE = {ALONE: "never", CALENDAR: "every"}


class Happening(NamedTuple):
    """Something on the timeline; `kind` is change, alarm, model or kept."""

    at: pd.Timestamp
    kind: str
    words: str


def scored_of(course: LifeCourse, played: Played) -> dict[str, pd.DataFrame]:
    """Return by fate the rows of the time that was played, with prediction and threshold."""
    problem = course.problem
    names = join([from_frame(course.rows)[key] for key in problem.key], "|")
    rows = course.rows.assign(outcome=problem.outcome(course.rows).to_numpy(float), name=names)
    told = pd.DataFrame(played.answers, columns=["name", "prediction", "act", "id", "version"])
    told["threshold"] = np.where(told["act"], told["prediction"], np.inf)
    found = {LOOP: told.drop(columns=["act"]).merge(rows, on="name", validate="one_to_one")}
    for fate, policy in OFFLINE.items():
        theirs = course.offline[policy]
        there = join([from_frame(theirs)[key] for key in problem.key], "|")
        own = theirs[["prediction", "threshold"]].assign(name=there)
        found[fate] = own.merge(rows, on="name", validate="one_to_one")
    both = set.intersection(*({*one["name"]} for one in found.values()))
    return {fate: one[one["name"].isin(both)] for fate, one in found.items()}


def by_period(
    course: LifeCourse, scored: dict[str, pd.DataFrame], period: pd.Series
) -> pd.DataFrame:
    """Return a row a fate and period.

    period : of each row of the loop, by name
    """
    problem = course.problem
    evaluation = parts.evaluation(problem.world)
    settings = parts.settings(evaluation.settings, problem, "evaluate")
    records = []
    for at in sorted(period.unique()):
        names = period.index[period == at]
        here = {fate: one[one["name"].isin(names)] for fate, one in scored.items()}
        alone = here[ALONE]
        usual = metrics.rates_at(
            alone["outcome"], (alone["prediction"] >= alone["threshold"]).astype(float), 0.5
        )[0]
        for fate, rows in here.items():
            y, p = rows["outcome"].to_numpy() > 0.5, rows["prediction"].to_numpy()
            act = p >= rows["threshold"].to_numpy()
            recall, false = act[y].mean(), act[~y].mean()
            needed = np.quantile(p[y], 1 - usual, method="lower")
            plain = rows.assign(rule=0.0, naive=0.0)  # which are no subject here
            cost = evaluation.headline(problem, plain, settings)["cost_per_1000"]
            records.append(
                {
                    "at": at,
                    "fate": fate,
                    "balanced_accuracy": (recall + 1 - false) / 2,
                    "recall": recall,
                    "false_positive_rate": false,
                    "at_equal_recall": (p[~y] >= needed).mean(),
                    "cost": cost * len(rows) / 1000,
                    "rows": len(rows),
                }
            )
    return pd.DataFrame(records)


def happened(course: LifeCourse, played: Played, store: Store) -> list[Happening]:
    """Return what happened, in order of time."""
    begin, end = played.weeks[0].at - pd.Timedelta(days=7), played.weeks[-1].at
    found = [
        Happening(at, "change", str(one["what"]))
        for one in course.changes.to_dict("records")
        if begin <= (at := pd.Timestamp(one["at"], tz="UTC")) <= end
    ]
    for alarm in alarms(store, course.problem.name):
        at = pd.Timestamp(alarm.raised_at, unit="us", tz="UTC")
        found.append(Happening(at, "alarm", alarm.words))
    for week in played.weeks:
        if week.promoted:
            found.append(Happening(week.at, "model", week.words))
        elif week.status == KEPT:
            found.append(Happening(week.at, "kept", week.words))
    return sorted(found)
