"""A problem's past, and the models that could have been fitted at each moment of it.

Everything is generic over Problem. What a `Past` returns for a moment uses only rows that were
there, and outcomes that were known, by then; what comes later can change nothing (a test deletes
it).
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import BeforeValidator, Field

from problems import parts
from problems.contract import EvaluateParams, Problem
from problems.featurize import features_of
from retrace.base.arrays import Arrays, from_frame, take, to_frame
from retrace.base.errors import RetraceError
from retrace.base.params import Params, merged
from retrace.encode.encoders import EncodeParams, Matrix
from retrace.encode.encoding import Encoding
from retrace.encode.text.model import TextParams
from retrace.fit.boosters import importance
from retrace.fit.bundle import Bundle
from retrace.fit.intervals import Interval
from retrace.judge import metrics
from retrace.judge.drift import AlarmParams
from retrace.judge.gate import GateParams
from retrace.past.walk import WalkParams, labelled_until, period_length, period_starts, windows_at
from workflow.blocks import blocks_of
from workflow.choose import settle
from workflow.featurize import classes_of, fit_encoding, fitted_target
from workflow.refit import refit
from workflow.told import cheapest, with_told
from workflow.train import TrainParams, fit_bundle

HELD = ("valid", "calibration")  # windows that the model which chooses was not fitted on
THREADS = 1  # of a fit: the models of several moments fill the cores


# Many fits: few rounds at twice the usual rate; 63 bins take half of the time of 255.
QUICK: dict[str, float | int] = {
    "learning_rate": 0.1,
    "max_bin": 63,
    "max_rounds": 300,
    "early_stopping_rounds": 20,
}


class BacktestParams(WalkParams):
    """`<problem>.backtest`; `train` has what differs from `<problem>.train`, beside `QUICK`.

    After an alarm the model is retrained at once, and again at each of the next
    `follow_up_periods`: outcomes come late, so that the first has seen little of what is new.
    """

    follow_up_periods: int = Field(1, ge=0)
    train: Annotated[dict[str, float | int], BeforeValidator(partial(merged, QUICK))] = QUICK
    alarm: AlarmParams = AlarmParams()
    # Of each sample that drift compares; 0.01 of a PSI is far beyond chance then.
    most_rows: int = Field(20_000, ge=100)


@dataclass(frozen=True)
class ReplaySettings:
    """What `params.yaml` says of one problem, as far as a replay needs it."""

    backtest: BacktestParams
    features: Params
    encode: EncodeParams
    text: TextParams
    train: TrainParams
    evaluate: EvaluateParams
    gate: GateParams


@dataclass(frozen=True, eq=False)
class Model:
    """A model and its reference: rows that it was neither fitted nor chosen on."""

    fitted_at: pd.Timestamp
    learnt_until: pd.Timestamp  # changes until then were labelled for a whole period at least
    tried: Bundle  # fitted on all before the judged window, for the gate
    bundle: Bundle  # in use: the same rounds, fitted on the judged window too
    threshold: float  # of a classifier's alerts; NaN of a regression
    reference: pd.DataFrame  # model columns of its labelled rows
    importance: pd.Series  # share of gain by column
    held: pd.DataFrame  # rows after its training rows, scored by models fitted without them
    judged: pd.DataFrame  # the newest of them, on which nothing was chosen
    told: str | None  # the forecast that is told: the prediction or a quantile, where costs say so
    predicted: dict[str, np.ndarray]  # of every row, by the model in use, once somebody has asked
    asked: np.ndarray  # for which rows that was


@dataclass
class Past:
    """A problem's clean rows, in time order, with their columns; fits and scores are kept.

    Without `gate` there are no intervals, and `judged` is empty: half of the fits of a regression.
    """

    problem: Problem
    rows: pd.DataFrame
    settings: ReplaySettings
    gate: bool = True
    features: Arrays = field(init=False)
    _models: dict[pd.Timestamp, Model] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problem = self.problem
        if problem.time is None or problem.known_at is None:
            raise RetraceError(
                f"{problem.name} has no time of prediction or of outcome; there is nothing to "
                "replay. Remove it from `backtests` in params.yaml."
            )
        self.time, self.known_at = problem.time, problem.known_at
        self.rows = self.rows.sort_values([self.time, *problem.key], ignore_index=True)
        group = list(problem.group or problem.key)
        self.keys = from_frame(self.rows[group])
        self.begun = self.rows.groupby(group, sort=False)[self.time].transform("min")
        _, blocks = blocks_of(problem, self.rows)
        assert blocks is not None  # it has a time
        self.block = self.rows.groupby(blocks).ngroup()
        self.classes: tuple[str, ...] = ()
        if problem.task == "multiclass":  # those of the first model: others are never learnt
            self.classes = classes_of(problem, self.rows[self._known_before(self.starts()[0])])
        self.target = fitted_target(problem, self.rows, self.classes)
        first = self.known(self.starts()[0])  # nobody knew more when the first model was made
        settings, _ = settle(
            problem,
            self.rows,
            first,
            self.target,
            self.settings.features,
            self.settings.encode,
            self.settings.text,
            self.classes,
        )
        self.settings = replace(self.settings, features=settings)
        self.features = features_of(problem.world, self.rows, settings)
        if problem.task != "binary" and self.settings.backtest.alarm.outcomes == "positives":
            raise RetraceError(
                f"params.yaml: '{problem.name}.backtest.alarm.outcomes' is 'positives', which only "
                "a binary problem has; use 'all'."
            )

    def starts(self) -> pd.DatetimeIndex:
        """Return the moments of the walk: the first model's, each period's start, and the end."""
        params = self.settings.backtest
        starts = period_starts(self.rows[self.time], params.period)[params.first_periods :]
        if len(starts) < 2:
            raise RetraceError(
                f"{self.problem.name}: the data has no {params.period} after the first "
                f"{params.first_periods}; lower `{self.problem.name}.backtest.first_periods`, or "
                f"take {self.problem.name} out of `backtests` in params.yaml: without its past "
                "replayed, the rest runs."
            )
        return starts

    def fit_all(self, moments: pd.DatetimeIndex) -> None:
        """Fit the models of all moments side by side: a fit this small fills no second core.

        The latest, which have the most rows, come first, so that no core is left alone with one.
        """
        latest_first = moments[::-1]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for now, model in zip(latest_first, pool.map(self._fit, latest_first), strict=True):
                self._models[now] = model

    def fit(self, now: pd.Timestamp) -> Model:
        """Fit on what is labelled at `now`; policies that ask at one moment share the model."""
        if now not in self._models:
            self._models[now] = self._fit(now)
        return self._models[now]

    def _fit(self, now: pd.Timestamp) -> Model:
        problem, params = self.problem, self.settings.backtest
        usable = self.rows[self.known_at].where(~np.isnan(self.target))
        windows = windows_at(self.begun, usable, now, params)
        index = {
            name: np.flatnonzero((windows == name).to_numpy()) for name in windows.cat.categories
        }
        empty = [name for name, places in index.items() if not len(places)]
        if empty:
            raise RetraceError(
                f"{problem.name}: at {now:%Y-%m-%d} no labelled row falls into {', '.join(empty)}; "
                f"raise `{problem.name}.backtest.first_periods`, or shorten the windows there."
            )
        chosen = self._bundle(index)
        before = np.sort(np.concatenate([index[name] for name in ("train", *HELD)]))
        tried = self._refit(chosen, before, tuple(chosen.boosters))
        held = self._held(chosen, tried, index)
        told = cheapest(problem, held, self.settings.evaluate) if self.gate else None
        everything = np.sort(np.concatenate(list(index.values())))
        bundle = self._refit(chosen, everything, ("point",))
        reference = thinned(everything, params.most_rows)
        return Model(
            fitted_at=now,
            learnt_until=labelled_until(now, params) - period_length(params),
            tried=tried,
            bundle=bundle,
            threshold=self._threshold(held),
            reference=self.columns(bundle, reference),
            importance=importance(bundle.boosters["point"]).set_index("column")["gain_share"],
            held=held,
            judged=self._judged(tried, index, held) if self.gate else held.iloc[:0],
            told=told,
            predicted=self._unpredicted(),
            asked=np.zeros(len(self.rows), bool),
        )

    def _bundle(self, index: dict[str, np.ndarray]) -> Bundle:
        """Fit as `featurize` and `train` do, on these windows."""
        encoding, train = self._encoding(index["train"])
        columns = {"train": train} | {
            name: encoding.transform(take(self.features, index[name]))
            for name in ("valid", "calibration")
        }
        windows = {name: (columns[name], self.target[index[name]]) for name in columns}
        return fit_bundle(
            self.problem,
            encoding,
            windows,
            self.settings.train,
            intervals=self.gate,
            watch_train=False,
            num_threads=THREADS,
        )[0]

    def _refit(self, chosen: Bundle, places: np.ndarray, names: tuple[str, ...]) -> Bundle:
        """Fit once more with the rounds found: the newest rows teach the most.

        Of the model in use only the point: the gate judges the interval of the model that was
        tried, and nobody else asks for one. Promise and threshold are those of held rows.
        """
        encoding, columns = self._encoding(places)
        rows = (columns, self.target[places])
        return refit(
            self.problem,
            chosen,
            encoding,
            rows,
            self.settings.train,
            names=names,
            num_threads=THREADS,
        )

    def _encoding(self, places: np.ndarray) -> tuple[Encoding, Matrix]:
        settings = self.settings
        return fit_encoding(
            self.problem,
            take(self.keys, places),
            take(self.features, places),
            self.target[places],
            settings.features.model_dump(),
            settings.encode,
            settings.text,
            self.classes,
        )

    def _held(self, chosen: Bundle, tried: Bundle, index: dict[str, np.ndarray]) -> pd.DataFrame:
        """Score the rows after training by the models that were fitted without them."""
        parts = []
        for bundle, names in ((chosen, HELD), (tried, ("judged",))):
            places = np.sort(np.concatenate([index[name] for name in names]))
            parts.append(self.answered(bundle, places))
        return pd.concat(parts)

    def answered(self, tried: Bundle, places: np.ndarray) -> pd.DataFrame:
        """Return the rows at `places` with outcome and all that a bundle answers; a regression that
        no gate asks has no interval."""
        features = take(self.features, places)
        answer = tried.predict if "lower" in tried.boosters else tried.point
        return self._with_outcome(places, answer(features, THREADS))

    def _judged(
        self, tried: Bundle, index: dict[str, np.ndarray], held: pd.DataFrame
    ) -> pd.DataFrame:
        """Return the newest labelled rows with all that the gate asks for; the rows held before
        them choose what is told."""
        places = index["judged"]
        found = self.answered(tried, places)
        before = held.drop(index=found.index)
        found = with_told(found, cheapest(self.problem, before, self.settings.evaluate))
        rule = parts.rules(self.problem.world).rule
        train = self.rows.iloc[index["train"]]
        return metrics.beside(
            found, rule(self.problem, train, found, self.settings.evaluate), "rule"
        )

    def score(self, model: Model, places: np.ndarray) -> pd.DataFrame:
        """Return the rows at `places` with outcome and prediction; unknown outcomes are NaN.

        No row is predicted twice by one model: periods, alarms and the gate ask for the same ones.
        """
        unseen = places[~model.asked[places]]
        if len(unseen):
            found = model.bundle.point(take(self.features, unseen))
            for name, values in model.predicted.items():
                values[unseen] = found[name]
            model.asked[unseen] = True
        return self._with_outcome(places, take(model.predicted, places))

    def told(self, model: Model, places: np.ndarray) -> pd.Series | None:
        """Return what a model tells of the rows at `places`; None where no cost is given."""
        if model.told is None:
            return None
        scored, promise = self.score(model, places)["prediction"], model.bundle.promise
        if model.told == "prediction" or not isinstance(promise, Interval):
            return scored
        matrix = model.bundle.encoding.transform(take(self.features, places))
        score = model.bundle.scores(matrix, THREADS, ["point"])["point"]
        return pd.Series(promise.quantile(score, model.told, self.problem.scale), scored.index)

    def _unpredicted(self) -> dict[str, np.ndarray]:
        n = len(self.rows)
        found = {"prediction": np.full(n, None if self.classes else np.nan)}
        return found | {metrics.prefix() + name: np.full(n, np.nan) for name in self.classes}

    def _with_outcome(self, places: np.ndarray, answers: Arrays) -> pd.DataFrame:
        rows = self.rows.iloc[places]
        outcome = self.problem.outcome(rows).rename("outcome")
        return pd.concat([rows, outcome, to_frame(answers, rows.index)], axis=1)

    def columns(self, bundle: Bundle, places: np.ndarray) -> pd.DataFrame:
        """Return the model columns of the rows at `places`."""
        matrix = bundle.encoding.transform(take(self.features, places))
        return bundle.encoding.to_frame(matrix, self.rows.index[places])

    def _threshold(self, held: pd.DataFrame) -> float:
        """Choose on all rows that were not fitted on: those of one window have few positives. The
        gate, which looks at the judged ones, compares probabilities and no alerts."""
        if self.problem.task != "binary":
            return float("nan")
        own = parts.evaluation(self.problem.world).threshold
        if own is not None:
            return float(own(self.problem, held, self.settings.evaluate))
        return metrics.balanced_threshold(held["outcome"], held["prediction"])

    def labels(self, scored: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
        """Return the slices that scored rows are in, by what was there at `now`."""
        past = self.rows.iloc[: int(self.rows[self.time].searchsorted(now))]
        evaluation = parts.evaluation(self.problem.world)
        return evaluation.slices(self.problem, scored, self.settings.evaluate, past)

    def between(self, start: pd.Timestamp, end: pd.Timestamp) -> np.ndarray:
        low, high = (int(self.rows[self.time].searchsorted(at)) for at in (start, end))
        return np.arange(low, high)

    def known(self, now: pd.Timestamp) -> np.ndarray:
        return self._known_before(now) & ~np.isnan(self.target)

    def _known_before(self, now: pd.Timestamp) -> np.ndarray:
        return (self.rows[self.known_at] < now).to_numpy(bool)


def thinned(places: np.ndarray, most: int) -> np.ndarray:
    """Return every so many-th place, at most `most`."""
    return places[:: -(-len(places) // most)] if len(places) > most else places
