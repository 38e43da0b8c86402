"""Read times in whatever form a table has them, as moments of UTC.

    clock = Clock("Europe/Oslo", params="fraud.ingest")
    times = read_times(rows["at"], clock, rows)
    times.at                   # datetime64[us, UTC], NaT where no moment is known
    times.reasons("time")      # why a row has none, for quarantine

Read are, also mixed in one column:
  ISO 8601, with T or a space, with slashes, and compact (20250131T093000), to the microsecond;
    its offset is Z, UTC, GMT, +02, +0200 or +02:00, also after a space
  31.01.2025 and 01/31/2025, where some day after the 12th tells days from months
  whole or decimal numbers: seconds, milli-, micro- or nanoseconds since 1970. A moment between
    1980 and 2100 has another number of digits in each of them
  columns that a Parquet file has typed as times or dates.
Anything else is read by a format, as `datetime.strptime` has it.

A time without an offset is local. When clocks are put forward an hour of local times does not
exist, and when they are put back an hour happens twice. A time in such an hour is a moment only
where the order of the rows tells which: rows sorted by time go back once, from the first of the
two hours to the second. Elsewhere it is NaT with a reason, since an hour too early or too late is
a wrong fact. For days and deadlines, where an hour hardly counts, `exact=False` takes the later of
both moments, and the end of an hour that does not exist.
"""

from dataclasses import dataclass
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import AfterValidator

from retrace.base.errors import RetraceError
from retrace.raw.values import arrow_text, as_id

UTC = pd.DatetimeTZDtype("us", "UTC")

_SINCE, _UNTIL = 315_532_800, 4_102_444_800  # seconds: 1980 and 2100
_NUMBER = r"^(?P<whole>\d{9,19})(?P<rest>\.\d*)?$"
_YEAR_FIRST = r"^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}($|[T ])"
_YEAR_LAST = r"^(?P<first>\d{1,2})[-/.](?P<second>\d{1,2})[-/.]\d{4}\b"
_DATE = (
    r"(?:(?P<year>\d{4})(?:[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})|(?P<month_day>\d{4}))"
    r"|(?P<first>\d{1,2})[-/.](?P<second>\d{1,2})[-/.](?P<last_year>\d{4}))"
)
_TIME = (
    r"(?:[T ]*(?P<hour>\d{1,2}):?(?P<minute>\d{2})(?::?(?P<seconds>\d{2})"
    r"(?:[.,](?P<part>\d{1,9}))?)?\s*(?:(?P<half>[AP])M)?"
    r"\s*(?:(?P<utc>Z|UTC|GMT)|(?P<sign>[+-])(?P<ahead>\d{2}):?(?P<minutes>\d{2})?)?)?"
)
_FORM = f"(?i)^{_DATE}{_TIME}$"
_A_DAY = np.timedelta64(1, "D")  # two changes of a zone's clocks are further apart
_FEW, _AT_ONCE = 1000, 1 << 20  # rows; a million take some 200 MB by their parts
_MOST_AHEAD = 18 * 60  # minutes, of an offset from UTC

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Moments = NDArray[np.datetime64]  # to microseconds


