"""How many rows say what one says: rows of one order, or of one day, are alike."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def alike_rows(rows: pd.DataFrame, key: Sequence[str], time: str | None) -> Ints | None:
    """Number what rows may be alike by, shape (n_rows,): the first part of a key with several, such
    as an order looked at again and again, else the day. None where rows have neither."""
    if len(key) > 1:
        return np.asarray(pd.factorize(rows[key[0]])[0], np.int64)
    return np.asarray(pd.factorize(rows[time].dt.floor("D"))[0], np.int64) if time else None


def design_effect(codes: Ints, alike: Ints | None, edges: Ints, is_category: bool) -> float:
    """Return how many rows count for one: 1 where those that may be alike are not.

    codes : (n_rows,) from 0, levels of a category or ranks of a number

    1 + (m - 1) · intraclass correlation (Kish, "Survey Sampling", 1965), by analysis of variance
    within each part of the table, and the median of the parts: a fault is in few of them.
    """
    if alike is None:
        return 1.0
    found = [
        _in_part(codes[start:stop], alike[start:stop], is_category)
        for start, stop in pairwise(edges)
    ]
    return float(np.median(found))


def _in_part(codes: Ints, alike: Ints, is_category: bool) -> float:
    _, block, size = np.unique(alike, return_inverse=True, return_counts=True)
    n, blocks = len(codes), len(size)
    if blocks < 2:
        return float(n)
    if blocks == n:
        return 1.0
    if is_category:
        levels = int(codes.max()) + 1
        counts = np.bincount(block * levels + codes, minlength=blocks * levels)
        counts = counts.reshape(blocks, levels)
        total = n - float(np.square(counts.sum(axis=0)).sum()) / n
        within = n - float((np.square(counts).sum(axis=1) / size).sum())
    else:
        centred = codes - codes.mean()
        total = float(np.square(centred).sum())
        within = total - float((np.square(np.bincount(block, centred)) / size).sum())
    if total <= 0:
        return 1.0
    between = (total - within) / (blocks - 1)
    inside = within / (n - blocks)
    usual = (n - float(np.square(size).sum()) / n) / (blocks - 1)
    correlation = (between - inside) / (between + (usual - 1) * inside)
    return 1.0 + max(correlation, 0.0) * (float(np.square(size).sum()) / n - 1)
