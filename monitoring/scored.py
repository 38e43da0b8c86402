"""Live answers as scored rows, in the columns that an evaluation judges."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from monitoring.models import WatchedModel
from problems import defaults, parts
from problems.contract import Problem
from retrace.encode.encoding import to_scale
from retrace.judge import metrics
from retrace.judge.tasks import JUDGING
from store.answered import told
from store.log import EXPLORED, TOLD
from workflow.watched import BLOCK, with_baselines

SCALED = ("outcome", "prediction", "lower", "upper")


class Scored(NamedTuple):
    """Answers whose outcome is known, and what could not be added to them."""

    rows: pd.DataFrame
    notes: tuple[str, ...]


def scored_of(model: WatchedModel, answered: pd.DataFrame) -> Scored:
    """Return the answers whose outcome is known, with what was told, the threshold, and rule and
    naive average where the version's files say how."""
    problem, notes = model.problem, []
    rows = answered[answered["outcome"].notna()].reset_index(drop=True)
    if rows.empty:
        return Scored(rows, ())
    if problem.task == "multiclass":
        rows["outcome"] = rows["outcome"].astype("str")
    if problem.task == "regression":
        rows[TOLD] = told(rows)
        if EXPLORED in rows:
            rows[TOLD] = rows[EXPLORED].fillna(rows[TOLD])
    if (threshold := model.decision.get("threshold")) is not None:
        rows["threshold"] = threshold
    if model.held is not None and "rule_threshold" in model.held:
        rows["rule_threshold"] = float(model.held["rule_threshold"].iloc[0])
    if model.baseline is None:
        notes.append("the rule is not known: this version has no baseline.parquet")
    else:
        try:
            rows = with_baselines(problem, model.baseline, rows, model.evaluate)
        except (KeyError, TypeError, ValueError) as error:
            notes.append(f"the rule needs what the store does not keep: {_words(error)}")
    return Scored(rows, tuple(notes))


def figures_of(model: WatchedModel, rows: pd.DataFrame) -> tuple[dict[str, float], str]:
    """Return the headline's figures of scored rows, and why some are missing; the metric alone
    where the problem's own headline needs more than the store keeps."""
    problem, why = model.problem, ""
    evaluation = parts.evaluation(problem.world)
    try:
        found = evaluation.headline(problem, rows, model.evaluate)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        why = f"the headline needs what the store does not keep: {_words(error)}"
        found = defaults.headline(problem, rows, model.evaluate)
    return {name: float(value) for name, value in found.items() if np.isfinite(value)}, why


def errors_of(problem: Problem, rows: pd.DataFrame) -> pd.DataFrame:
    """Return loss, residual (on the fitted scale) and block of scored rows, as alarms take them."""
    found = JUDGING[problem.task].errors(on_scale(problem, rows))
    return found.assign(**{BLOCK: blocks_of(problem, rows)})


def blocks_of(problem: Problem, rows: pd.DataFrame) -> np.ndarray:
    """Return which rows are not independent, as numbers: of held rows as they were drawn; of
    answers those of one group, else of one subject, or each by itself."""
    if BLOCK in rows:
        return rows[BLOCK].to_numpy()
    if problem.group and set(problem.group) <= set(rows):
        return rows.groupby(list(problem.group), dropna=False).ngroup().to_numpy()
    subjects = rows["subject"].where(rows["subject"] != "", rows["id"])
    return pd.factorize(subjects)[0]


def losses_of(problem: Problem, rows: pd.DataFrame) -> pd.Series:
    """Return the metric's loss of each scored row."""
    return metrics.losses(problem.metric, rows)


def on_scale(problem: Problem, rows: pd.DataFrame) -> pd.DataFrame:
    if problem.scale != "log":
        return rows
    names = [name for name in SCALED if name in rows]
    return rows.assign(**{name: to_scale(rows[name].to_numpy(np.float64), "log") for name in names})


def predicted(problem: Problem, rows: pd.DataFrame) -> pd.Series:
    """Return predictions as numbers; of several classes the number of each, by name."""
    if problem.task != "multiclass":
        return rows["prediction"].astype("float64")
    names = sorted(map(str, metrics.probabilities(rows)))
    codes: Mapping[str, float] = {name: float(place) for place, name in enumerate(names)}
    return rows["prediction"].map(codes).astype("float64")


def _words(error: Exception) -> str:
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__
