"""Cut a clean table into the four windows: train, valid, calibration and test.

valid chooses (rounds, losses), calibration is what nothing was chosen on, test reports. The fits
that are judged and shipped see more: `retrace.past.final`.
"""

import hashlib
import logging
from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from retrace.base.errors import RetraceError
from retrace.base.params import Params
from retrace.past.listed import Window, windows_of
from retrace.past.maturity import Ages

LEAST_OF_TRAIN = 0.4  # of its share of rows (assumed): below, gaps cost more than they save
LOWER_SHARES = (0.9, 0.8, 0.65, 0.5)
LONG_DAYS = 28  # of training (assumed): from here on there are enough for a validation of their own
WINDOWS = ("train", "valid", "calibration", "test")


class DayWindows(Params):
    """`split.days`: windows of whole days that follow each other: train, valid, calibration, a gap
    until labels are known, test.

    `start` is the day of the data, from 0, on which training begins; null puts the end of the test
    at the end of the data. Without days of their own (0), valid and calibration are cut from the
    training days by hash, in the shares of `split`: for few days only, since rows that belong
    together in time are then on both sides, and more rounds seem to help than do. With `drop_known`
    (a column such as customer_id), test rows are left out whose value had a positive that was known
    before the row's day, of the last `drop_known_days` before the delay (null: since training
    began) or of it: the protocol of the Fraud Detection Handbook, where they are 7.
    """

    start: int | None = Field(default=None, ge=0)
    train: int = Field(ge=1)
    valid: int = Field(default=0, ge=0)
    calibration: int = Field(default=0, ge=0)
    delay: int = Field(ge=0)
    test: int = Field(ge=1)
    drop_known: str | None = None
    drop_known_days: int | None = Field(default=None, ge=1)


class SplitParams(Params):
    """`<problem>.split`: `by` a hash of the group, by time, by a column that names the window, or
    by files that list the groups of a window.

    With `column`, `named` says which window its values mean, such as {test_fold0.csv: test} for a
    column `file`; other values than these and the four names are refused. Windows that the data
    does not name are cut from its `train` rows by hash, in the shares given here. With `files`,
    such as {test: data/splits/test.txt}, a file lists a value of the group, such as a case, a line;
    without one for train all others are.

    `mature_share` is for outcomes that come late (see `retrace.past.maturity`). Groups that were
    too young at the end of the data for that share of all to be known are in no window. By time
    there are gaps as well: train has groups that were old enough, and known, when valid began,
    valid and calibration those that were when the test began. Data of so short a time that this
    leaves train too little does without the first gap, then with ever lower shares, and says so.
    Windows that a column names are taken as they are.
    """

    # Time where there is one, else hash.
    by: Literal["hash", "time", "column", "days", "files"] | None = None
    column: str | None = None
    named: dict[str, Window] = Field(default_factory=dict)
    files: dict[Window, str] = Field(default_factory=dict)
    days: DayWindows | None = None
    train: float = Field(0.7, gt=0, lt=1)
    valid: float = Field(0.1, gt=0, lt=1)
    calibration: float = Field(0.1, gt=0, lt=1)
    test: float = Field(0.1, gt=0, lt=1)
    seed: int = 1
    mature_share: float | None = Field(default=None, gt=0, lt=1)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        total = self.train + self.valid + self.calibration + self.test
        if abs(total - 1) > 1e-9:
            raise ValueError(f"the shares of the four windows add up to {total:g}, not to 1")
        if (self.by == "column") != (self.column is not None):
            raise ValueError("`column` goes with `by: column`, and only with it")
        if (self.by == "files") != bool(self.files):
            raise ValueError("`files` goes with `by: files`, and only with it")
        if (self.by == "days") != (self.days is not None):
            raise ValueError("`days` goes with `by: days`, and only with it")
        return self

    def in_time(self, time: str | None) -> bool:
        """Whether the windows of a problem with this time follow each other in it."""
        return (self.by or ("time" if time else "hash")) in ("time", "days")

    def share(self, window: str) -> float:
        return float(getattr(self, window))


