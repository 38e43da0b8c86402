"""The one path from clean rows to predictions, in training, batch and serving alike."""

from pathlib import Path

import pandas as pd

from problems import parts
from problems.contract import Problem
from problems.featurize import features_of
from retrace.base.arrays import to_frame
from retrace.base.params import parse_section
from retrace.fit.bundle import Bundle

ENCODER = Path("encoder.json")  # of the bundle


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
    features = parts.features(problem.world)
    settings = parse_section(
        features.settings, bundle.encoding.feature_settings, "feature_settings", ENCODER
    )
    found = features_of(problem.world, clean_rows, settings, past)
    found = problem.columns.complete(found, bundle.encoding.encoder)
    return to_frame(bundle.predict(found, num_threads), clean_rows.index)
