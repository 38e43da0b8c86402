"""Further columns of the log as typed attributes: number_*, text_* or time_*.

The type is that of the values of the usual cases, the earliest ones. A value of another type that
comes later is missing, and counted. An attribute that says how the case went on is left out: tools
write such columns over whole cases, when all is over (a variant, a duration, a count of events).
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from problems.orders.ingest.log import Ints
from retrace.raw.times import Clock, looks_like_time, micros, read_times
from retrace.raw.values import as_number, as_text

Kind = Literal["number", "text", "time"]
NUMBERS_LEAST = 0.98  # of the filled values of a column that has numbers (assumed)
OF_WHOLE_CASES = re.compile(r"^(case:)?(variant|variant[ _.-]?(index|id)|@@.*)$", re.IGNORECASE)
ROW_NUMBER = re.compile(r"^(__index_level_\d+__|Unnamed: \d+|)$")  # of pandas' own tables
TELLS_AT_LEAST = 30  # cases with shared values below which nothing can be said (assumed)
SAME_SECONDS = 60.0  # a time so near to another is that time, written to the minute
KEPT = 0.99  # of the events of an attribute of the case have its first value, or none
TOLD = 0.8  # of what can be told; 1 where a value has one path only
NEARLY = 0.999  # of a rank correlation: a column that orders cases as their durations do


@dataclass(frozen=True)
class Attributes:
    """Typed columns of events, what was left out and why, and values of another type."""

    columns: pd.DataFrame
    left_out: dict[str, str]
    mistyped: int


def type_attributes(
    raw: pd.DataFrame, clock: Clock, case: Ints, at: Ints, activity: Ints, early: Ints
) -> Attributes:
    """Give the raw columns types. `early` are the rows of usual cases, which decide on them."""
    columns: dict[str, pd.Series] = {}
    left_out: dict[str, str] = {}
    mistyped = 0
    cases = _cases(case, at, activity)
    for name in raw.columns:
        if OF_WHOLE_CASES.match(str(name)):
            left_out[str(name)] = "written over whole cases"
            continue
        if ROW_NUMBER.match(str(name)):
            left_out[str(name)] = "the number of the row"
            continue
        kind, values, wrong = typed(raw[name], clock, early)
        if reason := tells_the_future(values, case, cases):
            left_out[str(name)] = reason
            continue
        columns[_name(kind, str(name), columns)] = values
        mistyped += wrong
    return Attributes(pd.DataFrame(columns, index=raw.index), left_out, mistyped)


def typed(column: pd.Series, clock: Clock, early: Ints) -> tuple[Kind, pd.Series, int]:
    """Return the kind of a raw column, its typed values, and how many of another type are lost."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return "time", read_times(column, clock, exact=False).at, 0
    if pd.api.types.is_numeric_dtype(column.dtype) and column.dtype != bool:
        return "number", pd.Series(as_number(column), column.index), 0
    text = as_text(column).str.strip()
    first = text.iloc[early]
    filled = first[first != ""]
    if not len(filled):
        return "text", _category(text), 0
    if looks_like_time(filled):
        times = read_times(text, replace(clock, form=None), exact=False).at
        return "time", times, int((times.isna() & text.ne("")).sum())
    readable = np.isfinite(as_number(filled))
    if readable.mean() >= NUMBERS_LEAST:
        numbers = pd.Series(as_number(text), column.index)
        numbers = numbers.where(np.isfinite(numbers))
        return "number", numbers, int((numbers.isna() & text.ne("")).sum())
    return "text", _category(text), 0


def _category(text: "pd.Series[str]") -> pd.Series:
    return text.where(text != "").astype("category")


def tells_the_future(values: pd.Series, case: Ints, cases: pd.DataFrame) -> str:
    """Return why an attribute cannot have been known from the start on, "" where it can.

    Looked at are attributes that cases have at their first event and keep, whatever their name.
    """
    codes, _ = pd.factorize(values)
    start = codes[cases["first"]]
    kept = (codes < 0) | (codes == start[case])
    known = cases.assign(code=start)[start >= 0]
    if not kept.mean() > KEPT or known["events"].nunique() < 3 or known["hours"].nunique() < 3:
        return ""
    shared = known[known.groupby("code")["code"].transform("size") > 1]
    if len(shared) >= TELLS_AT_LEAST and shared["code"].nunique() >= 3:
        for name, words in (("path", "path"), ("events", "number of events")):
            if _told(shared["code"], shared[name]) > TOLD:
                return f"almost determines the case's {words}"
    if len(known) < TELLS_AT_LEAST:
        return ""
    at_start = values.iloc[known["first"]]
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        late = (micros(at_start) - known["ends_at"])[known["hours"] > 0] / 1e6
        if (late.abs() < SAME_SECONDS).mean() > 0.5:
            return "is the time of the case's last event"
    if pd.api.types.is_float_dtype(values.dtype):
        # Spearman's, by its definition: method="spearman" imports scipy.stats, half a second.
        rank = pd.Series(at_start.to_numpy(np.float64), known.index).rank()
        for name, words in (("hours", "duration"), ("events", "number of events")):
            if abs(rank.corr(known[name].rank())) > NEARLY:
                return f"follows the case's {words}"
    return ""


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


def _cases(case: Ints, at: Ints, activity: Ints) -> pd.DataFrame:
    """Return of each case, in the order of its number: the row of its first event, a number that
    only cases with the same path share, its events, hours and last moment."""
    order = np.lexsort((at, case))
    starts = np.flatnonzero(np.diff(case[order], prepend=-1))
    events = np.diff(starts, append=len(order))
    place = np.arange(len(order)) - np.repeat(starts, events)
    by_place = np.random.default_rng(0).integers(1 << 62, size=int(events.max(initial=1)))
    path = np.add.reduceat((activity[order] + 1) * by_place[place], starts)  # wraps around
    first, last = order[starts], order[starts + events - 1]
    hours, ends_at = (at[last] - at[first]) / 3.6e9, at[last]
    columns = {"first": first, "path": path, "events": events, "hours": hours, "ends_at": ends_at}
    return pd.DataFrame(columns)


def _name(kind: Kind, name: str, taken: dict[str, pd.Series]) -> str:
    """Return the column's name: letters, digits and underscores, and one of its own."""
    plain = re.sub(r"\W+", "_", name.removeprefix("case:")).strip("_").lower() or "attribute"
    wanted = full = f"{kind}_{plain}"
    number = 2
    while wanted in taken:
        wanted, number = f"{full}_{number}", number + 1
    return wanted
