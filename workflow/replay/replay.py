"""The lifecycle of one problem replayed: fit at a moment, score what comes, watch, retrain.

Everything is generic over Problem. At each moment a `Replay` uses only rows that were there, and
outcomes that were known, by then; what comes later can change nothing (a test deletes it).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pandas as pd

from retrace.encode.encoding import to_scale
from retrace.judge.drift import DriftAlarm, feature_drift, loss_changes, raise_alarm, rank
from retrace.judge.foreseen import foreseen_increase
from retrace.judge.gate import Decision, decide
from retrace.judge.metrics import said
from retrace.judge.tasks import JUDGING
from retrace.past.walk import labelled_until, periods_before
from workflow.replay.models import Model, Past, thinned
from workflow.told import costs_beside

FORESEEN_ROWS = 5_000  # of a period: their mean is known to 1 or 2 % then
POLICIES = ("never", "every", "alarm")  # the one that listens comes last


@dataclass(frozen=True)
class Watched:
    """What the alarm saw at one moment."""

    alarm: DriftAlarm
    features: pd.DataFrame
    prediction_psi: float
    losses: pd.DataFrame
    foreseen: float  # by which share losses will be larger; no outcome is needed. NaN: not known


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
    verdict: Decision | None = None


@dataclass
class Replay:
    """What becomes of a problem's models under each policy; what the alarm saw is kept."""

    past: Past
    _watched: dict[tuple[pd.Timestamp, pd.Timestamp], Watched] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.problem, self.settings = self.past.problem, self.past.settings
        self.judging = JUDGING[self.problem.task]

    def steps(self) -> Iterator[Step]:
        """Yield every policy's step of every period after the first model."""
        params = self.settings.backtest
        starts = self.past.starts()
        self.past.fit_all(starts[:-1])
        in_use = dict.fromkeys(POLICIES, self.past.fit(starts[0]))
        owed = 0  # retrainings that the last alarm still asks for
        for before, (start, end) in zip([None, *starts], pairwise(starts), strict=False):
            for policy in POLICIES:
                step = self._step(policy, in_use, before, start, end, owed > 0)
                yield step
            raised = step.watched is not None and step.watched.alarm.raised
            owed = params.follow_up_periods if raised else max(owed - 1, 0)

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
            raised = watched is not None and watched.alarm.raised
            retrained = policy == "every" or (policy == "alarm" and (raised or owed))
        if retrained:
            in_use[policy] = self.past.fit(start)
            verdict = self.ask_gate(in_use[policy], champion)
        scored = self.past.score(in_use[policy], self.past.between(start, end))
        return Step(start, end, policy, in_use[policy], scored, watched, retrained, verdict)

    def watch(self, model: Model, before: pd.Timestamp, now: pd.Timestamp) -> Watched:
        """Hold the last period's rows, and the newest labelled ones, against the model's own."""
        key = (model.fitted_at, now)
        if key not in self._watched:
            self._watched[key] = self._watch(model, before, now)
        return self._watched[key]

    def _watch(self, model: Model, before: pd.Timestamp, now: pd.Timestamp) -> Watched:
        params = self.settings.backtest
        places = thinned(self.past.between(before, now), params.most_rows)
        current = self.past.columns(model.bundle, places)
        drift = feature_drift(model.reference, current, model.bundle.layout.categorical)
        predicted = self.past.score(model, places)
        predictions = self._prediction_drift(model.held, predicted)
        losses = self._losses(model, before, now)
        long_before = periods_before(now, params.alarm.sustained_periods, params.period)
        sustained = None
        if long_before >= model.fitted_at:
            sustained = self._losses(model, long_before, now, slices=False)
        ranked = rank(drift, model.importance)
        foreseen = self.foreseen(model, places)
        alarm = raise_alarm(ranked, predictions, losses, params.alarm, sustained, foreseen)
        moved = float(predictions["psi"].iloc[0])
        return Watched(alarm, ranked, moved, losses, foreseen)

    def foreseen(self, model: Model, places: np.ndarray) -> float:
        """Foresee by which share losses will be larger, on the fitted scale. A regression is asked
        for its intervals, which only the model that was tried has; NaN without a gate."""
        if self.problem.task != "regression":
            return foreseen_increase(self.past.score(model, places), model.held)
        if "lower" not in model.held:
            return float("nan")
        rows = self.past.answered(model.tried, thinned(places, FORESEEN_ROWS))
        return foreseen_increase(self._on_scale(rows), self._on_scale(model.held))

    def _prediction_drift(self, held: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
        """Compare the predictions of two samples; classes are compared as they are."""
        before, after = held[["prediction"]], now[["prediction"]]
        if not self.past.classes:
            return feature_drift(before, after)
        number = {name: float(place) for place, name in enumerate(self.past.classes)}
        before, after = (
            one.assign(prediction=one["prediction"].map(number)) for one in (before, after)
        )
        return feature_drift(before, after, ["prediction"])

    def _labelled(
        self, model: Model, before: pd.Timestamp, end: pd.Timestamp, now: pd.Timestamp
    ) -> pd.DataFrame:
        """Score the rows that became labelled between two moments."""
        limits = (labelled_until(moment, self.settings.backtest) for moment in (before, end))
        places = self.past.between(*limits)
        return self.past.score(model, places[self.past.known(now)[places]])

    def _losses(
        self, model: Model, before: pd.Timestamp, now: pd.Timestamp, *, slices: bool = True
    ) -> pd.DataFrame:
        """Hold the losses since `before` against all earlier ones of the model in use; in its first
        period, against those of the model that was tried, which had less to learn from."""
        params = self.settings.backtest.alarm
        recent = self._labelled(model, before, now, now)
        earlier = self._labelled(model, model.fitted_at, before, now)
        if earlier.empty:
            earlier = model.held
        pair = [earlier, recent]
        if params.outcomes == "positives":
            pair = [rows[rows["outcome"] > 0.5] for rows in pair]
        if min(map(len, pair)) < params.slice_min_rows:
            pair[1] = pair[1].iloc[:0]
        wanted = slices and params.outcomes == "all" and len(pair[1])
        labels = [self.past.labels(rows, now) for rows in pair] if wanted else []
        return loss_changes(
            *map(self.errors, pair),
            *labels,
            min_rows=params.slice_min_rows,
            unbiased=self.judging.signed,
        )

    def errors(self, scored: pd.DataFrame) -> pd.DataFrame:
        """Return loss and residual of scored rows on the fitted scale, and their blocks."""
        return self.judging.errors(self._on_scale(scored)).assign(
            block=self.past.block.loc[scored.index]
        )

    def _on_scale(self, scored: pd.DataFrame) -> pd.DataFrame:
        if self.problem.scale != "log":
            return scored
        names = [name for name in ("outcome", "prediction", "lower", "upper") if name in scored]
        return scored.assign(
            **{name: to_scale(scored[name].to_numpy(np.float64), "log") for name in names}
        )

    def ask_gate(self, challenger: Model, champion: Model) -> Decision | None:
        """Ask the gate, on the newest labelled rows, which neither model has learnt from."""
        rows = challenger.judged
        unseen = labelled_until(champion.fitted_at, self.settings.backtest)
        rows = rows[(self.past.begun.loc[rows.index] >= unseen).to_numpy()]
        if rows.empty:
            return None
        places = rows.index.to_numpy()
        theirs = said(self.past.score(champion, places))
        told = self.past.told(champion, places)
        return decide(
            rows,
            theirs,
            task=self.problem.task,
            metric=self.problem.metric,
            params=self.settings.gate,
            blocks=self.past.block.loc[rows.index],
            labels=self.past.labels(rows, challenger.fitted_at),
            costs=costs_beside(self.problem, rows, self.settings.evaluate, told),
        )
