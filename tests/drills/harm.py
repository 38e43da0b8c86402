"""What bad data costs: the error, on clean test rows, of a model that was trained on it."""

import contextlib
import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from problems.contract import Problem
from problems.parts import find_problem
from problems.predict import predict
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.files import read_table, write_table
from retrace.fit.bundle import Bundle
from retrace.judge import metrics
from stages import featurize, train
from tests.drills import Size
from tests.drills.place import project
from tests.drills.reception import PARAMS


@dataclass(frozen=True)
class Bench:
    """A small project in `folder`, and the clean rows that models of one world are judged on."""

    folder: Path
    world: str
    clean: pd.DataFrame

    @classmethod
    def of(cls, world: str, clean: pd.DataFrame, size: Size, folder: Path) -> "Bench":
        return cls(project(folder, size), world, clean)

    @cached_property
    def usual(self) -> dict[str, float | None]:
        return self.errors(self.clean)

    def errors(self, rows: pd.DataFrame) -> dict[str, float | None]:
        """Train each problem of the world on `rows`; return its error, None where that fails."""
        names = [name for name in PARAMS["problems"] if problem_world(name) == self.world]
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(io.StringIO()):
            return {name: self._error(find_problem(name), rows) for name in names}

    def _error(self, problem: Problem, rows: pd.DataFrame) -> float | None:
        test = self.folder / f"test-{problem.name}.parquet"
        if not test.exists():  # the windows of the clean rows, once
            write_table(self.clean, paths.clean(self.world))
            featurize.main(problem.name)
            write_table(read_table(paths.window(problem.name, "test"))[list(problem.key)], test)
        write_table(rows, paths.clean(self.world))
        try:
            featurize.main(problem.name)
            train.main(problem.name)
        except (RetraceError, ValueError):
            return None
        judged = self.clean.merge(read_table(test), on=list(problem.key))
        bundle = Bundle.load_judged(paths.bundle(problem.name))
        found = predict(problem, bundle, judged.drop(columns=problem.target), past=self.clean)
        return metric(problem, judged[problem.target], found["prediction"])


def metric(problem: Problem, actual: pd.Series, predicted: pd.Series) -> float:
    return float(getattr(metrics, problem.metric)(actual, predicted))


def worse(problem: str, before: float | None, after: float | None) -> str:
    """Tell by how much a problem's metric got worse, in percent of what it was."""
    if before is None or after is None:
        return f"{problem}: no model"
    if metrics.METRICS[find_problem(problem).metric].higher_is_better:
        before, after = -before, -after
    return f"{problem} {(after - before) / abs(before):+.1%}"


def problem_world(problem: str) -> str:
    return str(PARAMS["problems"][problem]["world"])
