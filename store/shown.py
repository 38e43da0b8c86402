"""What the database has of an entity, for people to read."""

from typing import Any

import msgspec
import numpy as np
from sqlalchemy import select

from problems.contract import Problem
from store.database import Store
from store.known import unpacked
from store.tables import bases, events, predictions, state


def shown(
    store: Store, problem: Problem, kind: str, who: str, subject: str, most: int
) -> dict[str, Any]:
    """Return what states know of an entity, its newest events, and predictions about it."""
    with store.reading() as connection:
        here = (bases.c.problem == problem.name) & (state.c.entity == f"{kind}:{who}")
        asked = select(state.c.basis, state.c.part).join(bases, bases.c.basis == state.c.basis)
        known = [
            {"basis": basis, "known": _readable(unpacked(part))}
            for basis, part in connection.execute(asked.where(here))
        ]
        newest = select(events.c.kind, events.c.name, events.c.at, events.c.body)
        newest = newest.where(events.c.world == problem.world, events.c.body.contains(who))
        told = []
        for kind_, name, at, body in connection.execute(newest.order_by(events.c.at.desc())):
            row = msgspec.json.decode(body)
            if str(row.get(kind)) == who:
                told.append({"kind": kind_, "name": name, "at": moment(at), "row": row})
            if len(told) == most:
                break
        columns = (predictions.c.id, predictions.c.name, predictions.c.as_of)
        of_whom = select(*columns, predictions.c.prediction).where(
            predictions.c.problem == problem.name, predictions.c.subject == subject
        )
        rows = connection.execute(of_whom.order_by(predictions.c.as_of.desc()).limit(most))
        predicted = [
            {"id": id_, "name": name, "as_of": moment(as_of), "prediction": value}
            for id_, name, as_of, value in rows
        ]
    return {"state": known, "events": told, "predictions": predicted}


def moment(at: int) -> str:
    """Return microseconds since 1970 as ISO 8601 has it."""
    return f"{np.datetime64(at, 'us')}Z"


def _readable(part: Any) -> Any:
    """Return a part with arrays of whole numbers for bytes."""
    if isinstance(part, bytes):
        return np.frombuffer(part, np.int64).tolist()
    if isinstance(part, dict):
        return {name: _readable(value) for name, value in part.items()}
    return [_readable(one) for one in part] if isinstance(part, list) else part
