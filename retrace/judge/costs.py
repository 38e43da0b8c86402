"""What acting on a model costs: from a threshold on, or by the forecast that is told."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

NEVER = 1.0 + 1e-9  # rows are acted on from the threshold on


def told(scored: pd.DataFrame) -> pd.Series:
    """Return the forecast that is told: what was chosen by its cost, else the prediction."""
    return scored["told"] if "told" in scored else scored["prediction"]


def cost_by_rank(score: pd.Series, act: float, saved: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the total cost of acting on the first 0, 1, ... rows, the most probable ones first,
    shape (n_rows + 1,).

    act : what acting on a row costs; saved : what it saves, shape (n_rows,), nothing of a negative
    """
    order = np.argsort(-score.to_numpy(), kind="stable")
    return np.asarray(saved.sum() + np.concatenate([[0.0], np.cumsum(act - saved[order])]))


def cheapest_threshold(score: pd.Series, total: NDArray[np.float64]) -> float:
    """Return the probability from which acting costs least, by the `cost_by_rank` of these rows;
    above 1 where it is never worth it."""
    p = np.sort(score.to_numpy())[::-1]
    ends = np.append(np.flatnonzero(np.diff(p)), len(p) - 1)  # ties are acted on together
    best = int(ends[np.argmin(total[ends + 1])])
    return NEVER if total[0] < total[best + 1] else float(p[best])


def cost_curve(
    scored: pd.DataFrame, cost_by_rank: NDArray[np.float64], thresholds: NDArray[np.float64]
) -> pd.DataFrame:
    """Return the rows that are acted on, recall and cost per 1,000 rows by threshold.

    Parameters
    ----------
    scored : rows with `prediction`, `outcome` (0 or 1) and the `threshold` that was chosen
    cost_by_rank : cost of all rows where the k most probable are acted on, shape (n_rows + 1,)
    thresholds : shape (n_thresholds,); the chosen one comes beside them, marked in `chosen`
    """
    p = np.sort(scored["prediction"].to_numpy())[::-1]
    positive = np.sort(-scored.loc[scored["outcome"] > 0.5, "prediction"].to_numpy())
    grid = np.append(thresholds, min(float(scored["threshold"].iloc[0]), 1.0))
    acted_on = np.searchsorted(-p, -grid, side="right")
    table = pd.DataFrame(
        {
            "threshold": grid,
            "acted_on": acted_on,
            "recall": np.searchsorted(positive, -grid, side="right") / max(len(positive), 1),
            "cost_per_1000": 1000 * cost_by_rank[acted_on] / len(p),
            "chosen": [0] * len(thresholds) + [1],
        }
    )
    return table.sort_values(["threshold", "chosen"], ignore_index=True)
