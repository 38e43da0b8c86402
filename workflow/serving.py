"""What a server needs of a judged model beside its bundle and state."""

from typing import Any

import pandas as pd

from problems.contract import Problem
from retrace.fit.bundle import Bundle
from retrace.fit.intervals import Interval
from workflow.final import Held
from workflow.following import rows_to_follow


def decision_of(scored: pd.DataFrame, told: str | None) -> dict[str, Any]:
    """Return how an answer becomes a decision: the forecast that is told, and the threshold of a
    yes or no."""
    threshold = {"threshold": float(scored["threshold"].iloc[0])} if "threshold" in scored else {}
    return {"told": told, **threshold}


def newest_rows(
    problem: Problem,
    bundle: Bundle,
    rows: pd.DataFrame,
    known: pd.DataFrame,
    test: pd.DataFrame,
    held: Held,
) -> tuple[pd.DataFrame, float] | None:
    """Return the rows that an interval goes on from, as FollowedRows.newest has them, and how long
    an outcome is on its way; None for an interval that does not follow the newest outcomes."""
    promise = bundle.promise
    if not isinstance(promise, Interval) or promise.half_life is None:
        return None
    found = rows_to_follow(problem, bundle, rows, known, test, held, until=rows)
    if found is None:
        return None
    return found.newest(promise.half_life), found.waiting.lag if found.waiting else 0.0
