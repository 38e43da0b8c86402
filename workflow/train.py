"""Fit one problem's model on its windows: boosters, and the interval or the calibration.

chosen, fits = fit_bundle(...)     fitted on train; valid chooses the rounds and the loss
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from problems.contract import Problem
from retrace.base.errors import RetraceError
from retrace.encode.encoding import Encoding, from_scale
from retrace.encode.linear import COLUMN
from retrace.fit.beside import fit_beside
from retrace.fit.boosters import (
    BoosterParams,
    Fit,
    Layout,
    Link,
    Window,
    fit_booster,
    warnings_of,
)
from retrace.fit.bundle import Bundle, predict_scaled
from retrace.fit.calibration import CALIBRATIONS, logistic, softmax
from retrace.fit.intervals import Interval
from retrace.fit.starts import (
    MEAN,
    SHARES,
    WITH_EXTRA,
    averaged,
    layout_for,
    named,
    objective_for,
    seen_by,
)
from retrace.fit.tasks import TASKS, Promise
from retrace.judge.metrics import METRICS

Scores = dict[str, NDArray[np.float64]]


class TrainParams(BoosterParams):
    """`<problem>.train`: the boosters, and a regression's level of the interval (0.9).

    `loss` is a regression's on the fitted scale: l2 (where it is not given), l1, or best: both are
    fitted, and the one whose metric is better on the validation window is used.
    """

    # After the windows have chosen, fit again: on all that was known when the test began, which is
    # judged, and on all that is known, which ships. False ships the model that the windows chose.
    final: bool = True
    # Of rows that no time orders, folds are left out and scored until there are so many scores for
    # the interval or the calibration; 10,000 set a 90 % interval to within 0.6 points.
    held_least: int = Field(10_000, ge=1)
    # Of fewer such rows, folds of them all choose the rounds of the final fit: a tenth of them, as
    # the validation window has it, chooses by chance.
    folds_below: int = Field(10_000, ge=0)

    interval: float | None = Field(default=None, gt=0, lt=1)
    loss: Literal["l2", "l1", "best"] | None = None
    # Where the boosters start from: the offset (a linear or text model) where there is one, the
    # mean, both, or which of the three is best on rows that they were not fitted on. Without a
    # word it is the best where there is a linear model, else the offset.
    start: Literal["offset", "mean", "both", "best"] | None = None
    # Whether a booster of extremely random trees is averaged with each booster of the point.
    # Without a word folds choose, where the start is the best and the rows are few.
    extra_trees: bool | None = None
    # Whether LARGER trees than those above are fitted as well, and used where they err less.
    # Without a word they are where the start is the best.
    larger_trees: bool | None = None

    @property
    def level(self) -> float:
        return 0.9 if self.interval is None else self.interval


# Of several thousand rows without much noise, in which columns work together (journal).
LARGER = {"num_leaves": 31, "min_data_in_leaf": 10, "feature_fraction": 0.8}
FEW_VALID = 30  # rows (assumed): of fewer, one outcome decides
L2: dict[str, object] = {"objective": "regression", "metric": "rmse"}
L1: dict[str, object] = {"objective": "regression_l1", "metric": "mae"}
POISSON: dict[str, object] = {"objective": "poisson", "metric": "poisson"}  # on a log scale
BINARY: dict[str, object] = {"objective": "binary", "metric": "binary_logloss"}
MULTICLASS: dict[str, object] = {"objective": "multiclass", "metric": "multi_logloss"}


def objectives(
    problem: Problem, params: TrainParams, n_classes: int = 0
) -> dict[str, dict[str, object]]:
    """Return LightGBM's objective of each booster of the task.

    Raises RetraceError for a metric that the task has not.
    """
    known = [name for name, metric in METRICS.items() if problem.task in metric.tasks]
    if problem.metric not in known:
        raise RetraceError(
            f"{problem.name}: the metric '{problem.metric}' is none of a {problem.task} problem; "
            f"there are {', '.join(known)}."
        )
    if problem.task != "regression":
        of_classes = {**MULTICLASS, "num_class": n_classes}
        return {"point": BINARY if problem.task == "binary" else of_classes}
    tail = (1 - params.level) / 2
    return {
        "point": _point(problem, params),
        "lower": {"objective": "quantile", "alpha": tail, "metric": "quantile"},
        "upper": {"objective": "quantile", "alpha": 1 - tail, "metric": "quantile"},
    }


def _point(problem: Problem, params: TrainParams) -> dict[str, object]:
    if params.loss is None and problem.metric == "poisson_deviance" and problem.scale == "identity":
        return POISSON
    return L1 if params.loss == "l1" else L2


def layout_of(problem: Problem, encoding: Encoding, objective: Mapping[str, object]) -> Layout:
    """Return what the columns of the encoding are.

    Boosters start from the problem's offset, else from the column of the linear or the text model,
    where there is one; from none of a log scale that no column has.
    """
    kind = objective["objective"]
    offset = problem.offset or encoding.start
    if kind == "poisson":
        offset = None
    link: Link = "log" if kind == "poisson" else None
    return Layout(encoding.columns, encoding.encoder.categorical, offset, link)


def uncalibrated(problem: Problem, scaled: np.ndarray) -> np.ndarray:
    """Return what scores on the fitted scale say in the target's unit, or as probabilities."""
    if problem.task == "regression":
        return from_scale(scaled, problem.scale)
    return logistic(scaled) if problem.task == "binary" else softmax(scaled)


