"""Columns as whole numbers, so that the parts of a table can be compared."""

from collections.abc import Collection, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrace.checks.columns import is_text, is_time

LEVELS = 12  # categories that are told apart; the others are one


def comparable(
    rows: pd.DataFrame, key: Collection[str], time: str | None
) -> Iterator[tuple[str, pd.Series]]:
    """Yield what can be compared between parts: numbers, and categories with LEVELS levels.

    Times count from the row's own time; that one as the hour of the day. Of texts the length
    counts as well; of ids in the key only their kind.
    """
    for name in map(str, rows):
        column = rows[name]
        if is_text(column) and not is_prose(column):  # ids of another kind, but for their digits
            yield name, _top(_kinds(column))
        if name in key:
            continue
        if is_time(column):
            if name == time:
                yield name, column.dt.hour.astype(float)
            elif time:
                yield name, (column - rows[time]).dt.total_seconds()
        elif is_text(column):
            yield name, _top(column)
            yield name, column.str.len().astype(float)
        else:
            yield name, column.astype(float)


def _kinds(ids: pd.Series) -> pd.Series:
    """Return ids with a 9 for each digit; numbers without padding grow longer, and get one 9."""
    padded = ids.str.contains(r"(?<![0-9])0[0-9]", regex=True, na=False).any()
    return ids.str.replace(r"[0-9]" if padded else r"[0-9]+", "9", regex=True)


def _top(column: pd.Series) -> pd.Series:
    top = column.value_counts().index[:LEVELS]
    return column.where(column.isin(top), "\0other").astype("category")


def is_prose(column: pd.Series) -> bool:
    return is_text(column) and float(column.iloc[:1000].str.count(" ").mean()) > 1.5


def to_codes(column: pd.Series) -> NDArray[np.int64]:
    """Number levels, or of numbers their percentiles; missing numbers are 0."""
    if column.dtype == "category":
        return np.asarray(column.cat.codes, np.int64)
    numbers = column.to_numpy(np.float64)
    known = numbers[~np.isnan(numbers)]
    cuts = np.unique(np.quantile(known, np.linspace(0, 1, 101))) if len(known) else known
    codes = np.where(np.isnan(numbers), 0, np.searchsorted(cuts, numbers) + 1)
    return np.asarray(codes, np.int64)


def shares_by_part(codes: NDArray[np.int64], edges: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share of each code by part."""
    size = int(codes.max()) + 1
    part = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
    counts = np.bincount(part * size + codes, minlength=(len(edges) - 1) * size)
    return np.asarray(counts.reshape(-1, size) / np.diff(edges)[:, None])
