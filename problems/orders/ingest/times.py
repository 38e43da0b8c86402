"""Times as logs write them, to microseconds of UTC; each with its own offset, or local."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrace.base.errors import RetraceError
from retrace.raw.values import as_text

OFFSET = r"(?:Z|UTC|[+-]\d{2}:?\d{2})$"
NUMBER = r"^\d+(?:\.\d+)?$"


def as_utc(column: pd.Series, zone: str, time_format: str | None = None) -> pd.Series:
    """Return times in UTC (NaT where unreadable); those without an offset are local of `zone`.

    ISO 8601 is read, also with slashes; 31.12.2024 and 31/12/2024 where the column's days or months
    tell which is which, and anything else by `time_format`. Numbers are no times. A local time that
    a clock change skips or repeats is the later one, so that an event is not lost for an hour.
    """
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        if column.dt.tz is not None:
            return pd.Series(column.dt.tz_convert("UTC").dt.as_unit("us"))
        return _localised(column.astype("datetime64[us]"), zone)
    text = as_text(column).str.strip()
    if time_format is not None:
        return _parsed(text, zone, time_format)
    text = text.where(~text.str.fullmatch(NUMBER), "")
    text = text.str.replace(r"^(\d{4})/(\d{1,2})/(\d{1,2})", r"\1-\2-\3", regex=True)
    return _parsed(_year_first(text), zone, "ISO8601")


def looks_like_time(text: "pd.Series[str]") -> bool:
    """Whether all of the filled values begin like a date of ISO 8601."""
    filled = text[text != ""]
    return bool(len(filled) and filled.str.match(r"^\d{4}[-/]\d{2}[-/]\d{2}(?:$|[T ])").all())


def _parsed(text: "pd.Series[str]", zone: str, time_format: str) -> pd.Series:
    offset = text.str.contains(OFFSET, regex=True) & text.ne("")
    known = pd.Series(pd.NaT, index=text.index, dtype="datetime64[us, UTC]")
    if offset.any():
        there = pd.to_datetime(text[offset], errors="coerce", utc=True, format=time_format)
        known[offset] = there.dt.as_unit("us")
    if not offset.all():
        local = pd.to_datetime(text[~offset], errors="coerce", format=time_format)
        known[~offset] = _localised(local.astype("datetime64[us]"), zone)
    return known


def _localised(local: pd.Series, zone: str) -> pd.Series:
    later = np.zeros(len(local), dtype=bool)  # not daylight saving time
    found = local.dt.tz_localize(zone, ambiguous=later, nonexistent="shift_forward")
    return pd.Series(found.dt.tz_convert("UTC"))


def _year_first(text: "pd.Series[str]") -> "pd.Series[str]":
    """Turn 31.12.2024 around; a column where days and months cannot be told apart is refused."""
    parts = text.str.extract(r"^(\d{1,2})[./-](\d{1,2})[./-]\d{4}")
    if parts[0].isna().all():
        return text
    first, second = (parts[i].astype("float64").max() for i in (0, 1))
    if first <= 12 and second <= 12:
        raise RetraceError(
            f"Times such as '{text[parts[0].notna()].iloc[0]}' may be day or month first; nothing "
            "in the column tells. Set `orders.ingest.time_format`, as '%d/%m/%Y %H:%M:%S'."
        )
    day_first = first > 12
    pattern = r"\3-\2-\1" if day_first else r"\3-\1-\2"
    turned = text.str.replace(r"^(\d{1,2})[./-](\d{1,2})[./-](\d{4})", pattern, regex=True)
    return turned.str.replace(r"-(\d)(?=-|\b)", r"-0\1", regex=True)


def micros(times: pd.Series) -> NDArray[np.int64]:
    """Return microseconds since 1970; the smallest number for NaT."""
    return np.asarray(times.to_numpy("datetime64[us]").astype(np.int64))


def moments(micros: NDArray[np.int64]) -> pd.Series:
    """Return UTC times of microseconds; the smallest number is NaT."""
    return pd.Series(micros.view("datetime64[us]")).dt.tz_localize("UTC")
