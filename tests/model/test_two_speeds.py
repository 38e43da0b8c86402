"""One formula, two speeds: one row, or one group, at a time has the bits of the whole table."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from problems import parts
from problems.contract import Problem
from problems.parts import find_problem
from problems.predict import Predictor, answer, predict
from retrace.base import paths
from retrace.base.arrays import from_frame, take
from retrace.base.files import read_table
from retrace.fit.bundle import Bundle

ROWS = 1000
PROBLEMS = ("price", "service_time", "fraud", "order_completion", "order_stuck")


@pytest.fixture(scope="module", params=PROBLEMS)
def fitted(
    request: pytest.FixtureRequest, reproduced: Path
) -> tuple[Problem, Bundle, pd.DataFrame]:
    """A problem of the reproduced project, the bundle that it ships, and its clean rows."""
    problem = find_problem(request.param)
    bundle = Bundle.load(reproduced / paths.bundle(problem.name))
    return problem, bundle, read_table(reproduced / paths.clean(problem.world))


def groups(problem: Problem, rows: pd.DataFrame) -> list[np.ndarray]:
    """Return the places of ROWS rows in time order: one by one, or by what a request brings.

    Moments of an order are a group to split by, and requests of their own.
    """
    by = [*problem.group, problem.time] if problem.time and problem.group else list(problem.key)
    order = rows.sort_values(
        [*([problem.time] if problem.time else []), *problem.key], kind="stable"
    )
    number = rows.groupby(by, sort=False).ngroup().to_numpy()
    places = order.index.to_numpy()
    tail = places[-ROWS:]
    first = dict.fromkeys(number[tail])
    return [places[np.isin(places, np.flatnonzero(number == n))] for n in first]


def test_a_row_alone_has_the_bits_of_the_table(
    fitted: tuple[Problem, Bundle, pd.DataFrame],
) -> None:
    problem, bundle, rows = fitted
    rows = rows.reset_index(drop=True)
    together = from_frame(predict(problem, bundle, rows.drop(columns=problem.target), past=rows))
    arrays = from_frame(rows)
    requests = groups(problem, rows)
    assert sum(map(len, requests)) >= ROWS
    history = parts.features(problem.world).history
    predictor = Predictor.of(problem, bundle)
    events = iter(history.events(arrays)) if history else iter(())
    waiting = next(events, None)
    for places in requests:
        asked = {k: v for k, v in take(arrays, places).items() if k != problem.target}
        if history and predictor.state is not None:
            now = asked[str(problem.time)].min()
            while waiting is not None and waiting.at < now:
                predictor.state.update(waiting)
                waiting = next(events, None)
        alone = predictor.answer(asked)
        for name, values in alone.items():
            assert np.array_equal(values, together[name][places]), (problem.name, name)


BAD = {"price": "condition", "service_time": "boxes", "fraud": "amount", "orders": "events"}


def test_one_bad_row_takes_no_answer_from_the_others(
    fitted: tuple[Problem, Bundle, pd.DataFrame],
) -> None:
    problem, bundle, rows = fitted
    batch = rows.drop(columns=problem.target).tail(40)
    column = BAD[problem.world]
    batch = batch.assign(**{column: batch[column].astype(object)})
    unread, out_of_range, missing = batch.index[[3, 17, 30]]
    batch.loc[unread, column] = "four"
    batch.loc[out_of_range, column] = -7
    batch.loc[missing, column] = None
    found = answer(problem, bundle, batch, past=rows)
    bad = [unread, out_of_range, missing]
    assert found.index.equals(batch.index)
    assert found.index[found["refused"] != ""].tolist() == bad
    assert found.loc[bad, "refused"].str.startswith(f"{column}: ").all()
    assert found.loc[bad].drop(columns="refused").isna().all(axis=None)
    good = rows.loc[batch.index.drop(bad)].drop(columns=problem.target)
    expected = predict(problem, bundle, good, past=rows)
    pd.testing.assert_frame_equal(found.loc[good.index].drop(columns="refused"), expected)
