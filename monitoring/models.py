"""A model as monitoring knows it: the files of one version, and no clean table."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from problems import parts
from problems.contract import EvaluateParams, Problem
from retrace.base import paths
from retrace.base.files import read_json, read_table
from retrace.fit.boosters import importance
from retrace.fit.bundle import Bundle
from retrace.fit.following import DECISION
from retrace.judge.drift import AlarmParams
from workflow.watched import BASELINE, HELD


@dataclass(frozen=True)
class WatchedModel:
    """A version of a problem's model that answers, or is tried.

    top : the folder that has its models/ and data/serving/; None where only the store knows it
    """

    problem: Problem
    version: str
    fingerprint: str
    arm: str
    top: Path | None = None
    in_shadow: bool = False

    @cached_property
    def bundle(self) -> Bundle | None:
        if self.top is None:
            return None
        return Bundle.load(self.top / paths.bundle(self.problem.name))

    @cached_property
    def held(self) -> pd.DataFrame | None:
        """Scored rows that it was tried on; None where its version did not write any."""
        return self._table(HELD)

    @cached_property
    def baseline(self) -> pd.DataFrame | None:
        """What rule and naive average need of its training rows."""
        return self._table(BASELINE)

    def _table(self, name: Path) -> pd.DataFrame | None:
        if self.top is None:
            return None
        path = self.top / paths.serving(self.problem.name) / name
        return read_table(path) if path.exists() else None

    @cached_property
    def decision(self) -> dict[str, Any]:
        if self.top is None:
            return {}
        path = self.top / paths.serving(self.problem.name) / DECISION
        return dict(read_json(path)) if path.exists() else {}

    @cached_property
    def importance(self) -> pd.Series:
        """The share of gain by model column."""
        if self.bundle is None:
            return pd.Series(dtype="float64")
        table = importance(self.bundle.boosters["point"])
        return table.set_index("column")["gain_share"]

    @cached_property
    def evaluate(self) -> EvaluateParams:
        evaluation = parts.evaluation(self.problem.world)
        return parts.settings(evaluation.settings, self.problem, "evaluate")

    @cached_property
    def alarm(self) -> AlarmParams:
        """The limits that the backtest asks by; the defaults of a problem without one."""
        return parts.settings(AlarmParams, self.problem, "backtest.alarm")
