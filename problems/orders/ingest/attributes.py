"""Further columns of the log as typed attributes: number_*, text_* or time_*.

The type is that of the values of the usual cases, the earliest ones. A value of another type that
comes later is missing, and counted. An attribute that says how the case went on is left out (see
`leaks`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from problems.orders.ingest.leaks import Course, tells_the_future
from problems.orders.ingest.log import Ints
from retrace.base.errors import RetraceError
from retrace.raw.plain import Reading
from retrace.raw.times import Clock, looks_like_time, read_times
from retrace.raw.values import as_number, as_text

Kind = Literal["number", "text", "time"]
READABLE = 0.98  # of the filled values of a column that has numbers, or times (assumed)
OF_WHOLE_CASES = re.compile(r"^(case:)?(variant|variant[ _.-]?(index|id)|@@.*)$", re.IGNORECASE)
ROW_NUMBER = re.compile(r"^(__index_level_\d+__|Unnamed: \d+|)$")  # of pandas' own tables
DATED = r"^(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})(?:$|[T ])"
CURRENCIES = "$€£¥₹₽₩₺"
BY_COMMA = r"^[-+]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?$"
NO_THOUSANDS = r",(?:\d{1,2}|\d{4,})$"  # 1,234 may be either


@dataclass(frozen=True)
class Attributes:
    """Typed columns of events, what was left out and why, and values of another type."""

    columns: pd.DataFrame
    left_out: dict[str, str]
    mistyped: int


def type_attributes(
    raw: pd.DataFrame, clock: Clock, course: Course, early: Ints, known: Sequence[str] = ()
) -> Attributes:
    """Give the raw columns types. `early` are the rows of usual cases, which decide on them; those
    of the columns `known` may seem to tell the future."""
    columns: dict[str, pd.Series] = {}
    left_out: dict[str, str] = {}
    mistyped = 0
    for name in map(str, raw.columns):
        reason = "" if name in known else _by_name(name)
        if not reason:
            kind, values, wrong = typed(raw[name], clock, early)
            reason = "" if name in known else tells_the_future(values, course)
        if reason:
            left_out[name] = reason
            continue
        columns[_name(kind, name, columns)] = values
        mistyped += wrong
    return Attributes(pd.DataFrame(columns, index=raw.index), left_out, mistyped)


def _by_name(name: str) -> str:
    """Return why a column of this name is no attribute, "" where it may be one."""
    if OF_WHOLE_CASES.match(name):
        return "written over whole cases"
    return "the number of the row" if ROW_NUMBER.match(name) else ""


def typed(column: pd.Series, clock: Clock, early: Ints) -> tuple[Kind, pd.Series, int]:
    """Return the kind of a raw column, its typed values, and how many of another type are lost."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return "time", read_times(column, clock, exact=False).at, 0
    if pd.api.types.is_numeric_dtype(column.dtype) and column.dtype != bool:
        return "number", pd.Series(as_number(column), column.index), 0
    text = as_text(column).str.strip()
    filled = text.ne("").to_numpy(bool)
    first = early[filled[early]]
    if len(first):
        times = _times(text, clock, first)
        if times is not None:
            return "time", times, int((times.isna() & filled).sum())
        read = _numbers(text, first)
        if np.isfinite(read[first]).mean() >= READABLE:
            numbers = pd.Series(np.where(np.isfinite(read), read, np.nan), column.index)
            return "number", numbers, int((numbers.isna() & filled).sum())
    return "text", text.where(filled).astype("category"), 0


def _times(text: "pd.Series[str]", clock: Clock, first: Ints) -> pd.Series | None:
    """Return a text column as times where its first values are dates of one form, else None."""
    shown = text.iloc[first]
    if looks_like_time(shown):
        return read_times(text, replace(clock, form=None), exact=False).at
    if not shown.str.match(DATED).mean() >= READABLE:
        return None
    for form in (None, clock.form) if clock.form else (None,):
        try:
            times = read_times(text, replace(clock, form=form), exact=False).at
        except RetraceError:  # nothing tells days from months
            continue
        if times.iloc[first].notna().mean() >= READABLE:
            return times
    return None


@dataclass(frozen=True)
class Signs:
    """Signs with which a column's numbers are written beside digits and a decimal point."""

    comma: bool
    currencies: tuple[str, ...]

    @property
    def words(self) -> str:
        said = ["a decimal comma"] if self.comma else []
        return " and ".join([*said, *(f"the sign {sign}" for sign in self.currencies)])

    def number(self, text: "pd.Series[str]") -> NDArray[np.float64]:
        bare = Reading(signs=[*self.currencies]).number(text)
        return as_number(Reading(decimal=",", thousands=".").number(bare) if self.comma else bare)


def number_signs(shown: "pd.Series[str]") -> Signs | None:
    """Return the signs of numbers that nearly all of the filled values are only with them."""
    shown = shown[shown != ""]
    if not len(shown) or pd.api.types.is_numeric_dtype(shown.dtype):
        return None
    found = tuple(sign for sign in CURRENCIES if shown.str.contains(sign, regex=False).any())
    bare = Reading(signs=[*found]).number(shown)
    by_comma = bare.str.match(BY_COMMA).mean() >= READABLE
    comma = bool(by_comma and bare.str.contains(NO_THOUSANDS).any())
    signs = Signs(comma, found)
    readable = np.isfinite(signs.number(shown)).mean() >= READABLE
    return signs if (comma or found) and readable else None


def _numbers(text: "pd.Series[str]", first: Ints) -> NDArray[np.float64]:
    """Return a text column as numbers, with the signs that its first values have; NaN for what is
    none."""
    signs = number_signs(text.iloc[first])
    return as_number(text) if signs is None else signs.number(text)


def _name(kind: Kind, name: str, taken: dict[str, pd.Series]) -> str:
    """Return the column's name: letters, digits and underscores, and one of its own."""
    plain = re.sub(r"\W+", "_", name.removeprefix("case:")).strip("_").lower() or "attribute"
    wanted = full = f"{kind}_{plain}"
    number = 2
    while wanted in taken:
        wanted, number = f"{full}_{number}", number + 1
    return wanted
