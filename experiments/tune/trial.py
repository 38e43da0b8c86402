"""One trial: fit the point booster on its features and score it on the validation window."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.tune.features import features_at, of_boosters, of_features
from experiments.tune.log import DONE, FAILED, STOPPED, Trial
from experiments.tune.space import Point
from problems.contract import Problem
from retrace.base import paths
from retrace.base.params import parse_section
from retrace.encode.encoders import Matrix
from retrace.encode.encoding import Encoding, from_scale
from retrace.fit.boosters import Layout, Window, bin_rows, fit_booster
from retrace.fit.bundle import predict_scaled
from retrace.fit.learner import lgb
from retrace.judge import metrics
from stages.windows import read_window
from workflow.train import TrainParams, layout_of, objectives, uncalibrated

STEP = 25  # rounds between two looks at the curve
FIRST = 2  # looks before a trial may be stopped


@dataclass
class Windows:
    """A problem's training and validation windows in memory, binned once for each `max_bin`."""

    problem: Problem
    encoding: Encoding
    base: TrainParams
    train: Window
    valid: Window
    top: Path = Path()  # the folder that has the features
    binned: dict[int, lgb.Dataset] = field(default_factory=dict)

    @classmethod
    def of(cls, problem: Problem, base: TrainParams, top: Path = Path()) -> "Windows":
        encoding = Encoding.load(top / paths.features(problem.name))
        train, valid = (
            read_window(problem, name, encoding.columns, top) for name in ("train", "valid")
        )
        return cls(problem, encoding, base, train, valid, top)

    @contextmanager
    def at(self, point: Point) -> "Iterator[Windows]":
        """Yield the windows with a point's features: this one where the point changes none."""
        if not of_features(point):
            yield self
            return
        with features_at(self.problem, of_features(point)) as top:
            yield Windows.of(self.problem, self.base, top)

    @property
    def layout(self) -> Layout:
        return layout_of(self.problem, self.encoding, self.objective)

    @property
    def objective(self) -> dict[str, object]:
        return objectives(self.problem, self.base, len(self.encoding.classes))["point"]

    def predict(
        self, booster: lgb.Booster, matrix: Matrix, rounds: int | None = None
    ) -> NDArray[np.float64]:
        """Return what a booster predicts, in the target's unit or as probabilities."""
        scaled = predict_scaled({"point": booster}, self.layout, matrix, rounds=rounds)
        return uncalibrated(self.problem, scaled["point"])

    def actual(self, target: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return outcomes in the target's unit; classes stay numbers."""
        return from_scale(target, self.problem.scale)


def loss_of(problem: Problem, score: float | None) -> float | None:
    """Return the score as something to be made small."""
    if score is None:
        return None
    return -score if metrics.METRICS[problem.metric].higher_is_better else score


class MedianStop:
    """A LightGBM callback that ends a fit worse than the median of earlier trials.

    The median stopping rule of Golovin et al. (2017), Google Vizier, section 3.2.2: the best loss
    so far against the median of the earlier trials' at the same round. A trial that had ended by
    then counts with its last. With fewer than `least` earlier trials it only watches.
    """

    order = 40  # after LightGBM's own early stopping, which has 30

    def __init__(self, curves: Sequence[Sequence[float]], least: int) -> None:
        self.curves = curves if len(curves) >= least else ()
        self.best = float("inf")
        self.seen: list[float] = []  # the best loss so far, every 25th round
        self.stopped = False

    def __call__(self, env: lgb.callback.CallbackEnv) -> None:
        results = env.evaluation_result_list or []
        self.best = min(self.best, next(item[2] for item in results if item[0] == "valid"))
        if (env.iteration + 1) % STEP:
            return
        look = len(self.seen)
        self.seen.append(self.best)
        if not self.curves or look + 1 < FIRST:
            return
        here = [curve[min(look, len(curve) - 1)] for curve in self.curves]
        if self.best > float(np.median(here)):
            self.stopped = True
            raise lgb.callback.EarlyStopException(env.iteration, results)


def run_trial(
    windows: Windows,
    point: Point,
    earlier: Sequence[Trial],
    *,
    fingerprint: str,
    seed: int,
    number: int,
    stop_after: int,
) -> Trial:
    """Fit and score one point; whatever goes wrong in training becomes a failed trial."""
    begin = time.perf_counter()
    watch = MedianStop([trial.curve for trial in earlier if trial.curve], stop_after)
    state, score, rounds, reason = FAILED, None, 0, ""
    try:
        with windows.at(point) as there:
            rounds, score = _fit_and_score(there, point, watch)
        if not np.isfinite(score):
            score, reason = None, f"the score is {score}"
        else:
            state = STOPPED if watch.stopped else DONE
    except MemoryError:
        reason = "out of memory"
    except Exception as error:  # of any library below: the search must go on
        reason = f"{type(error).__name__}: {error}"
    return Trial(
        fingerprint=fingerprint,
        seed=seed,
        trial=number,
        state=state,
        score=score,
        rounds=rounds,
        seconds=time.perf_counter() - begin,
        parameters=point,
        curve=tuple(float(f"{loss:.6g}") for loss in watch.seen) if state != FAILED else (),
        reason=reason,
    )


def parameters_of(windows: Windows, point: Point) -> TrainParams:
    """Return `train` of params.yaml with the point's values."""
    section = f"{windows.problem.name}.train"
    return parse_section(TrainParams, {**windows.base.model_dump(), **of_boosters(point)}, section)


def _fit_and_score(windows: Windows, point: Point, watch: MedianStop) -> tuple[int, float]:
    """Return the best round and the problem's metric there."""
    problem = windows.problem
    params = parameters_of(windows, point)
    if params.max_bin not in windows.binned:
        windows.binned[params.max_bin] = bin_rows(
            windows.train, windows.layout, params, windows.objective, reusable=True
        )
    fit = fit_booster(
        windows.train,
        windows.valid,
        windows.layout,
        params,
        windows.objective,
        callbacks=[watch],
        binned=windows.binned[params.max_bin],
    )
    valid = windows.valid
    rounds = int(fit.curve["valid"].to_numpy().argmin()) + 1
    predicted = windows.predict(fit.booster, valid[0], rounds)
    return rounds, float(metrics.METRICS[problem.metric](windows.actual(valid[1]), predicted))
