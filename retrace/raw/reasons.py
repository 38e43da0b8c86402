"""Why rows cannot be used: of all reasons that apply to a row, the first."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Reasons = list[tuple[str, Mask]]


def first_reason(reasons: Reasons, index: pd.Index) -> "pd.Series[str]":
    """Return each row's first reason, "" for none. Masks have shape (n_rows,)."""
    texts, masks = zip(*reasons, strict=True)
    codes = np.select(list(masks), np.arange(1, len(texts) + 1).tolist(), 0)
    return pd.Series(np.array(["", *texts], dtype=object)[codes], index, dtype="str")


def also(reason: "pd.Series[str]", text: str, rows: pd.Index) -> "pd.Series[str]":
    """Give the rows of an index one more reason; they have none yet."""
    return reason.mask(reason.index.isin(rows), text)


def quarantine(parts: Sequence[pd.DataFrame], key: str) -> pd.DataFrame:
    """Return rejected rows of several tables as one: `file`, `row`, `key` and `reason`, in order.

    `key` is the column of the row's id, "" where a part has none.
    """
    columns = {"file": "str", "row": "int64", key: "str", "reason": "str"}
    found = pd.concat(parts, ignore_index=True).reindex(columns=list(columns))
    found = found.fillna({key: ""}).astype(columns)
    return found.sort_values(["file", "row"], ignore_index=True, kind="stable")
