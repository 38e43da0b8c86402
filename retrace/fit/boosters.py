"""Fit LightGBM so that the model's text is the same on every machine, and read it back."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import takewhile
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from retrace.base.errors import RetraceError
from retrace.base.params import Params
from retrace.encode.encoders import Matrix
from retrace.encode.linear import of_classes
from retrace.fit.beside import SideBySide
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
    # The share by which the loss must fall in so many rounds; without a word any fall counts. Small
    # learning rates go on for a thousand rounds in which nothing is gained that a reader could see.
    early_stopping_gain: float | None = Field(default=None, ge=0, lt=1)
    seed: int = 1


ROUNDS = {"max_rounds", "early_stopping_rounds", "early_stopping_gain"}
FEW_ROWS, HALF = 5000, 0.5  # up to which, of rows and columns, adding up by columns is faster
STEPS = 10  # rounds that one fold takes before the others are asked


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


class Weighted(NamedTuple):
    """A window whose rows count more or less than one: (n_rows, n_columns), (n_rows,), (n_rows,)"""

    matrix: Matrix
    target: NDArray[np.float64]
    weight: NDArray[np.float64]


# (n_rows, n_columns) and the target, (n_rows,)
Window = tuple[Matrix, NDArray[np.float64]] | Weighted


def window_of(
    matrix: Matrix, target: NDArray[np.float64], weight: NDArray[np.float64] | None = None
) -> Window:
    return (matrix, target) if weight is None else Weighted(matrix, target, weight)


def weight_of(window: Window) -> NDArray[np.float64] | None:
    return window.weight if isinstance(window, Weighted) else None


def rows_at(window: Window, places: Any) -> Window:
    """Return some rows of a window."""
    weight = weight_of(window)
    return window_of(
        window[0][places], window[1][places], None if weight is None else weight[places]
    )


@dataclass(frozen=True)
class Fit:
    """A fitted booster, and its loss by round: columns round, train, valid."""

    booster: lgb.Booster
    curve: pd.DataFrame


class Patience:
    """When boosting stops: `best` is the round of the least loss so far, and it has `ended` after
    `early_stopping_rounds` in which the loss did not fall, or by too small a share."""

    def __init__(self, params: BoosterParams) -> None:
        self.params, self.gain = params, params.early_stopping_gain or 0.0
        self.order = 30  # as a callback: after the one that records, which has 20
        self.rounds, self.best, self.least = 0, 0, np.inf
        self.since, self.mark = 0, np.inf  # the round in which it last fell enough
        self.ended = False

    def after(self, loss: float) -> None:
        if self.ended:
            return
        self.rounds += 1
        if loss < self.least:
            self.best, self.least = self.rounds, loss
        if self.mark - loss > self.gain * abs(loss):
            self.since, self.mark = self.rounds, loss
        waited = self.rounds - self.since >= self.params.early_stopping_rounds
        self.ended = waited or self.rounds >= self.params.max_rounds

    def __call__(self, told: Any) -> None:
        """Be a callback of LightGBM, which tells the loss on the window `valid`."""
        self.after(next(one[2] for one in told.evaluation_result_list if one[0] == "valid"))
        if self.ended:
            raise lgb.callback.EarlyStopException(
                max(self.best, 1) - 1, told.evaluation_result_list
            )


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
    train, valid : (matrix of shape (n_rows, n_columns), target of shape (n_rows,)), perhaps with
        how much each row counts, shape (n_rows,)
    layout : what the columns of the matrix are
    objective : LightGBM's objective and metric, e.g. {"objective": "quantile", "alpha": 0.05}
    callbacks : LightGBM callbacks that run after each round, besides early stopping
    binned : the training rows as `bin_rows` returns them, to be used again; the curve then has no
        `train` loss, which a search does not look at
    watch_train : False leaves the `train` loss out, and its time
    num_threads : of this fit, 0 is all cores; the trees are the same but for a last bit, rarely
    """
    _check_rows(train)
    settings = {**_settings(params, num_threads, len(train[0])), **objective}
    if binned is None:
        dataset = bin_rows(train, layout, params, objective, num_threads=num_threads)
    else:
        dataset = binned
        settings["feature_pre_filter"] = False
    watched = {"train": dataset} if watch_train and binned is None else {}
    watched["valid"] = dataset.create_valid(
        valid[0], valid[1], weight=weight_of(valid), init_score=layout.begin(valid[0])
    )
    history: dict[str, dict[str, list[float]]] = {}
    booster = lgb.train(
        settings,
        dataset,
        num_boost_round=params.max_rounds,
        valid_sets=list(watched.values()),
        valid_names=list(watched),
        callbacks=[
            lgb.record_evaluation(history),
            *callbacks,
            Patience(params),
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
    settings = {**_settings(params, num_threads, len(train[0])), **objective}
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

    def begun(fold: tuple[Window, Window]) -> lgb.Booster:  # folds run beside each other
        settings = {**_settings(params, 1, len(fold[0][0])), **objective}
        dataset = bin_rows(fold[0], layout, params, objective, num_threads=1)
        out = fold[1]
        valid = dataset.create_valid(
            out[0],
            out[1],
            weight=weight_of(out),
            init_score=layout.begin(out[0]),
            params=settings,
        )
        valid.set_reference(dataset)  # which has the names of columns
        return lgb.Booster(settings, dataset).add_valid(valid, "valid")

    def after_more(booster: lgb.Booster, steps: int) -> list[float]:
        losses = []
        for _ in range(steps):
            booster.update()
            losses.append(float(booster.eval_valid()[0][2]))
        return losses

    stop = Patience(params)
    with SideBySide(len(folds)) as beside:
        boosters = beside.each(begun, folds)
        while not stop.ended:
            steps = min(STEPS, params.max_rounds - stop.rounds)
            losses = beside.each(partial(after_more, steps=steps), boosters)
            for of_round in zip(*losses, strict=True):
                stop.after(float(np.mean(of_round)))
    scores = []
    for booster, (_, out) in zip(boosters, folds, strict=True):
        found = booster.predict(out[0], raw_score=True, num_iteration=stop.best)
        scores.append(layout.scaled(name, found, out[0]))
    return stop.best, scores


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
    settings = {**_settings(params, num_threads, len(train[0])), **objective}
    if reusable:
        settings["feature_pre_filter"] = False
    return lgb.Dataset(
        train[0],
        train[1],
        weight=weight_of(train),
        init_score=layout.begin(train[0]),
        feature_name=list(layout.columns),
        categorical_feature=list(layout.categorical),
        params=settings,
    )


def _settings(params: BoosterParams, num_threads: int, n_rows: int) -> dict[str, Any]:
    # The trees are the same. By columns LightGBM adds up those alone that a tree may use.
    by_columns = n_rows < FEW_ROWS and params.feature_fraction <= HALF
    return {
        **params.model_dump(include=set(BoosterParams.model_fields) - ROUNDS),
        "num_threads": num_threads,
        "bagging_freq": 1,
        "deterministic": True,
        "force_col_wise" if by_columns else "force_row_wise": True,
        "verbosity": -1,
    }


def warnings_of(
    rounds: Mapping[str, int], unstopped: Collection[str], params: BoosterParams
) -> list[str]:
    """Say which boosters early stopping did not end in its usual way: they learnt nothing beyond
    chance, or, `unstopped`, would have learnt more."""
    found = []
    for name, best in rounds.items():
        if best <= 1:
            found.append(
                f"the booster '{name}' stopped after its first round: no column helps on the "
                "validation window. Look at the columns, or lower learning_rate."
            )
        elif name in unstopped:
            found.append(
                f"the booster '{name}' used all {params.max_rounds} rounds of max_rounds and was "
                "still getting better. Raise max_rounds, or learning_rate."
            )
    return found


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
