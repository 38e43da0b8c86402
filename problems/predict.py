"""The one path from clean rows to predictions, in training, batch and serving alike."""

import hashlib
from pathlib import Path

import pandas as pd

from problems.contract import Problem, part
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
    features = part(problem.world, "features")
    settings = parse_section(
        features.Settings, bundle.encoding.feature_settings, "feature_settings", ENCODER
    )
    columns = features.features(clean_rows, settings, past)
    return bundle.predict(problem.columns.complete(columns, bundle.encoding.encoder), num_threads)


def prediction_ids(problem: Problem, rows: pd.DataFrame, fingerprint: str) -> pd.Series:
    """Name each prediction by what determines it: problem, key, time of prediction and bundle."""
    as_of = [problem.time] if problem.time else []
    keys = rows[[*problem.key, *as_of]].astype(str).agg("\x1f".join, axis=1)
    prefix = hashlib.blake2b(f"{problem.name}\x1f{fingerprint}".encode(), digest_size=16)
    ids = []
    for key in keys:
        digest = prefix.copy()
        digest.update(b"\x1f" + key.encode())
        ids.append(digest.hexdigest())
    return pd.Series(ids, index=rows.index, dtype="str")
