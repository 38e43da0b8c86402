"""A store with as many answers as a large shop has: rows of the test's, over and over."""

import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, Connection, Text, cast, func, literal, select

from problems import parts
from problems.parts import find_problem
from problems.rows import to_json
from retrace.base import paths
from retrace.base.arrays import from_frame
from retrace.base.files import read_table
from retrace.fit.bundle import Bundle
from store.database import Store
from store.loader import insert_predictions, row_of
from store.log import LoggedPrediction
from store.tables import outcomes, predictions

NAME = "price"  # it has no time of its own, and its rows the longest texts
BATCH = 10_000
FIRST = pd.Timestamp("2026-01-05T00:00Z")
DAY = 86_400_000_000
SCATTER, ENDS = 2_654_435_761, 1 << 32  # ids as even as hashes (Knuth's multiplicative method)


def fill(store: Store, day: int, n_rows: int) -> int:
    """Put a day's answers and outcomes into the store; return the moment after it.

    The first of them are made as a server makes them; the database copies them, under names, ids
    and moments of their own.
    """
    start, step = int(FIRST.value // 1000) + day * DAY, DAY // n_rows
    n_first = _first(store, day, start, step, n_rows)
    for begin in range(n_first, n_rows, n_first):
        with store.writing() as connection:
            _copy(store, connection, day, start, step, begin, min(n_first, n_rows - begin))
    return start + DAY + n_rows


def _first(store: Store, day: int, start: int, step: int, n_rows: int) -> int:
    problem = find_problem(NAME)
    world, bundle = parts.world(problem.world), Bundle.load(paths.bundle(NAME))
    rows = read_table(paths.window(NAME, "shipped/fitted")).tail(min(BATCH, n_rows))
    clean = read_table(paths.clean(problem.world)).tail(len(rows))
    matrix = rows[bundle.encoding.columns].to_numpy(np.float32)
    found = bundle.answers(bundle.scores(matrix))
    answers = {name: values.tolist() for name, values in found.items()}
    asked = {key: kept for key, kept in from_frame(clean).items() if key not in world.outcomes}
    target = problem.outcome(clean).tolist()
    lines = [
        LoggedPrediction(
            id=f"{(day * n_rows + place) * SCATTER % ENDS:08x}{day:08x}{place:016x}",
            request=f"{place}", problem=NAME, version="v", fingerprint=bundle.fingerprint,
            role="champion", arm="champion", subject="", name=f"{day}-{place}",
            as_of=start + place * step, predicted_at=start + place * step, latency_us=700,
            row=to_json(asked, place), columns=matrix[place].tolist(),
            answer={name: values[place] for name, values in answers.items()}, scores={},
        )
        for place in range(len(rows))
    ]  # fmt: skip
    known = [
        {"id": f"o{one.name}", "problem": NAME, "name": one.name, "known_at": one.as_of,
         "received_at": start + DAY + place, "value": target[place], "label": ""}
        for place, one in enumerate(lines)
    ]  # fmt: skip
    with store.writing() as connection:
        insert_predictions(store, connection, [row_of(line) for line in lines])
        connection.execute(outcomes.insert(), known)
    return len(lines)


def _copy(
    store: Store, connection: Connection, day: int, start: int, step: int, begin: int, n: int
) -> None:
    """Copy the first n of a day's answers to the places from `begin` on."""
    p, o = predictions.c, outcomes.c
    place = (p.as_of - start) // step
    name = literal(f"{day}-").concat(cast(place + begin, Text))
    n_a_day = DAY // step
    key = (place + begin + day * n_a_day) * SCATTER % ENDS
    made: dict[str, ColumnElement[object]] = {
        "id": _hex(store, key, 8).concat(f"{day:08x}").concat(_hex(store, place + begin, 16)),
        "name": name,
        "as_of": p.as_of + begin * step,
        "predicted_at": p.as_of + begin * step,
    }
    first = (p.problem == NAME) & (p.as_of >= start) & (p.as_of < start + n * step)
    columns = [made.get(one.name, one) for one in p]
    connection.execute(predictions.insert().from_select([*p.keys()], select(*columns).where(first)))
    told = select(
        literal("o").concat(name), o.problem, name, o.known_at + begin * step,
        o.received_at + begin, o.value, o.label,
    ).join(predictions, (p.problem == o.problem) & (p.name == o.name))  # fmt: skip
    names = ["id", "problem", "name", "known_at", "received_at", "value", "label"]
    connection.execute(outcomes.insert().from_select(names, told.where(first)))


def _hex(store: Store, number: ColumnElement[int], n_letters: int) -> ColumnElement[str]:
    if store.is_sqlite:
        return func.printf(f"%0{n_letters}x", number)
    return func.lpad(func.to_hex(number), n_letters, "0")
