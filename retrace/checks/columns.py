"""Columns of any type, made comparable: which values are missing, and numbers for what is there."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def missing(values: pd.Series) -> pd.Series:
    """Mark rows without a value; an empty text is none."""
    gone = values.isna()
    return gone | (values == "") if pd.api.types.is_string_dtype(values.dtype) else gone


def is_text(values: pd.Series) -> bool:
    return bool(pd.api.types.is_string_dtype(values.dtype))


def is_time(values: pd.Series) -> bool:
    return bool(pd.api.types.is_datetime64_any_dtype(values.dtype))


def parts(n_rows: int, most: int, rows: int) -> NDArray[np.int64]:
    """Return the edges of at most `most` parts of one size, of at least `rows` rows if possible."""
    count = int(np.clip(n_rows // rows, 1, most))
    return np.linspace(0, n_rows, count + 1).astype(np.int64)


def groups(values: pd.Series, most: int) -> NDArray[np.int64]:
    """Number groups of values from 0, shape (n_rows,): those that are missing are group 0.

    Numbers and times make up to `most` groups of one size. Texts keep their `most` most frequent
    values, and the others are one group.
    """
    if is_text(values):
        top = values[~missing(values)].value_counts().index[:most]
        codes = pd.Index(top).get_indexer(pd.Index(values)) + 1
        others = (codes == 0) & ~missing(values).to_numpy(bool)
        return np.where(others, len(top) + 1, codes).astype(np.int64)
    numbers = values.astype("int64").where(values.notna()) if is_time(values) else values
    rank = numbers.rank(pct=True, method="average").fillna(0.0).to_numpy(np.float64)
    return np.ceil(rank * most).astype(np.int64)
