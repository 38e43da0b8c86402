"""Settle what `<problem>.features` leaves open (`auto`): groups of columns such as history.

Windows that a hash draws cannot see that a group acts as a calendar: what a count or a mean of the
past says of its rows may be no more than when they were. So models of earlier rows are judged on
later ones, with the group and without, from several origins: one season is no evidence.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from problems import parts
from problems.contract import Problem
from problems.featurize import known_of
from retrace.base.arrays import Arrays, from_frame, take
from retrace.base.params import AUTO, Params
from retrace.checks.columns import explained, groups
from retrace.checks.screens import Screens
from retrace.encode.encoders import EncodeParams
from retrace.encode.encoding import from_scale
from retrace.encode.text.model import TextParams
from retrace.fit.boosters import fit_rounds
from retrace.fit.bundle import predict_scaled
from retrace.judge.comparison import Difference, paired_difference, plain
from retrace.judge.metrics import METRICS
from workflow.blocks import blocks_of
from workflow.featurize import fit_encoding
from workflow.train import TrainParams, layout_of, objectives, uncalibrated

ORIGINS = (0.5, 0.75, 1.0)  # shares of the rows, by start: fitted before one, judged until the next
LEAST_ROWS, MOST_GROUPS = 1000, 500  # to tell whether a column tells the date
MOST_ROWS = 20_000  # of each fit and each judgement; more tell no more of a group of columns
ROUNDS = 100
QUICK = TrainParams(learning_rate=0.1, num_leaves=15, max_bin=63, feature_fraction=0.5)

Mask = NDArray[np.bool_]
Places = NDArray[np.int64]
Fold = tuple[Places, Places]  # what models are fitted on, and the later rows that judge them


@dataclass(frozen=True)
class Choice:
    """Whether a group of columns is used, and by how much the mean loss of later rows falls with
    it: `gain`, with its paired 95 % interval."""

    name: str
    used: bool
    gain: float
    lower: float
    upper: float
    rows: int

    @property
    def words(self) -> str:
        change, lower, upper = plain(
            0.0 - self.gain, 0.0 - self.upper, 0.0 - self.lower, digits=3, sign="+"
        )
        figures = f"with it the mean loss of {self.rows:,} later rows changes by {change} (95 % "
        figures += f"{lower} to {upper})"
        if self.used:
            return f"features.{self.name} is used: {figures}."
        return (
            f"features.{self.name} is left out: {figures}, which is no gain beyond chance. "
            f"`features.{self.name}: true` takes it all the same."
        )


def settle(
    problem: Problem,
    rows: pd.DataFrame,
    training: Mask,
    target: NDArray[np.float64],
    settings: Params,
    encode: EncodeParams,
    text: TextParams,
    classes: tuple[str, ...] = (),
) -> tuple[Params, list[Choice]]:
    """Return the settings of the features with nothing left open, and what was chosen.

    training, target : (n_rows,), the rows that may be looked at, and the fitted target

    A group stays where later rows are forecast better with it beyond chance, paired by the blocks
    of `blocks_of`. Without a time nothing speaks against any group.
    """
    names = [name for name, value in settings if value == AUTO]
    folds = _folds(problem, rows, training) if names else []
    folds = [fold for fold in folds if len(np.unique(target[fold[0]])) > 1]
    if not folds:
        return settings.model_copy(update=dict.fromkeys(names, True)), []
    judge = _Judge(problem, rows, target, folds, settings, encode, text, classes)
    choices = []
    for name in names:
        with_it, without = (settings.model_copy(update={name: on}) for on in (True, False))
        found = judge.gain(with_it, without)
        used = found.lower > 0
        choices.append(Choice(name, used, found.mean, found.lower, found.upper, found.n_rows))
        settings = with_it if used else without
    return settings, choices


def dated(
    rows: pd.DataFrame, time: str | None, features: Arrays, columns: Sequence[str]
) -> dict[str, float]:
    """Return the columns that tell when a row was, with the share of the variance of its time that
    they explain alone, out of fold; the clearest first. `columns` are those that models see."""
    if time is None or len(rows) < LEAST_ROWS:
        return {}
    thin = _thinned(np.arange(len(rows)))
    when = rows[time].iloc[thin].rank(pct=True).to_numpy()
    found = {}
    for name in columns:
        if name in features and not isinstance(features[name][0], str):
            values = pd.Series(features[name][thin])
            share = explained(when, groups(values, min(len(thin) // 20, MOST_GROUPS)))
            if share > Screens().dated:
                found[name] = round(share, 3)
    return dict(sorted(found.items(), key=lambda one: -one[1]))


def dated_words(found: Mapping[str, float]) -> Iterator[str]:
    """Say which columns tell the date, if any."""
    if found:
        shares = ", ".join(f"{name} ({share:.0%})" for name, share in found.items())
        yield (
            f"columns that tell when a row was, by share of its variance: {shares}. On "
            "later rows they have values that no training row had: rates or shares are safer."
        )


def _folds(problem: Problem, rows: pd.DataFrame, training: Mask) -> list[Fold]:
    """Return the places of earlier and of later training rows, by origin; none without a time."""
    places = np.flatnonzero(training)
    if problem.time is None or not len(places):
        return []
    begun = rows.groupby(list(problem.group or problem.key), sort=False)[problem.time]
    start = begun.transform("min").to_numpy()[places]
    cuts = [np.sort(start)[int(share * (len(start) - 1))] for share in ORIGINS]
    found = [
        (_thinned(places[start <= cut]), _thinned(places[(start > cut) & (start <= until)]))
        for cut, until in pairwise(cuts)
    ]
    return [(earlier, later) for earlier, later in found if len(later)]


def _thinned(places: Places) -> Places:
    return places[:: -(-len(places) // MOST_ROWS) or 1]


class _Judge:
    """Fits models of the earlier rows, and compares them on the later ones."""

    def __init__(
        self,
        problem: Problem,
        rows: pd.DataFrame,
        target: NDArray[np.float64],
        folds: list[Fold],
        settings: Params,
        encode: EncodeParams,
        text: TextParams,
        classes: tuple[str, ...],
    ) -> None:
        self._problem, self._target, self._classes = problem, target, classes
        self._folds = folds
        self._encode, self._text = encode, text
        self._arrays = from_frame(rows)
        self._known = known_of(problem.world, self._arrays, settings)
        self._keys = from_frame(rows[list(problem.group or problem.key)])
        judged = np.concatenate([later for _, later in folds])
        self._blocks = blocks_of(problem, rows.iloc[judged])[1]
        self._losses: dict[str, NDArray[np.float64]] = {}

    def gain(self, one: Params, other: Params) -> Difference:
        """Return how much lower the losses are of a model with the settings `one`."""
        return paired_difference(self._of(one), self._of(other), blocks=self._blocks)

    def _of(self, settings: Params) -> NDArray[np.float64]:
        """Return the loss of each later row, shape (n_later,)."""
        name = settings.model_dump_json()
        if name not in self._losses:
            part = parts.features(self._problem.world)
            features = part.features(self._arrays, self._known, settings)
            losses = [self._judged(features, *fold) for fold in self._folds]
            self._losses[name] = np.concatenate(losses)
        return self._losses[name]

    def _judged(self, features: Arrays, earlier: Places, later: Places) -> NDArray[np.float64]:
        problem = self._problem
        target = self._target[earlier]
        encoding, matrix = fit_encoding(
            problem,
            take(self._keys, earlier),
            take(features, earlier),
            target,
            {},
            self._encode,
            self._text,
            self._classes,
        )
        objective = objectives(problem, QUICK, len(self._classes))["point"]
        layout = layout_of(problem, encoding, objective)
        booster = fit_rounds((matrix, target), layout, QUICK, objective, ROUNDS)
        columns = encoding.transform(take(features, later))
        scores = predict_scaled({"point": booster}, layout, columns)["point"]
        actual = from_scale(self._target[later], problem.scale)
        found = METRICS[problem.metric].losses(actual, uncalibrated(problem, scores))
        return np.asarray(found, np.float64)