def _known(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise ValueError("not a time zone such as Europe/Oslo") from None
    return zone


Zone = Annotated[str, AfterValidator(_known)]  # of parameters


@dataclass(frozen=True)
class Clock:
    """How a source writes times.

    zone   : of times without an offset, such as Europe/Oslo; None refuses them
    form   : of times that are not ISO 8601, such as "%d/%m/%Y %H:%M"; None finds it out
    params : where params.yaml has them as `time_zone` and `time_format`, for messages
    """

    zone: str | None
    form: str | None = None
    params: str = "ingest"


@dataclass(frozen=True)
class Times:
    """`at` of each row in UTC; where it is NaT, the masks say why. Shapes are (n_rows,).

    skipped : a local time that clocks jump over
    twice   : a local time that happened twice
    unread  : missing, or in no form that can be read
    """

    at: pd.Series
    skipped: Mask
    twice: Mask

    @property
    def unread(self) -> Mask:
        return np.asarray(self.at.isna().to_numpy() & ~self.skipped & ~self.twice)

    def reasons(self, name: str) -> list[tuple[str, Mask]]:
        """Return why rows have no moment, in words that begin with `name`."""
        return [
            (f"{name} cannot be read", self.unread),
            (f"{name} does not exist: clocks were put forward over it", self.skipped),
            (f"{name} happened twice: clocks were put back, and no order tells", self.twice),
        ]


def read_times(
    column: pd.Series, clock: Clock, place: pd.DataFrame | None = None, *, exact: bool = True
) -> Times:
    """Read a raw column. `place` has `file` and `row` of each row, for messages.

    Raises RetraceError for local times without a zone, and for dates of which nothing tells
    whether days or months come first.
    """
    found, local = _parsed(column, clock)
    skipped, twice = np.zeros(len(column), bool), np.zeros(len(column), bool)
    there = ~np.isnat(local)
    if there.any():
        if clock.zone is None:
            raise RetraceError(_no_zone(column, clock, there, place))
        found[there], skipped[there], twice[there] = _localised(local[there], clock.zone, exact)
    at = pd.Series(found, column.index, name=column.name).dt.tz_localize("UTC")
    return Times(at, skipped, twice)


def micros(times: pd.Series) -> Ints:
    """Return microseconds since 1970; the smallest number for NaT."""
    return np.asarray(times.to_numpy("datetime64[us]").astype(np.int64))


def moments(micros: Ints) -> pd.Series:
    """Return UTC times of microseconds; the smallest number is NaT."""
    return pd.Series(micros.view("datetime64[us]")).dt.tz_localize("UTC")


def looks_like_time(text: "pd.Series[str]") -> bool:
    """Whether all of the filled values begin like a date of ISO 8601."""
    filled = text[text != ""]
    return bool(len(filled) and filled.str.match(r"^\d{4}[-/]\d{2}[-/]\d{2}(?:$|[T ])").all())


def _parsed(column: pd.Series, clock: Clock) -> tuple[Moments, Moments]:
    """Return the moments of times with an offset, and local times; NaT for the others."""
    kind = column.dtype
    if isinstance(kind, pd.DatetimeTZDtype):
        return column.dt.tz_convert("UTC").to_numpy("datetime64[us]").copy(), _nothing(len(column))
    if pd.api.types.is_datetime64_any_dtype(kind):
        return _nothing(len(column)), column.to_numpy("datetime64[us]")
    since = _nothing(len(column))
    if kind.kind in "iuf":
        if clock.form is None:
            number = column.to_numpy(np.float64 if kind.kind == "f" else np.int64, na_value=0)
            whole = np.nan_to_num(np.floor(number)).astype(np.int64)
            since = _since_1970(whole, np.nan_to_num(number - whole))
        column = as_id(column).mask(~np.isnat(since), "")
    text = pc.utf8_trim_whitespace(arrow_text(column))
    text = pc.if_else(pc.equal(text, ""), pa.scalar(None, text.type), text)
    read, local = _read(text, clock) if clock.form is None else _by_form(text, clock)
    return np.where(np.isnat(since), read, since), local


def _nothing(rows: int) -> Moments:
    return np.full(rows, np.datetime64("NaT"), "datetime64[us]")


def _read(text: pa.Array, clock: Clock) -> tuple[Moments, Moments]:
    for attempt in (text, pc.replace_substring(text, " UTC", "Z")):
        if found := _uniform(attempt):
            return found
    since = _numbers(text)
    rest = _without(text, ~np.isnat(since))
    if rest.null_count == len(rest):
        return since, _nothing(len(text))
    month_first = _is_month_first(rest, clock)
    pieces = [
        _by_parts(rest.slice(start, _AT_ONCE), month_first)
        for start in range(0, len(rest), _AT_ONCE)
    ]
    read, local = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    return np.where(np.isnat(since), read, since), local


def _uniform(text: pa.Array) -> tuple[Moments, Moments] | None:
    """Read a column that is ISO 8601 throughout, thirty times faster than by its parts."""
    for zone in ("UTC", None):
        found = _cast(text, pa.timestamp("us", zone))
        if found is not None:
            read = _array(found).astype("datetime64[us]")
            return (read, _nothing(len(text))) if zone else (_nothing(len(text)), read)
    return None


def _cast(text: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """Return all of the text as another type, None where some cannot be."""
    try:
        pc.cast(text.slice(0, _FEW).drop_null(), kind)  # a cast that fails takes long for many rows
        return pc.cast(text, kind)
    except pa.ArrowInvalid:
        return None


def _by_parts(text: pa.Array, month_first: bool) -> tuple[Moments, Moments]:
    """Read any form but numbers: years, months and so on apart, with the calendar's rules."""
    parts = pc.extract_regex(text, _FORM)
    first, second = _whole(parts, "first"), _whole(parts, "second")
    month_day = _whole(parts, "month_day")
    year = _whole(parts, "year") + _whole(parts, "last_year")  # one of them is 0
    month = _whole(parts, "month") + month_day // 100 + (first if month_first else second)
    day = _whole(parts, "day") + month_day % 100 + (second if month_first else first)
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    date = months.astype("datetime64[D]") + (day - 1)
    good = _array(parts.is_valid()) & (month >= 1) & (month <= 12)
    good &= date.astype("datetime64[M]") == months

    hour, minute, seconds = (_whole(parts, name) for name in ("hour", "minute", "seconds"))
    half = _array(pc.fill_null(pc.ascii_upper(pc.struct_field(parts, "half")), ""))
    by_halves = half != ""
    good &= (hour < 24) & (minute < 60) & (seconds < 60)
    good &= ~by_halves | ((hour >= 1) & (hour <= 12))
    hour = np.where(by_halves, hour % 12 + 12 * (half == "P"), hour)
    part = pc.utf8_rpad(pc.struct_field(parts, "part"), 9, "0")
    micro = _array(pc.fill_null(pc.cast(part, pa.int64()), 0)) // 1000

    ahead = _whole(parts, "ahead") * 60 + _whole(parts, "minutes")
    ahead *= np.where(_array(pc.fill_null(pc.struct_field(parts, "sign"), "")) == "-", -1, 1)
    good &= np.abs(ahead) <= _MOST_AHEAD
    found = date.astype("datetime64[us]")
    found = found + (((hour * 60 + minute - ahead) * 60 + seconds) * 10**6 + micro)
    absolute = _has(parts, "utc") | _has(parts, "sign")
    nothing = _nothing(len(text))
    return np.where(good & absolute, found, nothing), np.where(good & ~absolute, found, nothing)


def _is_month_first(text: pa.Array, clock: Clock) -> bool:
    """Tell 01/31/2025 from 31/01/2025 by the values after 12.

    Raises RetraceError where no value tells, or values contradict each other.
    """
    text = text.filter(pa.array(_matches(text, _YEAR_LAST)))
    parts = pc.extract_regex(text, _YEAR_LAST)
    first, second = _whole(parts, "first"), _whole(parts, "second")
    day, month = first > 12, second > 12
    if day.any() == month.any() and (first != second).any():
        raise RetraceError(_day_or_month(text, day, month, first != second, clock))
    return bool(month.any())


def _has(parts: pa.Array, name: str) -> Mask:
    return _array(pc.fill_null(pc.not_equal(pc.struct_field(parts, name), ""), False))


def _whole(parts: pa.Array, name: str) -> Ints:
    """Return a part of each time as a whole number, 0 where there is none."""
    text = pc.struct_field(parts, name)
    text = pc.if_else(pc.equal(text, ""), pa.scalar(None, text.type), text)
    return _array(pc.fill_null(pc.cast(text, pa.int64()), 0))


def _by_form(text: pa.Array, clock: Clock) -> tuple[Moments, Moments]:
    """Read by a format. Times with the year first are ISO 8601, unless the format has it first."""
    form = clock.form or ""
    iso = _matches(text, _YEAR_FIRST) & (not form.startswith(("%Y", "%G")))
    absolute = "%z" in form or "%Z" in form
    rest = _without(text, iso).to_pandas()
    found = pd.to_datetime(rest, format=form, utc=absolute, errors="coerce")
    by_form, nothing = found.to_numpy("datetime64[us]").copy(), _nothing(len(text))
    read, local = (by_form, nothing) if absolute else (nothing, by_form)
    if not iso.any():
        return read, local
    others = _read(_without(text, ~iso), clock)
    return np.where(iso, others[0], read), np.where(iso, others[1], local)


def _numbers(text: pa.Array) -> Moments:
    """Return the moments of numbers of seconds or their parts since 1970; NaT for what is none."""
    whole = _cast(text, pa.int64())
    if whole is not None:
        return _since_1970(_array(pc.fill_null(whole, 0)), np.zeros(len(text)))
    parts = pc.extract_regex(text, _NUMBER)
    rest = pc.fill_null(pc.struct_field(parts, "rest"), "")
    zero = pa.scalar("0", rest.type)
    rest = pc.binary_join_element_wise(zero, rest, pa.scalar("", rest.type))
    return _since_1970(_whole(parts, "whole"), _array(pc.cast(rest, pa.float64())))


def _since_1970(whole: Ints, rest: Floats) -> Moments:
    """Return the moments of whole numbers and their decimals; NaT where the size tells no unit."""
    found = _nothing(len(whole))
    for per_second in (1, 10**3, 10**6, 10**9):
        fits = (whole >= _SINCE * per_second) & (whole < _UNTIL * per_second)
        if fits.any():
            us = whole[fits] * max(10**6 // per_second, 1) // max(per_second // 10**6, 1)
            us += np.round(rest[fits] * 1e6 / per_second).astype(np.int64)
            found[fits] = us.view("datetime64[us]")
    return found


def _localised(local: Moments, zone: str, exact: bool) -> tuple[Moments, Mask, Mask]:
    """Return the moments of local times, and which a change of the clocks skips or repeats."""
    times = pd.DatetimeIndex(local)
    found = _utc(times.tz_localize(zone, ambiguous="NaT", nonexistent="NaT"))
    wrong = np.isnat(found)
    skipped, twice = np.zeros(len(local), bool), np.zeros(len(local), bool)
    if not wrong.any():
        return found, skipped, twice
    place, odd = np.flatnonzero(wrong), times[wrong]
    early, late = (
        _utc(odd.tz_localize(zone, ambiguous=np.full(len(odd), first), nonexistent="NaT"))
        for first in (True, False)
    )
    again = ~np.isnat(late)
    twice[place[again]], skipped[place[~again]] = True, True
    if exact:
        found[place[again]] = _by_order(local, twice, early[again], late[again])
        return found, skipped, twice & np.isnat(found)
    found[place[again]] = late[again]
    after = odd[~again].tz_localize(zone, nonexistent="shift_forward")
    found[place[~again]] = _utc(after)
    return found, np.zeros(len(local), bool), np.zeros(len(local), bool)


def _utc(times: pd.DatetimeIndex) -> Moments:
    return times.tz_convert("UTC").tz_localize(None).to_numpy("datetime64[us]").copy()


def _by_order(local: Moments, twice: Mask, early: Moments, late: Moments) -> Moments:
    """Choose for each local time that happened twice, where rows are sorted by time; else NaT.

    Sorted rows go back only within a repeated hour, and once in each: before it is the first hour,
    after it the second. Where they do not go back at all, nothing tells which of the two it was.
    """
    place = np.flatnonzero(twice)
    back = np.flatnonzero(np.diff(local) < np.timedelta64(0))
    again = twice[back] & twice[back + 1] & (local[back] - local[back + 1] < _A_DAY)
    if not len(place) or not again.all():
        return _nothing(len(early))
    change = np.cumsum(np.diff(local[place], prepend=local[place[0]]) > _A_DAY)
    goes_back = np.isin(place, back + 1)
    times = np.bincount(change, weights=goes_back)
    passed = np.cumsum(goes_back) > (np.cumsum(times) - times)[change]
    return np.where(times[change] == 1, np.where(passed, late, early), _nothing(len(early)))


def _matches(text: pa.Array, pattern: str) -> Mask:
    return _array(pc.fill_null(pc.match_substring_regex(text, pattern), False))


def _without(text: pa.Array, mask: Mask) -> pa.Array:
    return pc.if_else(pa.array(mask), pa.scalar(None, text.type), text)


def _array(array: pa.Array) -> NDArray[Any]:
    return np.asarray(array.to_numpy(zero_copy_only=False))


def _day_or_month(text: pa.Array, day: Mask, month: Mask, differ: Mask, clock: Clock) -> str:
    todo = f"Set `{clock.params}.time_format`, such as '%d/%m/%Y %H:%M:%S'."
    if not day.any():
        shown = text[int(np.flatnonzero(differ)[0])].as_py()
        return (
            f"Times such as '{shown}' may have the day or the month first; nothing in the column "
            f"tells. {todo}"
        )
    days, months = (text[int(np.flatnonzero(mask)[0])].as_py() for mask in (day, month))
    return (
        f"{int(day.sum()):,} times have the day first, such as '{days}', and {int(month.sum()):,} "
        f"the month, such as '{months}': the others may be either. {todo}"
    )


def _no_zone(column: pd.Series, clock: Clock, local: Mask, place: pd.DataFrame | None) -> str:
    first = int(np.flatnonzero(local)[0])
    where = f"column '{column.name}'"
    if place is not None:
        where = f"{place['file'].iloc[first]}: {where}, row {place['row'].iloc[first]}"
    return (
        f"{where}: '{column.iloc[first]}' has no offset from UTC ({int(local.sum()):,} of "
        f"{len(column):,} rows have none). Write times with their offset, such as "
        f"2024-03-31T09:30:00+02:00, or set `{clock.params}.time_zone` in params.yaml to the zone "
        "of times without one, such as Europe/Oslo."
    )