def split(
    rows: pd.DataFrame,
    params: SplitParams,
    group: Sequence[str],
    time: str | None = None,
    *,
    target: str | None = None,
    known_at: str | None = None,
) -> pd.Series:
    """Return the window of each row (categorical, index of `rows`); of some rows none.

    Rows that share the values of `group` always fall into one window. A hash split is stable: rows
    that are added later move none that are there. A time split puts a group where its first row is.
    Rows without a target are in no window.

    Raises RetraceError when a column is missing, names an unknown window, or a window is empty.
    """
    by = params.by or ("time" if time else "hash")
    _require(rows, [*group, *([time] if by == "time" and time else [])])
    ages = None
    if params.mature_share is not None and by not in ("column", "files"):
        if time is None or known_at is None:
            raise RetraceError("split.mature_share needs a problem with a time and known_at.")
        ages = Ages(rows, group, time, known_at, params.mature_share)
    if by == "hash":
        windows = _by_hash(rows, group, params, WINDOWS)
    elif by == "time":
        if time is None:
            raise RetraceError("split.by is 'time', but the problem has no time; use 'hash'.")
        if ages is None:
            windows = _by_time(rows, group, time, params)
        else:
            windows, ages = _by_age(rows, params, ages)
    elif params.days is not None:
        if time is None:
            raise RetraceError("split.by is 'days', but the problem has no time; use 'hash'.")
        windows = _by_days(rows, group, time, params)
        if params.days.drop_known:
            windows = _without_known(rows, windows, time, target, known_at, params.days)
    elif by == "files":
        windows = _with_cuts(rows, windows_of(rows, group, params.files), group, params)
    else:
        windows = _by_column(rows, group, str(params.column), params)
    if ages is not None:
        windows = windows.where(ages.old_at(ages.end))
    if target is not None:
        windows = windows.where(rows[target].notna())
    counts = windows.value_counts()
    empty = [window for window in WINDOWS if counts.get(window, 0) == 0]
    if empty:
        raise RetraceError(
            f"The split of {len(rows)} row(s) leaves no row for: {', '.join(empty)}. "
            + (f"{ages.words}. " if ages is not None else "")
            + "Bring more rows, or change the shares under `split` in params.yaml."
        )
    return windows


def unit_hash(rows: pd.DataFrame, columns: Sequence[str], seed: int) -> np.ndarray:
    """Map each row's values of `columns` to a number in [0, 1), the same on every machine."""
    joined = rows[columns[0]].astype(str)
    for column in columns[1:]:
        joined = joined + "\x1f" + rows[column].astype(str)
    codes, values = pd.factorize(joined)
    salt = seed.to_bytes(8, "little", signed=True)
    hashed = np.fromiter(
        (
            int.from_bytes(hashlib.blake2b(value.encode(), digest_size=8, key=salt).digest())
            for value in values
        ),
        dtype=np.uint64,
        count=len(values),
    )
    units: np.ndarray = (hashed >> np.uint64(11)).astype(np.float64) / 2**53
    return units[codes]


def _by_hash(
    rows: pd.DataFrame, group: Sequence[str], params: SplitParams, windows: Sequence[str]
) -> pd.Series:
    shares = np.array([params.share(window) for window in windows])
    edges = np.cumsum(shares / shares.sum())[:-1]
    codes = np.searchsorted(edges, unit_hash(rows, group, params.seed), side="right")
    return _named(np.array(windows)[codes], rows.index)


def _by_time(rows: pd.DataFrame, group: Sequence[str], time: str, params: SplitParams) -> pd.Series:
    start = rows.groupby(list(group), sort=False)[time].transform("min")
    shares = np.cumsum([params.share(window) for window in WINDOWS])[:-1]
    edges = start.quantile(list(shares), interpolation="lower").to_numpy()
    codes = np.searchsorted(edges, start.to_numpy(), side="left")
    return _named(np.array(WINDOWS)[codes], rows.index)


def _by_age(rows: pd.DataFrame, params: SplitParams, ages: Ages) -> tuple[pd.Series, Ages]:
    """Cut by time where outcomes come late; return the windows, and the ages that could be asked
    for: the strictest that leaves train `LEAST_OF_TRAIN` of its share, and every window a row."""
    shares = [ages.share, *(share for share in LOWER_SHARES if share < ages.share)]
    for gaps, share in [(2, ages.share), *((1, share) for share in shares)]:
        tried = ages.of_share(share)
        found = _with_gaps(rows, params, tried, gaps)
        counts = found.value_counts()
        enough = LEAST_OF_TRAIN * params.train * tried.old_at(tried.end).sum()
        if counts.min() > 0 and counts["train"] >= enough:
            if gaps < 2:
                logging.getLogger(__name__).warning(
                    "The data is short for outcomes that come so late. %s. Train has what was known"
                    " when the test began, not when the validation did.", tried.words,
                )  # fmt: skip
            return found, tried
    return _with_gaps(rows, params, ages, gaps=2), ages


def _with_gaps(rows: pd.DataFrame, params: SplitParams, ages: Ages, gaps: int) -> pd.Series:
    """Take the test from groups that are old enough at the end of the data, valid and calibration
    from those that were when the test began, and train from those that were when valid began, or
    with one gap when the test did. What is fitted was known then, too."""
    start = pd.Series(ages.start)
    old = ages.old_at(ages.end)
    test = _edge(start[old], 1 - params.test)
    before = ages.known_before(test)
    parts = np.cumsum([params.train, params.valid, params.calibration])
    valid, calibration = (_edge(start[before], part / parts[2]) for part in parts[:2])
    found = np.full(len(rows), None, dtype=object)
    found[old & (ages.start > test)] = "test"
    found[before & (ages.start > calibration)] = "calibration"
    found[before & (ages.start > valid) & (ages.start <= calibration)] = "valid"
    known = ages.known_before(valid) if gaps == 2 else before
    found[known & (ages.start <= valid)] = "train"
    return _named(found, rows.index)


