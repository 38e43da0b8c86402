"""A table as arrays by column name: long arrays for a table, arrays of length one for a request.

Features and encodings are written once, over these, so that a table and a request go through the
same lines. pandas stands at the edges: `from_frame` where rows come in, `to_frame` where
they leave.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


def from_frame(frame: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Return each column of a frame as an array of shape (n_rows,).

    Times become datetime64[us] in UTC without a zone, texts and categories object arrays of str
    ("" where missing), bools and numbers keep their dtype.
    """
    return {str(name): _array(frame[name]) for name in frame}


def to_frame(arrays: Arrays, index: pd.Index | None = None) -> pd.DataFrame:
    """Return the arrays as a frame; times get the zone UTC, numbers are not copied."""
    frame = pd.DataFrame(dict(arrays), index=index, copy=False)
    for name, values in arrays.items():
        if values.dtype.kind == "M":
            frame[name] = frame[name].dt.tz_localize("UTC")
    return frame


def length(arrays: Arrays) -> int:
    """Return the number of rows."""
    return len(next(iter(arrays.values())))


def take(arrays: Arrays, rows: Any) -> dict[str, NDArray[Any]]:
    """Return the rows that a mask, a slice or places select."""
    return {name: values[rows] for name, values in arrays.items()}


def _array(column: pd.Series) -> NDArray[Any]:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return np.asarray(column.dt.tz_convert("UTC").dt.tz_localize(None), "datetime64[us]")
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype("str")
    if isinstance(column.dtype, pd.StringDtype) or column.dtype == object:
        return np.asarray(column.fillna(""), dtype=object)
    return np.asarray(column)


def texts(values: Iterable[str]) -> NDArray[np.object_]:
    """Return texts as an object array of shape (n_rows,)."""
    found = list(values)
    array = np.empty(len(found), dtype=object)
    array[:] = found
    return array


def join(columns: Sequence[NDArray[Any]], separator: str) -> NDArray[np.object_]:
    """Return the texts of several columns as one, row by row; equal ones are one object."""
    if len(columns) == 1:
        return texts(map(str, columns[0].tolist()))
    known: dict[tuple[str, ...], str] = {}
    found = []
    for row in zip(*(map(str, column.tolist()) for column in columns), strict=True):
        joined = known.get(row)
        if joined is None:
            joined = known[row] = separator.join(row)
        found.append(joined)
    return texts(found)
