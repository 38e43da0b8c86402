"""How good a window's answers turned out: loss, coverage, money, and who is served worse."""

import re
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from monitoring.intervals import Z, jackknife, mean_between, standard_error
from monitoring.models import WatchedModel
from monitoring.scored import blocks_of, figures_of, losses_of
from monitoring.settings import MonitoringParams
from monitoring.summary import RULE, Benefit, Between, Slice
from problems import parts
from problems.contract import Problem
from retrace.judge.drift import q_values
from retrace.judge.tasks import JUDGING

MOST_VALUES = 30  # of a column that is a slice
MOST_SLICES = 12  # that a summary keeps
WORSE_RATE = 0.01  # of slices that are said to be worse, so many at most by chance
PER = re.compile(r"_per_(\d+)")  # of so many rows a figure in money is
DELAYS = (0.1, 0.5, 0.9)


def performance(
    model: WatchedModel, rows: pd.DataFrame, n_all_known: int, *, with_interval: bool
) -> dict[str, Any]:
    """Return the fields of a summary that need outcomes, of rows whose outcome is known.

    with_interval : of what is saved too, which takes eleven times as long
    """
    problem = model.problem
    figures, why = figures_of(model, rows)
    losses, blocks = losses_of(problem, rows), blocks_of(problem, rows)
    judging, delay = JUDGING[problem.task], (rows["outcome_at"] - rows["as_of"]).dropna()
    found: dict[str, Any] = {"loss": mean_between(losses, blocks), "figures": figures}
    if "lower" in rows:
        inside = rows["outcome"].between(rows["lower"], rows["upper"]).astype("float64")
        found["coverage"] = mean_between(inside, blocks)
    elif np.isfinite(kept := judging.promised(rows)):
        found["calibration"] = kept
    if len(delay):
        days = delay.dt.total_seconds().to_numpy() / 86_400
        found["delay_days"] = tuple(float(one) for one in np.quantile(days, DELAYS))
    found["benefit"] = benefit(model, rows, figures, n_all_known, with_interval=with_interval)
    return {**found, "notes": (why,) if why else ()}


def benefit(
    model: WatchedModel,
    rows: pd.DataFrame,
    figures: dict[str, float],
    n_all_known: int,
    *,
    with_interval: bool,
) -> Benefit | None:
    """Return what the model saves against the rule; None where no figure in money has the rule's
    beside it."""
    words = parts.evaluation(model.problem.world).words
    for name, column in words.items():
        if column.kind == "money" and {name, RULE + name} <= set(figures):
            break
    else:
        return None
    per = int(found[1]) if (found := PER.search(name)) else 1

    def saved(some: pd.DataFrame) -> float:
        of = figures_of(model, some)[0]
        return (of.get(RULE + name, np.nan) - of.get(name, np.nan)) / per

    cost, by_rule = figures[name] / per, figures[RULE + name] / per
    between = None
    if with_interval:
        between = jackknife(rows, blocks_of(model.problem, rows), saved)
    each = by_rule - cost
    return Benefit(column.unit, cost, by_rule, each, between, each * n_all_known)


def labels_of(problem: Problem, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of few values that the model has as categories, or the problem as slices,
    as text."""
    names = dict.fromkeys((*problem.columns.categorical, *problem.slices))
    found = {}
    for name in names:
        if name in rows and rows[name].nunique() <= MOST_VALUES:
            found[name] = rows[name].astype("str")
    return pd.DataFrame(found, index=rows.index)


def slices(
    problem: Problem, rows: pd.DataFrame, least: int, params: MonitoringParams
) -> tuple[Slice, ...]:
    """Return who is served worst: every value of a label held against all other rows."""
    losses, blocks = losses_of(problem, rows), blocks_of(problem, rows)
    records, p_values = [], []
    for name, labels in labels_of(problem, rows).items():
        for value in sorted(labels.unique()):
            here = (labels == value).to_numpy()
            if min(here.sum(), (~here).sum()) < least:
                continue
            ours, others = losses[here], losses[~here]
            error = float(
                np.hypot(
                    standard_error(ours.to_numpy(), blocks[here]),
                    standard_error(others.to_numpy(), blocks[~here]),
                )
            )
            if not np.isfinite(error) or error == 0:
                continue
            difference = float(ours.mean() - others.mean())
            between = Between(difference, difference - Z * error, difference + Z * error)
            p_values.append(float(ndtr(-difference / error)))
            records.append((str(name), value, len(ours), ours.mean(), others.mean(), between))
    if not records:
        return ()
    sure = q_values(np.array(p_values)) <= WORSE_RATE
    found = [
        Slice(
            name, value, n, float(loss), float(others), gap,
            bool(certain and gap.value > params.worse_slice * others),
        )
        for (name, value, n, loss, others, gap), certain in zip(records, sure, strict=True)
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda one: -one.difference.value)[:MOST_SLICES])
