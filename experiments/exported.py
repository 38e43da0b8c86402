"""What was answered and what came of it, as rows to learn from: out of the store, weighed.

    rows = learnt_from(store, problem, begin, end)     a month of answers, say

Where answers are drawn (`explore` of rollout.yaml), the few that tell what comes of other answers
than the model's own carry a weight, in the column `row_weight`. A raw table that has it, and
`<world>.ingest.keep` that names it, bring it into the clean table; training weighs by it.
"""

from datetime import datetime
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from sqlalchemy import Connection, select

from problems.contract import WEIGHT, Problem
from retrace.judge.explored import training_weights
from serving.wanted import CHAMPION
from store.database import Store, answering
from store.known import OUTCOME, ROW
from store.tables import events, predictions

DENSITY, SHARE = "density", "explored_share"  # of an answer that was drawn: `serving.explore.Drawn`


def learnt_from(store: Store, problem: Problem, begin: datetime, end: datetime) -> pd.DataFrame:
    """Return the rows that were asked from one moment until another and whose outcome is known, a
    row a name, by its name; without any, an empty table.

    Columns: those of the request, what an event of the row has beside them (the log leaves out
    columns about people), those of the outcome as it is known now, and the weight, whose mean is 1.
    It is of what a person was told: of a challenger in shadow nothing.

    Raises StoreAway where the database does not answer.
    """
    limits = [round(one.timestamp() * 1e6) for one in (begin, end)]
    with answering(store), store.reading() as connection:
        answers = _answers(connection, problem, *limits)
        names = select(predictions.c.name).where(
            predictions.c.problem == problem.name,
            predictions.c.as_of >= limits[0],
            predictions.c.as_of < limits[1],
        )
        there = _events(connection, problem, ROW, names)
        known = _events(connection, problem, OUTCOME, names)
    told = {name: one for name, one in sorted(answers.items()) if name in known}
    rows = [{**one.row, **there.get(name, {}), **known[name]} for name, one in told.items()]
    found = pd.DataFrame(rows)
    if found.empty:
        return found
    density, share = (
        np.array([one.answer.get(name, np.nan) for one in told.values()], np.float64)
        for name in (DENSITY, SHARE)
    )
    return found.assign(**{WEIGHT: training_weights(density, share / density)})


class _Answered(msgspec.Struct):
    """What a row was told."""

    row: dict[str, Any]
    answer: dict[str, Any]


def _answers(
    connection: Connection, problem: Problem, begin: int, end: int
) -> dict[str, _Answered]:
    """Return the newest answer of each name; of a request that a challenger in shadow was asked as
    well, the champion's."""
    columns = [predictions.c[name] for name in ("request", "name", "arm", "row", "answer")]
    asked = select(*columns).where(predictions.c.problem == problem.name)
    asked = asked.where(predictions.c.as_of >= begin, predictions.c.as_of < end)
    found = connection.execute(asked.order_by(predictions.c.predicted_at, predictions.c.id)).all()
    shown = {(one.request, one.name) for one in found if one.arm == CHAMPION}
    decode = msgspec.json.decode
    return {
        one.name: _Answered(decode(one.row), decode(one.answer))
        for one in found
        if one.arm == CHAMPION or (one.request, one.name) not in shown
    }


def _events(connection: Connection, problem: Problem, kind: str, names: Any) -> dict[str, Any]:
    """Return what was sent of rows with these names, as it was corrected last."""
    of = problem.name if kind == OUTCOME else ""
    asked = select(events.c.name, events.c.body).where(
        events.c.world == problem.world,
        events.c.kind == kind,
        events.c.problem == of,
        events.c.replaced_by == 0,
        events.c.name.in_(names),
    )
    return {name: msgspec.json.decode(body) for name, body in connection.execute(asked)}
