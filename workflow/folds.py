"""Rounds and start by folds, where the rows are few and a validation window chooses by chance."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from problems.contract import Problem
from retrace.encode.encoding import Encoding
from retrace.fit.beside import SideBySide
from retrace.fit.boosters import (
    Window,
    best_rounds,
    rows_at,
    warnings_of,
    weight_of,
    window_of,
)
from retrace.fit.bundle import Bundle
from retrace.fit.starts import base, layout_for, named, objective_for, seen_by, share_of
from workflow.refit import settled
from workflow.train import (
    Scores,
    TrainParams,
    best_start,
    layout_of,
    objectives,
    point_names,
    sizes_of,
    starts_of,
)


def without_fold(
    problem: Problem, encoding: Encoding, rows: Window, folds: NDArray[np.int64], fold: int
) -> Window:
    """Return the rows of the other folds as an encoding has them that never saw this one.

    What a linear model says of a row out of fold, it has from all other folds: boosters that start
    from it would learn what the rows left out have told, and lose on them with each round.
    """
    others = folds != fold
    left = rows_at(rows, others)
    if not encoding.linear:
        return left
    binary = problem.task == "binary"
    _, matrix = encoding.with_linear(left[0], left[1], folds[others], binary=binary)
    return window_of(matrix, left[1], weight_of(left))


def with_rounds_of_folds(
    problem: Problem,
    chosen: Bundle,
    encoding: Encoding,
    rows: Window,
    folds: NDArray[np.int64],
    params: TrainParams,
) -> tuple[Bundle, Scores]:
    """Return what was chosen, with the rounds, start and trees that are best out of fold; and what
    boosters with these score out of fold, as `Held` has it."""
    found = objectives(problem, settled(params, chosen), len(encoding.classes))
    layout = layout_of(problem, encoding, found["point"])
    order = np.argsort(np.argsort(folds, kind="stable"), kind="stable")

    def part(fold: int) -> tuple[Window, Window]:
        return without_fold(problem, encoding, rows, folds, fold), rows_at(rows, folds == fold)

    with SideBySide(len(np.unique(folds))) as beside:
        parts = beside.each(part, np.unique(folds).tolist())

    def out_of_fold(name: str, trees: Mapping[str, float]) -> tuple[int, NDArray[np.float64]]:
        own, sized = layout_for(name, layout), params.model_copy(update=trees)
        seen = [(seen_by(name, own, train), seen_by(name, own, out)) for train, out in parts]
        objective = objective_for(name, found[base(name)])
        rounds, scores = best_rounds(seen, own, sized, objective, base(name))
        return rounds, np.concatenate(scores)[order]

    def best(starts: list[str]) -> tuple[str, float]:
        scores = {name: score for name, (_, score) in point.items()}
        return best_start(problem, starts, rows[1], scores)

    tried = []
    for trees in sizes_of(layout, params):
        point = {name: out_of_fold(name, trees) for name in point_names(starts_of(layout, params))}
        tried.append((best(starts_of(layout, params))[1], point, trees))
    _, point, trees = min(tried, key=lambda one: one[0])
    starts = starts_of(layout, params, few=True)
    point |= {name: out_of_fold(name, trees) for name in point_names(starts) if name not in point}
    start, _ = best(starts)
    others = dict.fromkeys(base(name) for name in chosen.card["rounds"] if base(name) != "point")
    bounds = [name for other in others for name in named(other, start)]
    found_of = {name: point[name] for name in named("point", start)}
    found_of |= {name: out_of_fold(name, trees) for name in bounds}
    rounds = {name: best for name, (best, _) in found_of.items()}
    unstopped = [name for name, best in rounds.items() if best >= params.max_rounds]
    warnings = warnings_of(rounds, unstopped, params)
    card = {**chosen.card, "rounds": rounds, "warnings": warnings, "trees": trees}
    scores = {name: score for name, (_, score) in found_of.items()}
    return replace(chosen, share=share_of(start), card=card), _averages(scores)


def _averages(scores: Scores) -> Scores:
    """Return the mean score of the boosters that each one is made of."""
    return {
        name: np.mean([score for one, score in scores.items() if base(one) == name], axis=0)
        for name in dict.fromkeys(map(base, scores))
    }
