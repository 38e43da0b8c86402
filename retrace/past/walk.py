"""Walk forward through time: periods, and which rows a model may be fitted on at a moment."""

from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from retrace.base.params import Params

ALIASES = {"week": "W-SUN", "month": "M"}  # a week begins on Monday
WINDOWS = ("train", "valid", "calibration", "judged")


class WalkParams(Params):
    """How the walk steps and what a fit sees at each step. Days are whole and UTC.

    A row counts as labelled from `mature_days` after its time of prediction, if its outcome is
    known by then: of younger rows only the quickly known ones would be there. The labelled rows end
    with the days of `judged`, on which the gate compares; before them come calibration, valid and
    at most `train` days.
    """

    period: Literal["week", "month"] = "month"
    first_periods: int = Field(12, ge=1)  # of data before the first model: a year has all seasons
    mature_days: int = Field(0, ge=0)
    train_days: int = Field(365, ge=1)
    valid_days: int = Field(28, ge=1)  # four of every weekday, as the next two
    calibration_days: int = Field(28, ge=1)
    judged_days: int = Field(28, ge=1)


def period_starts(times: pd.Series, period: str) -> pd.DatetimeIndex:
    """Return the start of each whole period that the data spans, and the end of the last.

    A first or last one that the data covers in part is left out; three days at either end may be
    without rows, as holidays are.
    """
    naive = times.dropna().dt.tz_convert("UTC").dt.tz_localize(None)
    first, last = naive.min(), naive.max()
    freq = ALIASES[period]
    edges = pd.period_range(first.to_period(freq), last.to_period(freq), freq=freq)
    starts = pd.DatetimeIndex([*edges.start_time, (edges[-1] + 1).start_time])
    slack = pd.Timedelta(3, unit="D")
    whole = (starts >= first - slack) & (starts <= last + slack)
    return pd.DatetimeIndex(starts[whole].tz_localize("UTC").as_unit("us"))


def period_length(params: WalkParams) -> pd.Timedelta:
    return pd.Timedelta({"week": 7, "month": 30}[params.period], unit="D")


def periods_before(moment: pd.Timestamp, count: int, period: str) -> pd.Timestamp:
    """Return the start of the period that is `count` before the one that `moment` is in."""
    return (moment.tz_localize(None).to_period(ALIASES[period]) - count).start_time.tz_localize(
        "UTC"
    )


def labelled_until(now: pd.Timestamp, params: WalkParams) -> pd.Timestamp:
    """Return the moment before which rows count as labelled at `now`."""
    return now - pd.Timedelta(params.mature_days, unit="D")


def windows_at(
    begun: pd.Series, known_at: pd.Series, now: pd.Timestamp, params: WalkParams
) -> pd.Series:
    """Return each row's window at `now`, missing for rows that no fit may see or need.

    Parameters
    ----------
    begun : time of prediction of the first row of each row's group, so that a group is in one
        window; known_at : when the outcome became known, NaT where it never did. Same index.

    Only rows with known_at < now have a window: what is later can change nothing.
    """
    sizes = [params.train_days, params.valid_days, params.calibration_days, params.judged_days]
    end = labelled_until(now, params)
    edges = [end - pd.Timedelta(int(days), unit="D") for days in np.cumsum(sizes[::-1])[::-1]]
    codes = np.searchsorted(
        pd.DatetimeIndex([*edges, end]).as_unit("us").to_numpy("datetime64[us]"),
        begun.to_numpy("datetime64[us]"),
        side="right",
    )
    names = np.array([None, *WINDOWS, None], dtype=object)[codes]
    names[~(known_at < now).to_numpy(bool)] = None
    return pd.Series(pd.Categorical(names, categories=list(WINDOWS)), index=begun.index)
