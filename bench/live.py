"""A model of a replay as if it were served: its answers put into a store, its outcomes when known.

What a server would have written of each row stands in the store, so that a watch can be asked
what it sees at any moment of simulated time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from monitoring.models import WatchedModel
from problems import parts
from problems.rows import to_json
from retrace.base.arrays import from_frame, join, take
from retrace.fit.bundle import Bundle
from retrace.fit.reference import Reference
from retrace.judge import metrics
from store.database import Store
from store.forget import subject_of
from store.loader import insert_predictions, row_of
from store.log import CHAMPION, TOLD, LoggedPrediction
from store.tables import outcomes
from workflow.replay.models import Model, Past, thinned
from workflow.watched import BLOCK, baseline_rows

BATCH = 2_000
Moment = pd.Timestamp


@dataclass(frozen=True)
class ReplayedModel(WatchedModel):
    """A model of a replay; what its files would say comes from memory."""

    past: Past | None = None
    model: Model | None = None

    @classmethod
    def of(cls, past: Past, model: Model) -> "ReplayedModel":
        version = f"{model.fitted_at:%Y-%m-%d}"
        return cls(past.problem, version, f"fitted-{version}", CHAMPION, None, False, past, model)

    def _there(self) -> tuple[Past, Model]:
        if self.past is None or self.model is None:
            raise ValueError("made by `of`")
        return self.past, self.model

    @cached_property
    def bundle(self) -> Bundle:
        """The model that was tried, which has its promise, with its reference."""
        past, model = self._there()
        places = thinned(np.flatnonzero(past.known(model.fitted_at)), 5_000)
        columns = past.columns(model.tried, places).to_numpy(np.float32)
        empty = np.empty(0)
        object.__setattr__(model.tried, "reference", Reference(columns, empty, empty))
        return model.tried

    @cached_property
    def held(self) -> pd.DataFrame:
        past, model = self._there()
        return model.held.assign(**{BLOCK: past.block.loc[model.held.index].to_numpy()})

    @cached_property
    def baseline(self) -> pd.DataFrame:
        past, model = self._there()
        known = past.rows[past.known(model.fitted_at)]
        return baseline_rows(past.problem, known, model.held, self.evaluate)

    @cached_property
    def decision(self) -> dict[str, Any]:
        _, model = self._there()
        told = {} if model.told is None else {"told": model.told}
        return told | ({} if np.isnan(model.threshold) else {"threshold": model.threshold})

    def answers(self, store: Store, start: Moment, end: Moment) -> int:
        """Put the answers to the rows of a time into the store; return how many."""
        past, _ = self._there()
        places = past.between(start, end)
        for at in range(0, len(places), BATCH):
            rows = [row_of(line) for line in self._lines(places[at : at + BATCH])]
            with store.writing() as connection:
                insert_predictions(store, connection, rows)
        return len(places)

    def _lines(self, places: np.ndarray) -> Iterator[LoggedPrediction]:
        past, _ = self._there()
        problem, world = self.problem, parts.world(self.problem.world)
        matrix = self.bundle.encoding.transform(take(past.features, places))
        scores = self.bundle.scores(matrix)
        arrays = from_frame(past.rows.iloc[places])
        names = join([arrays[key] for key in problem.key], "|").tolist()
        asked = {key: values for key, values in arrays.items() if key not in world.outcomes}
        at = _micros(past.rows[past.time].iloc[places])
        people = arrays[world.personal[0]].tolist() if world.personal else [""] * len(names)
        said = {key: values.tolist() for key, values in self.bundle.answers(scores).items()}
        if (by := self.decision.get("told")) in said and by != "prediction":  # as servers log it
            said[TOLD] = said[by]
        scored = {key: values.tolist() for key, values in scores.items()}
        for place, name in enumerate(names):
            row = to_json(asked, place)
            yield LoggedPrediction(
                id=subject_of(f"{self.fingerprint}\x1f{name}\x1f{at[place]}"),
                request=name,
                problem=problem.name,
                version=self.version,
                fingerprint=self.fingerprint,
                role=CHAMPION,
                arm=self.arm,
                subject=subject_of(people[place]),
                name=name,
                as_of=int(at[place]),
                predicted_at=int(at[place]),
                latency_us=800,
                row={key: value for key, value in row.items() if key not in world.personal},
                columns=matrix[place].tolist(),
                answer={key: values[place] for key, values in said.items()},
                scores={key: values[place] for key, values in scored.items()},
            )


def outcomes_of(store: Store, past: Past, since: Moment, until: Moment) -> int:
    """Put the outcomes into the store that became known between two moments; return how many."""
    problem = past.problem
    known_at = past.rows[past.known_at]
    is_new = known_at.between(since, until, "left") & problem.outcome(past.rows).notna()
    part = past.rows[is_new]
    if part.empty:
        return 0
    names = join([from_frame(part)[key] for key in problem.key], "|").tolist()
    at, value = _micros(part[past.known_at]).tolist(), problem.outcome(part).tolist()
    is_class = problem.task == "multiclass"
    rows = [
        {
            "id": subject_of(f"{problem.name}\x1foutcome\x1f{name}"),
            "problem": problem.name,
            "name": name,
            "known_at": at[place],
            "received_at": _micro(until) - len(names) + place,
            "value": None if is_class else value[place],
            "label": value[place] if is_class else "",
        }
        for place, name in enumerate(names)
    ]
    with store.writing() as connection:
        for start in range(0, len(rows), BATCH):
            added = store.insert(outcomes).on_conflict_do_nothing()
            connection.execute(added, rows[start : start + BATCH])
    return len(rows)


def true_metric(past: Past, model: ReplayedModel, start: Moment, end: Moment) -> float:
    """Return the metric of a time once everything is known."""
    rows = past.answered(model.bundle, past.between(start, end)).dropna(subset=["outcome"])
    return metrics.metric_of(past.problem.metric, rows) if len(rows) else float("nan")


def _micros(times: pd.Series) -> np.ndarray:
    return times.dt.tz_localize(None).to_numpy("datetime64[us]").view(np.int64)


def _micro(at: Moment) -> int:
    return int(at.value // 1000)  # `value` is in nanoseconds
