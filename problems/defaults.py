"""What a problem gets that says nothing of its own: rule, naive average, headline, slices, tables.

Heavy modules are imported where they are used: the contract, which names these, is part of every
stage, and a simulator needs no metrics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from retrace.base.arrays import Arrays

if TYPE_CHECKING:
    from problems.contract import FeatureFunction, Problem
    from retrace.base.tables import Table

RULE_LEAST_ROWS = 3  # of a group: the median of one or two is somebody's luck (assumed)
SLICE_BANDS = 4  # quantile bands of a numeric slice
MOST_VALUES = 20  # of a slice; rarer ones are together in `other`


def features(rows: Arrays, known: Arrays, settings: Any) -> Arrays:
    """Return the columns of clean rows as they are."""
    return rows


def calendar(time: str, zone: str = "UTC") -> FeatureFunction:
    """Return features that add to the columns hour, weekday (0 is Monday), month and day of the
    year of a time, as at_hour, at_weekday, at_month and at_year_day for `at`; local in `zone`."""

    def with_calendar(rows: Arrays, known: Arrays, settings: Any) -> Arrays:
        at = pd.DatetimeIndex(rows[time]).tz_localize("UTC").tz_convert(zone)
        parts = {
            "hour": at.hour,
            "weekday": at.weekday,
            "month": at.month,
            "year_day": at.dayofyear,
        }
        return {**rows, **{f"{time}_{name}": values.to_numpy() for name, values in parts.items()}}

    return with_calendar


def rule(
    problem: Problem, train: pd.DataFrame, rows: pd.DataFrame, settings: Any
) -> pd.Series | pd.DataFrame:
    """Predict the median of the first categorical column's group, else of all; of a classifier the
    rates. The groups of fewer than three rows count as unknown."""
    by = next((name for name in problem.columns.categorical if name in train), None)
    if problem.task == "multiclass":
        return _shares(problem, train, rows, by)
    everything = _centre(problem, train[problem.target])
    if by is None:
        return pd.Series(everything, index=rows.index)
    groups = train[problem.target].astype("float64").groupby(train[by].astype("str"))
    known = groups.mean() if problem.task == "binary" else groups.median()
    known = known[groups.size() >= RULE_LEAST_ROWS]
    return rows[by].astype("str").map(known).astype("float64").fillna(everything)


def naive(
    problem: Problem, train: pd.DataFrame, rows: pd.DataFrame, settings: Any
) -> pd.Series | pd.DataFrame:
    """Predict the mean of all training rows, on the scale where errors are even; of several classes
    their shares."""
    if problem.task == "multiclass":
        return _shares(problem, train, rows, None)
    target = train[problem.target].to_numpy(np.float64)
    mean = np.expm1(np.log1p(target).mean()) if problem.scale == "log" else target.mean()
    return pd.Series(float(mean), index=rows.index)


def _shares(
    problem: Problem, train: pd.DataFrame, rows: pd.DataFrame, by: str | None
) -> pd.DataFrame:
    """Return the share of each class in the training rows of the group, in that of all where the
    group has few; all classes count as one row more, so that none is impossible."""
    outcome = problem.outcome(train)
    overall = outcome.value_counts().sort_index() + 1.0
    overall = overall.reindex(problem.classes or overall.index, fill_value=1.0)
    overall /= overall.sum()
    shares = pd.DataFrame([overall], index=["all"])
    group = pd.Series("all", index=rows.index)
    if by is not None:
        counts = pd.crosstab(train[by].astype("str"), outcome)
        counts = counts.reindex(columns=overall.index, fill_value=0)
        counts = counts[counts.sum(axis=1) >= RULE_LEAST_ROWS]
        shares = (counts + overall).div(counts.sum(axis=1) + 1.0, axis=0)
        shares.loc["\x1fall"] = overall
        group = rows[by].astype("str").where(rows[by].astype("str").isin(counts.index), "\x1fall")
    return shares.reindex(group).set_axis(rows.index)


def _centre(problem: Problem, target: pd.Series) -> float:
    return float(target.mean() if problem.task == "binary" else target.median())


def headline(problem: Problem, scored: pd.DataFrame, settings: Any) -> dict[str, float]:
    """Return the problem's metric of the model and of each baseline, then the task's others."""
    from retrace.judge import metrics

    headline = metrics.key_of(problem.metric, problem.unit)
    figures = {headline: metrics.metric_of(problem.metric, scored)}
    for name in ("rule", "naive", "oracle"):
        if name in scored:
            figures[f"{name}_{headline}"] = metrics.metric_of(problem.metric, scored, name)
    for name, metric in metrics.METRICS.items():
        if problem.task in metric.tasks:
            key = metrics.key_of(name, problem.unit)
            figures.setdefault(key, metrics.metric_of(name, scored))
    if "lower" in scored:
        figures["coverage_90"] = metrics.coverage(
            scored["outcome"], scored["lower"], scored["upper"]
        )
    return {key: value for key, value in figures.items() if np.isfinite(value)}


def slices(
    problem: Problem, scored: pd.DataFrame, settings: Any, past: pd.DataFrame
) -> pd.DataFrame:
    """Return the columns that `problem.slices` names as labels: numbers in bands of quantiles, the
    rarest words together."""
    found = {name: _labels(scored[name], past[name]) for name in problem.slices}
    return pd.DataFrame(found, index=scored.index)


def _labels(column: pd.Series, past: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(column) and past.nunique() > MOST_VALUES:
        edges = np.unique(past.quantile(np.arange(1, SLICE_BANDS) / SLICE_BANDS))
        names = [f"under {edges[0]:g}", *(f"{edge:g} and more" for edge in edges)]
        codes = np.searchsorted(edges, column.to_numpy(np.float64), side="right")
        return pd.Series(np.array(names, dtype=object)[codes], index=column.index)
    words = column.astype("str").replace("", "none")
    common = words.value_counts().index[:MOST_VALUES]
    return words.where(words.isin(common), "other")


def tables(
    problem: Problem,
    scored: pd.DataFrame,
    settings: Any,
    rows: pd.DataFrame,
    truth: pd.DataFrame | None,
) -> dict[str, Table]:
    """Return no tables: headline and slices are all that is known of any problem."""
    return {}
