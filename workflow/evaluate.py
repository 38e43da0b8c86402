"""Judge a model on rows that it has not seen, beside the rule, the naive average and the oracle."""

import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd

from problems import parts
from problems.contract import EvaluateParams, Evaluation, Problem
from problems.predict import predict
from retrace.base.arrays import from_frame, to_frame
from retrace.base.errors import RetraceError
from retrace.base.tables import Column, Table
from retrace.encode.folds import folds_of
from retrace.fit.bundle import Bundle
from retrace.fit.intervals import Interval
from retrace.judge import metrics
from retrace.judge.comparison import Difference, paired_difference
from workflow.blocks import blocks_of
from workflow.final import OLDER, Held
from workflow.following import followed

BASELINES = ("rule", "naive", "oracle")
TOLD = "told"  # in tables.json
VALID_RULE = "valid_rule"  # in the comparison: the rule on rows that chose
VALID = "valid_"  # before the name of a figure of rows that chose, and not of the test's


def score(
    problem: Problem,
    bundle: Bundle,
    rows: pd.DataFrame,
    train: pd.DataFrame,
    test: pd.DataFrame,
    held: Held,
    settings: EvaluateParams,
) -> pd.DataFrame:
    """Return the rows of `test` with outcome, predictions, rule and naive.

    `rows` are all clean rows, whose outcomes may be history; `train` those that the model was
    fitted on, and rule and naive may learn from; `held` those that made its promise. An interval
    that follows the newest outcomes is that of each row's day.
    """
    rules = parts.rules(problem.world)
    promise = bundle.promise
    if isinstance(promise, Interval) and promise.half_life is not None:
        answers = followed(problem, bundle, promise, rows, train, test, held)
    else:
        answers = predict(problem, bundle, test.drop(columns=problem.target), past=rows)
    found = test.assign(outcome=problem.outcome(test), **answers)
    for name, baseline in (("rule", rules.rule), ("naive", rules.naive)):
        found = metrics.beside(found, baseline(problem, train, test, settings), name)
    return found


def ruled(
    problem: Problem, train: pd.DataFrame, valid: pd.DataFrame, settings: EvaluateParams
) -> pd.DataFrame:
    """Return the rows of the validation window as the test's own rule sees them: its rates are few
    values, of which a threshold is one. It has seen these rows, which is in its favour."""
    rule = parts.rules(problem.world).rule(problem, train, valid, settings)
    return metrics.beside(valid.assign(outcome=problem.outcome(valid)), rule, "prediction")


def with_thresholds(
    problem: Problem,
    scored: pd.DataFrame,
    held: pd.DataFrame,
    known: pd.DataFrame,
    valid: pd.DataFrame,
    settings: EvaluateParams,
) -> pd.DataFrame:
    """Add from which probability to act, of the model and of its rule, where a problem has one:
    held rows choose the first and those of validation the second, since test rows choose nothing.
    """
    threshold = parts.evaluation(problem.world).threshold
    if threshold is None or problem.task != "binary":
        return scored
    by_rule = ruled(problem, known, valid, settings)
    return scored.assign(
        threshold=threshold(problem, held, settings),
        rule_threshold=threshold(problem, by_rule, settings),
    )


def with_oracle(problem: Problem, scored: pd.DataFrame, truth: pd.DataFrame | None) -> pd.DataFrame:
    """Add the oracle where the truth of every row is known."""
    oracle = parts.rules(problem.world).oracle
    if truth is None or oracle is None:
        return scored
    best = oracle(problem, scored, truth)
    return metrics.beside(scored, best, "oracle") if np.all(best.notna()) else scored


def held_rows(problem: Problem, bundle: Bundle, rows: pd.DataFrame, held: Held) -> pd.DataFrame:
    """Return clean rows that the model was fitted without, with outcome and predictions."""
    found = select(rows, held.keys[list(problem.key)])
    answers = to_frame(bundle.answers(held.scores), found.index)
    if OLDER in held.keys:
        found = found.assign(**{OLDER: held.keys[OLDER].to_numpy()})
    return pd.concat([found.assign(outcome=problem.outcome(found)), answers], axis=1)


def newest(held: pd.DataFrame) -> pd.DataFrame:
    """Return held rows without the older ones of an order in time: later rows choose."""
    return held[~held[OLDER]] if OLDER in held else held


def with_valid(
    problem: Problem, held: pd.DataFrame, figures: Mapping[str, float]
) -> dict[str, float]:
    """Put the metric of rows that their fits did not see first: experiments are chosen by it. Rows
    of one class may have none."""
    key, value = (
        metrics.key_of(problem.metric, problem.unit),
        metrics.metric_of(problem.metric, held),
    )
    return {VALID + key: value, **figures} if np.isfinite(value) else dict(figures)


def select(rows: pd.DataFrame, keys: pd.DataFrame) -> pd.DataFrame:
    """Return the clean rows that have these keys, in the order of the keys.

    Raises RetraceError for a key that no clean row has.
    """
    found = keys.merge(rows, how="left", on=list(keys), validate="one_to_one", indicator="known")
    if (found["known"] != "both").any():
        raise RetraceError(
            "data/features names rows that data/clean has not. Run `dvc repro`, which makes both "
            "from the same data."
        )
    return found.drop(columns="known")


