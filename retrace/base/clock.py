"""Local time of one moment or of millions, by the same table.

    local = local_time(at, "Europe/Oslo")
    hour_of_day(local), weekday(local), year_day(local)

All moments are datetime64[us], in UTC, or local and without a zone; arrays of shape (n,).
"""

from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.datetime64]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MINUTE = 60_000_000  # microseconds
DAY = 1440 * MINUTE
NOT_A_TIME = np.iinfo(np.int64).min  # as a whole number
FIRST, LAST = datetime(1900, 1, 1), datetime(2100, 1, 1)  # a zone's offset stays outside of them


def micros(at: Times) -> Ints:
    """Return moments as microseconds since 1970; NaT is the smallest whole number."""
    return np.asarray(at, "datetime64[us]").view(np.int64)


def local_time(at: Times, zone: str) -> Times:
    """Return moments of UTC as a clock in the zone shows them; NaT stays."""
    moments = micros(at)
    starts, offsets = _offsets(zone)
    return np.asarray(moments + offsets[starts.searchsorted(moments, "right") - 1]).view("M8[us]")


def hour_of_day(local: Times) -> Floats:
    """Return hour and minute of local times, in hours; seconds are left out."""
    minutes = micros(local) // MINUTE % 1440
    return np.asarray(minutes // 60 + minutes % 60 / 60)


def weekday(local: Times) -> Ints:
    """Return the days of the week of local times, 0 for Monday."""
    return np.asarray((micros(local) // DAY + 3) % 7)


def year_day(local: Times) -> Ints:
    """Return the days of the year of local times, from 1."""
    day = local.astype("datetime64[D]")
    return np.asarray((day - day.astype("datetime64[Y]")).astype(np.int64) + 1)


def hours(span: NDArray[Any]) -> Floats:
    """Return timedelta64 as hours; NaN for NaT."""
    return seconds(span) / 3600


def seconds(span: NDArray[Any]) -> Floats:
    """Return timedelta64 as seconds; NaN for NaT."""
    return np.asarray(span / np.timedelta64(1_000_000, "us"), np.float64)


@cache
def _offsets(zone: str) -> tuple[Ints, Ints]:
    """Return from when each offset of a zone holds, and the offset; both in microseconds.

    The first one is that of NaT.
    """
    clock, utc = ZoneInfo(zone), ZoneInfo("UTC")
    epoch, micro, second = datetime(1970, 1, 1), timedelta(microseconds=1), timedelta(seconds=1)

    def offset(at: datetime) -> timedelta:
        found = at.replace(tzinfo=utc).astimezone(clock).utcoffset()
        assert found is not None  # it is aware
        return found

    now = offset(FIRST)
    starts, offsets = [NOT_A_TIME, NOT_A_TIME + 1], [0, now // micro]
    days = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]
    shown = [clock.utcoffset(day) for day in days]  # by local time, which is fast
    for place in range(1, len(days)):
        if shown[place] != shown[place - 1]:
            low, high = days[place - 1] - timedelta(days=1), days[place] + timedelta(days=1)
            while high - low > second:
                middle = low + (high - low) // 2 // second * second
                low, high = (middle, high) if offset(middle) == now else (low, middle)
            now = offset(high)
            starts.append((high - epoch) // micro)
            offsets.append(now // micro)
    return np.array(starts, np.int64), np.array(offsets, np.int64)