def check_target(problem: Problem, target: np.ndarray, objective: Mapping[str, object]) -> None:
    """Raise RetraceError for outcomes that the objective cannot learn."""
    if problem.task == "binary":
        check_classes(problem, target)
    if objective["objective"] == "poisson" and (target.min() < 0 or not target.any()):
        raise RetraceError(
            f"{problem.name}: the Poisson deviance is of counts, of which some are above 0; "
            f"'{problem.target}' goes from {target.min():g} to {target.max():g}. Choose another "
            "metric, such as rmse."
        )


def check_classes(problem: Problem, target: np.ndarray) -> None:
    """Raise RetraceError unless the training outcomes are 0 and 1, and both are there."""
    found = np.unique(target)
    if not np.isin(found, [0.0, 1.0]).all():
        raise RetraceError(
            f"{problem.name}: the target '{problem.target}' of a binary problem has values other "
            f"than 0 and 1, such as {found[~np.isin(found, [0.0, 1.0])][0]:g}."
        )
    if len(found) == 1:
        raise RetraceError(
            f"{problem.name}: all {len(target):,} rows of the training window have "
            f"'{problem.target}' = {found[0]:g}; a classifier needs both classes. Widen the "
            f"training window under '{problem.name}.split' in params.yaml, or look for labels "
            "that were lost."
        )


def fit_bundle(
    problem: Problem,
    encoding: Encoding,
    windows: Mapping[str, Window],
    params: TrainParams,
    *,
    intervals: bool = True,
    folds_choose: bool = False,
    **how: Any,
) -> tuple[Bundle, dict[str, Fit]]:
    """Fit the task's boosters; valid chooses the rounds, calibration what makes a promise of them:
    the widening of an interval, or the probabilities of a classifier.

    Without `intervals` a regression has its point alone. Where `folds_choose` afterwards, start and
    trees are the first ones. `how` goes to `fit_booster`, and changes no tree.
    """
    objective = objectives(problem, params, len(encoding.classes))["point"]
    check_target(problem, windows["train"][1], objective)
    layout = layout_of(problem, encoding, objective)
    names = TASKS[problem.task].boosters if intervals else ("point",)
    tried = (starts_of(layout, params), sizes_of(layout, params))
    tried = (tried[0][:1], [{}]) if folds_choose else tried
    fits, trees = fit_boosters(problem, encoding, layout, windows, params, names, tried, how)
    boosters, share = averaged({name: fit.booster for name, fit in fits.items()})
    layout = replace(layout, share=share)
    calibration = windows["calibration"]
    scores = predict_scaled(boosters, layout, calibration[0])
    bundle = Bundle(
        problem=problem.name,
        task=problem.task,
        unit=problem.unit,
        scale=problem.scale,
        encoding=encoding,
        boosters=boosters,
        offset=layout.offset,
        link=layout.link,
        share=share,
        promise=promise_of(problem, calibration[1], scores, params),
        card={
            "rows": {name: len(window[1]) for name, window in windows.items()},
            "rounds": {name: fit.booster.best_iteration for name, fit in fits.items()},
            "warnings": [
                *few_words(windows, folds_choose=folds_choose),
                *warnings_of(
                    {name: fit.booster.best_iteration for name, fit in fits.items()},
                    [name for name, fit in fits.items() if len(fit.curve) >= params.max_rounds],
                    params,
                ),
            ],
            **({"loss": chosen_loss(point_of(fits))} if params.loss else {}),
            **({"trees": trees} if trees else {}),
            "params": params.model_dump(exclude_none=True),
        },
    )
    return bundle, fits


def few_words(windows: Mapping[str, Window], *, folds_choose: bool) -> list[str]:
    """Say that a validation window chooses by chance, where it has few rows and nothing else does
    what it is there for."""
    n = len(windows["valid"][1])
    if folds_choose or n >= FEW_VALID:
        return []
    return [
        f"the validation window has {n} rows, by which rounds and loss are chosen: that is chance. "
        "Hold the model against the rule, and bring more rows."
    ]


def promise_of(
    problem: Problem,
    target: NDArray[np.float64],
    scores: Scores,
    params: TrainParams,
    half_life: float | None = None,
) -> Promise | None:
    """Return what the task promises, from scores of rows that no booster was fitted on; None of a
    regression's point alone. With a half-life, in rows, the oldest row comes first."""
    if problem.task in CALIBRATIONS:
        return CALIBRATIONS[problem.task].fit(target, scores["point"])
    if "lower" not in scores:
        return None
    return Interval.fit(target, scores, params.level, half_life=half_life)


