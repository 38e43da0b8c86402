"""Is a search's best better than params.yaml, beyond chance? Asked of rows that chose nothing.

The best of many trials is flattered on the window that chose it. The calibration window has chosen
neither rounds nor parameters of a point booster; the test window stays untouched for the report.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.tune.space import Point
from experiments.tune.trial import Windows, parameters_of
from retrace.base import paths
from retrace.base.files import read_table
from retrace.fit.boosters import fit_booster
from retrace.judge import metrics
from retrace.judge.comparison import Difference, paired_difference
from stages.windows import read_window
from workflow.blocks import blocks_of


def against_current(windows: Windows, point: Point) -> Difference:
    """Fit `point` and params.yaml, and compare each row's loss on the calibration window.

    Above zero, the point is better. The loss is that of the problem's metric (log loss for average
    precision); rows are drawn by group or day where they are not independent.
    """
    with windows.at(point) as there:
        ours = _losses(there, point)
    theirs = _losses(windows, {})
    return paired_difference(ours, theirs, blocks=_blocks(windows))


def _losses(windows: Windows, point: Point) -> NDArray[np.float64]:
    problem = windows.problem
    params = parameters_of(windows, point)
    train, valid, layout = windows.train, windows.valid, windows.layout
    booster = fit_booster(train, valid, layout, params, windows.objective).booster
    rows = read_window(problem, "calibration", windows.encoding.columns, windows.top)
    losses = metrics.METRICS[problem.metric].losses
    return losses(windows.actual(rows[1]), windows.predict(booster, rows[0]))


def _blocks(windows: Windows) -> pd.Series | None:
    problem = windows.problem
    key = list(problem.key)
    keys = read_table(paths.window(problem.name, "calibration"), key)
    wanted = [*problem.group, *([problem.time] if problem.time else [])]
    rows = read_table(paths.clean(problem.world), list(dict.fromkeys([*key, *wanted])))
    return blocks_of(problem, keys.merge(rows, how="left", on=key))[1]
