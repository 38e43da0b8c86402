"""How large errors will be, before any outcome is known: an estimate that needs no label.

A calibrated probability says how often it is wrong, and a wide interval that the error is large
(Garg, Balakrishnan, Lipton, Neyshabur & Sedghi, "Leveraging unlabeled data to predict
out-of-distribution performance", ICLR 2022, compare such estimates). It foresees errors that grow
because rows are harder than those before; not those of a world in which the same rows now have
other outcomes: of these only labels tell.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrace.judge import metrics


def expected_losses(scored: pd.DataFrame, held: pd.DataFrame) -> NDArray[np.float64]:
    """Return the expected loss of each predicted row, shape (n_rows,), as `Judging.errors` has it.

    Parameters
    ----------
    scored : predictions as `predict` returns them, no outcome: of a regression lower and upper, in
        its unit; of several classes their probabilities
    held : labelled rows that the model was not fitted on, scored alike; of a regression they say
        how large an error is as a share of the interval's width
    """
    if "lower" in scored:
        known = held.dropna(subset=["outcome"])
        errors = np.abs(known["outcome"] - known["prediction"]).mean()
        share = float(errors) / (float((known["upper"] - known["lower"]).mean()) or 1.0)
        return share * (scored["upper"] - scored["lower"]).to_numpy(np.float64)
    classes = metrics.probabilities(scored)
    if not classes.empty:
        return np.asarray(1 - np.square(classes.to_numpy(np.float64)).sum(axis=1))
    p = scored["prediction"].to_numpy(np.float64)
    return np.asarray(2 * p * (1 - p))


def foreseen_increase(scored: pd.DataFrame, held: pd.DataFrame) -> float:
    """Return by which share the mean expected loss of new rows is above that of the held ones; NaN
    without rows."""
    if scored.empty or held.empty:
        return float("nan")
    usual = float(expected_losses(held, held).mean())
    return float(expected_losses(scored, held).mean()) / (usual or 1.0) - 1.0
