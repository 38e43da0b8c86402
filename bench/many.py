"""A store with as many answers as a large shop has: rows of the test's, over and over."""

import numpy as np
import pandas as pd

from problems import parts
from problems.parts import find_problem
from problems.rows import to_json
from retrace.base import paths
from retrace.base.arrays import from_frame
from retrace.base.files import read_table
from retrace.fit.bundle import Bundle
from store.database import Store
from store.forget import subject_of
from store.loader import insert_predictions, row_of
from store.log import LoggedPrediction
from store.tables import outcomes

NAME = "price"  # it has no time of its own, and its rows the longest texts
BATCH = 10_000
FIRST = pd.Timestamp("2026-01-05T00:00Z")
DAY = 86_400_000_000


def fill(store: Store, day: int, n_rows: int) -> int:
    """Put a day's answers and outcomes into the store; return the moment after it."""
    problem = find_problem(NAME)
    world, bundle = parts.world(problem.world), Bundle.load(paths.bundle(NAME))
    rows = read_table(paths.window(NAME, "shipped/fitted")).tail(BATCH)
    clean = read_table(paths.clean(problem.world)).tail(len(rows))
    columns = bundle.encoding.columns
    matrix = rows[columns].to_numpy(np.float32)
    answers = {name: values.tolist() for name, values in _answers(bundle, matrix).items()}
    arrays = from_frame(clean)
    asked = {name: values for name, values in arrays.items() if name not in world.outcomes}
    said = [to_json(asked, place) for place in range(len(clean))]
    target = problem.outcome(clean).tolist()
    start = int(FIRST.value // 1000) + day * DAY
    told = 0
    for begin in range(0, n_rows, len(said)):
        n = min(len(said), n_rows - begin)
        at = [start + (begin + place) * (DAY // n_rows) for place in range(n)]
        names = [f"{day}-{begin + place}" for place in range(n)]
        lines = [
            LoggedPrediction(
                id=subject_of(names[place]), request=names[place], problem=NAME, version="v",
                fingerprint=bundle.fingerprint, role="champion", arm="champion", subject="",
                name=names[place], as_of=at[place], predicted_at=at[place], latency_us=700,
                row=said[place], columns=matrix[place].tolist(),
                answer={name: values[place] for name, values in answers.items()}, scores={},
            )
            for place in range(n)
        ]  # fmt: skip
        known = [
            {"id": f"o{names[place]}", "problem": NAME, "name": names[place], "known_at": at[place],
             "received_at": start + DAY + told + place, "value": target[place], "label": ""}
            for place in range(n)
        ]  # fmt: skip
        told += n
        with store.writing() as connection:
            insert_predictions(store, connection, [row_of(line) for line in lines])
            connection.execute(outcomes.insert(), known)
    return start + DAY + told


def _answers(bundle: Bundle, matrix: np.ndarray) -> dict[str, np.ndarray]:
    return bundle.answers(bundle.scores(matrix))
