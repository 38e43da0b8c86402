"""Folds of training rows, so that what is fitted on outcomes never sees a row's own."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrace.base.arrays import Arrays, join

FOLDS = 5


def folds_of(keys: Arrays, seed: int) -> NDArray[np.int64]:
    """Return each row's fold, 0 to FOLDS - 1, from a hash of its key and the seed.

    keys : the columns that name a row, or the group of rows that stay together, each (n_rows,)

    A row's fold depends on nothing else: one more row leaves the others where they were.
    """
    joined = join(list(keys.values()), "\x1f")
    salt = f"{seed % 10**16:016d}"
    hashed = pd.util.hash_array(joined, hash_key=salt, categorize=False)
    return (hashed % np.uint64(FOLDS)).astype(np.int64)
