"""Answer the rows of a test in turn, each with the interval of what was known by its day."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from problems.contract import Problem
from problems.predict import predict, scores_of
from retrace.base.arrays import Arrays, from_frame, join, to_frame
from retrace.encode.encoding import from_scale, to_scale
from retrace.fit.bundle import Bundle
from retrace.fit.following import Predicted, Waiting, follow
from retrace.fit.intervals import HALF_LIVES, Interval
from workflow.final import Held
from workflow.train import Scores


@dataclass(frozen=True)
class FollowedRows:
    """Rows that a model predicted and was not fitted on, in the order of their keys.

    name  : the key as one text, shape (n_rows,)
    place : where each row is that was scored: of `held`, of the test, of the others
    """

    rows: Predicted
    name: NDArray[np.object_]
    place: NDArray[np.int64]
    waiting: Waiting | None

    def newest(self, half_life: float) -> pd.DataFrame:
        """Return what a server goes on from: name, at, known_at, actual and scores of the newest
        rows, the oldest first. Older ones count for nothing."""
        found = {"name": self.name, "at": self.rows.at, "known_at": self.rows.known_at}
        table = to_frame({**found, "actual": self.rows.actual, **self.rows.scores})
        if self.waiting is None:
            table = table[table["known_at"].notna() & table["actual"].notna()]
        table = table.sort_values(["at", "name"], kind="stable", ignore_index=True)
        return table.tail(2 * round(HALF_LIVES * half_life))  # some are known later than others


def followed(
    problem: Problem,
    bundle: Bundle,
    first: Interval,
    rows: pd.DataFrame,
    learnt: pd.DataFrame,
    test: pd.DataFrame,
    held: Held,
) -> pd.DataFrame:
    """Return the answers of the test's rows, with its index; `rows`, `learnt` and `held` are as
    `rows_to_follow` has them."""
    found = rows_to_follow(problem, bundle, rows, learnt, test, held, until=test)
    if found is None:
        return predict(problem, bundle, test.drop(columns=problem.target), past=rows)
    asked = found.place[len(held.target) + np.arange(len(test))]
    return to_frame(follow(first, found.rows, asked, problem.scale, found.waiting), test.index)


def rows_to_follow(
    problem: Problem,
    bundle: Bundle,
    rows: pd.DataFrame,
    learnt: pd.DataFrame,
    test: pd.DataFrame,
    held: Held,
    *,
    until: pd.DataFrame,
) -> FollowedRows | None:
    """Return all rows from the first held one to the last of `until`, as they were predicted.

    rows : all clean rows; learnt : those that the model was fitted on; held : those that made its
    interval, as they were scored without. All others are predicted, too, and their outcomes are
    used as they become known. None where that is only after a silence longer than most outcomes
    take: they say nothing in time, and all rows have the first interval.
    """
    keys = list(problem.key)
    before = held.keys[keys].merge(rows, how="left", on=keys, validate="one_to_one")
    parts = [_predicted(problem, before, held.scores)]
    waiting = None
    if problem.elapses:
        waiting, usual = _waiting(problem, parts[0])
        if waiting.lag > usual:
            return None
    between = _between(problem, rows, [learnt, before, test], before, until)
    asked = [one for one in (test, between) if len(one)]
    for one in asked:
        scores = scores_of(problem, bundle, one.drop(columns=problem.target), past=rows)
        parts.append(_predicted(problem, one, scores))
    named = from_frame(pd.concat([one[keys] for one in (before, *asked)], ignore_index=True))
    name = row_names(problem, named)
    order = np.argsort(name, kind="stable")  # so that rows of one instant have an order of theirs
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return FollowedRows(Predicted.together(parts).take(order), name[order], place, waiting)


def rows_to_serve(
    problem: Problem,
    bundle: Bundle,
    rows: pd.DataFrame,
    learnt: pd.DataFrame,
    test: pd.DataFrame,
    held: Held,
) -> tuple[pd.DataFrame | None, dict[str, Any]]:
    """Return the rows that a server's interval goes on from, and how late outcomes are, in the
    unit of the target; None where its interval does not follow outcomes."""
    promise = bundle.promise
    if not isinstance(promise, Interval) or promise.half_life is None:
        return None, {}
    found = rows_to_follow(problem, bundle, rows, learnt, test, held, until=rows)
    if found is None:
        return None, {}
    lag = found.waiting.lag if found.waiting else 0.0
    return found.newest(promise.half_life), {"lag": lag}


def row_names(problem: Problem, rows: Arrays) -> NDArray[np.object_]:
    """Return the keys of rows as one text each."""
    return join([rows[name] for name in problem.key], "|")


def _between(
    problem: Problem,
    rows: pd.DataFrame,
    known: list[pd.DataFrame],
    first: pd.DataFrame,
    last: pd.DataFrame,
) -> pd.DataFrame:
    """Return rows that are none of the known ones, from the first held row to the last asked."""
    keys, time = list(problem.key), str(problem.time)
    near = rows[rows[time].between(first[time].min(), last[time].max())]
    if not problem.elapses:
        near = near[near[problem.target].notna()]
    used = pd.MultiIndex.from_frame(pd.concat([one[keys] for one in known], ignore_index=True))
    return near[~pd.MultiIndex.from_frame(near[keys]).isin(used)]


def _predicted(problem: Problem, rows: pd.DataFrame, scores: Scores) -> Predicted:
    at, known_at = str(problem.time), str(problem.known_at)
    times = from_frame(rows[list({at, known_at})])
    actual = to_scale(rows[problem.target].to_numpy(np.float64), problem.scale)
    return Predicted(times[at], times[known_at], actual, scores)


def _waiting(problem: Problem, known: Predicted) -> tuple[Waiting, float]:
    """Return how waiting counts, and the median of the known outcomes."""
    unit = pd.Timedelta(1, unit=problem.unit).to_timedelta64()  # type: ignore[arg-type]
    took = from_scale(known.actual, problem.scale)
    late = (known.known_at - known.at) / unit - took
    waiting = Waiting(unit, problem.scale, max(float(np.nanmax(late)), 0.0))
    return waiting, float(np.nanmedian(took))
