"""Fit encoders and text models on training rows."""

import numpy as np
import pandas as pd

from problems.contract import Problem
from retrace.encode.encoders import EncodeParams, Encoder
from retrace.encode.encoding import Encoding
from retrace.encode.text.model import TextModel, TextParams


def fit_encoding(
    problem: Problem,
    features: pd.DataFrame,
    target: np.ndarray,
    settings: dict[str, object],
    encode: EncodeParams,
    text: TextParams,
) -> tuple[Encoding, pd.DataFrame]:
    """Fit encoders and text models on training rows; return them and those rows out of fold."""
    columns = problem.columns.of(features)
    encoder, encoded = Encoder.fit(
        features,
        target,
        numeric=columns.numeric,
        categorical=columns.categorical,
        target_encoded=columns.target_encoded,
        params=encode,
    )
    text_model, text_columns = TextModel.fit(features, target, columns.text, text)
    encoding = Encoding(encoder, text_model, settings)
    return encoding, pd.concat([encoded, text_columns], axis=1)
