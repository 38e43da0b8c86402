"""Fit LightGBM so that the model's text is the same on every machine, and read it back."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from retrace.base.errors import RetraceError
from retrace.base.params import Params


class BoosterParams(Params):
    """The LightGBM parameters that an experiment may change, under LightGBM's own names."""

    learning_rate: float = Field(gt=0)
    num_leaves: int = Field(ge=2)
    min_data_in_leaf: int = Field(ge=1)
    feature_fraction: float = Field(gt=0, le=1)
    bagging_fraction: float = Field(gt=0, le=1)
    lambda_l2: float = Field(ge=0)
    max_bin: int = Field(ge=2)
    max_rounds: int = Field(ge=1)
    early_stopping_rounds: int = Field(ge=1)
    seed: int


@dataclass(frozen=True)
class Fit:
    """A fitted booster, and its loss by round: columns round, train, valid."""

    booster: lgb.Booster
    curve: pd.DataFrame


def fit_booster(
    train: tuple[pd.DataFrame, NDArray[np.float64]],
    valid: tuple[pd.DataFrame, NDArray[np.float64]],
    offset: str | None,
    categorical: list[str],
    params: BoosterParams,
    objective: Mapping[str, object],
) -> Fit:
    """Fit one booster with early stopping on the validation window.

    Parameters
    ----------
    train, valid : (columns of shape (n_rows, n_columns), target of shape (n_rows,))
    offset : the column that the booster starts from, or None for the mean of the target
    objective : LightGBM's objective and metric, e.g. {"objective": "quantile", "alpha": 0.05}
    """
    if len(train[0]) < 2:
        raise RetraceError(
            f"The training window has {len(train[0])} row(s); a model needs at least 2."
        )
    settings = {
        **params.model_dump(exclude={"max_rounds", "early_stopping_rounds"}),
        **objective,
        "bagging_freq": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    begin = [window[0][offset] if offset else None for window in (train, valid)]
    dataset = lgb.Dataset(
        train[0], train[1], init_score=begin[0], categorical_feature=categorical, params=settings
    )
    history: dict[str, dict[str, list[float]]] = {}
    booster = lgb.train(
        settings,
        dataset,
        num_boost_round=params.max_rounds,
        valid_sets=[dataset, dataset.create_valid(*valid, init_score=begin[1])],
        valid_names=["train", "valid"],
        callbacks=[
            lgb.early_stopping(params.early_stopping_rounds, first_metric_only=True, verbose=False),
            lgb.record_evaluation(history),
        ],
    )
    metric = next(iter(history["valid"]))
    curve = pd.DataFrame({name: history[name][metric] for name in ("train", "valid")})
    curve.insert(0, "round", np.arange(1, len(curve) + 1))
    return Fit(booster, curve)


def booster_to_text(booster: lgb.Booster) -> str:
    """Return the model as LightGBM's text, up to the best round, without what names the machine."""
    text = str(booster.model_to_string(num_iteration=booster.best_iteration))
    return re.sub(r"^\[num_threads: .*\]\n", "", text, flags=re.MULTILINE)


def booster_from_text(text: str, source: str) -> lgb.Booster:
    """Read a booster back; `source` is named in the error when the text is damaged."""
    try:
        return lgb.Booster(model_str=text)
    except lgb.basic.LightGBMError as error:
        raise RetraceError(f"{source} is not a LightGBM model: {error}.") from None
