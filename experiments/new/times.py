"""Find out how a column, or several together, write a time."""

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.tseries.api import guess_datetime_format

from retrace.base.errors import RetraceError
from retrace.raw.times import Clock, read_times
from retrace.raw.values import clean_text

READABLE = 0.98  # of the values that are there
SAMPLE = 2000
A_DATE = re.compile(r"\d.*[-/. :,].*\d|\d{1,2}\s?[A-Za-z]{3,}|[A-Za-z]{3,}\s\d|\d{8}$")
_MONTHS = ("%b", "%B")
_CLOCKS = {r"\d{1,2}:\d{2}": "%H:%M", r"\d{1,2}:\d{2}:\d{2}": "%H:%M:%S"}
_ORDER = [
    f"{sign.join([*days, year])}{clock}"
    for sign in "/-."
    for days in (("%d", "%m"), ("%m", "%d"))
    for year in ("%Y", "%y")
    for clock in ("", " %H:%M", " %H:%M:%S")
]


@dataclass(frozen=True)
class Form:
    """How times are written: `format` as strptime has it, None where the reader finds it out;
    `words` say what told it."""

    format: str | None
    words: str
    sure: bool = True


def form_of(columns: Sequence[pd.Series]) -> Form | None:
    """Return the form of a time that stands in one raw column, or in several with spaces between;
    None where they are no times."""
    texts = [clean_text(column) for column in columns]
    there = np.logical_and.reduce([(text != "").to_numpy(bool) for text in texts])
    if not there.any():
        return None
    rows = np.flatnonzero(there)
    rows = rows[:: -(-len(rows) // SAMPLE)]
    if len(columns) > 1:
        return _joined([text.iloc[rows] for text in texts])
    column, text = columns[0].iloc[rows], texts[0].iloc[rows]
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return Form(None, "typed as a time")
    if (
        pd.api.types.is_numeric_dtype(column.dtype)
        or not text.str.contains(A_DATE).mean() > READABLE
    ):
        return None
    if text.str.fullmatch(r"[-+]?[\d.]+").mean() > 1 - READABLE:  # a number, or 31.01 and the like
        if not text.str.fullmatch(r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])").all():
            return _alone(column, text) if text.str.count(r"\.").eq(2).all() else None
        return Form("%Y%m%d", f"such as {text.iloc[0]}")
    return _alone(column, text)


def of_numbers(column: pd.Series) -> Form | None:
    """Return the form of numbers of seconds, or their parts, since 1970; None where they are none:
    an amount may be as large, so that only a column that is called a time is asked."""
    text = clean_text(column)
    rows = np.flatnonzero(text != "")
    rows = rows[:: -(-len(rows) // SAMPLE) or 1]
    if not len(rows) or not text.iloc[rows].str.fullmatch(r"\d{9,19}(\.\d*)?").all():
        return None
    if read_times(column.iloc[rows], Clock("UTC")).at.notna().mean() < READABLE:
        return None
    return Form(None, f"seconds since 1970 or their parts, such as {text.iloc[rows[0]]}")


def why_not(column: pd.Series) -> str:
    """Return what keeps a column from being read as times, where the reader can tell."""
    try:
        read_times(column, Clock("UTC"))
    except RetraceError as error:
        return f" {str(error).split(' Set `')[0]}"
    return ""


def _alone(column: pd.Series, text: "pd.Series[str]") -> Form | None:
    try:
        if read_times(column, Clock("UTC", None)).at.notna().mean() >= READABLE:
            return Form(None, _told(text))
    except RetraceError:
        pass  # nothing tells days from months, or values contradict each other
    return _best(text)


def _best(text: "pd.Series[str]") -> Form | None:
    """Return the format that reads the most; of two that read the same, the one whose times are
    closer to being sorted."""
    shown = text.iloc[[0, len(text) // 3, len(text) // 2, -1]].unique()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # 01/14/2023 has no day first
        guesses = [
            guess_datetime_format(value, dayfirst=first)
            for value in shown
            for first in (True, False)
        ]
    found: list[tuple[float, float, str]] = []
    for one in dict.fromkeys(guess for guess in [*guesses, *_ORDER] if guess):
        times = pd.to_datetime(text, format=one, errors="coerce")
        read = float(times.notna().mean())
        if read >= READABLE:
            steps = times.dropna().diff().dropna()
            found.append((round(read, 3), float((steps >= pd.Timedelta(0)).mean()), one))
    if not found:
        return None
    found.sort(key=lambda one: one[:2], reverse=True)
    best, equal = found[0], len(found) > 1 and found[1][:2] == found[0][:2]
    words = f"{_order(best[2])}, such as {text.iloc[0]}"
    if equal:
        words += f"; nothing tells it from {_order(found[1][2])}"
    elif len(found) > 1:
        words += ": then the rows are closer to being in order"
    return Form(best[2], words, sure=not equal)


def _told(text: "pd.Series[str]") -> str:
    parts = text.str.extract(r"^(\d{1,2})[-/.](\d{1,2})[-/.]\d{4}")
    for place, first in ((0, "day"), (1, "month")):
        over = pd.to_numeric(parts[place]) > 12
        if over.any():
            return f"{first} first, as {text[over].iloc[0]} tells"
    return f"such as {text.iloc[0]}"


def _order(form: str) -> str:
    day, month = form.find("%d"), max(form.find(one) for one in ("%m", *_MONTHS))
    return f"'{form}'" if day < 0 else f"'{form}', {'day' if day < month else 'month'} first"


def _joined(parts: Sequence["pd.Series[str]"]) -> Form | None:
    forms = [_part(part) for part in parts]
    if None in forms:
        return None
    form = " ".join(map(str, forms))
    joined = parts[0]
    for part in parts[1:]:
        joined = joined + " " + part
    read = pd.to_datetime(joined, format=form, errors="coerce").notna().mean()
    if read < READABLE:
        return None
    told = next(
        (words for part in parts if (words := _told(part)).startswith(("day", "month"))), ""
    )
    return Form(form, f"'{form}'{f', {told}' if told else f', such as {joined.iloc[0]}'}")


def _part(text: "pd.Series[str]") -> str | None:
    """Return the format of one of several columns: a date, a time of day, a year, month or day."""
    for pattern, form in _CLOCKS.items():
        if text.str.fullmatch(pattern).all():
            return form
    number = pd.to_numeric(text, errors="coerce")
    if number.notna().all():
        low, high = number.min(), number.max()
        if low >= 1900 and high <= 2100:
            return "%Y"
        if low >= 19000101 and high <= 21001231:
            return "%Y%m%d"
        named = str(text.name).lower()
        for word, form, most in (("month", "%m", 12), ("day", "%d", 31), ("h", "%H", 23)):
            if word in named and low >= 0 and high <= most:
                return form
        return "%H" if low == 0 and high <= 23 else "%m" if high <= 12 else "%d"
    for form in _MONTHS:
        if pd.to_datetime(text, format=form, errors="coerce").notna().all():
            return form
    if text.str.fullmatch(r"\d{4}-\d{2}-\d{2}").all():
        return "%Y-%m-%d"
    first = text.str.extract(r"^(\d{1,2})[-/.](\d{1,2})[-/.](?:\d{4}|\d{2})$")
    if first.notna().all(axis=None):
        _, sign, year = re.split(r"([-/.])(?=\d+$)", str(text.iloc[0]))
        year = "%Y" if len(year) == 4 else "%y"
        month_first = bool((pd.to_numeric(first[1]) > 12).any())
        order = ("%m", "%d") if month_first else ("%d", "%m")
        return sign.join([*order, year])
    found = _best(text)
    return None if found is None else found.format