def compare_with_baselines(problem: Problem, scored: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Compare the model with each baseline on the same rows, by the loss of the metric.

    The `share` bounds are those of the difference as a share of the baseline's mean loss.
    `coverage` is the share of outcomes inside the interval, and how far chance may move it.
    """
    _, blocks = blocks_of(problem, scored)
    model = metrics.losses(problem.metric, scored)
    found = {}
    for name in BASELINES:
        if name in scored:
            theirs = metrics.losses(problem.metric, scored, name)
            found[name] = _compared(paired_difference(model, theirs, blocks=blocks))
    if "lower" in scored:
        inside = scored["outcome"].between(scored["lower"], scored["upper"]).astype("float64")
        share = paired_difference(np.zeros(len(scored)), inside, blocks=blocks)
        found["coverage"] = {
            "share": share.mean,
            "lower_95": share.lower,
            "upper_95": share.upper,
            "rows": share.n_rows,
        }
    return found


def beside_rule(
    problem: Problem, known: pd.DataFrame, held: pd.DataFrame, settings: EvaluateParams
) -> dict[str, dict[str, float]]:
    """Compare the model with the rule on rows that neither has seen: a model that does not beat the
    rule there was not worth choosing, whatever the test says.

    known : the rows that the model and the rule of the test learn from; held : those of them that
    the model was fitted without, with its predictions. The rule is made without each fifth in turn.
    """
    key = list(problem.key)
    folds = folds_of(from_frame(held[list(problem.group or problem.key)]), seed=1)
    fold_of = known[key].merge(held[key].assign(fold=folds), how="left", on=key)["fold"].to_numpy()
    made = parts.rules(problem.world).rule
    found = []
    for fold in np.unique(folds):
        learnt = known[fold_of != fold]
        if learnt.empty:
            return {}
        found.append(made(problem, learnt, held[folds == fold], settings))
    told = pd.concat(found).reindex(held.index)
    if isinstance(told, pd.DataFrame):  # a class that the other folds have not
        told = told.fillna(0.0)
    rows = metrics.beside(held, told, "rule")
    losses = [metrics.losses(problem.metric, rows, *name) for name in ((), ("rule",))]
    difference = paired_difference(*losses, blocks=blocks_of(problem, rows)[1])
    return {VALID_RULE: _compared(difference)}


def _compared(difference: Difference) -> dict[str, float]:
    return {
        "loss_difference": difference.mean,
        "lower_95": difference.lower,
        "upper_95": difference.upper,
        "rows": difference.n_rows,
        **_shares(difference),
    }


def _shares(difference: Difference) -> dict[str, float]:
    """Return the bounds as shares; nothing where a baseline without losses has none."""
    if not np.isfinite([difference.share_lower, difference.share_upper]).all():
        return {}
    return {
        "share_lower_95": difference.share_lower,
        "share_upper_95": difference.share_upper,
    }


def declared(
    problem: Problem,
    evaluation: Evaluation,
    figures: Mapping[str, float],
    tables: Mapping[str, Table],
    told: str | None = None,
) -> dict[str, Any]:
    """Return what the report must know of a problem's metric, figures and tables, as JSON, and
    which forecast is told, where costs choose it."""
    metric = metrics.METRICS[problem.metric]
    return {
        "problem": {"task": problem.task, "unit": problem.unit, "world": problem.world},
        "metric": {
            "name": problem.metric,
            "words": metric.words,
            "unit": problem.unit if metric.in_unit else "",
            "higher_is_better": metric.higher_is_better,
            "loss": metric.loss_words,
            "of_losses": metric.of_losses,
        },
        "figures": {key: asdict(words_of(problem, evaluation, key)) for key in figures},
        "tables": {name: table.declared() for name, table in tables.items()},
        **({TOLD: told} if told else {}),
    }


def words_of(problem: Problem, evaluation: Evaluation, key: str) -> Column:
    """Say what a key of the metrics file is: the problem's own words, or a metric's."""
    for name, column in evaluation.words.items():
        found = re.fullmatch(re.escape(name).replace(r"\*", r"(\d+)"), key)
        if found:
            return replace(column, words=column.words.replace("*", "".join(found.groups())))
    if key.startswith(VALID):
        column = words_of(problem, evaluation, key.removeprefix(VALID))
        return replace(column, words=f"{column.words} on validation, to choose by")
    owner, _, rest = key.partition("_")
    if owner in BASELINES and rest and key != "oracle_ratio":
        column = words_of(problem, evaluation, rest)
        return replace(
            column, words=f"{column.words} of the {'naive average' if owner == 'naive' else owner}"
        )
    if covered := re.fullmatch(r"coverage_(\d+)", key):
        return Column(f"outcomes inside the {covered[1]} % interval", kind="share")
    unit = problem.unit.lower().replace(" ", "_")
    stem = key.removesuffix(f"_{unit}")
    metric = metrics.METRICS.get(stem)
    words = {"oracle_ratio": "error as a multiple of the oracle's", "bias": "bias"}.get(stem)
    return Column(
        metric.words if metric else words or stem.replace("_", " "),
        problem.unit if stem != key else "",
    )
