"""Answers of a window out of the store, with what came of them: all, or a sample of their ids.

An id is a hash, so that the lowest ids are a fair sample, the same whenever it is drawn, and that
of a day is part of that of its week where both are of one share.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from sqlalchemy import Connection, RowMapping, func, select

from monitoring.windows import HOUR, TimeWindow
from problems import parts
from problems.contract import Problem
from problems.row_columns import RefusedRow
from problems.rows import RowReader
from retrace.base.arrays import to_frame
from store.answered import OVERRULED, outcomes_of, overruled_of
from store.tables import predictions

HEX = 8  # letters of an id that a share is taken by
COLUMNS = (
    "id", "name", "version", "role", "subject", "as_of", "predicted_at", "latency_us", "row",
    "answer", "model_columns",
)  # fmt: skip


@dataclass(frozen=True)
class AnsweredRows:
    """Answers of one model in a window.

    rows : a row each: the clean row as far as the store keeps it, what was answered, `outcome`
        (missing where it is not known), `outcome_at`, `overruled`, `subject`, `latency_us`
    columns : model columns, (n_rows, n_columns)
    share : of all answers that these are
    """

    rows: pd.DataFrame
    columns: np.ndarray
    share: float
    version: str
    role: str


def by_hour(
    connection: Connection, problem: str, window: TimeWindow
) -> Mapping[tuple[str, str], Counter[int]]:
    """Count the answers by (fingerprint, arm), and by the hour since the window's start."""
    hour = (predictions.c.as_of - window.start) // HOUR
    key = (predictions.c.fingerprint, predictions.c.arm, hour)
    asked = select(*key, func.count()).where(*_within(problem, window)).group_by(*key)
    found: dict[tuple[str, str], Counter[int]] = {}
    for fingerprint, arm, place, n in connection.execute(asked):
        found.setdefault((fingerprint, arm), Counter())[int(place)] += n
    return found


def answers(
    connection: Connection,
    problem: Problem,
    key: tuple[str, str],
    window: TimeWindow,
    n_answers: int,
    most_rows: int,
) -> AnsweredRows:
    """Read at most about `most_rows` of the answers of (fingerprint, arm)."""
    fingerprint, arm = key
    share = min(1.0, most_rows / max(n_answers, 1))
    mine = [predictions.c.fingerprint == fingerprint, predictions.c.arm == arm]
    if share < 1:
        mine.append(predictions.c.id < f"{int(share * 16**HEX):0{HEX}x}")
    # The index by time has all that is asked of: SQLite would fetch each row before it looks.
    ids = select(predictions.c.id).where(*_within(problem.name, window), *mine)
    asked = select(*(predictions.c[name] for name in COLUMNS)).where(predictions.c.id.in_(ids))
    asked = asked.order_by(predictions.c.as_of)
    found = connection.execute(asked).mappings().all()
    if not found:
        return AnsweredRows(pd.DataFrame(), np.empty((0, 0)), share, "", "")
    columns = np.frombuffer(b"".join(one["model_columns"] for one in found), np.float32)
    rows = _frame(problem, found)
    known = outcomes_of(connection, problem, rows["name"].tolist())
    rows["outcome"] = [known[name].value if name in known else None for name in rows["name"]]
    if problem.task != "multiclass":
        rows["outcome"] = rows["outcome"].astype("float64")
    at = [known[name].known_at if name in known else None for name in rows["name"]]
    rows["outcome_at"] = pd.to_datetime(pd.Series(at, dtype="Int64"), unit="us", utc=True)
    overruled = overruled_of(connection, problem, rows["id"].tolist())
    rows[OVERRULED] = rows["id"].map(overruled).astype("float64")
    newest = found[-1]
    matrix = columns.reshape(len(rows), len(columns) // len(rows))
    return AnsweredRows(rows, matrix, share, str(newest["version"]), str(newest["role"]))


def _within(problem: str, window: TimeWindow) -> tuple[Any, ...]:
    at = predictions.c.as_of
    return predictions.c.problem == problem, at >= window.start, at < window.end


def _frame(problem: Problem, found: Sequence[RowMapping]) -> pd.DataFrame:
    """Return typed clean rows beside what was answered; what was answered comes first."""
    own = pd.DataFrame(
        {name: [one[name] for one in found] for name in COLUMNS[:8]}  # without row, answer, columns
    )
    for name in ("as_of", "predicted_at"):
        own[name] = pd.to_datetime(own[name], unit="us", utc=True)
    decode = msgspec.json.decode
    said = pd.DataFrame([decode(one["answer"]) for one in found])
    asked = _typed(problem, [decode(one["row"]) for one in found], own["subject"].tolist())
    said = said[said.columns.difference(own.columns, sort=False)]
    asked = asked[asked.columns.difference([*own, *said], sort=False)]
    return pd.concat([own, said, asked], axis=1)


def _typed(problem: Problem, rows: list[dict[str, Any]], subjects: list[str]) -> pd.DataFrame:
    """Return rows as the clean table has them. What is about people is not kept: whose row it is
    goes by the hash of that, and the rest is empty."""
    world = parts.world(problem.world)
    reader = RowReader.of_rows(world)
    for name in world.personal:
        column = reader.column(name)
        if column is None or any(name in row for row in rows):
            continue
        for row, subject in zip(rows, subjects, strict=True):
            if column.kind == "text":
                row[name] = subject or "nobody"
            elif not (column.nullable or column.optional):
                row[name] = column.low or 0
    try:
        return to_frame(reader.read(rows))
    except RefusedRow:  # of a version with another schema
        return pd.DataFrame(rows)
