"""Estimates of a model's losses at the level that the newest known weeks had.

A model foresees by which share its losses change against held rows. Those may be of another season,
or scored by a model with fewer rows: then all its estimates are off by nearly the same factor,
which weeks with outcomes tell.
"""

from collections.abc import Callable, Iterable

import msgspec
import numpy as np

from monitoring.summary import Summary

MOST_WEEKS, LEAST_WEEKS = 4, 2
Pair = tuple[float | None, float | None]  # what came, and what was foreseen


def at_level(one: Summary, weeks: Iterable[Summary]) -> Summary:
    """Return a summary with its estimates at the level of the known weeks before it, of the same
    model; as the model foresees it where too few are known."""
    known = _known(one, weeks)
    loss, metric = one.foreseen_loss, one.foreseen_metric
    by_loss = _level(known, lambda week: (week.loss.value if week.loss else None,
                                          week.foreseen_loss))  # fmt: skip
    by_metric = _level(known, lambda week: (week.value, week.foreseen_metric))
    return msgspec.structs.replace(
        one,
        expected_loss=None if loss is None else loss * by_loss,
        expected_metric=None if metric is None else metric * by_metric,
    )


def _known(one: Summary, weeks: Iterable[Summary]) -> list[Summary]:
    """Return the newest weeks with outcomes that were over when a window began, none of which has a
    day of another."""
    key, found = (one.fingerprint, one.arm), list[Summary]()
    for week in sorted(weeks, key=lambda week: -week.end):
        before = found[-1].start if found else one.start
        is_mine = (week.fingerprint, week.arm) == key and week.kind == "week"
        if is_mine and week.is_mature and week.end <= before:
            found.append(week)
    return found[:MOST_WEEKS]


def _level(known: Iterable[Summary], pair: Callable[[Summary], Pair]) -> float:
    """Return the median of what came over what was foreseen; 1 where too few say it."""
    shares = [came / foreseen for came, foreseen in map(pair, known) if came and foreseen]
    return float(np.median(shares)) if len(shares) >= LEAST_WEEKS else 1.0
