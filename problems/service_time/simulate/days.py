"""The calendar: which days have deliveries, how much is ordered, and the weather."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from problems.service_time.simulate.settings import (
    ZONE,
    Bools,
    Floats,
    Ints,
    SimulateSettings,
    stream,
)

EASTER_CLOSED = (-3, -2, 0, 1, 39, 49, 50)  # days from Easter Sunday: Norway's moving holidays
FIXED_CLOSED = ((1, 1), (5, 1), (5, 17), (12, 24), (12, 25), (12, 26))  # Norway's; 24 Dec assumed


@dataclass(frozen=True)
class Days:
    """One entry a day, from `settings.start`; shape (days,).

    `demand` is the relative number of orders, `size` the relative order size, `christmas` how much
    Christmas is felt: 0 to `settings.christmas`.
    """

    dates: pd.DatetimeIndex
    open: Bools
    demand: Floats
    size: Floats
    christmas: Floats

    @property
    def count(self) -> int:
        return len(self.dates)

    def day_of_month(self, months: int) -> int:
        """Return the day on which month `months` (0 is the first) begins, at most `count`."""
        later = self.dates[0] + pd.DateOffset(months=months)
        return min(int((later - self.dates[0]).days), self.count)

    def date_of_month(self, months: int) -> pd.Timestamp:
        """Return the date (UTC) on which month `months` (0 is the first) begins."""
        return (self.dates[0] + pd.DateOffset(months=months)).tz_localize("UTC")


def make_days(settings: SimulateSettings) -> Days:
    """Lay out the days from the start to the end of the last month."""
    start = pd.Timestamp(settings.start)
    dates = pd.date_range(start, start + pd.DateOffset(months=settings.months), inclusive="left")
    christmas = settings.christmas * christmas_shape(dates)
    month = dates.month.to_numpy()
    demand = np.where(month == 7, 0.75, 1.0)  # assumed: July is holiday in Norway
    weekday = np.array([1.10, 0.95, 0.95, 1.05, 1.10, 0.70, 0.0])  # assumed; closed on Sundays
    demand = demand * weekday[dates.day_of_week.to_numpy()] * (1.0 + 0.30 * christmas)  # assumed
    demand = np.where((month == 12) & (dates.day.to_numpy() > 26), 0.6 * demand, demand)  # assumed
    to_easter = _days_to_easter(dates)
    before_easter = (to_easter >= 4) & (to_easter <= 9)
    size = (1.0 + 0.28 * christmas) * np.where(before_easter, 1.15, 1.0)  # assumed: full fridges
    is_open = demand > 0
    for day_month in FIXED_CLOSED:
        is_open &= ~((month == day_month[0]) & (dates.day.to_numpy() == day_month[1]))
    is_open &= ~np.isin(-to_easter, EASTER_CLOSED)
    if not is_open.any():
        is_open[:] = True
    return Days(dates, is_open, np.where(is_open, np.maximum(demand, 0.1), 0.0), size, christmas)


def christmas_shape(dates: pd.DatetimeIndex) -> Floats:
    """Return how much Christmas is felt on each date: it grows through December and lingers."""
    month, day = dates.month.to_numpy(), dates.day.to_numpy()
    growing = np.interp(day, [1, 20, 23, 24, 27, 31], [0.3, 1.0, 1.0, 0.5, 0.2, 0.1])  # assumed
    november = np.interp(day, [20, 30], [0.0, 0.25])
    shape: Floats = np.where(month == 12, growing, np.where(month == 11, november, 0.0))
    return shape


def _days_to_easter(dates: pd.DatetimeIndex) -> Ints:
    years = range(dates[0].year, dates[-1].year + 1)
    sundays = pd.DatetimeIndex([pd.Timestamp(y, 1, 1) + pd.offsets.Easter() for y in years])
    days: Ints = (sundays[dates.year - years[0]] - dates).days.to_numpy().astype(np.int64)
    return days


@dataclass(frozen=True)
class Weather:
    """The forecast by region and day; shape (regions, days)."""

    temperature_c: Floats
    rain_mm: Floats
    snow_cm: Floats


def make_weather(settings: SimulateSettings, days: Days, regions: int) -> Weather:
    """Draw the forecast: a yearly course, spells of some days, and snow that lies and melts.

    The course is near Oslo's climate (-4 to 18 degrees, precipitation on four days in ten);
    spells and their spread are assumed.
    """
    rng = stream(settings, "weather")
    n = days.count
    year = 2 * np.pi * (days.dates.day_of_year.to_numpy() - 20) / 365.25
    shared, local = rng.normal(0, 1, n), rng.normal(0, 1, (regions, n))
    wet = rng.random(n) < 0.4
    amount = rng.gamma(1.2, 5.0, n)
    spell = np.zeros(n)
    for i in range(1, n):
        spell[i] = 0.75 * spell[i - 1] + 2.6 * shared[i]
    temperature = 7.0 - 11.0 * np.cos(year) + spell + 0.8 * local
    millimetres: Floats = np.where(wet, amount, 0.0) * np.exp(0.25 * local)
    snowing = temperature < 0.5
    depth = np.zeros((regions, n))
    lying = np.zeros(regions)
    for i in range(n):
        melt = np.clip(1.5 * temperature[:, i], 0.0, None) + 0.05 * lying
        fresh = np.where(snowing[:, i], millimetres[:, i], 0.0)  # a millimetre is a centimetre
        lying = np.clip(lying + fresh - melt, 0.0, 45.0)
        depth[:, i] = lying
    rain: Floats = np.where(snowing, 0.0, millimetres)
    return Weather(
        np.round(temperature, 1),
        np.round(rain, 1),
        np.round(depth, 1),
    )


def to_utc_seconds(days: Days, day: Ints, local_hour: Floats) -> Floats:
    """Return seconds since 1970 (UTC) of a local clock time on the day with that number.

    Only for times that a change of the clock does not touch: 04:00 to 23:59. A day of -1 is the
    one before the first.
    """
    noon = days.dates + timedelta(hours=12)
    ahead = (noon.tz_localize("UTC") - noon.tz_localize(ZONE)).total_seconds().to_numpy()
    seconds = first_second(days) + day * 86400.0 + local_hour * 3600.0
    utc: Floats = seconds - ahead[np.clip(day, 0, days.count - 1)]
    return utc


def first_second(days: Days) -> float:
    """Return the seconds since 1970 at which the first day begins (UTC)."""
    return float((days.dates[0] - pd.Timestamp(0)).total_seconds())


def timestamps(seconds: Floats) -> pd.DatetimeIndex:
    """Return seconds since 1970 as UTC timestamps, to the millisecond."""
    micro = np.round(np.asarray(seconds, dtype=np.float64) * 1e3).astype(np.int64) * 1000
    return pd.DatetimeIndex(micro.view("datetime64[us]")).tz_localize("UTC")
