"""Cut a clean table into the four windows: train, valid, calibration and test.

valid chooses (rounds, blends, hyperparameters), calibration widens intervals, test reports.
"""

import hashlib
from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from retrace.base.errors import RetraceError
from retrace.base.params import Params

WINDOWS = ("train", "valid", "calibration", "test")


class SplitParams(Params):
    """`<problem>.split`: `by` a hash of the group, by time, or by a column that names the window.

    With `column`, values other than the four names are refused; windows that the data does not
    name are cut from its `train` rows by hash, in the shares given here.
    """

    by: Literal["hash", "time", "column"]
    column: str | None = None
    train: float = Field(gt=0, lt=1)
    valid: float = Field(gt=0, lt=1)
    calibration: float = Field(gt=0, lt=1)
    test: float = Field(gt=0, lt=1)
    seed: int

    @model_validator(mode="after")
    def _whole(self) -> Self:
        total = self.train + self.valid + self.calibration + self.test
        if abs(total - 1) > 1e-9:
            raise ValueError(f"the shares of the four windows add up to {total:g}, not to 1")
        if (self.by == "column") != (self.column is not None):
            raise ValueError("`column` goes with `by: column`, and only with it")
        return self

    def share(self, window: str) -> float:
        return float(getattr(self, window))


def split(
    rows: pd.DataFrame, params: SplitParams, group: Sequence[str], time: str | None = None
) -> pd.Series:
    """Return the window of each row (categorical, index of `rows`).

    Rows that share the values of `group` always fall into one window. A hash split is stable: rows
    that are added later move none that are there. A time split puts a group where its first row is.

    Raises RetraceError when a column is missing, names an unknown window, or a window is empty.
    """
    _require(rows, [*group, *([time] if params.by == "time" and time else [])])
    if params.by == "hash":
        windows = _by_hash(rows, group, params, WINDOWS)
    elif params.by == "time":
        if time is None:
            raise RetraceError("split.by is 'time', but the problem has no time; use 'hash'.")
        windows = _by_time(rows, group, time, params)
    else:
        windows = _by_column(rows, group, str(params.column), params)
    counts = windows.value_counts()
    empty = [window for window in WINDOWS if counts.get(window, 0) == 0]
    if empty:
        raise RetraceError(
            f"The split of {len(rows)} row(s) leaves no row for: {', '.join(empty)}. "
            "Bring more rows, or change the shares under `split` in params.yaml."
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


def _by_column(
    rows: pd.DataFrame, group: Sequence[str], column: str, params: SplitParams
) -> pd.Series:
    _require(rows, [column])
    named = rows[column].astype(str)
    unknown = named[~named.isin(WINDOWS)]
    if len(unknown):
        raise RetraceError(
            f"Column '{column}' names the window '{unknown.iloc[0]}' (row {unknown.index[0]}); "
            f"expected one of {', '.join(WINDOWS)}."
        )
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
