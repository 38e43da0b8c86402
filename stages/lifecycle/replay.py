"""The lifecycle of one problem replayed: fit at a moment, score what comes, watch, retrain.

Everything is generic over Problem. At each moment a `Replay` uses only rows that were there, and
outcomes that were known, by then; what comes later can change nothing (a test deletes it).
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from problems.contract import Problem, part
from retrace import metrics
from retrace.base.errors import RetraceError
from retrace.base.params import Params
from retrace.boosters import fit_rounds
from retrace.bundle import Bundle
from retrace.drift import Alarm, AlarmParams, feature_drift, loss_changes, rank, ring
from retrace.encoders import EncodeParams
from retrace.encoding import Encoding, to_scale
from retrace.gate import GateParams, Verdict, decide
from retrace.text.model import TextParams
from retrace.walk import (
    WalkParams,
    labelled_until,
    next_start,
    period_length,
    period_starts,
    windows_at,
)
from stages.featurize import fit_encoding
from stages.train import TrainParams, fit_bundle, importance, objectives

THREADS = 1  # of a fit: the models of several moments fill the cores
POLICIES = ("never", "every", "alarm")  # the one that listens comes last


class BacktestParams(WalkParams):
    """`<problem>.backtest`; `train` has what differs from `<problem>.train`.

    After an alarm the model is retrained at once, and again at each of the next
    `follow_up_periods`: outcomes come late, so that the first has seen little of what is new.
    """

    follow_up_periods: int = Field(ge=0)
    train: dict[str, float | int] = Field(default_factory=dict)
    alarm: AlarmParams
    most_rows: int = Field(ge=100)  # of each sample that drift compares


@dataclass(frozen=True)
class Settings:
    """What `params.yaml` says of one problem, as far as a replay needs it."""

    backtest: BacktestParams
    features: Params
    encode: EncodeParams
    text: TextParams
    train: TrainParams
    evaluate: Params
    gate: GateParams


@dataclass(frozen=True, eq=False)
class Model:
    """A model and what it is held against: rows that it was neither fitted nor chosen on."""

    fitted_at: pd.Timestamp
    learnt_until: pd.Timestamp  # changes until then were labelled for a whole period at least
    tried: Bundle  # fitted without the judged window, for the gate
    bundle: Bundle  # in use: the same rounds, fitted on the judged window too
    threshold: float  # of a classifier's alerts; NaN of a regression
    reference: pd.DataFrame  # model columns of its labelled rows
    importance: pd.Series  # share of gain by column
    held: pd.DataFrame  # rows after its training rows, scored by the model that was tried
    judged: pd.DataFrame  # the newest of them, on which nothing was chosen
    predicted: np.ndarray  # of every row, by the model in use; NaN until somebody asks


@dataclass(frozen=True)
class Watched:
    """What the alarm saw at one moment."""

    alarm: Alarm
    features: pd.DataFrame
    prediction_psi: float
    losses: pd.DataFrame


@dataclass(frozen=True)
class Step:
    """One policy over one period: the model in use, and what happened at the period's start."""

    start: pd.Timestamp
    end: pd.Timestamp
    policy: str
    model: Model
    scored: pd.DataFrame
    watched: Watched | None = None
    retrained: bool = False
    verdict: Verdict | None = None


