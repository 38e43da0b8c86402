"""The one path from clean rows to predictions, in training, batch and serving alike."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pandas as pd
from numpy.typing import NDArray

from problems import parts
from problems.contract import Features, Problem
from problems.featurize import features_of
from retrace.base.arrays import Arrays, to_frame
from retrace.base.params import Params, parse_section
from retrace.fit.bundle import Bundle
from retrace.past.state import State

ENCODER = Path("encoder.json")  # of the bundle


@dataclass(frozen=True)
class Predictor:
    """A model that answers one request after the other, loaded once.

    `state` is what is known of the problem's entities until now; a problem without history has
    none. Its answers are to the bit those of `predict`.
    """

    problem: Problem
    bundle: Bundle
    part: Features
    settings: Params
    state: State | None = None

    @classmethod
    def of(cls, problem: Problem, bundle: Bundle, state: pd.DataFrame | None = None) -> Self:
        """Make one from a bundle and the table of data/state (without it nothing is known yet)."""
        part = parts.features(problem.world)
        settings = settings_of(part, bundle)
        kind = part.history.state if part.history else None
        if kind is None:
            return cls(problem, bundle, part, settings)
        known = kind.empty(settings) if state is None else kind.from_table(state, settings)
        return cls(problem, bundle, part, settings, known)

    def answer(self, rows: Arrays) -> dict[str, NDArray[Any]]:
        """Predict one clean row, or one whole group: arrays of length one, or of its rows.

        Texts are object arrays of str, times datetime64[us] in UTC. The outcome is not needed.
        """
        known = {} if self.state is None else self.state.look_up(rows)
        return self.answer_known(rows, known)

    def answer_known(self, rows: Arrays, known: Arrays) -> dict[str, NDArray[Any]]:
        """Predict clean rows of whose entities is known what `known` says."""
        features = self.part.features(rows, known, self.settings)
        complete = self.problem.columns.complete(features, self.bundle.encoding.encoder)
        return self.bundle.predict(complete, num_threads=1)


def settings_of(part: Features, bundle: Bundle) -> Params:
    """Return the settings of the features that the model was fitted on."""
    return parse_section(
        part.settings, bundle.encoding.feature_settings, "feature_settings", ENCODER
    )


def predict(
    problem: Problem,
    bundle: Bundle,
    clean_rows: pd.DataFrame,
    *,
    past: pd.DataFrame | None = None,
    num_threads: int = 0,
) -> pd.DataFrame:
    """Predict each clean row: prediction, lower, upper, p50, p80 and p90 in the problem's unit;
    of a classifier the probability alone.

    The outcome need not be among the columns of `clean_rows`. `past` are clean rows with outcomes,
    for problems with history: a row uses those that were known at its own time of prediction.
    """
    settings = settings_of(parts.features(problem.world), bundle)
    found = features_of(problem.world, clean_rows, settings, past)
    found = problem.columns.complete(found, bundle.encoding.encoder)
    return to_frame(bundle.predict(found, num_threads), clean_rows.index)
