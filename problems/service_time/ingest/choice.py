"""Which session is a stop's visit: the best choice for a route as a whole.

A fence may have several sessions: the visit, a van driving by, a neighbour being served. One by one
they cannot be told apart; along the route they can, since visits follow the planned order and do
not overlap. The best choice is found by dynamic programming (Viterbi), for all routes at once.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from problems.service_time.ingest.settings import IngestSettings

CANDIDATES = 5  # sessions of one fence that are looked at, the longest ones
DISORDER_SECONDS = 3600.0  # what a visit before that of an earlier stop must gain in dwell

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def typical_dwell(sessions: pd.DataFrame, dwell_min_seconds: float) -> float:
    """Return the median dwell, in seconds, of whole sessions that are not drive-bys."""
    dwell = (sessions["last_at"] - sessions["first_at"]) / 1e6
    whole = sessions["has_enter"] & sessions["has_exit"] & (dwell >= dwell_min_seconds)
    return float(dwell[whole].median()) if whole.any() else dwell_min_seconds


def candidates(sessions: pd.DataFrame, settings: IngestSettings) -> pd.DataFrame:
    """Drop drive-bys and give the rest a provisional `start` and `end`, and their `dwell`.

    Times are seconds. A session whose enter or exit was lost is taken to be half as long as is
    typical: more than its known part, less than a whole one.
    """
    edge, shortest = settings.edge_seconds, settings.dwell_min_seconds
    typical = typical_dwell(sessions, shortest)
    first, last = sessions["first_at"] / 1e6 + edge, sessions["last_at"] / 1e6 - edge
    guess = np.maximum(last - first, typical / 2)
    start = first.where(sessions["has_enter"], last - guess)
    end = last.where(sessions["has_exit"], first + guess)
    found = sessions.assign(start=start, end=end, dwell=end - start)
    drives_by = found["has_enter"] & found["has_exit"] & (found["dwell"] < shortest)
    found = found[~drives_by]
    found = found.sort_values(["fence", "dwell", "start"], ascending=[True, False, True])
    found["choice"] = found.groupby("fence").cumcount()
    return found[found["choice"] < CANDIDATES]


def choose(fence: Ints, route: Ints, found: pd.DataFrame) -> Ints:
    """Return for each stop the row of `found` (its index label) that is its visit, -1 for none.

    `fence` and `route` are those of the stops, shape (n,), in the order of route and position.
    """
    count = int(fence.max()) + 1 if len(fence) else 0
    label = np.full((count, CANDIDATES), -1, dtype=np.int64)
    start = np.full((count, CANDIDATES), np.nan)
    end = start.copy()
    where = (found["fence"].to_numpy(), found["choice"].to_numpy())
    label[where] = found.index.to_numpy()
    start[where], end[where] = found["start"].to_numpy(), found["end"].to_numpy()
    chosen = np.full(len(fence), -1, dtype=np.int64)
    some = np.flatnonzero(label[fence, 0] >= 0) if count else np.zeros(0, dtype=np.int64)
    if len(some):
        mine = fence[some]
        best = _viterbi(route[some], start[mine], end[mine])
        chosen[some] = label[mine, best]
    return chosen


def _viterbi(route: Ints, start: Floats, end: Floats) -> Ints:
    """Return each stop's best candidate; shapes (n,) and (n, CANDIDATES), NaN where there is none.

    A choice is worth its dwell, less what it overlaps with the stop before, less
    DISORDER_SECONDS if it lies before that one.
    """
    first = np.flatnonzero(np.diff(route, prepend=route[0] - 1))
    sizes = np.diff(first, append=len(route))
    score = np.where(np.isnan(start), -np.inf, end - start)
    back = np.zeros(start.shape, dtype=np.int64)
    for step in range(1, int(sizes.max())):
        now = first[sizes > step] + step
        s, e, was_s, was_e = start[now], end[now], start[now - 1], end[now - 1]
        both = np.minimum(e[:, None, :], was_e[:, :, None])
        both = both - np.maximum(s[:, None, :], was_s[:, :, None])
        early = (s[:, None, :] < was_s[:, :, None]) & (both <= 0)
        cost = np.nan_to_num(np.maximum(both, 0.0)) + DISORDER_SECONDS * early
        total = score[now - 1][:, :, None] - cost
        back[now] = total.argmax(axis=1)
        score[now] += total.max(axis=1)
    best = np.zeros(len(route), dtype=np.int64)
    for step in range(int(sizes.max()) - 1, -1, -1):
        active = sizes > step
        now = first[active] + step
        last = sizes[active] == step + 1
        after = np.minimum(now + 1, len(route) - 1)
        best[now] = np.where(last, score[now].argmax(axis=1), back[after, best[after]])
    return best
