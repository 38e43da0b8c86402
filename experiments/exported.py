"""What was answered and what came of it, as rows to learn from: out of the store, weighed.

    rows = learnt_from(store, problem, begin, end)     a month of answers, say
    write_months(store, problem, folder, now)          all of them, a file a month

Where answers are drawn (`explore` of rollout.yaml), the few that tell what comes of other answers
than the model's own carry a weight, in the column `row_weight`. A raw table that has it, and
`<world>.ingest.keep` that names it, bring it into the clean table; training weighs by it.
"""

import io
from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from sqlalchemy import Connection, func, select

from problems import parts
from problems.contract import WEIGHT, Problem
from retrace.base.errors import RetraceError
from retrace.base.files import replacing
from retrace.judge.explored import training_weights
from serving.wanted import CHAMPION
from store.database import Store, answering
from store.known import OUTCOME, ROW
from store.tables import events, predictions
from workflow.replay.models import BacktestParams

DENSITY, SHARE = "density", "explored_share"  # of an answer that was drawn: `serving.explore.Drawn`


def learnt_from(store: Store, problem: Problem, begin: datetime, end: datetime) -> pd.DataFrame:
    """Return the rows of one moment until another whose outcome is known, a row a name, by its
    name; without any, an empty table. A row is of the moment that it was asked for, or of its
    event's, where it was never asked.

    Columns: those of the request, what an event of the row has beside them (the log leaves out
    columns about people), those of the outcome as it is known now, and the weight, whose mean is 1.
    It is of what a person was told: of a challenger in shadow nothing.

    Raises StoreAway where the database does not answer.
    """
    limits = [round(one.timestamp() * 1e6) for one in (begin, end)]
    with answering(store), store.reading() as connection:
        answers = _answers(connection, problem, *limits)
        names = _named(problem, *limits)
        there = _events(connection, problem, ROW, names)
        known = _events(connection, problem, OUTCOME, names)
    told = {name: answers.get(name, _Answered({}, {})) for name in sorted(known)}
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


def _named(problem: Problem, begin: int, end: int) -> Any:
    """Return the query of the names that are of this time."""
    mine = predictions.c.problem == problem.name
    asked = select(predictions.c.name).where(
        mine, predictions.c.as_of >= begin, predictions.c.as_of < end
    )
    told = select(events.c.name).where(
        events.c.world == problem.world,
        events.c.kind == ROW,
        events.c.replaced_by == 0,
        events.c.at >= begin,
        events.c.at < end,
        ~select(predictions.c.id).where(mine, predictions.c.name == events.c.name).exists(),
    )
    return asked.union(told)


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


# ---- a file a month ------------------------------------------------------------------------------


def monthly_folder(problem: Problem) -> Path:
    """Return the folder of the months that the store's rows make."""
    return Path("data/external") / problem.world


def mature_until(problem: Problem, now: pd.Timestamp) -> pd.Timestamp:
    """Return until when outcomes are known, the slow ones too: `mature_days` of the backtest. Of
    younger rows only those would be there whose outcome came soon."""
    params = parts.settings(BacktestParams, problem, "backtest")
    return now - pd.Timedelta(params.mature_days, unit="D")


def write_months(
    store: Store, problem: Problem, folder: Path, now: pd.Timestamp, into: Path | None = None
) -> dict[Path, int]:
    """Write the rows of the store into `<folder>/<month>.csv`; return the files that have changed
    with the number of rows that are new in each. With `into` they are written there, and those in
    `folder` stay as they are.

    Months are of UTC, and rows are there until `mature_until`. The newest file is of the open
    month: it grows, and rows of it that the store does not know stay. A month before it is closed:
    its file keeps its bytes, whatever is told of it later. The same rows give the same bytes.

    Raises StoreAway where the database does not answer, RetraceError for a file of other columns.
    """
    until, changed = mature_until(problem, now), dict[Path, int]()
    there = sorted(folder.glob("*.csv"))
    newest = there[-1].stem if there else ""
    for begin, end in _months(store, problem, until):
        name = f"{begin:%Y-%m}.csv"
        if name < f"{newest}.csv":
            continue
        rows = learnt_from(store, problem, begin, min(end, until))
        if rows.empty:
            continue
        before = _read(folder / name) if (folder / name).exists() else None
        both, n_new = _merged(problem, rows, before, [one for one in there if one.name < name])
        said = both.to_csv(index=False, lineterminator="\n").encode()
        if both.empty or (before is not None and (folder / name).read_bytes() == said):
            continue
        path = (into or folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            partial.write_bytes(said)
        changed[path] = n_new
        there = [*there, path]
    return changed


def _months(
    store: Store, problem: Problem, until: pd.Timestamp
) -> Iterator[tuple[pd.Timestamp, pd.Timestamp]]:
    """Yield begin and end of each month from the first row of the store on, in UTC."""
    asked = select(func.min(predictions.c.as_of)).where(predictions.c.problem == problem.name)
    told = select(func.min(events.c.at)).where(
        events.c.world == problem.world, events.c.kind == ROW, events.c.at > 0
    )
    with answering(store), store.reading() as connection:
        first = [connection.execute(one).scalar() for one in (asked, told)]
    moments = [one for one in first if one]
    if not moments:
        return
    begin = pd.Timestamp(min(moments), unit="us", tz="UTC").normalize().replace(day=1)
    while begin < until:
        end = begin + pd.DateOffset(months=1)
        yield begin, end
        begin = end


def _merged(
    problem: Problem, rows: pd.DataFrame, before: pd.DataFrame | None, earlier: Collection[Path]
) -> tuple[pd.DataFrame, int]:
    """Return a month's rows as text, those that were there `before` and those of the store, which
    count where both have them; and how many are new."""
    if (rows[WEIGHT] == 1).all():
        rows = rows.drop(columns=WEIGHT)
    raw = parts.arrivals(problem.world).as_raw(_in_order(problem, rows))
    key = list(raw.columns[: len(problem.key)])
    text = _read(io.StringIO(raw.to_csv(index=False)))
    for one in earlier:  # of a row that was asked for again the first month counts
        text = text[~_names(text, key).isin(_names(_read(one), key))]
    if before is None:
        before = text.iloc[:0]
    elif {*before} != {*text}:
        raise RetraceError(
            f"the newest month has other columns than the store: {', '.join(map(str, before))}; "
            f"expected {', '.join(map(str, text))}. Put your own file where `source` does not lead."
        )
    known = _names(before, key)
    n_new = int((~_names(text, key).isin(known)).sum())
    stays = before[~known.isin(_names(text, key))]
    order = [one for one in (problem.time, *key) if one is not None and one in text]
    return pd.concat([stays[list(text)], text]).sort_values(order, kind="stable"), n_new


def _in_order(problem: Problem, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the columns in the order of the world's schema, its key first; others come last."""
    names = [*problem.key, *parts.world(problem.world).schema.columns]
    ours = [name for name in dict.fromkeys(names) if name in rows]
    return rows[[*ours, *sorted({*rows} - {*ours})]]


def _read(source: Path | io.StringIO) -> pd.DataFrame:
    return pd.read_csv(source, dtype=str, keep_default_na=False)


def _names(rows: pd.DataFrame, key: list[str]) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(rows[key])
