"""Why somebody should look at a window: the limits are those of the backtest's alarm."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from monitoring.models import WatchedModel
from monitoring.performance import labels_of
from monitoring.scored import errors_of
from monitoring.settings import MonitoringParams
from monitoring.summary import (
    BIAS,
    DATA,
    PERFORMANCE,
    PREDICTIONS,
    REFUSALS,
    SYSTEM,
    VOLUME,
    Cause,
)
from retrace.judge.drift import OUTCOMES, AlarmParams, loss_changes, raise_alarm
from retrace.judge.tasks import JUDGING

SILENT_HOURS = 6  # in a row without an answer, where some are usual
WORDS: dict[str, dict[str, Callable[[str, float], str]]] = {  # by task and limit
    "regression": {
        "loss_increase": lambda who, by: f"loss of {who} is {by:+.0%} against held rows",
        "bias_sd": lambda who, by: (
            f"outcomes of {who} are {'above' if by > 0 else 'below'} the predictions "
            f"by {abs(by):.2f} sd"
        ),
    },
    "binary": {
        "loss_increase": lambda who, by: (
            f"the probabilities of {who} are off by {by:+.0%} against held rows"
        ),
        "bias_sd": lambda who, by: (
            f"of {who} {'more' if by > 0 else 'fewer'} are positive than their probabilities "
            f"say, by {abs(by):.2f} sd against held rows"
        ),
    },
    "multiclass": {
        "loss_increase": lambda who, by: (
            f"the probabilities of {who} are off by {by:+.0%} against held rows"
        ),
        "bias_sd": lambda who, by: (
            f"predictions of {who} come true {'more' if by > 0 else 'less'} often than their "
            f"probabilities say, by {abs(by):.2f} sd against held rows"
        ),
    },
}
LEAST_USUAL, LEAST_SILENT = 20.0, 50.0  # answers, before their absence says anything


def of_drift(
    ranked: pd.DataFrame, predictions: pd.DataFrame, foreseen: float, params: AlarmParams
) -> Iterator[Cause]:
    """Yield what has moved, by what needs no outcome."""
    if ranked.empty and predictions.empty:
        return
    for one in raise_alarm(ranked, predictions, None, params, foreseen=foreseen).causes:
        kind = DATA if one.what == "feature" else PREDICTIONS
        yield Cause(kind, one.subject, one.words)


def of_losses(model: WatchedModel, rows: pd.DataFrame) -> Iterator[Cause]:
    """Yield where rows with outcomes have become worse, all or a slice."""
    params, held = model.alarm, model.held
    if held is None:
        return
    pair = [held, rows]
    if params.outcomes == "positives":
        pair = [one[one["outcome"] > 0.5] for one in pair]
    if min(map(len, pair)) < params.slice_min_rows:
        return
    labels: list[pd.DataFrame] = []
    if params.outcomes == "all":
        labels = [labels_of(model.problem, one) for one in pair]
        both = [name for name in labels[0] if name in labels[1]]
        labels = [one[both] for one in labels]
    task = model.problem.task
    changes = loss_changes(
        *(errors_of(model.problem, one) for one in pair),
        *labels,
        min_rows=params.slice_min_rows,
        unbiased=JUDGING[task].signed,
    )
    whole, empty = f"all {OUTCOMES[params.outcomes]}", pd.DataFrame()
    names = [_subject(one, whole) for one in changes.itertuples()]
    for measure, said in WORDS[task].items():
        amounts = dict(zip(names, changes[measure].astype(float), strict=True))
        others = dict.fromkeys(name for name in WORDS[task] if name != measure)
        limits = params.model_copy(update=others)
        for one in raise_alarm(empty, empty, changes, limits).causes:
            kind = PERFORMANCE if one.subject == whole else BIAS
            yield Cause(kind, one.subject, said(one.subject, amounts[one.subject]))


def _subject(row: Any, whole: str) -> str:
    """Return whose losses a row of `loss_changes` is about, as `alarmed` names them."""
    return whole if row.slice == "all" else f"{row.slice} {row.value}".strip()


def of_volume(
    by_hour: Sequence[int], earlier: np.ndarray, params: MonitoringParams
) -> Iterator[Cause]:
    """Yield whether a day that is over had far fewer answers than usual, or hours without any.

    earlier : answers by hour of the same weekday of earlier weeks, (n_weeks, n_hours); of what each
        of them had, more than chance is missing
    """
    if not len(earlier):
        return
    n, least = sum(by_hour), float(earlier.sum(axis=1).min())
    if least >= LEAST_USUAL and n < (1 - params.volume_change) * least:
        usual = float(np.median(earlier.sum(axis=1)))
        words = f"{n:,} answers, where {usual:,.0f} are usual on this weekday"
        yield Cause(VOLUME, "answers", words)
        return
    for start, end in _silent(by_hour):
        there = earlier[:, start:end].sum(axis=1)
        if end - start >= SILENT_HOURS and there.min() >= LEAST_SILENT:
            usual = float(np.median(there))
            words = f"no answer from {start}:00 to {end}:00, where {usual:,.0f} are usual"
            yield Cause(VOLUME, "answers", words)
            return


def _silent(by_hour: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield each run of hours without an answer, as (first, after the last)."""
    start = 0
    for hour, n in enumerate((*by_hour, 1)):
        if n:
            if hour > start:
                yield start, hour
            start = hour + 1


def of_refusals(
    refused: dict[str, int], n_answers: int, n_errors: int, params: MonitoringParams
) -> Iterator[Cause]:
    """Yield columns for which many rows are refused, and errors of the server."""
    rows = n_answers + sum(refused.values())
    for column, n in sorted(refused.items()):
        if n >= LEAST_USUAL and n > params.refused_share * rows:
            words = f"{n:,} of {rows:,} rows were refused for '{column}' ({n / rows:.0%})"
            yield Cause(REFUSALS, column, words)
    if n_errors >= LEAST_USUAL and n_errors > params.error_share * max(rows, 1):
        yield Cause(SYSTEM, "errors", f"{n_errors:,} requests ended with an error of the server")


def is_mature(n_known: int, n_sampled: int, params: MonitoringParams) -> bool:
    """Whether so much of a window is known that those outcomes are like the others."""
    return n_sampled > 0 and n_known >= params.least_known * n_sampled
