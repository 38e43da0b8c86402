"""Means with their intervals, of rows that are not independent."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from monitoring.summary import Between

Z = 1.96  # 97.5 % of the normal distribution
N_GROUPS = 10
T = 2.262  # 97.5 % of Student's t with N_GROUPS - 1 degrees of freedom


def mean_between(values: pd.Series, blocks: np.ndarray) -> Between:
    """Return the mean and its normal interval, variances over blocks (Liang & Zeger 1986)."""
    mean = float(values.mean())
    error = standard_error(values.to_numpy(np.float64), blocks)
    if not np.isfinite(error):  # one block says nothing of how blocks differ
        return Between(mean, mean, mean)
    return Between(mean, mean - Z * error, mean + Z * error)


def standard_error(values: np.ndarray, blocks: np.ndarray) -> float:
    """Return the standard error of a mean; infinite with one block."""
    codes = np.unique(blocks, return_inverse=True)[1]
    sums = np.bincount(codes, weights=values - values.mean())
    n = len(sums)
    return float(np.sqrt(np.square(sums).sum() * n / (n - 1)) / len(values)) if n > 1 else np.inf


def jackknife(
    rows: pd.DataFrame, blocks: np.ndarray, figure: Callable[[pd.DataFrame], float]
) -> Between | None:
    """Return any figure of rows with its interval, by leaving out a tenth of the blocks at a time
    (Quenouille 1956; Kott, "The delete-a-group jackknife", 2001); None where one cannot be had."""
    value = figure(rows)
    group = np.unique(blocks, return_inverse=True)[1] * 7 % N_GROUPS
    without = [figure(rows[group != place]) for place in range(N_GROUPS) if (group == place).any()]
    if len(without) < N_GROUPS or not np.isfinite([value, *without]).all():
        return None
    spread = np.asarray(without) - np.mean(without)
    error = float(np.sqrt((N_GROUPS - 1) / N_GROUPS * np.square(spread).sum()))
    return Between(value, value - T * error, value + T * error)
