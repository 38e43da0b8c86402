"""Read the windows that featurize made, and the rows of the final fits."""

from pathlib import Path

import numpy as np
import pandas as pd

from problems.contract import WEIGHT, Problem
from retrace.base import paths
from retrace.base.files import read_table
from retrace.fit.boosters import Window, window_of
from retrace.fit.bundle import JUDGED

FOLD = "fold"  # column of the rows of the final fits
NOTES = "notes.json"  # of data/features, for the card


def read_window(problem: Problem, window: str, columns: list[str], top: Path = Path()) -> Window:
    """Return the model columns, (n_rows, n_columns), and the target, (n_rows,), of one window.

    top : the folder that has `data/features`
    """
    return as_window(read_table(top / paths.window(problem.name, window)), columns)


def as_window(table: pd.DataFrame, columns: list[str]) -> Window:
    """Return model columns and target of what featurize wrote, with the rows' weight if it did."""
    weight = table[WEIGHT].to_numpy(np.float64) if WEIGHT in table else None
    target = table["target"].to_numpy(np.float64)
    return window_of(table[columns].to_numpy(np.float32), target, weight)


def window_keys(problem: Problem, window: str) -> pd.DataFrame:
    """Return the keys of one window's rows, in the order of the features."""
    return read_table(paths.window(problem.name, window), list(problem.key))


def learnt_keys(problem: Problem) -> pd.DataFrame:
    """Return the keys of the rows that the judged model was fitted on: rule and naive average may
    learn from the same."""
    final = (paths.bundle(problem.name) / JUDGED).exists()
    return window_keys(problem, "judged/fitted" if final else "train")
