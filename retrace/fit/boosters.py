"""Fit LightGBM so that the model's text is the same on every machine, and read it back."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle, takewhile
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from retrace.base.errors import RetraceError
from retrace.base.params import Params
from retrace.encode.encoders import Matrix
from retrace.encode.linear import of_classes
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


Link = Literal["log"] | None


@dataclass(frozen=True)
class Layout:
    """What the columns of a matrix are: their names, those of categories, and the one that the
    boosters start from (None: the mean of the target), or a share of it. Of several classes the
    columns `<offset>_0`, `<offset>_1` and so on are where each class starts.

    With the link `log` the point's booster gives the logarithm of its value on the fitted scale.
    """

    columns: Sequence[str]
    categorical: Sequence[str] = ()
    offset: str | None = None
    link: Link = None
    share: float = 1.0

    @cached_property
    def places(self) -> list[int]:
        """Where the boosters start from: the place of one column, or of one a class."""
        if self.offset is None:
            return []
        if self.offset in self.columns:
            return [self.columns.index(self.offset)]
        names = of_classes(self.offset, len(self.columns))
        return [self.columns.index(name) for name in takewhile(self.columns.__contains__, names)]

    def begin(self, matrix: Matrix) -> NDArray[np.float64] | None:
        """Return where the boosters start from, shape (n_rows,) or (n_rows, n_classes)."""
        if not self.places or not self.share:
            return None
        found = self.share * matrix[:, self.places].astype(np.float64)
        return found[:, 0] if len(self.places) == 1 else found

    def scaled(self, name: str, scores: Any, matrix: Matrix) -> NDArray[np.float64]:
        """Return a booster's scores on the fitted scale: with where they start from."""
        begin = self.begin(matrix)
        found = np.asarray(scores if begin is None else begin + scores)
        return np.exp(found) if self.link == "log" and name == "point" else found


Window = tuple[Matrix, NDArray[np.float64]]  # (n_rows, n_columns) and the target, (n_rows,)


@dataclass(frozen=True)
class Fit:
    """A fitted booster, and its loss by round: columns round, train, valid."""

    booster: lgb.Booster
    curve: pd.DataFrame


def fit_booster(
    train: Window,
    valid: Window,
    layout: Layout,
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
    train, valid : (matrix of shape (n_rows, n_columns), target of shape (n_rows,))
    layout : what the columns of the matrix are
    objective : LightGBM's objective and metric, e.g. {"objective": "quantile", "alpha": 0.05}
    callbacks : LightGBM callbacks that run after each round, besides early stopping
    binned : the training rows as `bin_rows` returns them, to be used again; the curve then has no
        `train` loss, which a search does not look at
    watch_train : False leaves the `train` loss out, and its time
    num_threads : of this fit, 0 is all cores; the trees are the same for any number
    """
    _check_rows(train)
    settings = {**_settings(params, num_threads), **objective}
    if binned is None:
        dataset = bin_rows(train, layout, params, objective, num_threads=num_threads)
    else:
        dataset = binned
        settings["feature_pre_filter"] = False
    watched = {"train": dataset} if watch_train and binned is None else {}
    watched["valid"] = dataset.create_valid(*valid, init_score=layout.begin(valid[0]))
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
    train: Window,
    layout: Layout,
    params: BoosterParams,
    objective: Mapping[str, object],
    rounds: int,
    *,
    num_threads: int = 0,
) -> lgb.Booster:
    """Fit one booster with a number of rounds that is known; nothing is watched."""
    _check_rows(train)
    dataset = bin_rows(train, layout, params, objective, num_threads=num_threads)
    settings = {**_settings(params, num_threads), **objective}
    return lgb.train(settings, dataset, num_boost_round=rounds)


def best_rounds(
    folds: Sequence[tuple[Window, Window]],
    layout: Layout,
    params: BoosterParams,
    objective: Mapping[str, object],
    name: str = "point",
) -> tuple[int, list[NDArray[np.float64]]]:
    """Return the rounds with the least mean loss over the folds, and what boosters of so many
    rounds score in each, on the fitted scale.

    folds : of each the rows to fit, and those left out
    name : of the booster
    """
    settings = {**_settings(params, 1), **objective}  # folds run beside each other

    def begun(fold: tuple[Window, Window]) -> lgb.Booster:
        dataset = bin_rows(fold[0], layout, params, objective, num_threads=1)
        begin = layout.begin(fold[1][0])
        valid = dataset.create_valid(*fold[1], init_score=begin, params=settings)
        valid.set_reference(dataset)  # which has the names of columns
        return lgb.Booster(settings, dataset).add_valid(valid, "valid")

    def after_one_more(booster: lgb.Booster) -> float:
        booster.update()
        return float(booster.eval_valid()[0][2])

    best, least = 0, np.inf
    with _Beside(len(folds)) as beside:
        boosters = beside.each(begun, folds)
        for rounds in range(1, params.max_rounds + 1):
            loss = float(np.mean(beside.each(after_one_more, boosters)))
            if loss < least:
                best, least = rounds, loss
            elif rounds - best >= params.early_stopping_rounds:
                break
    scores = []
    for booster, (_, (matrix, _)) in zip(boosters, folds, strict=True):
        found = booster.predict(matrix, raw_score=True, num_iteration=best)
        scores.append(layout.scaled(name, found, matrix))
    return best, scores


class _Beside(ExitStack):
    """Threads, each of which has always the same ones of `count` boosters: how much LightGBM says
    is a setting of the thread that made the booster."""

    def __init__(self, count: int) -> None:
        super().__init__()
        threads = range(min(count, os.cpu_count() or 1))
        self.pools = [self.enter_context(ThreadPoolExecutor(1)) for _ in threads]

    def each(self, function: Callable[[Any], Any], values: Sequence[Any]) -> list[Any]:
        pools = cycle(self.pools)
        found = [pool.submit(function, value) for pool, value in zip(pools, values, strict=False)]
        return [one.result() for one in found]


def _check_rows(train: Window) -> None:
    if len(train[0]) < 2:
        raise RetraceError(
            f"The training window has {len(train[0])} row(s); a model needs at least 2."
        )


def bin_rows(
    train: Window,
    layout: Layout,
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
        init_score=layout.begin(train[0]),
        feature_name=list(layout.columns),
        categorical_feature=list(layout.categorical),
        params=settings,
    )


def _settings(params: BoosterParams, num_threads: int) -> dict[str, Any]:
    return {
        **params.model_dump(include=set(BoosterParams.model_fields) - ROUNDS),
        "num_threads": num_threads,
        "bagging_freq": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }


def importance(booster: lgb.Booster) -> pd.DataFrame:
    """Share of a booster's gain by column, largest first."""
    gain = booster.feature_importance("gain")
    table = pd.DataFrame(
        {"column": booster.feature_name(), "gain_share": gain / max(gain.sum(), 1e-12)}
    )
    return table.sort_values(["gain_share", "column"], ascending=[False, True])


def booster_to_text(booster: lgb.Booster) -> str:
    """Return the model as LightGBM's text, up to the best round, without what names the machine."""
    text = str(booster.model_to_string(num_iteration=booster.best_iteration))
    text = re.sub(r"^\[num_threads: .*\]\n", "", text, flags=re.MULTILINE)
    return text.replace("\npandas_categorical:null\n", "\npandas_categorical:[]\n")


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
