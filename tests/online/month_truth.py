"""What is asked in the month of tests.online.month, what both models say of it, and what comes."""

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.rollout.resolve import fetched
from problems import parts
from problems.parts import find_problem
from problems.predict import Predictor
from problems.rows import RowReader, to_json
from retrace.base import paths
from retrace.base.arrays import Arrays, from_frame
from retrace.base.files import read_table
from retrace.fit.bundle import Bundle

NAME = "service_time"
STOPS = 1  # of a tour
NOISE = 0.1  # of outcomes, on the log scale
OLD, NEW = "v0.0.1", "v0.0.2"


class Truth:
    """What each model says of a row, and what came of it; as_of is in a month after the data's."""

    def __init__(self, project: Path, names: str) -> None:
        self._names, self._rng = names, np.random.default_rng(1)
        with contextlib.chdir(project):
            rows = read_table(paths.clean(NAME))
            self.world = parts.world(NAME)
        regions = rows["region"].value_counts()
        self.here, self.there = str(regions.index[0]), str(regions.index[1])
        self._by_region = {one: rows[rows["region"] == one] for one in (self.here, self.there)}
        self._start = rows["departed_at"].max().ceil("D")
        self._number = 0

    def day(self, day: int, tours: list[int]) -> list[tuple[str, list[dict[str, Any]]]]:
        """Return the rows of some tours on a day, by tour; three of five are `here`."""
        found = []
        for tour in tours:
            name = f"T{tour}"
            region = self.there if tour % 5 < 2 else self.here
            of = self._by_region[region]
            rows = of.iloc[self._rng.integers(0, len(of), STOPS)].copy()
            at = self._start + pd.Timedelta(day, "D") + pd.Timedelta(tour, "s")
            rows["stop_id"] = [f"{self._names}{self._number + one}" for one in range(len(rows))]
            self._number += len(rows)
            rows["route_id"], rows["planned_at"] = name, at
            rows["planned_arrival_at"] = at + pd.Timedelta(8, "h")
            rows["position"] = np.arange(1, len(rows) + 1)
            arrays = from_frame(rows)
            found.append((name, [self._row(arrays, place) for place in range(len(rows))]))
        return found

    def _row(self, arrays: Arrays, place: int) -> dict[str, Any]:
        row = to_json(arrays, place)
        return {name: value for name, value in row.items() if name not in self.world.outcomes}

    def outcome(self, row: dict[str, Any], around: float) -> dict[str, Any]:
        """Return what came of a row: near a prediction of it."""
        seconds = round(float(around * np.exp(NOISE * self._rng.normal())), 3)
        arrived = pd.Timestamp(row["planned_at"]) + pd.Timedelta(8, "h")
        departed = arrived + pd.Timedelta(round(seconds * 1000), "ms")
        return {
            "stop_id": row["stop_id"], "service_seconds": seconds, "grade": "A",
            "arrived_at": arrived.isoformat(), "departed_at": departed.isoformat(),
        }  # fmt: skip


class Models:
    """Both models, to know what each says of a row without asking the server."""

    def __init__(self, project: Path) -> None:
        with contextlib.chdir(project):
            problem = find_problem(NAME)
            tops = [fetched(NAME, f"{NAME}@{one}", one) for one in (OLD, NEW)]
            self._both = [
                Predictor.of(
                    problem,
                    Bundle.load(top / paths.bundle(NAME)),
                    read_table(top / paths.state(NAME) / "state.parquet"),
                )
                for top in tops
            ]
            self._reader = RowReader.of_rows(parts.world(NAME))

    def __call__(self, rows: list[dict[str, Any]]) -> list[list[float]]:
        """Return what the old and the new one predict of each row."""
        arrays = self._reader.read(rows)
        return [one.answer(arrays)["prediction"].tolist() for one in self._both]
