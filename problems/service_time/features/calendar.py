"""Public holidays, and how near Christmas is, on local days."""

from functools import cache

import holidays
import numpy as np
from numpy.typing import NDArray

Days = NDArray[np.datetime64]  # datetime64[D]
YEARS = range(1970, 2100)  # no holidays outside of them
FIRST, LAST = (np.datetime64(f"{year}-01-01", "D") for year in (YEARS.start, YEARS.stop))


def is_holiday(day: Days, country: str) -> NDArray[np.bool_]:
    """Return whether each day is a public holiday; `country` is its ISO code."""
    known = _holidays(country)
    place = (day - FIRST).astype(np.int64)
    return known[np.minimum(np.maximum(place, -1), len(known) - 1)]


def days_to_christmas(day: Days) -> NDArray[np.int64]:
    """Return the days until the 25th of December: -10 (after it) to 60 (far from it)."""
    year = day.astype("datetime64[Y]").astype("datetime64[M]")
    ahead = (year + 11).astype("datetime64[D]") + 24 - day
    return np.asarray(np.minimum(np.maximum(ahead.astype(np.int64), -10), 60))


@cache
def _holidays(country: str) -> NDArray[np.bool_]:
    """Return a flag for each day from FIRST on; the last one is of days outside."""
    known = np.zeros((LAST - FIRST).astype(int) + 1, dtype=bool)
    for day in holidays.country_holidays(country, years=YEARS):
        known[(np.datetime64(day) - FIRST).astype(int)] = True
    return known
