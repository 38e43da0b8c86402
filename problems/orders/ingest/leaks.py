"""Attributes of a log that say how a case went on, whatever their name: found by behaviour.

Tools write such columns when all is over: a variant, a duration, an end, what comes next. A column
that numbers cases in time is no better: on later cases it has values that no earlier one had.
"""

import numpy as np
import pandas as pd

from problems.orders.ingest.log import Ints
from retrace.raw.times import micros

TELLS_AT_LEAST = 30  # cases with shared values below which nothing can be said (assumed)
SAME_SECONDS = 60.0  # a time so near to another is that time, written to the minute
KEPT = 0.99  # of the events of an attribute of the case have its first value, or none
TOLD = 0.8  # of what can be told; 1 where a value has one path only
NEARLY = 0.95  # of a rank correlation (assumed): durations in whole days have 0.97 and more
COUNTS = 0.99  # of a rank correlation with the time, of a number that cases do not share
NEXT = 0.95  # of the events: what comes next, or their own end


class Course:
    """How the cases of a log went on: what their attributes are held against.

    of_case : by case, in the order of its number: the row of its first event, a number that only
        cases with the same path share, its events, hours and last moment
    """

    def __init__(self, case: Ints, at: Ints, activity: "pd.Series[str]") -> None:
        order = np.lexsort((at, case))
        starts = np.flatnonzero(np.diff(case[order], prepend=-1))
        events = np.diff(starts, append=len(order))
        last = order[starts + events - 1]
        codes, names = pd.factorize(activity)
        place = np.arange(len(order)) - np.repeat(starts, events)
        by_place = np.random.default_rng(0).integers(1 << 62, size=int(events.max(initial=1)))
        path = np.add.reduceat((codes[order] + 1) * by_place[place], starts)  # wraps around
        hours = (at[last] - at[order[starts]]) / 3.6e9
        self.case, self.at, self.order = case, at, order
        self.of_case = pd.DataFrame(
            {"first": order[starts], "path": path, "events": events, "hours": hours,
             "ends_at": at[last]}
        )  # fmt: skip
        following = np.append(order[1:], -1)
        following[starts + events - 1] = -1
        self.next = np.full(len(order), -1)  # row of the case's next event, -1 after the last
        self.next[order] = following
        self.activity = pd.Series(codes)
        self.names = names

    def first_filled(self, values: pd.Series) -> Ints:
        """Return the row of each case's first event that has a value, of the cases with one."""
        rows = self.order[values.notna().to_numpy()[self.order]]
        return np.asarray(rows[~pd.Series(self.case[rows]).duplicated().to_numpy()])


def tells_the_future(values: pd.Series, course: Course) -> str:
    """Return why an attribute cannot have been known, or tells only the date; "" where neither."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        found = _is_next(values, course)
    elif pd.api.types.is_datetime64_any_dtype(values.dtype):
        found = _is_the_end(values, course) or _is_its_own_end(values, course)
    else:
        found = _follows(values, course)
    return found or _determines(values, course)


def _determines(values: pd.Series, course: Course) -> str:
    """Look at attributes that cases have at their first event and keep."""
    cases, (codes, _) = course.of_case, pd.factorize(values)
    start = codes[cases["first"]]
    kept = (codes < 0) | (codes == start[course.case])
    known = cases.assign(code=start)[start >= 0]
    if not kept.mean() > KEPT or known["events"].nunique() < 3 or known["hours"].nunique() < 3:
        return ""
    shared = known[known.groupby("code")["code"].transform("size") > 1]
    if len(shared) >= TELLS_AT_LEAST and shared["code"].nunique() >= 3:
        for name, words in (("path", "path"), ("events", "number of events")):
            if _told(shared["code"], shared[name]) > TOLD:
                return f"almost determines the case's {words}"
    return ""


def _is_the_end(values: pd.Series, course: Course) -> str:
    """Whether a time is that of the case's end, to the minute or to the day."""
    rows = course.first_filled(values)
    cases = course.of_case.iloc[course.case[rows]]
    if len(rows) < TELLS_AT_LEAST or cases["hours"].nunique() < 3:
        return ""
    found = micros(values.iloc[rows])
    late = (found - cases["ends_at"].to_numpy())[cases["hours"].to_numpy() > 0] / 1e6
    left = (cases["ends_at"].to_numpy() - course.at[rows]) / 3.6e9
    if (np.abs(late) < SAME_SECONDS).mean() > 0.5:
        return "is the time of the case's last event"
    if _rank_correlation((found - course.at[rows]) / 3.6e9, left) > NEARLY:
        return "follows the time of the case's last event"
    return ""


