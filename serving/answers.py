"""The newest answers of a problem, for the people who look at them."""

import msgspec
import pandas as pd
from sqlalchemy import select

from problems.served import Answered
from serving.model import Served
from store.database import Store
from store.tables import feedback, outcomes, predictions

MOST = 300


def newest(store: Store, served: Served) -> list[Answered]:
    """Return answers of the model that is served, the newest first; of a classifier whose alerts
    are acted on, its alerts.

    Raises an error of the database where that is away.
    """
    asked = select(predictions).where(
        predictions.c.problem == served.problem.name,
        predictions.c.fingerprint == served.bundle.fingerprint,
    )
    threshold = served.decision.get("threshold")
    if threshold is not None:
        asked = asked.where(predictions.c.prediction >= threshold)
    asked = asked.order_by(predictions.c.as_of.desc()).limit(MOST)
    with store.reading() as connection:
        rows = connection.execute(asked).all()
        names, ids = [row.name for row in rows], [row.id for row in rows]
        of_these = (outcomes.c.problem == served.problem.name) & outcomes.c.name.in_(names)
        known = set(connection.execute(select(outcomes.c.name).where(of_these)).scalars())
        theirs = select(feedback.c.prediction).where(feedback.c.prediction.in_(ids))
        judged = set(connection.execute(theirs).scalars())
    return [
        Answered(
            row.id,
            row.name,
            pd.Timestamp(row.as_of, unit="us", tz="UTC"),
            msgspec.json.decode(row.row),
            msgspec.json.decode(row.answer),
            row.name in known,
            row.id in judged,
        )
        for row in rows
    ]
