"""The interval of a day, from the rows that were predicted before it and what came of them.

The first request of a day makes it and stores it beside the state, where all replicas find it. An
outcome that the day should have known takes it away again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from sqlalchemy import select

from retrace.base.files import read_table
from retrace.encode.encoding import to_scale
from retrace.fit.following import Predicted, Waiting
from retrace.fit.intervals import HALF_LIVES, Interval
from retrace.past.state import NotKept
from store.database import Store
from store.tables import INTERVAL, outcomes, predictions, state

SCORES = ("point", "lower", "upper")


@dataclass(frozen=True)
class Following:
    """A model whose interval follows the newest outcomes.

    base : the file of the newest rows of the data, as data/serving has it
    """

    store: Store
    basis: str
    problem: str
    fingerprint: str
    scale: str
    first: Interval
    base: Path
    waiting: Waiting | None

    @cached_property
    def data_end(self) -> int:
        """The moment of the newest row of the data, in microseconds."""
        return int(_micros(read_table(self.base)["at"]).max(initial=0))

    @staticmethod
    def entity(day: np.datetime64) -> str:
        """Return the name under which the interval of a day is stored."""
        return f"{INTERVAL}{day.astype('datetime64[D]')}"

    def interval(self, day: np.datetime64) -> dict[str, Any]:
        """Make the interval of a day, store it, and return it as JSON has it.

        Raises NotKept for a day so long ago that the rows before it are no longer kept.
        """
        found = self._rows(day).interval_at(day.astype("M8[us]"), self.first, self.waiting)
        part = found.to_json()
        row: dict[str, Any] = {"basis": self.basis, "entity": self.entity(day)}
        row["part"] = msgspec.msgpack.encode(part)
        with self.store.writing() as connection:
            added = self.store.insert(state).values(**row)
            connection.execute(added.on_conflict_do_nothing())
        return part

    def _rows(self, day: np.datetime64) -> Predicted:
        moment = int(day.astype("datetime64[us]").astype(np.int64))
        base = read_table(self.base)
        needed = round(HALF_LIVES * (self.first.half_life or 0.0))
        at = _micros(base["at"])
        if len(at) >= 2 * needed and int((at < moment).sum()) < needed:  # older ones were left out
            raise NotKept(
                f"What the interval of {day} followed is no longer kept: the rows that it is made "
                f"from begin with {np.datetime64(int(at.min()), 'us')}. Ask for a later moment."
            )
        rows: dict[str, tuple[Any, ...]] = {
            name: tuple(values)
            for name, *values in zip(
                base["name"].tolist(),
                at.tolist(),
                _micros(base["known_at"]).tolist(),
                base["actual"].tolist(),
                *(base[name].tolist() for name in SCORES),
                strict=True,
            )
        }
        known = self._outcomes(moment, min((one[0] for one in rows.values()), default=0))
        for name, as_of, *scored in self._predicted(moment):
            if name not in rows or rows[name][0] < as_of:
                rows[name] = (as_of, _NOT_KNOWN, np.nan, *scored)
        for name, outcome in known.items():
            if name in rows:
                rows[name] = (rows[name][0], *outcome, *rows[name][3:])
        names = sorted(rows, key=lambda name: (rows[name][0], name))
        columns = list(zip(*(rows[name] for name in names), strict=True)) or [()] * 6
        at, known_at = (np.array(one, np.int64).view("M8[us]") for one in columns[:2])
        actual, *scores = (np.array(one, np.float64) for one in columns[2:])
        return Predicted(at, known_at, actual, dict(zip(SCORES, scores, strict=True)))

    def _predicted(self, moment: int) -> list[tuple[Any, ...]]:
        """Return name, as_of and scores of the newest predictions, the newest last."""
        half_life = self.first.half_life or 0.0
        columns = (predictions.c[f"{name}_score"] for name in SCORES)
        asked = (
            select(predictions.c.name, predictions.c.as_of, *columns)
            .where(predictions.c.problem == self.problem)
            .where(predictions.c.fingerprint == self.fingerprint, predictions.c.as_of < moment)
            .order_by(predictions.c.as_of.desc(), predictions.c.predicted_at.desc())
            .limit(4 * round(HALF_LIVES * half_life))
        )
        with self.store.reading() as connection:
            return [tuple(row) for row in connection.execute(asked)][::-1]

    def _outcomes(self, moment: int, since: int) -> Mapping[str, tuple[int, float]]:
        """Return when the newest outcome of each row was known, and its value as it is fitted."""
        asked = (
            select(outcomes.c.name, outcomes.c.known_at, outcomes.c.value)
            .where(outcomes.c.problem == self.problem)
            .where(outcomes.c.known_at >= since, outcomes.c.known_at < moment)
            .order_by(outcomes.c.received_at)
        )
        with self.store.reading() as connection:
            rows = connection.execute(asked).all()
        values = np.array([np.nan if row.value is None else row.value for row in rows], np.float64)
        fitted = to_scale(values, self.scale).tolist()
        return {row.name: (row.known_at, value) for row, value in zip(rows, fitted, strict=True)}


_NOT_KNOWN = np.iinfo(np.int64).min  # NaT


def _micros(times: pd.Series) -> Any:
    return times.dt.tz_localize(None).to_numpy("datetime64[us]").view(np.int64)
