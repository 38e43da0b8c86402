"""All that will happen in a world, simulated once."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench.clone import command
from problems.contract import Problem
from problems.parts import find_problem
from retrace.base import paths
from retrace.base.files import read_table
from stages.backtest import read_changes, read_settings
from workflow.replay.models import Past
from workflow.replay.replay import Replay


@dataclass(frozen=True)
class LifeCourse:
    """What happens, and what becomes of models that are not served.

    rows : the clean table, all of it
    changes : when the world changed, as the simulator tells it
    offline : by fate the scored rows of replayed models, with `threshold`
    """

    problem: Problem
    rows: pd.DataFrame
    changes: pd.DataFrame
    offline: dict[str, pd.DataFrame]


def simulate(project: Path, name: str) -> LifeCourse:
    """Simulate in a copy of the project, and replay there what nobody watches: a model that is
    fitted once, and one that is fitted every month without a gate."""
    command(project, "dvc", "repro", "--quiet", f"validate@{find_problem(name).world}")
    with contextlib.chdir(project):
        problem = find_problem(name)
        rows = read_table(paths.clean(problem.world))
        steps = list(Replay(Past(problem, rows, read_settings(problem))).steps())
        changes = read_changes(problem.world) or []
    offline = {
        policy: pd.concat(
            [one.scored.assign(threshold=one.model.threshold) for one in steps
             if one.policy == policy]
        )
        for policy in ("never", "every")
    }  # fmt: skip
    return LifeCourse(problem, rows, pd.DataFrame(changes, columns=["at", "kind", "what"]), offline)
