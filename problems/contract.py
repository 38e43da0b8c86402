"""What a world and a problem must bring. The whole contract is on this page.

A *world* is where raw data comes from; a *problem* is a question asked of its clean table. Both
live in one package, `problems/<world>/`, in parts that stages import one by one, so that a change
of one part rebuilds only the stages that use it:

    problem.py     PROBLEMS: {name: Problem}                       (data only)
    schema.py      WORLD: World, with the pandera schema of the clean table
    simulate/      Settings; simulate(Settings) -> Simulated
    ingest/        Settings; ingest(source, Settings) -> Ingested
    features/      Settings; features(clean rows, Settings, past) -> model columns; with entities
                   also state(clean rows, Settings) -> what is known of each at the end
    rules.py       rule, naive (fitted on training rows), oracle (from the simulator's truth)
    evaluation/    Settings; headline, slices and tables of scored rows; a binary problem may have
                   threshold(problem, scored validation rows, Settings), which becomes the column
                   `threshold` of the scored test rows

`Settings` is the pydantic model of that part's section of `params.yaml`; `part(world, "ingest")`
imports a part. The folders keep their code in `__init__.py` and files beside it.
"""

import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from retrace.base.errors import RetraceError
from retrace.base.params import ProblemEntry, WorldEntry, read_params

if TYPE_CHECKING:  # simulators need no text models
    from retrace.encode.encoders import Encoder
    from retrace.encode.text.blocks import Block


@dataclass(frozen=True)
class World:
    """Where raw data comes from: the name of its package and the schema of its clean table.

    The rest tells `validate` how to look for faults: when a row happened, what is known only
    afterwards (the target first), and by screen of retrace.checks.screens the columns that do by
    nature what it looks for.
    """

    name: str
    schema: Any  # pandera.pandas.DataFrameSchema; pandera is only imported where it is used
    key: tuple[str, ...]
    time: str | None = None
    outcomes: tuple[str, ...] = ()
    exempt: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Columns:
    """The columns that `features` returns, by the way in which the model uses them.

    `numeric` and `categorical` go to the booster (categories as native ones), `target_encoded` are
    groups of categorical columns that become a smoothed mean of the target, and `text` are the
    blocks of tokens that the text model sees. A numeric or categorical name that ends in `*` stands
    for all columns that begin like it, where the data decides which there are: attributes of a log,
    and its activities.
    """

    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    target_encoded: tuple[tuple[str, ...], ...] = ()
    text: "tuple[Block, ...]" = ()

    def of(self, features: pd.DataFrame) -> "Columns":
        """Return the columns with names for patterns, those of `features` in their order."""
        numeric, categorical = (
            tuple(one for name in names for one in _matching(name, features))
            for names in (self.numeric, self.categorical)
        )
        return replace(self, numeric=numeric, categorical=categorical)

    def complete(self, features: pd.DataFrame, encoder: "Encoder") -> pd.DataFrame:
        """Add what a pattern found in training and `features` has not: missing, or empty text."""
        gone = [name for name in encoder.numeric if name not in features]
        empty = [name for name in encoder.categorical if name not in features]
        patterns = [name for name in (*self.numeric, *self.categorical) if name.endswith("*")]
        absent: dict[str, Any] = {**dict.fromkeys(gone, math.nan), **dict.fromkeys(empty, "")}
        known = {
            name: value
            for name, value in absent.items()
            if any(name.startswith(pattern[:-1]) for pattern in patterns)
        }
        return features.assign(**known) if known else features


def _matching(name: str, features: pd.DataFrame) -> list[str]:
    if not name.endswith("*"):
        return [name]
    return [str(one) for one in features.columns if str(one).startswith(name[:-1])]


@dataclass(frozen=True)
class Problem:
    """A question asked of a world's clean table.

    `scale` is where errors are even: a `log` target is fitted as log(1 + y). `metric` is the one
    that search and the gate look at. The target of a `binary` problem is 0 or 1 (or a bool), its
    prediction the probability of 1; early stopping looks at the log loss. `offset` is a numeric
    column that estimates the target on the fitted scale: the boosters start from it, and learn what
    it leaves. Without one they start from the text model, or from the mean.
    """

    name: str
    world: str
    task: Literal["regression", "binary"]
    target: str
    unit: str
    metric: Literal["rmsle", "mae", "average_precision"]
    key: tuple[str, ...]
    columns: Columns
    scale: Literal["log", "identity"] = "identity"
    group: tuple[str, ...] = ()  # rows that are not independent: split and bootstrap blocks
    time: str | None = None  # when the prediction is made
    known_at: str | None = None  # when the outcome becomes known
    entities: tuple[str, ...] = ()  # whose history may be used
    offset: str | None = None
    slices: tuple[str, ...] = ()  # columns of `slices(rows)` in the order of the report


ChangeKind = Literal["sudden", "slow", "one region", "one feature's unit", "seasonal"]


@dataclass(frozen=True)
class Change:
    """A change of the simulated world, for the backtest to hold alarms against. Days are ISO dates.

    `until` is when it ends: of a slow change when it is complete, of a passing one when all is as
    before. Without it, the new way stays from `at` on.
    """

    at: str
    kind: ChangeKind
    what: str
    until: str | None = None


@dataclass(frozen=True)
class Simulated:
    """What a simulator makes: raw files by name (the suffix is the format), and their truth.

    `truth` has the key of the raw rows and whatever `rules.oracle` needs. It must not be among the
    raw files. `changes` are those of the world in the course of the data, in order of time; None
    says that the simulator does not tell.
    """

    raw: dict[str, pd.DataFrame]
    truth: pd.DataFrame
    changes: tuple[Change, ...] | None = None


@dataclass(frozen=True)
class Ingested:
    """Every raw row once: in `clean`, or in `rejected` with `file`, `row` (1 is the first data row)
    and `reason`.

    `fingerprint` identifies the raw bytes. `figures` are the world's own numbers on its ingest.
    `rows_read` is for worlds whose clean rows are no raw ones, such as moments made of events:
    there each raw row is used, or rejected. `notes` are for the reader of the terminal.
    """

    clean: pd.DataFrame
    rejected: pd.DataFrame
    fingerprint: str
    figures: dict[str, float] = field(default_factory=dict)
    rows_read: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def rows_in(self) -> int:
        return len(self.clean) + len(self.rejected) if self.rows_read is None else self.rows_read


def part(world: str, name: str) -> ModuleType:
    """Import one part of a world's package."""
    try:
        return importlib.import_module(f"problems.{world}.{name}")
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith(f"problems.{world}"):
            raise
        raise RetraceError(
            f"problems/{world}/ has no part '{name}' ({error}). "
            "problems/contract.py lists what a world must bring."
        ) from None


def find_problem(name: str) -> Problem:
    """Return the problem that `params.yaml` lists under `problems`."""
    world = read_params(ProblemEntry, f"problems.{name}").world
    found: dict[str, Problem] = part(world, "problem").PROBLEMS
    if name not in found:
        raise RetraceError(
            f"problems/{world}/problem.py defines {', '.join(found)}; no problem '{name}'."
        )
    return found[name]


def source_of(world: str) -> Path:
    """Return the raw file or folder that `params.yaml` selects for a world."""
    return Path(read_params(WorldEntry, f"worlds.{world}").source)
