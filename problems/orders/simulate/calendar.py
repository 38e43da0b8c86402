"""The calendar: when orders come, when each kind of work is done, and how time becomes work.

Time is in hours since the log's start (local midnight). Work is in hours of a fully staffed shift.
A wait is an amount of work; the calendar says when it is done, so that what comes in at night or
on a Saturday is waiting on Monday.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from problems.orders.simulate.settings import Bools, Floats, Ints, SimulateSettings, stream

SLOT_HOURS = 4.0  # load is counted six times a day
TAIL_DAYS = 400  # calendars go on after the log's end, for the futures of open orders
WORK_STEP = 0.1  # hours of work between two entries of the table from work back to time
LEAST_STAFF = 0.004  # of a full shift at night; above 0, so that work grows with time
LEAST_WAIT = 0.02  # hours: no two events of an order at one instant

CALENDARS = ("office", "warehouse", "carrier", "customer", "always")
WEEKDAY_DEMAND = (1.10, 1.05, 1.05, 1.0, 1.0, 0.85, 0.95)  # assumed; Monday first
SHOCK_LOG_SD, SHOCK_STAYS = 0.15, 0.85  # assumed: campaigns and the weather, from day to day


@dataclass(frozen=True)
class WorkCalendar:
    """Hour by hour from the start to the end of the tail.

    `work` is the work done until each hour, shape (calendars, hours + 1); `time` the hour at which
    each `WORK_STEP` is done, shape (calendars, steps); `peak` the season, 0 to 1, shape (hours,).
    """

    start: pd.Timestamp
    end_hours: float
    local: pd.DatetimeIndex
    work: Floats
    time: Floats
    peak: Floats

    @property
    def hours(self) -> int:
        return len(self.local)

    def finish(self, calendar: Ints, begin: Floats, work: Floats) -> Floats:
        """Return when `work` hours of work are done that begin at `begin`; hours, same shape."""
        hour = begin.astype(np.int64)
        np.minimum(hour, self.hours - 1, out=hour)
        rest = begin - hour
        hour += calendar * (self.hours + 1)
        done = self.work.take(hour)
        done += rest * (self.work.take(hour + 1) - done)
        done += work
        done *= 1.0 / WORK_STEP
        steps = self.time.shape[1]
        np.minimum(done, steps - 2.0, out=done)
        step = done.astype(np.int64)
        done -= step
        step += calendar * steps
        finished = self.time.take(step)
        finished += done * (self.time.take(step + 1) - finished)
        result: Floats = np.maximum(finished, begin + LEAST_WAIT)
        return result

    def month_begins(self, month: int) -> float:
        """Return the hour at which a month begins; 1 is the first."""
        begin = (self.local[0] + pd.DateOffset(months=month - 1)).tz_convert("UTC")
        return float((begin - self.start) / pd.Timedelta(hours=1))

    def timestamps(self, hours: Floats) -> pd.DatetimeIndex:
        """Return hours as UTC timestamps, to the second."""
        seconds = np.floor(hours * 3600.0).astype(np.int64)
        begin = self.start.tz_localize(None).to_datetime64().astype("datetime64[s]")
        return pd.DatetimeIndex((begin + seconds).astype("datetime64[us]")).tz_localize("UTC")


def make_calendar(settings: SimulateSettings) -> WorkCalendar:
    """Lay out every hour of the log and of its tail."""
    first = pd.Timestamp(settings.start).tz_localize(settings.time_zone)
    end = first + pd.DateOffset(months=settings.months)
    start = first.tz_convert("UTC")
    end_hours = float((end.tz_convert("UTC") - start) / pd.Timedelta(hours=1))
    local = pd.date_range(start, periods=int(end_hours) + 24 * TAIL_DAYS, freq="h")
    local = local.tz_convert(settings.time_zone)
    staff = np.stack([_staff(name, local) for name in CALENDARS])
    work = np.concatenate([np.zeros((len(CALENDARS), 1)), np.cumsum(staff, axis=1)], axis=1)
    steps = np.arange(0.0, float(work.max()) + WORK_STEP, WORK_STEP)
    edges = np.arange(len(local) + 1.0)
    time = np.stack([np.interp(steps, of, edges) for of in work])
    return WorkCalendar(start, end_hours, local, work, time, _peak(local))


def _staff(calendar: str, local: pd.DatetimeIndex) -> Floats:
    """Return the share of a full shift that works in each hour. Assumed, all of it."""
    day, hour = local.day_of_week.to_numpy(), local.hour.to_numpy()
    saturday, sunday = day == 5, day == 6
    off = _holiday(local)
    if calendar == "office":
        staff = _between(hour, 8, 17) * np.where(sunday, 0.1, np.where(saturday, 0.3, 1.0))
        staff = np.where(off, 0.05 * staff, staff)
    elif calendar == "warehouse":
        staff = _between(hour, 6, 22) * np.where(sunday, 0.1, np.where(saturday, 0.5, 1.0))
        staff = np.where(off, 0.1 * staff, staff)
    elif calendar == "carrier":
        staff = np.where(_between(hour, 7, 20) > 0, 1.6, 0.3)
        staff = staff * np.where(sunday | off, 0.15, np.where(saturday, 0.6, 1.0))
    elif calendar == "customer":
        evening = np.where(_between(hour, 17, 22) > 0, 1.6, 0.8)
        staff = evening * _between(hour, 7, 23)
    else:
        staff = np.ones(len(local))
    result: Floats = np.maximum(staff, LEAST_STAFF)
    return result


def _between(hour: Ints, first: int, last: int) -> Floats:
    inside: Bools = (hour >= first) & (hour < last)
    return inside.astype(np.float64)


def _holiday(local: pd.DatetimeIndex) -> Bools:
    month, day = local.month.to_numpy(), local.day.to_numpy()
    off = np.zeros(len(local), dtype=np.bool_)
    for one in ((1, 1), (5, 1), (12, 24), (12, 25), (12, 26)):
        off |= (month == one[0]) & (day == one[1])
    return off


def _peak(local: pd.DatetimeIndex) -> Floats:
    """Return how much of the season there is: it grows through November, and ends at Christmas."""
    month, day = local.month.to_numpy(), local.day.to_numpy()
    november = np.interp(day, [1, 15, 24, 30], [0.0, 0.4, 1.0, 0.9])
    december = np.interp(day, [1, 12, 20, 27], [0.9, 1.0, 0.6, 0.0])
    peak: Floats = np.where(month == 11, november, np.where(month == 12, december, 0.0))
    return peak


def size_of_company(settings: SimulateSettings, calendar: WorkCalendar, at: Floats) -> Floats:
    """Return how large the company is at these hours, relative to the end of the log: it grows by
    `settings.growth` until then, the same part each day."""
    share: Floats = settings.growth ** np.minimum(at / calendar.end_hours - 1.0, 0.0)
    return share


def arrivals(settings: SimulateSettings, calendar: WorkCalendar, name: str, hours: float) -> Floats:
    """Return when orders are placed until `hours`, sorted; `settings.orders` within the log."""
    rng = stream(settings, f"{name} arrivals")
    hour = calendar.local.hour.to_numpy()
    by_hour = np.interp(hour, [0, 6, 10, 15, 20, 23], [0.2, 0.1, 1.2, 1.0, 1.5, 0.5])  # assumed
    weight = by_hour * np.array(WEEKDAY_DEMAND)[calendar.local.day_of_week.to_numpy()]
    weight = weight * np.where(calendar.local.month.to_numpy() == 7, 0.8, 1.0)
    weight = weight * (1.0 + settings.season_peak * calendar.peak)
    weight = weight * size_of_company(settings, calendar, np.arange(calendar.hours, dtype=float))
    days = calendar.hours // 24 + 1
    shock, shocks = 0.0, np.zeros(days)
    for day, news in enumerate(rng.normal(0.0, SHOCK_LOG_SD, days)):
        shock = SHOCK_STAYS * shock + np.sqrt(1 - SHOCK_STAYS**2) * news
        shocks[day] = shock
    weight = weight * np.exp(shocks[np.arange(calendar.hours) // 24])
    total = np.concatenate([[0.0], np.cumsum(weight)])
    edges = np.arange(calendar.hours + 1.0)
    in_log, wanted = np.interp([calendar.end_hours, hours], edges, total)
    count = round(settings.orders * wanted / in_log)
    placed: Floats = np.interp(np.sort(rng.random(count)) * wanted, total, edges)
    return placed
