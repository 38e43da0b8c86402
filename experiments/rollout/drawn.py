"""A challenger in shadow beside the champion, by the answers that were drawn.

`explore` says that what comes of an answer depends on it. Then the outcomes of what the champion
told do not say what the challenger's answers would have brought; drawn answers near them do.
"""

import numpy as np
import pandas as pd

from problems.contract import Problem
from retrace.encode.encoding import to_scale
from retrace.judge.explored import compare_policies
from retrace.judge.sequential import Estimate
from serving.explore import EXPLORED, TOLD

BANDWIDTH = 0.25  # of the median interval: a drawn answer stands for suggestions so near to it
WORDS = "by answers that were drawn"


def compared(
    problem: Problem, rows: pd.DataFrame, of: str, theirs: str, blocks: pd.Series | None
) -> Estimate:
    """Compare a column of the challenger's rows, such as its loss, with the champion's, which has
    the prefix `theirs`, weighing drawn answers by one over the density that they had."""

    def fitted(name: str) -> np.ndarray:
        return to_scale(rows[name].to_numpy(np.float64), problem.scale)

    own, told = fitted(TOLD), fitted(theirs + TOLD)
    if theirs + EXPLORED in rows:
        density = rows[theirs + "density"].to_numpy(np.float64)
        was = np.where(np.isnan(density), told, fitted(theirs + EXPLORED))
    else:
        density, was = np.full(len(rows), np.nan), told
    width = float(np.median(fitted(theirs + "upper") - fitted(theirs + "lower")))
    return compare_policies(
        rows[of],
        rows[theirs + of],
        was,
        density,
        own,
        told,
        bandwidth=BANDWIDTH * width,
        blocks=blocks,
    )
