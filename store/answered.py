"""What came of answers: their outcomes, and what people made of them; the newest word counts."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd
from sqlalchemy import Connection, Select, select

from problems.contract import Problem
from store.log import TOLD
from store.tables import feedback, outcomes

OVERRULED = "overruled"  # what somebody did with an answer; and the column that says so
AT_ONCE = 500


class KnownOutcome(NamedTuple):
    """What a row came to, and when that was known in microseconds since 1970."""

    value: Any
    known_at: int


def outcomes_of(
    connection: Connection, problem: Problem, names: Sequence[str] | None = None
) -> dict[str, KnownOutcome]:
    """Return the newest outcome by the row's name, of these rows or of all; none of one that was
    taken back."""
    columns = (outcomes.c.received_at, outcomes.c.name, outcomes.c.value, outcomes.c.label)
    asked = select(*columns, outcomes.c.known_at).where(outcomes.c.problem == problem.name)
    parts = [asked] if names is None else [asked.where(outcomes.c.name.in_(one))
                                           for one in _parts(names)]  # fmt: skip
    is_class = problem.task == "multiclass"
    found = {
        name: KnownOutcome((label or None) if is_class else value, at)
        for part in parts
        for _, name, value, label, at in _in_order(connection, part)
    }
    return {name: one for name, one in found.items() if one.value is not None}


def overruled_of(
    connection: Connection, problem: Problem, ids: Sequence[str] | None = None
) -> dict[str, float]:
    """Return by the id of an answer whether it was overruled, 1 or 0; of these answers or of all
    that somebody judged."""
    mine = feedback.c.problem == problem.name
    if connection.execute(select(feedback.c.id).where(mine).limit(1)).first() is None:
        return {}
    columns = (feedback.c.received_at, feedback.c.prediction, feedback.c.action)
    asked = select(*columns).where(mine)
    parts = [asked] if ids is None else [asked.where(feedback.c.prediction.in_(one))
                                         for one in _parts(ids)]  # fmt: skip
    return {
        answer: float(action == OVERRULED)
        for part in parts
        for _, answer, action in _in_order(connection, part)
    }


def told(answers: pd.DataFrame) -> "pd.Series[float]":
    """Return what the model tells of numbers, as the log has it: the forecast that costs least, or
    the prediction where nothing else is on record. One that was drawn instead is not in it."""
    prediction = answers["prediction"]
    return answers[TOLD].fillna(prediction) if TOLD in answers else prediction


def _in_order(connection: Connection, asked: Select[Any]) -> list[Any]:
    """Return rows by their first column. SQLite would take the index of that order for them, and
    read every outcome of the problem to find a few names."""
    return sorted(connection.execute(asked).all(), key=lambda row: row[0])


def _parts(values: Sequence[str]) -> list[Sequence[str]]:
    return [values[at : at + AT_ONCE] for at in range(0, len(values), AT_ONCE)]
