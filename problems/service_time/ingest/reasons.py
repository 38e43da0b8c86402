"""Why a row cannot be used: the first reason that applies to it."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Reasons = list[tuple[str, NDArray[np.bool_]]]


def first_reason(reasons: Reasons, index: pd.Index) -> "pd.Series[str]":
    """Return each row's first reason, "" for none."""
    texts, masks = zip(*reasons, strict=True)
    codes = np.select(list(masks), np.arange(1, len(texts) + 1).tolist(), 0)
    return pd.Series(np.array(["", *texts], dtype=object)[codes], index, dtype="str")
