"""Answer the rows of a test in turn, each with the interval of what was known by its day."""

import numpy as np
import pandas as pd

from problems.contract import Problem
from problems.predict import predict, scores_of
from retrace.base.arrays import from_frame, to_frame
from retrace.encode.encoding import from_scale, to_scale
from retrace.fit.bundle import Bundle
from retrace.fit.following import Predicted, Waiting, follow
from retrace.fit.intervals import Interval
from workflow.final import Held
from workflow.train import Scores


def followed(
    problem: Problem,
    bundle: Bundle,
    first: Interval,
    rows: pd.DataFrame,
    learnt: pd.DataFrame,
    test: pd.DataFrame,
    held: Held,
) -> pd.DataFrame:
    """Return the answers of the test's rows, with its index.

    rows : all clean rows; learnt : those that the model was fitted on; held : those that made its
    interval, as they were scored without. All others until the test's last row are predicted, too,
    and their outcomes are used as they become known. Where that is only after a silence longer than
    most outcomes take, they say nothing in time, and all rows have the first interval.
    """
    keys = list(problem.key)
    before = held.keys[keys].merge(rows, how="left", on=keys, validate="one_to_one")
    parts = [_predicted(problem, before, held.scores)]
    waiting = None
    if problem.elapses:
        waiting, usual = _waiting(problem, parts[0])
        if waiting.lag > usual:
            return predict(problem, bundle, test.drop(columns=problem.target), past=rows)
    between = _between(problem, rows, [learnt, before, test], before, test)
    for one in (test, *([between] if len(between) else [])):
        scores = scores_of(problem, bundle, one.drop(columns=problem.target), past=rows)
        parts.append(_predicted(problem, one, scores))
    asked = len(before) + np.arange(len(test))
    found = follow(first, Predicted.together(parts), asked, problem.scale, waiting)
    return to_frame(found, test.index)


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
