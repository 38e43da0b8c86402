"""Clean rows to features: what history knows of them, and the world's formula."""

from typing import Any

import pandas as pd

from problems import parts
from retrace.base.arrays import Arrays, from_frame


def features_of(
    world: str, rows: pd.DataFrame, settings: Any, past: pd.DataFrame | None = None
) -> Arrays:
    """Return the features of clean rows, before encoding, each of shape (n_rows,).

    `past` are clean rows with outcomes, by default `rows` themselves: each row sees what was known
    at its own time of prediction.
    """
    world_features = parts.features(world)
    arrays = from_frame(rows)
    if world_features.history is None:
        return world_features.features(arrays, {}, settings)
    before = arrays if past is None else from_frame(past)
    known = world_features.history.as_of(arrays, before, settings)
    return world_features.features(arrays, known, settings)