def _edge(start: pd.Series, share: float) -> np.datetime64:
    found: Any = start.quantile(share, interpolation="lower") if len(start) else pd.NaT
    return pd.Timestamp(found).to_datetime64()


def _by_days(rows: pd.DataFrame, group: Sequence[str], time: str, params: SplitParams) -> pd.Series:
    days = params.days
    assert days is not None
    day = _day(rows, time)
    sizes = [days.train, days.valid, days.calibration, days.delay, days.test]
    start = int(day.max()) + 1 - sum(sizes) if days.start is None else days.start
    if start < 0 or start + sum(sizes) > int(day.max()) + 1:
        raise RetraceError(
            f"split.days needs {sum(sizes)} days from day {max(start, 0)} on; the data has "
            f"{int(day.max()) + 1}. Take fewer days, or start earlier."
        )
    edges = start + np.concatenate([[0], np.cumsum(sizes)])
    names = np.array([None, *WINDOWS[:3], None, "test", None], dtype=object)
    found = names[np.searchsorted(edges, day, side="right")]
    cut = ["train", *(name for name in WINDOWS[1:3] if not getattr(days, name))]
    training = found == "train"
    if len(cut) > 1:
        if days.train >= LONG_DAYS:
            logging.getLogger(__name__).warning(
                "%s cut by hash from %d days: what belongs together in time is on both sides, and "
                "more rounds seem to help than do. Give days of their own (split.days.valid and "
                "calibration); the final fit has them too.", " and ".join(cut[1:]), days.train,
            )  # fmt: skip
        inner = _by_hash(rows[training], group, params, cut)
        found[training] = inner.astype(str).to_numpy()
    return _named(found, rows.index)


def _day(rows: pd.DataFrame, time: str) -> np.ndarray:
    """Number the days (UTC) of the data from 0."""
    floor = rows[time].dt.floor("D")
    return np.asarray((floor - floor.min()).dt.days)


def _without_known(
    rows: pd.DataFrame,
    windows: pd.Series,
    time: str,
    target: str | None,
    known_at: str | None,
    days: DayWindows,
) -> pd.Series:
    """Leave out test rows whose entity was known to be positive when their day began."""
    if target is None or known_at is None:
        raise RetraceError("split.days.drop_known needs a problem with a target and known_at.")
    entity = str(days.drop_known)
    _require(rows, [entity, known_at])
    since = rows.loc[windows == "train", time].min().floor("D")
    if days.drop_known_days is not None:
        last = rows.loc[windows.isin(WINDOWS[:-1]), time].max().floor("D")
        since = last - pd.Timedelta(days.drop_known_days - 1, unit="D")
    positive = rows[(rows[target] > 0) & (rows[time].dt.floor("D") >= since)]
    first = positive.groupby(entity)[known_at].min()
    known = rows[entity].map(first) < rows[time].dt.floor("D")
    return windows.mask((windows == "test") & known)


def _by_column(
    rows: pd.DataFrame, group: Sequence[str], column: str, params: SplitParams
) -> pd.Series:
    _require(rows, [column])
    named = rows[column].astype(str).replace(params.named)
    unknown = named[~named.isin(WINDOWS)]
    if len(unknown):
        raise RetraceError(
            f"Column '{column}' names the window '{unknown.iloc[0]}' (row {unknown.index[0]}); "
            f"expected one of {', '.join([*WINDOWS, *params.named])}. `split.named` gives other "
            "values a window."
        )
    return _with_cuts(rows, named, group, params)


def _with_cuts(
    rows: pd.DataFrame, named: pd.Series, group: Sequence[str], params: SplitParams
) -> pd.Series:
    """Cut the windows that nothing names from the rows of `train`."""
    cut = [window for window in WINDOWS if window == "train" or not (named == window).any()]
    inner = _by_hash(rows, group, params, cut).astype(str)
    return _named(named.where(named != "train", inner).to_numpy(), rows.index)


def _named(values: np.ndarray, index: pd.Index) -> pd.Series:
    return pd.Series(pd.Categorical(values, categories=list(WINDOWS)), index=index, name="window")


def _require(rows: pd.DataFrame, columns: Sequence[str]) -> None:
    missing = [column for column in columns if column not in rows]
    if missing:
        raise RetraceError(
            f"The split needs the column(s) {', '.join(missing)}, which the clean table has not: "
            f"{', '.join(map(str, rows.columns))}. "
            "A column of the raw data is carried through when it is listed under `ingest.keep`."
        )
