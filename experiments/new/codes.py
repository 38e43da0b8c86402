"""Tell whole numbers that are names, such as that of a shop, from those that measure something."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from experiments.new.traps import Floats, shared

LEAST_VALUES, LEAST_ROWS = 20, 1.5  # of a column; rows of a value, in the mean
TELLS = 0.1  # of the target's variance, by the values one by one
NEIGHBOURS = 4  # values together
LESS = 0.6  # of that, which neighbours tell together: of a measure they tell as much


def codes(rows: pd.DataFrame, target: Floats, columns: Mapping[str, str]) -> list[str]:
    """Return the columns of whole numbers whose values tell the target one by one, and not by their
    size: neighbours have nothing in common.

    target  : of `traps.numbers`, of these rows
    columns : sort by name
    """
    found = []
    for name, sort in columns.items():
        if sort != "whole":
            continue
        rank = np.asarray(rows[name].rank(method="dense").fillna(0), np.int64)
        if rank.max() < LEAST_VALUES or len(rows) < LEAST_ROWS * rank.max():
            continue
        alone = shared(target, rank)
        shifts = (0, NEIGHBOURS // 2)
        together = max(shared(target, (rank + shift) // NEIGHBOURS) for shift in shifts)
        if alone > TELLS and together < LESS * alone:
            found.append(name)
    return found
