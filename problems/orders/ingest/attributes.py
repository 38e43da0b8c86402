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
NEARLY = 0.999  # of a rank correlation: a column that orders cases as their durations do


@dataclass(frozen=True)
class Attributes:
    """Typed columns of events, what was left out and why, and values of another type."""

    columns: pd.DataFrame
    left_out: dict[str, str]
    mistyped: int


def read_attributes(
    raw: pd.DataFrame, clock: Clock, case: Ints, at: Ints, early: Ints
) -> Attributes:
    """Give the raw columns types. `early` are the rows of usual cases, which decide on them."""
    columns: dict[str, pd.Series] = {}
    left_out: dict[str, str] = {}
    mistyped = 0
    spans = _spans(case, at)
    for name in raw.columns:
        if OF_WHOLE_CASES.match(str(name)):
            left_out[str(name)] = "written over whole cases"
            continue
        if ROW_NUMBER.match(str(name)):
            left_out[str(name)] = "the number of the row"
            continue
        kind, values, wrong = typed(raw[name], clock, early)
        if reason := tells_the_future(values, case, spans):
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


def tells_the_future(values: pd.Series, case: Ints, spans: pd.DataFrame) -> str:
    """Return why an attribute cannot have been known from the start on, "" where it can.

    Looked at are attributes that are the same on all events of a case.
    """
    codes, _ = pd.factorize(values)
    by_case = pd.DataFrame({"code": codes, "case": case}).groupby("case")["code"]
    if not (by_case.min() == by_case.max()).all():
        return ""
    known = spans.assign(code=by_case.first().to_numpy())
    known = known[known["code"] >= 0]
    if known["events"].nunique() < 3 or known["hours"].nunique() < 3:
        return ""
    size = known.groupby("code")["events"]
    shared = known[size.transform("size") > 1]
    if len(shared) >= TELLS_AT_LEAST and shared["code"].nunique() >= 3:
        lengths = shared.groupby("code")["events"].nunique()
        overall = shared["events"].nunique()
        if overall >= 3 and (lengths == 1).all():
            return "tells the number of the case's events"
    if len(known) < TELLS_AT_LEAST:
        return ""
    first = np.unique(case, return_index=True)[1]
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        moment = pd.Series(micros(values.iloc[first]), spans.index).loc[known.index]
        late = (moment - known["ends_at"])[known["hours"] > 0] / 1e6
        if (late.abs() < SAME_SECONDS).mean() > 0.5:
            return "is the time of the case's last event"
    if pd.api.types.is_float_dtype(values.dtype):
        number = pd.Series(values.to_numpy(np.float64)[first], spans.index).loc[known.index]
        number = number.dropna()
        for name, words in (("hours", "duration"), ("events", "number of events")):
            # Spearman's, by its definition: method="spearman" imports scipy.stats, half a second.
            if abs(number.rank().corr(known.loc[number.index, name].rank())) > NEARLY:
                return f"follows the case's {words}"
    return ""


def _spans(case: Ints, at: Ints) -> pd.DataFrame:
    """Return events, hours and last moment of each case, in the order of the case's number."""
    by_case = (
        pd.DataFrame({"case": case, "at": at}).groupby("case")["at"].agg(["min", "max", "size"])
    )
    return pd.DataFrame(
        {
            "events": by_case["size"],
            "hours": (by_case["max"] - by_case["min"]) / 3.6e9,
            "ends_at": by_case["max"],
        }
    )


def _name(kind: Kind, name: str, taken: dict[str, pd.Series]) -> str:
    """Return the column's name: letters, digits and underscores, and one of its own."""
    plain = re.sub(r"\W+", "_", name.removeprefix("case:")).strip("_").lower() or "attribute"
    wanted = full = f"{kind}_{plain}"
    number = 2
    while wanted in taken:
        wanted, number = f"{full}_{number}", number + 1
    return wanted
