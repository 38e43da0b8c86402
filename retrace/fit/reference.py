"""What a model is held against in use: a sample of its columns, and its losses on held-out rows.

Monitoring compares the traffic and its outcomes with these, without the data that they came from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrace.base.arrays import Arrays, join
from retrace.encode.encoders import Matrix

MOST_ROWS = 5000
KEY = "drift reference."  # of the hash, 16 letters: another order than that of the folds


@dataclass(frozen=True)
class Reference:
    """columns : model columns of rows that the model was fitted and chosen on, (n, n_columns)
    predictions : of held-out rows, (m,); of several classes the number of the most probable
    losses : of the problem's metric, of the same held-out rows, (m,)
    """

    columns: Matrix
    predictions: NDArray[np.float64]
    losses: NDArray[np.float64]

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        return dict(vars(self))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any], n_columns: int) -> Self:
        """Read the arrays of `to_arrays`; ValueError where they do not fit together."""
        found = cls(*(arrays[name] for name in ("columns", "predictions", "losses")))
        kinds = [array.dtype.kind for array in vars(found).values()]
        held = found.predictions.shape
        if kinds != ["f", "f", "f"] or found.columns.shape[1:] != (n_columns,):
            raise ValueError("the arrays of the drift reference have other types or columns")
        if len(held) != 1 or found.losses.shape != held:
            raise ValueError("predictions and losses of the drift reference are not of one length")
        return found


def sampled(keys: Arrays) -> NDArray[np.int64]:
    """Return the places of at most MOST_ROWS rows, those whose keys have the lowest hashes; another
    row among them drops one at most."""
    joined = join(list(keys.values()), "\x1f")
    hashed = pd.util.hash_array(joined, hash_key=KEY, categorize=False)
    return np.sort(np.argsort(hashed, kind="stable")[:MOST_ROWS])
