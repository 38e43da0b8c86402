"""A table as arrays by column name: long arrays for a table, arrays of length one for a request.

Features and encodings are written once, over these, so that a table and a request go through the
same lines. pandas stands at the edges: `from_frame` where rows come in, `to_frame` where
they leave.
"""

from collections.abc import Mapping
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
    """Return the arrays as a frame, without copying."""
    return pd.DataFrame(dict(arrays), index=index, copy=False)


def _array(column: pd.Series) -> NDArray[Any]:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return np.asarray(column.dt.tz_convert("UTC").dt.tz_localize(None), "datetime64[us]")
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype("str")
    if isinstance(column.dtype, pd.StringDtype) or column.dtype == object:
        return np.asarray(column.fillna(""), dtype=object)
    return np.asarray(column)
