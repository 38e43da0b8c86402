"""What a problem gets that says nothing of its own: rule, naive average, headline, slices, tables.

Heavy modules are imported where they are used: the contract, which names these, is part of every
stage, and a simulator needs no metrics.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrace.base.arrays import Arrays

if TYPE_CHECKING:
    from problems.contract import Baseline, FeatureFunction, History, Problem
    from retrace.base.tables import Table

RULE_LEAST_ROWS = 3  # of a group: the median of one or two is somebody's luck (assumed)
RULE_BANDS, RULE_VALUES = 10, 50  # of a number in `by`, and of the values that it tells apart
SLICE_BANDS = 4  # quantile bands of a numeric slice
MOST_VALUES = 20  # of a slice; rarer ones are together in `other`


def features(rows: Arrays, known: Arrays, settings: Any) -> Arrays:
    """Return the columns of clean rows as they are, and what history knows of them."""
    return {**rows, **_used(known, settings)} if known else rows


def calendar(time: str, *others: str, zone: str = "UTC") -> FeatureFunction:
    """Return features that add to the columns what a time says, local in `zone`: of `at` at_day
    (days since 2000, for what grows), at_hour, at_weekday (0 is Monday), at_month and at_year_day;
    of each of the `others` the days from it to that time, as <name>_days."""

    def with_calendar(rows: Arrays, known: Arrays, settings: Any) -> Arrays:
        at = pd.DatetimeIndex(rows[time]).tz_localize("UTC").tz_convert(zone)
        parts = {
            "day": np.floor(_days(rows[time] - np.datetime64("2000-01-01", "us"))),
            "hour": at.hour,
            "weekday": at.weekday,
            "month": at.month,
            "year_day": at.dayofyear,
        }
        found = {f"{time}_{name}": np.asarray(values) for name, values in parts.items()}
        days = {f"{name}_days": _days(rows[time] - rows[name]) for name in others}
        return {**rows, **found, **days, **_used(known, settings)}

    return with_calendar


def _used(known: Arrays, settings: Any) -> Arrays:
    """Return what history knows, and nothing where `features.history` is false."""
    if getattr(settings, "history", True):
        return known
    return {name: np.full(len(values), np.nan) for name, values in known.items()}


def _days(spans: NDArray[np.timedelta64]) -> NDArray[np.float64]:
    return np.where(np.isnat(spans), np.nan, spans / np.timedelta64(1, "D"))


def history(
    *entities: str, target: str, key: str, time: str, known_at: str | None = None
) -> History:
    """Return what earlier rows with the same value of each of these columns came to: as
    <entity>_mean, _known, _rows, _a_day and _days_since."""
    from problems.contract import History
    from retrace.past.entities import Followed, state_of

    followed = Followed(entities, target, key, time, known_at or time)
    return History(followed.as_of, followed.events, state_of(followed), followed.at_end, known_at)


def by(*names: str) -> Baseline:
    """Return the rule that predicts what the training rows came to that have the same values of
    these columns, numbers in bands: their mean on the scale where errors are even, the median where
    absolute errors count, of a classifier the rates. Groups of fewer than three rows count as
    unknown: they get what all rows say."""

    def of_group(
        problem: Problem, train: pd.DataFrame, rows: pd.DataFrame, settings: Any
    ) -> pd.Series | pd.DataFrame:
        groups = (_groups(names, train, of) for of in (train, rows))
        return _of_groups(problem, train, *groups)

    return of_group


def rule(
    problem: Problem, train: pd.DataFrame, rows: pd.DataFrame, settings: Any
) -> pd.Series | pd.DataFrame:
    """Predict by the first categorical column's groups, as `by` has it; without one from all."""
    first = [name for name in problem.columns.categorical if name in train][:1]
    groups = (
        of[first[0]].astype("str") if first else pd.Series("", of.index) for of in (train, rows)
    )
    return _of_groups(problem, train, *groups)


def _groups(names: Sequence[str], train: pd.DataFrame, rows: pd.DataFrame) -> pd.Series[str]:
    labels = [
        _labels(rows[name], train[name], bands=RULE_BANDS, most=RULE_VALUES) for name in names
    ]
    return pd.concat(labels, axis=1).agg("|".join, axis=1)


def _of_groups(
    problem: Problem, train: pd.DataFrame, of_train: pd.Series[str], of_rows: pd.Series[str]
) -> pd.Series | pd.DataFrame:
    if problem.task == "multiclass":
        return _shares(problem, train, of_train, of_rows)
    log, middle = problem.scale == "log", "median" if problem.metric == "mae" else "mean"
    target = train[problem.target].to_numpy(np.float64)
    scaled = pd.Series(np.log1p(target) if log else target, train.index)
    groups = scaled.groupby(of_train)
    known = groups.agg(middle)[groups.size() >= RULE_LEAST_ROWS]
    found = of_rows.map(known).astype("float64").fillna(float(scaled.agg(middle)))
    return pd.Series(np.expm1(found) if log else found, of_rows.index)


def naive(
    problem: Problem, train: pd.DataFrame, rows: pd.DataFrame, settings: Any
) -> pd.Series | pd.DataFrame:
    """Predict the mean of all training rows, on the scale where errors are even; of several classes
    their shares."""
    if problem.task == "multiclass":
        return _shares(problem, train, *(pd.Series("", of.index) for of in (train, rows)))
    target = train[problem.target].to_numpy(np.float64)
    mean = np.expm1(np.log1p(target).mean()) if problem.scale == "log" else target.mean()
    return pd.Series(float(mean), index=rows.index)


def _shares(
    problem: Problem, train: pd.DataFrame, of_train: pd.Series[str], of_rows: pd.Series[str]
) -> pd.DataFrame:
    """Return the share of each class in the training rows of the group, in that of all where the
    group has few; all classes count as one row more, so that none is impossible."""
    outcome = problem.outcome(train)
    overall = outcome.value_counts().sort_index() + 1.0
    overall = overall.reindex(problem.classes or overall.index, fill_value=1.0)
    overall /= overall.sum()
    counts = pd.crosstab(of_train, outcome).reindex(columns=overall.index, fill_value=0)
    counts = counts[counts.sum(axis=1) >= RULE_LEAST_ROWS]
    shares = (counts + overall).div(counts.sum(axis=1) + 1.0, axis=0)
    shares.loc["\x1fall"] = overall
    known = of_rows.where(of_rows.isin(counts.index), "\x1fall")
    return shares.reindex(known).set_axis(of_rows.index)


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


def _labels(
    column: pd.Series, past: pd.Series, bands: int = SLICE_BANDS, most: int = MOST_VALUES
) -> pd.Series[str]:
    if pd.api.types.is_numeric_dtype(column) and past.nunique() > most:
        edges = np.unique(past.dropna().quantile(np.arange(1, bands) / bands))
        names = [f"under {edges[0]:g}", *(f"{edge:g} and more" for edge in edges)]
        codes = np.searchsorted(edges, column.to_numpy(np.float64), side="right")
        labels = pd.Series(np.array(names, dtype=object)[codes], index=column.index, dtype="str")
        return labels.mask(column.isna(), "none")
    words, known = (of.astype("str").fillna("none").replace("", "none") for of in (column, past))
    return words.where(words.isin(known.value_counts().index[:most]), "other")


def tables(
    problem: Problem,
    scored: pd.DataFrame,
    settings: Any,
    rows: pd.DataFrame,
    truth: pd.DataFrame | None,
) -> dict[str, Table]:
    """Return no tables: headline and slices are all that is known of any problem."""
    return {}
