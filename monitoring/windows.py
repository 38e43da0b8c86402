"""Days and weeks by the calendar of a time zone; a day of a clock change has 23 or 25 hours."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from monitoring.summary import Kind

HOUR = 3_600_000_000  # microseconds
DAY = 24 * HOUR


class TimeWindow(NamedTuple):
    """From `start` until before `end`, in microseconds since 1970."""

    kind: Kind
    start: int
    end: int

    @property
    def n_hours(self) -> int:
        return (self.end - self.start) // HOUR


def day_of(at: int, zone: ZoneInfo) -> TimeWindow:
    """Return the local day that a moment is in."""
    first = datetime.fromtimestamp(at / 1e6, zone).date()
    return TimeWindow("day", _begins(first, zone), _begins(first + timedelta(days=1), zone))


def week_of(at: int, zone: ZoneInfo) -> TimeWindow:
    """Return the local week that a moment is in; it begins on a Monday."""
    day = datetime.fromtimestamp(at / 1e6, zone).date()
    first = day - timedelta(days=day.weekday())
    return TimeWindow("week", _begins(first, zone), _begins(first + timedelta(days=7), zone))


def week_until(at: int, zone: ZoneInfo) -> TimeWindow:
    """Return the seven days that end with the last day that was over at a moment: each weekday is
    in it once."""
    end = day_of(at, zone).start
    first = datetime.fromtimestamp(end / 1e6, zone).date() - timedelta(days=7)
    return TimeWindow("week", _begins(first, zone), end)


def windows_of(utc_days: Iterable[int], now: int, zone: ZoneInfo) -> list[TimeWindow]:
    """Return the days, calendar weeks that are over, and the last seven days, as far as days of
    UTC (numbers since 1970) touch them; in order of time."""
    found, last = set(), week_until(now, zone)
    for number in utc_days:
        start, end = number * DAY, (number + 1) * DAY
        for at in (start, end - 1):
            found |= {day_of(at, zone), week_of(at, zone)}
        if start < last.end and end > last.start:
            found.add(last)
    over = [one for one in found if one.kind == "day" or one.end <= now]
    return sorted(over, key=lambda one: (one.end, -one.start))


def _begins(day: date, zone: ZoneInfo) -> int:
    at = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    return round(at.timestamp()) * 1_000_000