def starts_of(layout: Layout, params: TrainParams, *, few: bool = False) -> list[str]:
    """Return the starts of which one is chosen; of `few` rows those with extremely random trees as
    well."""
    begins = list(SHARES) if _best(layout, params) else [params.start or "offset"]
    if layout.offset is None:
        begins = ["offset"]
    extra = params.extra_trees
    if extra is None:
        endings = ["", WITH_EXTRA] if few and _best(layout, params) else [""]
    else:
        endings = [WITH_EXTRA] if extra else [""]
    return [begin + ending for begin in begins for ending in endings]


def sizes_of(layout: Layout, params: TrainParams) -> list[dict[str, float]]:
    """Return by what the sizes of trees that are tried differ from the parameters."""
    larger = params.larger_trees
    if larger is None:
        larger = _best(layout, params) and params.num_leaves < LARGER["num_leaves"]
    return [{}, LARGER] if larger else [{}]


def _best(layout: Layout, params: TrainParams) -> bool:
    """Whether the best start is used: without a word where there is a linear model."""
    return (params.start or ("best" if layout.offset == COLUMN else "offset")) == "best"


def point_names(starts: Sequence[str]) -> tuple[str, ...]:
    """Return the boosters of the point that these starts are made of."""
    return tuple(dict.fromkeys(name for start in starts for name in named("point", start)))


def best_start(
    problem: Problem, starts: Sequence[str], target: NDArray[np.float64], scores: Scores
) -> tuple[str, float]:
    """Return the start whose mean loss is least by the scores of the point's boosters, and it."""
    actual = from_scale(target, problem.scale) if problem.task == "regression" else target
    found = {}
    for start in starts:
        score = np.mean([scores[name] for name in named("point", start)], axis=0)
        losses = METRICS[problem.metric].losses(actual, uncalibrated(problem, score))
        found[start] = float(losses.mean())
    start = min(found, key=lambda one: found[one])
    return start, found[start]


def fit_boosters(
    problem: Problem,
    encoding: Encoding,
    layout: Layout,
    windows: Mapping[str, Window],
    params: TrainParams,
    names: Sequence[str],
    tried: tuple[Sequence[str], Sequence[Mapping[str, float]]],
    how: dict[str, Any],
) -> tuple[dict[str, Fit], Mapping[str, float]]:
    """Fit the boosters of these names; return by which size of trees, too. With the loss `best` the
    point is the better of two; all start as the point does best of the starts that are `tried`, and
    have those of the sizes of trees with which it does."""
    train, valid = windows["train"], windows["valid"]
    chosen, starts = objectives(problem, params, len(encoding.classes)), tried[0]

    def fit(objective: dict[str, object], name: str, trees: Mapping[str, float], n: int) -> Fit:
        own, sized = layout_for(name, layout), params.model_copy(update=trees)
        rows, others = (seen_by(name, own, window) for window in (train, valid))
        objective = objective_for(name, objective)
        return fit_booster(rows, others, own, sized, objective, **{"num_threads": n, **how})

    def beside(fits: Mapping[Any, Callable[[int], Fit]]) -> dict[Any, Fit]:
        return fit_beside(fits, len(train[1]), 1 if how else 0)  # a search has threads of its own

    best = problem.task == "regression" and params.loss == "best"
    losses = {"": chosen["point"], **({"l1": L1} if best else {})}
    sizes = dict(enumerate(tried[1]))
    fitted = beside(
        {
            (size, name, loss): partial(fit, losses[loss], name, trees)
            for size, trees in sizes.items()
            for name in point_names(starts)
            for loss in losses
        }
    )

    def point(size: int) -> tuple[float, str, dict[str, Fit], Mapping[str, float]]:
        fits, scores = {}, {}
        for name in point_names(starts):
            own = layout_for(name, layout)
            fits[name] = better(problem, own, valid, *(fitted[size, name, loss] for loss in losses))
            scores[name] = predict_scaled({"point": fits[name].booster}, own, valid[0])["point"]
        start, loss = best_start(problem, starts, valid[1], scores)
        return loss, start, {name: fits[name] for name in named("point", start)}, sizes[size]

    _, start, fits, trees = min(map(point, sizes), key=lambda one: one[0])
    bounds = [(other, name) for other in names[1:] for name in named(other, start)]
    rest = beside({name: partial(fit, chosen[other], name, trees) for other, name in bounds})
    return fits | rest, trees


def point_of(fits: Mapping[str, Fit]) -> Fit:
    """Return the fit of the point, of several one that starts from the offset."""
    return fits["point"] if "point" in fits else fits["point" + MEAN]


def chosen_loss(fit: Fit) -> str:
    return "l1" if fit.booster.params.get("objective") == "regression_l1" else "l2"


def better(problem: Problem, layout: Layout, valid: Window, *fits: Fit) -> Fit:
    """Return the fit whose metric is lower on the validation window, in the target's unit."""
    metric, actual = METRICS[problem.metric], from_scale(valid[1], problem.scale)
    scores = []
    for fit in fits:
        predicted = predict_scaled({"point": fit.booster}, layout, valid[0])["point"]
        scores.append(metric(actual, from_scale(predicted, problem.scale)))
    return fits[int(np.argmin(scores))]
