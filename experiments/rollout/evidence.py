"""What was answered on live traffic, with what came of it, out of the store."""

from datetime import datetime

import msgspec
import numpy as np
import pandas as pd
from sqlalchemy import func, select

from problems import parts
from problems.contract import Problem
from retrace.base.errors import RetraceError
from retrace.judge import metrics
from serving.rollout import Challenger, Rollout
from store.answered import OVERRULED, outcomes_of, overruled_of, told
from store.database import Store, answering
from store.log import CHAMPION, EXPLORED, TOLD
from store.tables import predictions
from workflow.told import costs

COLUMNS = ("id", "request", "name", "version", "role", "arm", "subject", "as_of", "predicted_at")


def answered(store: Store, problem: Problem, since: datetime) -> pd.DataFrame:
    """Return the answers since a moment, a row each.

    Columns: those of the table `predictions`, what the request's row had, what was answered
    (prediction, lower, ...), of numbers what the model `told` or, where another one was drawn,
    would have, `outcome` (missing where it is not known) and `overruled` (missing where nobody
    said). `as_of` and `predicted_at` are datetimes, UTC.

    Raises StoreAway where the database does not answer.
    """
    at = round(since.timestamp() * 1e6)
    columns = [predictions.c[name] for name in (*COLUMNS, "latency_us", "row", "answer")]
    mine = (predictions.c.problem == problem.name) & (predictions.c.predicted_at >= at)
    with answering(store), store.reading() as connection:
        found = connection.execute(select(*columns).where(mine)).all()
        known, overruled = outcomes_of(connection, problem), overruled_of(connection, problem)
    rows = pd.DataFrame([msgspec.json.decode(one.row) for one in found])
    answers = pd.DataFrame([msgspec.json.decode(one.answer) for one in found])
    table = pd.DataFrame([one._mapping for one in found], columns=[c.name for c in columns])
    for name in ("as_of", "predicted_at"):
        table[name] = pd.to_datetime(table[name].astype("int64"), unit="us", utc=True)
    mine_ = rows[rows.columns.difference([*table, *answers])]
    table = pd.concat([table.drop(columns=["row", "answer"]), answers, mine_], axis=1)
    table["outcome"] = [known[name].value if name in known else None for name in table["name"]]
    if problem.task != "multiclass":
        table["outcome"] = table["outcome"].astype("float64")
    if problem.task == "regression" and "prediction" in table:
        table[TOLD] = told(table)
    table[OVERRULED] = table["id"].map(overruled).astype("float64")
    return table


def newest_at(store: Store, problem: str) -> int:
    """Return when the newest answer was given, in microseconds; 0 without any."""
    asked = select(func.max(predictions.c.predicted_at)).where(predictions.c.problem == problem)
    with answering(store), store.reading() as connection:
        return connection.execute(asked).scalar() or 0


def with_losses(table: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    """Return the rows whose outcome is known with their `loss` and, where errors have a cost, the
    `cost` of what the model told."""
    scored = table[table["outcome"].notna()].copy()
    if problem.task == "multiclass":
        scored["outcome"] = scored["outcome"].astype("str")
    if scored.empty:
        return scored.assign(loss=np.empty(0))
    scored["loss"] = metrics.losses(problem.metric, scored)
    settings = parts.settings(parts.evaluation(problem.world).settings, problem, "evaluate")
    found = costs(problem, scored, TOLD, settings)
    return scored if found is None else scored.assign(cost=found)


def not_drawn(table: pd.DataFrame) -> pd.DataFrame:
    """Return the answers that are the model's own: of one that was drawn instead, outcome and
    feedback tell of another answer."""
    return table[table[EXPLORED].isna()] if EXPLORED in table else table


def of_arms(table: pd.DataFrame, rollout: Rollout, arm: str, personal: str) -> pd.DataFrame:
    """Return the answers that an A/B arm is compared by, its own and the champion's, with their
    `subject`: of rows that the arm is for, and that have one."""
    challenger = rollout.challengers[arm]
    mine = table[table["arm"].isin([CHAMPION, arm]) & _takes(table, challenger)].copy()
    if len(mine) and rollout.subject != personal:
        if rollout.subject not in mine:
            raise RetraceError(
                f"no answer has '{rollout.subject}', by which the arms are assigned: it is not "
                "among the columns that the log keeps (serving.log_personal)."
            )
        there = mine[rollout.subject].notna()
        mine["subject"] = mine[rollout.subject].astype("str").where(there, "")
    return mine[mine["subject"] != ""]


def pairs(table: pd.DataFrame, arm: str, challenger: Challenger) -> pd.DataFrame:
    """Return the rows that both the champion and a challenger in shadow have answered: the
    challenger's, with the champion's columns under `champion_...`."""
    theirs = table[(table["arm"] == CHAMPION) & _takes(table, challenger)]
    ours = table[table["arm"] == arm]
    key = ["request", "name"]
    theirs = theirs.drop_duplicates(key).set_index(key)
    ours = ours.drop_duplicates(key).set_index(key)
    both = ours.index.intersection(theirs.index)
    return ours.loc[both].join(theirs.loc[both].add_prefix("champion_")).reset_index()


def _takes(table: pd.DataFrame, challenger: Challenger) -> pd.Series:
    keep = pd.Series(True, index=table.index)
    for name, values in challenger.where.items():
        keep &= table[name].astype("str").isin(values) if name in table else False
    return keep
