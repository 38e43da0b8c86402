"""A fact as the store takes it: a row that is there, or what came of one."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from problems.contract import History, Problem, World
from retrace.base.arrays import Arrays, join
from retrace.base.clock import micros
from store.known import OUTCOME, ROW

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Fact:
    """A row that is there (of no problem), or an outcome.

    at       : when states know it, in microseconds; known_at : when the problem's outcome is known
    body     : JSON, as it was sent
    value    : the outcome, None where there is none; of several classes `label`
    """

    world: str
    problem: str
    name: str
    at: int
    body: str
    known_at: int = 0
    value: float | None = None
    label: str = ""

    @property
    def kind(self) -> str:
        return OUTCOME if self.problem else ROW

    @property
    def id(self) -> str:
        said = "\x1f".join((self.world, self.problem, self.name, str(self.at), self.body))
        return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()


def row_facts(world: World, rows: Rows, told: Arrays) -> list[Fact]:
    """Return rows that are there; `told` are the same as arrays, (n_rows,)."""
    names = join([told[one] for one in world.key], "|")
    at = micros(told[world.time]).tolist() if world.time else [0] * len(rows)
    return [
        Fact(world.name, "", names[place], at[place], _json(row)) for place, row in enumerate(rows)
    ]


def outcome_facts(
    problem: Problem, history: History | None, rows: Rows, told: Arrays
) -> list[Fact]:
    """Return what came of rows; `told` are the same as arrays, (n_rows,)."""
    names = join([told[one] for one in problem.key], "|")
    known_at = told[problem.known_at] if problem.known_at else np.zeros(len(rows), "M8[us]")
    at = known_at
    if history is not None and history.known_at in told:
        of_history = told[str(history.known_at)]
        at = np.where(np.isnat(of_history), known_at, of_history)
    target = told[problem.target]
    classes = problem.task == "multiclass"
    values = [None] * len(rows) if classes else _numbers(target)
    return [
        Fact(
            problem.world,
            problem.name,
            names[place],
            int(micros(at)[place]),
            _json(row),
            int(micros(known_at)[place]) or time.time_ns() // 1000,
            values[place],
            str(target[place]) if classes else "",
        )
        for place, row in enumerate(rows)
    ]


def _json(row: Mapping[str, Any]) -> str:
    return msgspec.json.encode(row, order="sorted").decode()


def _numbers(values: np.ndarray) -> list[float | None]:
    return [None if value != value else float(value) for value in values.tolist()]
