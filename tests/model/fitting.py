"""Fit a problem's model on clean rows in memory, as the stages would."""

from typing import Any

import pandas as pd

from problems import parts
from problems.contract import Problem
from problems.featurize import features_of
from retrace.base.arrays import Arrays, from_frame, take
from retrace.encode.encoders import EncodeParams
from retrace.encode.text.model import TextParams
from retrace.fit.bundle import Bundle
from workflow.featurize import classes_of, fit_encoding, fitted_target
from workflow.train import TrainParams, fit_bundle


def fit(
    problem: Problem, rows: pd.DataFrame, windows: pd.Series, **train: Any
) -> tuple[Bundle, Arrays]:
    """Return the bundle and the features of all rows, by params.yaml; `train` is changed in it."""
    settings = parts.settings(parts.features(problem.world).settings, problem, "features")
    features = features_of(problem.world, rows, settings)
    classes = classes_of(problem, rows[(windows == "train").to_numpy()])
    target = fitted_target(problem, rows, classes)
    keys = from_frame(rows[list(problem.group or problem.key)])
    here = {name: (windows == name).to_numpy() for name in ("train", "valid", "calibration")}
    encoding, encoded = fit_encoding(
        problem,
        take(keys, here["train"]),
        take(features, here["train"]),
        target[here["train"]],
        settings.model_dump(),
        parts.settings(EncodeParams, problem, "encode"),
        parts.settings(TextParams, problem, "text").model_copy(update={"nets": 0}),  # seconds each
        classes,
    )
    tables = {"train": (encoded, target[here["train"]])}
    for name in ("valid", "calibration"):
        part = take(features, here[name])
        tables[name] = (encoding.transform(part), target[here[name]])
    params = parts.settings(TrainParams, problem, "train").model_copy(update=train)
    return fit_bundle(problem, encoding, tables, params)[0], features
