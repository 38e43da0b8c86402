"""Read the windows that featurize made."""

import numpy as np
import pandas as pd

from problems.contract import Problem
from retrace.base import paths
from retrace.base.files import read_table
from retrace.fit.boosters import Window


def read_window(problem: Problem, window: str, columns: list[str]) -> Window:
    """Return the model columns, (n_rows, n_columns), and the target, (n_rows,), of one window."""
    table = read_table(paths.window(problem.name, window), ["target", *columns])
    return table[columns].to_numpy(np.float32), table["target"].to_numpy(np.float64)


def window_keys(problem: Problem, window: str) -> pd.DataFrame:
    """Return the keys of one window's rows, in the order of the features."""
    return read_table(paths.window(problem.name, window), list(problem.key))
