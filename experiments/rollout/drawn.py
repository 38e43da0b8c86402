"""What a challenger in shadow would have cost had it been told, by the answers that were drawn."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from experiments.rollout.evidence import told_of
from problems.contract import Problem
from retrace.judge.explored import compare_policies
from retrace.judge.rollout import Measure
from serving.explore import EXPLORED

LEAST_DRAWN = 50  # below, nothing is said
BANDWIDTH = 0.25  # of the median interval: a drawn answer stands for suggestions so near to it


def measures(
    problem: Problem,
    ours: pd.DataFrame,
    theirs: pd.DataFrame,
    told: Mapping[str, str],
    blocks: pd.Series | None,
) -> Iterator[Measure]:
    """Yield the measure where enough answers were drawn and errors have a cost; ours and theirs are
    rows of challenger and champion, of the same index."""
    if "cost" not in theirs or EXPLORED not in theirs:
        return
    here = theirs.index[theirs[EXPLORED].notna()]
    if len(here) < LEAST_DRAWN:
        return
    ours, theirs = ours.loc[here], theirs.loc[here]

    def fitted(values: pd.Series) -> np.ndarray:
        numbers = values.to_numpy(np.float64)
        return np.log1p(numbers) if problem.scale == "log" else numbers

    width = float(np.median(fitted(theirs["upper"]) - fitted(theirs["lower"])))
    estimate = compare_policies(
        theirs["cost"],
        fitted(theirs[EXPLORED]),
        theirs["density"],
        fitted(told_of(ours, told)),
        fitted(told_of(theirs, told)),
        bandwidth=BANDWIDTH * width,
        blocks=None if blocks is None else blocks.loc[here],
    )
    yield Measure("cost by the answers that were drawn", "", estimate)