def _is_its_own_end(values: pd.Series, course: Course) -> str:
    """Whether a time is that of the event's own end: another one for each event, after it, and
    never after the case's last event. A date that was agreed on stays while events pass."""
    rows = np.flatnonzero(values.notna().to_numpy() & (course.next >= 0))
    case, at, found = course.case[rows], course.at[rows], micros(values.iloc[rows])
    if len(np.unique(case)) < TELLS_AT_LEAST:
        return ""
    instants, own = (
        len(pd.DataFrame({"case": case, "at": one}).drop_duplicates()) for one in (at, found)
    )
    after = (found >= at).mean() > KEPT and (found > at).mean() > 0.5
    ended = (found <= course.of_case["ends_at"].to_numpy()[case]).mean() > NEXT
    return "is the end of each event" if after and ended and own > 0.5 * instants else ""


def _follows(values: pd.Series, course: Course) -> str:
    """Whether a number orders cases as their durations, their lengths or their dates do."""
    rows = course.first_filled(values)
    if len(rows) < TELLS_AT_LEAST:
        return ""
    if (np.diff(values.to_numpy(np.float64)) > 0).all():
        return "numbers the rows"
    numbers, cases = values.iloc[rows].to_numpy(np.float64), course.of_case.iloc[course.case[rows]]
    left = (cases["ends_at"].to_numpy() - course.at[rows]) / 3.6e9
    for outcome, words in (
        (cases["hours"].to_numpy(), "duration"),
        (left, "remaining time"),
        (cases["events"].to_numpy(np.float64), "number of events"),
    ):
        if abs(_rank_correlation(numbers, outcome)) > NEARLY:
            return f"follows the case's {words}"
    alone = pd.Series(numbers).nunique() > COUNTS * len(numbers)
    if alone and abs(_rank_correlation(numbers, course.at[rows].astype(np.float64))) > COUNTS:
        return "numbers the cases in time, which tells only the date"
    return ""


def _is_next(values: pd.Series, course: Course) -> str:
    """Whether a text is the name of the activity that comes next."""
    rows = np.flatnonzero(values.notna().to_numpy() & (course.next >= 0))
    if len(np.unique(course.case[rows])) < TELLS_AT_LEAST:
        return ""
    code = course.names.get_indexer(pd.Index(values.cat.categories))
    said = code[values.cat.codes.to_numpy()[rows]]
    own, following = (
        (course.activity.to_numpy()[one] == said).mean() for one in (rows, course.next[rows])
    )
    return "is the activity of the next event" if following > max(NEXT, own) else ""


def _rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return Spearman's by its definition: pandas' own imports scipy.stats, half a second."""
    ranks = [pd.Series(values).rank() for values in (one, other)]
    if min(rank.nunique() for rank in ranks) < 3:
        return 0.0
    return float(ranks[0].corr(ranks[1]))


def _told(codes: pd.Series, outcome: pd.Series) -> float:
    """Return how much of the outcome a value tells that other cases had: the share of cases whose
    outcome is the most frequent one among the others of their code, beyond the same among all."""
    everyone = pd.Series(0, codes.index)
    own, base = (_agreement(one, outcome) for one in (codes, everyone))
    return (own - base) / (1 - base) if base < 1 else 0.0


def _agreement(codes: pd.Series, outcome: pd.Series) -> float:
    counts = pd.DataFrame({"code": codes, "outcome": outcome}).value_counts().reset_index(name="n")
    counts = counts.sort_values(["code", "n"], ascending=[True, False], ignore_index=True)
    code, n = counts["code"], counts["n"]
    second = n.shift(-1).where(code.shift(-1) == code, 0)
    rival = second.where(~code.duplicated(), n.groupby(code).transform("max"))
    return float(n[(n > 1) & (n - 1 >= rival)].sum() / n.sum())
