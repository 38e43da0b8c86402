"""Fit LightGBM so that the model's text is the same on every machine, and read it back."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from retrace.base.errors import RetraceError
from retrace.base.params import Params
from retrace.fit.learner import lgb
from retrace.fit.modeltext import END_OF_TREES, ModelTextError, check_model_text


class BoosterParams(Params):
    """The LightGBM parameters that an experiment may change, under LightGBM's own names."""

    learning_rate: float = Field(0.05, gt=0)
    num_leaves: int = Field(15, ge=2)  # small trees: tables of some 10,000 rows have much noise
    min_data_in_leaf: int = Field(50, ge=1)
    feature_fraction: float = Field(0.5, gt=0, le=1)
    bagging_fraction: float = Field(0.8, gt=0, le=1)
    lambda_l2: float = Field(5.0, ge=0)
    max_bin: int = Field(255, ge=2)
    max_rounds: int = Field(1000, ge=1)
    early_stopping_rounds: int = Field(50, ge=1)
    seed: int = 1


ROUNDS = {"max_rounds", "early_stopping_rounds"}


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
    *,
    callbacks: Sequence[Callable[[Any], None]] = (),
    binned: lgb.Dataset | None = None,
    watch_train: bool = True,
    num_threads: int = 0,
) -> Fit:
    """Fit one booster with early stopping on the validation window.

    Parameters
    ----------
    train, valid : (columns of shape (n_rows, n_columns), target of shape (n_rows,))
    offset : the column that the booster starts from, or None for the mean of the target
    objective : LightGBM's objective and metric, e.g. {"objective": "quantile", "alpha": 0.05}
    callbacks : LightGBM callbacks that run after each round, besides early stopping
    binned : the training rows as `bin_rows` returns them, to be used again; the curve then has no
        `train` loss, which a search does not look at
    watch_train : False leaves the `train` loss out, and its time
    num_threads : of this fit, 0 is all cores; the trees are the same for any number
    """
    _check_rows(train)
    settings = {**_settings(params, num_threads), **objective}
    begin = [window[0][offset] if offset else None for window in (train, valid)]
    if binned is None:
        dataset = bin_rows(train, offset, categorical, params, objective, num_threads=num_threads)
    else:
        dataset = binned
        settings["feature_pre_filter"] = False
    watched = {"train": dataset} if watch_train and binned is None else {}
    watched["valid"] = dataset.create_valid(*valid, init_score=begin[1])
    history: dict[str, dict[str, list[float]]] = {}
    booster = lgb.train(
        settings,
        dataset,
        num_boost_round=params.max_rounds,
        valid_sets=list(watched.values()),
        valid_names=list(watched),
        callbacks=[
            lgb.early_stopping(params.early_stopping_rounds, first_metric_only=True, verbose=False),
            lgb.record_evaluation(history),
            *callbacks,
        ],
    )
    metric = next(iter(history["valid"]))
    curve = pd.DataFrame({name: history[name][metric] for name in watched})
    curve.insert(0, "round", np.arange(1, len(curve) + 1))
    return Fit(booster, curve)


def fit_rounds(
    train: tuple[pd.DataFrame, NDArray[np.float64]],
    offset: str | None,
    categorical: list[str],
    params: BoosterParams,
    objective: Mapping[str, object],
    rounds: int,
    *,
    num_threads: int = 0,
) -> lgb.Booster:
    """Fit one booster with a number of rounds that is known; nothing is watched."""
    _check_rows(train)
    dataset = bin_rows(train, offset, categorical, params, objective, num_threads=num_threads)
    settings = {**_settings(params, num_threads), **objective}
    return lgb.train(settings, dataset, num_boost_round=rounds)


def _check_rows(train: tuple[pd.DataFrame, NDArray[np.float64]]) -> None:
    if len(train[0]) < 2:
        raise RetraceError(
            f"The training window has {len(train[0])} row(s); a model needs at least 2."
        )


def bin_rows(
    train: tuple[pd.DataFrame, NDArray[np.float64]],
    offset: str | None,
    categorical: list[str],
    params: BoosterParams,
    objective: Mapping[str, object],
    *,
    reusable: bool = False,
    num_threads: int = 0,
) -> lgb.Dataset:
    """Return the training rows as LightGBM bins them.

    A `reusable` one fits boosters of any parameters but `max_bin` and `seed`: LightGBM's filter of
    columns that `min_data_in_leaf` leaves no split is off.
    """
    settings = {**_settings(params, num_threads), **objective}
    if reusable:
        settings["feature_pre_filter"] = False
    return lgb.Dataset(
        train[0],
        train[1],
        init_score=train[0][offset] if offset else None,
        categorical_feature=categorical,
        params=settings,
    )


def _settings(params: BoosterParams, num_threads: int) -> dict[str, Any]:
    return {
        **params.model_dump(exclude=ROUNDS),
        "num_threads": num_threads,
        "bagging_freq": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }


def booster_to_text(booster: lgb.Booster) -> str:
    """Return the model as LightGBM's text, up to the best round, without what names the machine."""
    text = str(booster.model_to_string(num_iteration=booster.best_iteration))
    return re.sub(r"^\[num_threads: .*\]\n", "", text, flags=re.MULTILINE)


def booster_from_text(text: str, source: str, columns: int, outputs: int = 1) -> lgb.Booster:
    """Read a booster of `columns` columns back; `source` is named where the text is damaged.
    `outputs` is 1, or the number of several classes.

    LightGBM gets the trees alone: the parameters behind them are for people.
    """
    try:
        check_model_text(text, columns, outputs)
        trees = text[: text.index(f"\n{END_OF_TREES}\n")]
        return lgb.Booster(model_str=f"{trees}\n{END_OF_TREES}\n\npandas_categorical:[]\n")
    except (ModelTextError, lgb.basic.LightGBMError) as error:
        raise RetraceError(
            f"{source} is not a LightGBM model: {error}. "
            "Get it again with `dvc checkout --force` or `dvc pull`."
        ) from None