@dataclass
class Replay:
    """A problem's clean rows, in time order, with their columns; fits and scores are kept."""

    problem: Problem
    rows: pd.DataFrame
    settings: Settings
    features: pd.DataFrame = field(init=False)
    _models: dict[pd.Timestamp, Model] = field(default_factory=dict)
    _watched: dict[tuple[pd.Timestamp, pd.Timestamp], Watched] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problem = self.problem
        if problem.time is None or problem.known_at is None:
            raise RetraceError(
                f"{problem.name} has no time of prediction or of outcome; there is nothing to "
                "replay. Remove it from `backtests` in params.yaml."
            )
        self.time, self.known_at = problem.time, problem.known_at
        self.rows = self.rows.sort_values([self.time, *problem.key], ignore_index=True)
        self.features = self._part("features").features(self.rows, self.settings.features)
        group = list(problem.group or problem.key)
        self.begun = self.rows.groupby(group, sort=False)[self.time].transform("min")
        by = [self.rows[name] for name in problem.group] or [self.rows[self.time].dt.floor("D")]
        self.block = self.rows.groupby(by).ngroup()  # of rows that are not independent
        self.target = to_scale(self.rows[problem.target].to_numpy(np.float64), problem.scale)

    def steps(self) -> Iterator[Step]:
        """Yield every policy's step of every period after the first model."""
        params = self.settings.backtest
        starts = period_starts(self.rows[self.time], params.period)[params.first_periods :]
        if len(starts) < 2:
            raise RetraceError(
                f"{self.problem.name}: the data has no {params.period} after the first "
                f"{params.first_periods}; lower `{self.problem.name}.backtest.first_periods`."
            )
        self.fit_all(starts[:-1])
        in_use = dict.fromkeys(POLICIES, self.fit(starts[0]))
        owed = 0  # retrainings that the last alarm still asks for
        for before, (start, end) in zip([None, *starts], pairwise(starts), strict=False):
            for policy in POLICIES:
                step = self._step(policy, in_use, before, start, end, owed > 0)
                yield step
            rings = step.watched is not None and step.watched.alarm.rings
            owed = params.follow_up_periods if rings else max(owed - 1, 0)

    def _step(
        self,
        policy: str,
        in_use: dict[str, Model],
        before: pd.Timestamp | None,
        start: pd.Timestamp,
        end: pd.Timestamp,
        owed: bool,
    ) -> Step:
        champion = in_use[policy]
        watched, verdict, retrained = None, None, False
        if before is not None:
            watched = None if policy == "every" else self.watch(champion, before, start)
            rings = watched is not None and watched.alarm.rings
            retrained = policy == "every" or (policy == "alarm" and (rings or owed))
        if retrained:
            in_use[policy] = self.fit(start)
            verdict = self.judge(in_use[policy], champion)
        scored = self.score(in_use[policy], self._between(start, end))
        return Step(start, end, policy, in_use[policy], scored, watched, retrained, verdict)

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
        tried = self._bundle(index)
        held = self._held(tried, index)
        everything = np.sort(np.concatenate(list(index.values())))
        bundle = self._refit(tried, everything)
        reference = _thinned(everything, params.most_rows)
        return Model(
            fitted_at=now,
            learnt_until=labelled_until(now, params) - period_length(params),
            tried=tried,
            bundle=bundle,
            threshold=self._threshold(held),
            reference=bundle.encoding.transform(self.features.iloc[reference]),
            importance=importance(bundle.boosters["point"]).set_index("column")["gain_share"],
            held=held,
            judged=self._judged(tried, index),
            predicted=np.full(len(self.rows), np.nan),
        )

    def _bundle(self, index: dict[str, np.ndarray]) -> Bundle:
        """Fit as `featurize` and `train` do, on these windows."""
        encoding, train = self._encoding(index["train"])
        columns = {"train": train} | {
            name: encoding.transform(self.features.iloc[index[name]])
            for name in ("valid", "calibration")
        }
        windows = {name: (columns[name], self.target[index[name]]) for name in columns}
        return fit_bundle(
            self.problem,
            encoding,
            windows,
            self.settings.train,
            watch_train=False,
            num_threads=THREADS,
        )[0]

    def _refit(self, tried: Bundle, places: np.ndarray) -> Bundle:
        """Fit once more with the rounds found, on all labelled rows: the newest teach the most.

        Only the point's booster: the gate judges the interval of the model that was tried, and
        nobody else asks for one. Calibration and threshold stay that model's.
        """
        settings = self.settings.train.model_copy(update={"loss": tried.card.get("loss")})
        encoding, columns = self._encoding(places)
        point = fit_rounds(
            (columns, self.target[places]),
            tried.offset,
            encoding.encoder.categorical,
            settings,
            objectives(self.problem, settings)["point"],
            max(1, tried.boosters["point"].best_iteration),
            num_threads=THREADS,
        )
        return replace(tried, encoding=encoding, boosters={"point": point}, interval=None)

    def _encoding(self, places: np.ndarray) -> tuple[Encoding, pd.DataFrame]:
        settings = self.settings
        return fit_encoding(
            self.problem,
            self.features.iloc[places],
            self.target[places],
            settings.features.model_dump(),
            settings.encode,
            settings.text,
        )

    def _held(self, tried: Bundle, index: dict[str, np.ndarray]) -> pd.DataFrame:
        held = [index[name] for name in ("valid", "calibration", "judged")]
        places = np.sort(np.concatenate(held))
        return self._with_outcome(places, tried.point(self.features.iloc[places], THREADS))

    def _judged(self, tried: Bundle, index: dict[str, np.ndarray]) -> pd.DataFrame:
        """Return the newest labelled rows with all that the gate asks for."""
        places = index["judged"]
        found = self._with_outcome(places, tried.predict(self.features.iloc[places], THREADS))
        rule = self._part("rules").rule
        train = self.rows.iloc[index["train"]]
        return found.assign(rule=rule(self.problem, train, found, self.settings.evaluate))

    def score(self, model: Model, places: np.ndarray) -> pd.DataFrame:
        """Return the rows at `places` with outcome and prediction; unknown outcomes are NaN.

        No row is predicted twice by one model: periods, alarms and the gate ask for the same ones.
        """
        unseen = places[np.isnan(model.predicted[places])]
        if len(unseen):
            model.predicted[unseen] = model.bundle.point(self.features.iloc[unseen])
        predictions = pd.Series(model.predicted[places], self.rows.index[places], name="prediction")
        return self._with_outcome(places, predictions)

    def _with_outcome(
        self, places: np.ndarray, predictions: pd.Series | pd.DataFrame
    ) -> pd.DataFrame:
        rows = self.rows.iloc[places]
        outcome = rows[self.problem.target].astype("float64").rename("outcome")
        return pd.concat([rows, outcome, predictions], axis=1)

    def _threshold(self, held: pd.DataFrame) -> float:
        """Choose on all rows that were not fitted on: those of one window have few positives. The
        gate, which looks at the judged ones, compares probabilities and no alerts."""
        if self.problem.task != "binary":
            return float("nan")
        own = getattr(self._part("evaluation"), "threshold", None)
        if own is not None:
            return float(own(self.problem, held, self.settings.evaluate))
        return metrics.balanced_threshold(held["outcome"], held["prediction"])

    def watch(self, model: Model, before: pd.Timestamp, now: pd.Timestamp) -> Watched:
        """Hold the last period's rows, and the newest labelled ones, against the model's own."""
        key = (model.fitted_at, now)
        if key not in self._watched:
            self._watched[key] = self._watch(model, before, now)
        return self._watched[key]

    def _watch(self, model: Model, before: pd.Timestamp, now: pd.Timestamp) -> Watched:
        params = self.settings.backtest
        places = _thinned(self._between(before, now), params.most_rows)
        encoding = model.bundle.encoding
        current = encoding.transform(self.features.iloc[places])
        drift = feature_drift(model.reference, current, encoding.encoder.categorical)
        predicted = self.score(model, places)
        predictions = feature_drift(model.held[["prediction"]], predicted[["prediction"]])
        losses = self._losses(model, self._labelled(model, before, now, now), now)
        ranked = rank(drift, model.importance)
        heard = losses
        if self.problem.task == "binary":  # among all rows, attacks that come and go are no change
            heard = losses[losses["slice"] != "all"]
        alarm = ring(ranked, predictions, heard, params.alarm)
        return Watched(alarm, ranked, float(predictions["psi"].iloc[0]), losses)

    def _labelled(
        self, model: Model, before: pd.Timestamp, end: pd.Timestamp, now: pd.Timestamp
    ) -> pd.DataFrame:
        """Score the rows that became labelled between two moments."""
        limits = (labelled_until(moment, self.settings.backtest) for moment in (before, end))
        places = self._between(*limits)
        return self.score(model, places[self._known(now)[places]])

    def _losses(self, model: Model, recent: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
        """Hold recent losses against those of the model's first period in use; in that period,
        against those of the model that was tried, which had less to learn from."""
        params = self.settings.backtest.alarm
        end = next_start(model.fitted_at, self.settings.backtest.period)
        first = self._labelled(model, model.fitted_at, end, now) if now > end else model.held
        reference = model.held if first.empty else first
        samples = [self.errors(reference), self.errors(recent)]
        if recent.empty:
            return loss_changes(*samples)
        labels = [self._watched_slices(rows, now) for rows in (reference, recent)]
        return loss_changes(
            *samples,
            *labels,
            min_rows=params.slice_min_rows,
            unbiased=self.problem.task == "regression",  # among positives it never is
        )

    def _watched_slices(self, scored: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
        """Return a problem's slices; of a classifier the positives alone: a new kind of them is
        lost among all rows, and slices have too few."""
        if self.problem.task == "binary":
            return pd.DataFrame({"outcome": (scored["outcome"] > 0.5).map({True: "positive"})})
        return self._labels(scored, now)

    def errors(self, scored: pd.DataFrame) -> pd.DataFrame:
        """Return absolute error and residual of scored rows on the fitted scale, and their blocks.

        Also of a classifier: the log loss of a few rows can outweigh a month.
        """
        y, p = (
            to_scale(scored[name].to_numpy(np.float64), self.problem.scale)
            for name in ("outcome", "prediction")
        )
        frame = pd.DataFrame({"loss": np.abs(y - p), "residual": y - p}, index=scored.index)
        return frame.assign(block=self.block.loc[scored.index])

    def judge(self, challenger: Model, champion: Model) -> Verdict | None:
        """Ask the gate, on the newest labelled rows, which neither model has learnt from."""
        rows = challenger.judged
        unseen = labelled_until(champion.fitted_at, self.settings.backtest)
        rows = rows[(self.begun.loc[rows.index] >= unseen).to_numpy()]
        if rows.empty:
            return None
        theirs = self.score(champion, rows.index.to_numpy())["prediction"]
        return decide(
            rows,
            theirs,
            task=self.problem.task,
            metric=self.problem.metric,
            params=self.settings.gate,
            blocks=self.block.loc[rows.index],
            labels=self._labels(rows, challenger.fitted_at),
        )

    def _labels(self, scored: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
        past = self.rows.iloc[: int(self.rows[self.time].searchsorted(now))]
        found: pd.DataFrame = self._part("evaluation").slices(
            self.problem, scored, self.settings.evaluate, past
        )
        return found

    def _between(self, start: pd.Timestamp, end: pd.Timestamp) -> np.ndarray:
        low, high = (int(self.rows[self.time].searchsorted(at)) for at in (start, end))
        return np.arange(low, high)

    def _known(self, now: pd.Timestamp) -> np.ndarray:
        return (self.rows[self.known_at] < now).to_numpy(bool) & ~np.isnan(self.target)

    def _part(self, name: str) -> ModuleType | Any:
        return part(self.problem.world, name)


def _thinned(places: np.ndarray, most: int) -> np.ndarray:
    """Return every so many-th place, at most `most`."""
    return places[:: -(-len(places) // most)] if len(places) > most else places
