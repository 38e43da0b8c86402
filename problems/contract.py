"""What a world and a problem bring to the DAG. The whole contract is on this page.

A *world* is where raw data comes from; a *problem* is a question asked of its clean table. Both
live in one package, `problems/<world>/`. Each part is a module, or a package, that defines one
object of the classes below, so that a change of one part rebuilds only the stages that use it:

    schema.py      WORLD: World             the clean table and how to look for faults in it
    problem.py     PROBLEMS: {name: Problem}
    simulate/      SIMULATOR: Simulator     optional: without it the world has no truth, no oracle
    ingest/        READER: Reader           raw files to the clean table
    features/      FEATURES: Features       optional: clean rows to model columns
    rules.py       RULES: Rules             optional: what the model is judged against
    evaluation/    EVALUATION: Evaluation   optional: headline, slices, tables, threshold
    checks.yaml                             limits of the clean table, for `validate`

What is optional has a default, in `problems.defaults`: its file is empty. `problems.parts` finds a
part; `problems.served` has those that only a server needs. Functions get the *settings*
of their part: the pydantic model of its section of params.yaml.

*Scored* rows are clean rows of one window with further columns: `outcome`, `prediction`, `rule` and
`naive`, for a regression `lower`, `upper` and `p50`, `p60` to `p90`, for several classes one
`probability_<class>` each and of a baseline `rule_probability_<class>`, on simulated data perhaps
`oracle`, and for a problem with a threshold `threshold`. All are in the unit of the target.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from problems import defaults
from retrace.base.arrays import Arrays
from retrace.base.params import Params
from retrace.base.tables import Column, Table

if TYPE_CHECKING:  # simulators need neither text models nor history
    from retrace.encode.text.blocks import Block
    from retrace.past.state import Event, State

Task = Literal["regression", "binary", "multiclass"]
# The column of a clean table that says, where it is there, how much a row counts when boosters are
# fitted: of answers that were drawn, say, which stand for many.
WEIGHT = "row_weight"


class NoSettings(Params):
    """The settings of a part that has none."""


# ---- a world -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """Where raw data comes from: the name of its package and the schema of its clean table.

    The rest tells `validate` how to look for faults: when a row happened, what is known only
    afterwards (the target first), and by screen of retrace.checks.screens the columns that do by
    nature what it looks for. Where columns say their type first (number_value, text_value),
    `typed_prefixes` are these words: a column that has turned into another type is not absent.
    """

    name: str
    schema: Any  # pandera.pandas.DataFrameSchema; pandera is only imported where it is used
    key: tuple[str, ...]
    time: str | None = None
    outcomes: tuple[str, ...] = ()
    exempt: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    typed_prefixes: tuple[str, ...] = ()
    may_be_empty: tuple[str, ...] = ()  # columns that a source may have no value for at all
    example: Mapping[str, Any] = field(default_factory=dict)  # a row, as a server's pages show it
    example_outcomes: Mapping[str, Any] = field(default_factory=dict)  # what came of it
    personal: tuple[str, ...] = ()  # about people, the first names whose row it is: not logged


ChangeKind = Literal["sudden", "slow", "one region", "one feature's unit", "seasonal"]


@dataclass(frozen=True)
class Change:
    """A change of the simulated world, with which the backtest compares alarms. Days are ISO dates.

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

    `truth` has the key of the raw rows and whatever `Rules.oracle` needs. It must not be among the
    raw files. `changes` are those of the world in the course of the data, in order of time; None
    says that the simulator does not tell.
    """

    raw: dict[str, pd.DataFrame]
    truth: pd.DataFrame
    changes: tuple[Change, ...] | None = None


class Simulate(Protocol):
    def __call__(self, settings: Any) -> Simulated: ...


@dataclass(frozen=True)
class Simulator:
    """Raw data as its source would write it; settings under `<world>.simulate`."""

    settings: type[Params]
    simulate: Simulate


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


class Ingest(Protocol):
    def __call__(self, source: Path, settings: Any) -> Ingested: ...


class IngestParams(Params):
    """What every world's `<world>.ingest` has."""

    # Share of rows, 0 to 1, above which the data is taken to be wrong as a whole.
    max_quarantined: float = Field(0.02, ge=0, le=1)


class ReadAsked(Protocol):
    def __call__(self, source: Path, settings: Any) -> Iterator[pd.DataFrame]:
        """Yield the clean rows, without outcomes, of a file's raw ones that are to be predicted, in
        their order and in pieces of any size; what `ingest` would reject has the reason in a column
        `refused`, "" or nothing in others."""


@dataclass(frozen=True)
class Reader:
    """Raw files to the clean table; settings under `<world>.ingest`."""

    settings: type[IngestParams]
    ingest: Ingest
    asked: ReadAsked | None = None  # without it, only clean rows can be predicted from a file


# ---- a problem -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Columns:
    """The columns that `Features` returns, by the way in which the model uses them.

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

    def without(self, names: Collection[str]) -> "Columns":
        """Return the columns without those of these names, and without what is made of them."""
        return replace(
            self,
            numeric=tuple(name for name in self.numeric if name not in names),
            categorical=tuple(name for name in self.categorical if name not in names),
            target_encoded=tuple(of for of in self.target_encoded if not {*of} & {*names}),
            text=tuple(one for block in self.text if (one := block.without(names)) is not None),
        )


@dataclass(frozen=True)
class Problem:
    """A question asked of a world's clean table.

    `scale` is where errors are even: a `log` target is fitted as log(1 + y). `metric` is the one
    that search and the gate look at. The target of a `binary` problem is 0 or 1 (or a bool), its
    prediction the probability of 1; early stopping looks at the log loss. `offset` is a numeric
    column that estimates the target on the fitted scale: the boosters start from it, and learn what
    it leaves. Without one they start from the text model, or from the mean.

    The target of a `multiclass` problem is text, a category or a whole number; `classes` are its
    values as text, else those of the training rows. Its prediction is the most probable class,
    beside the probability of each. What estimates a number (an offset, target means, a text model)
    has no meaning there.
    """

    name: str
    world: str
    task: Task
    target: str
    unit: str
    metric: str  # a name of retrace.judge.metrics.METRICS
    key: tuple[str, ...]
    columns: Columns
    scale: Literal["log", "identity"] = "identity"
    group: tuple[str, ...] = ()  # rows that are not independent: split and bootstrap blocks
    time: str | None = None  # when the prediction is made
    known_at: str | None = None  # when the outcome becomes known
    elapses: bool = False  # the target is the time from `time` to the outcome, in `unit`: of a row
    # that is still open it is known to be more than the time since
    entities: tuple[str, ...] = ()  # whose history is used: `entity_type` of the state, or begin*
    offset: str | None = None
    slices: tuple[str, ...] = ()  # columns of `slices(rows)` in the order of the report
    classes: tuple[str, ...] = ()  # of a multiclass target, in the order of the report

    def __post_init__(self) -> None:
        numbers = self.offset or self.columns.target_encoded or self.columns.text
        if self.task == "multiclass" and (numbers or self.scale == "log"):
            raise ValueError(
                f"{self.name}: a multiclass problem has no offset, no target_encoded or text "
                "columns and no log scale; list such columns as categorical."
            )

    def without(self, names: Collection[str]) -> "Problem":
        """Return the problem as it is when the model sees none of these columns."""
        slices = tuple(name for name in self.slices if name not in names)
        return replace(self, columns=self.columns.without(names), slices=slices)

    def outcome(self, rows: pd.DataFrame) -> pd.Series:
        """Return what came of clean rows: a number, of several classes the class as text."""
        target = rows[self.target]
        if self.task != "multiclass":
            return target.astype("float64")
        return target.astype("str").where(target.notna())


class FeatureFunction(Protocol):
    def __call__(self, rows: Arrays, known: Arrays, settings: Any, /) -> Arrays:
        """Return the features of clean rows, before encoding; `known` is what `History` says of the
        same rows, empty without one.

        Only elementwise NumPy and sums of whole numbers, so that one row and a million give the
        same bits. Rows of one `Problem.group` may look at each other, as a stop at the one before
        it; a request brings whole groups.
        """


class AsOf(Protocol):
    def __call__(self, rows: Arrays, past: Arrays, settings: Any, /) -> Arrays:
        """Return what was known of each row's entities at its own time of prediction, in one sorted
        pass over `past`, clean rows with outcomes, without what became known at that instant."""


@dataclass(frozen=True)
class History:
    """What earlier rows say of a row's entities, for many rows at once and event by event.

    `known_at` is the column of when an outcome is known to it, by default that of the problem.

    To the bit, `as_of(rows, past)` is what a state looks up that was fed with `events(past)` until
    each row's time, and `at_end(past)` has the table of the state that was fed with all of them.
    """

    as_of: AsOf
    events: "Callable[[Arrays], Iterator[Event]]"  # clean rows, in the order in which each is known
    state: "type[State]"
    at_end: "Callable[[Arrays, Any], State]"
    known_at: str | None = None


@dataclass(frozen=True)
class Features:
    """Clean rows to features; settings under `<problem>.features`."""

    features: FeatureFunction = defaults.features
    settings: type[Params] = NoSettings
    history: History | None = None


class Baseline(Protocol):
    def __call__(
        self, problem: Problem, train: pd.DataFrame, rows: pd.DataFrame, settings: Any
    ) -> pd.Series | pd.DataFrame:
        """Predict `rows` from what the clean rows of training say; `settings` of the evaluation.

        Of several classes a frame of probabilities, a column a class.
        """


class Oracle(Protocol):
    def __call__(
        self, problem: Problem, rows: pd.DataFrame, truth: pd.DataFrame
    ) -> pd.Series | pd.DataFrame:
        """Return the best prediction given all that could be known, in the form of a baseline;
        missing where not known."""


@dataclass(frozen=True)
class Rules:
    """What a model is judged against: what was used before, an average, and the best possible."""

    rule: Baseline = defaults.rule
    naive: Baseline = defaults.naive
    oracle: Oracle | None = None


Rule = TypeVar("Rule", covariant=True)


class WithRule(Protocol[Rule]):
    """The settings of an evaluation, as far as its rule needs them."""

    @property
    def rule(self) -> Rule: ...


class EvaluateParams(Params):
    """What every problem's `<problem>.evaluate` has."""

    slice_min_rows: int = Field(50, ge=1)


class Headline(Protocol):
    def __call__(self, problem: Problem, scored: pd.DataFrame, settings: Any) -> dict[str, float]:
        """Return the flat metrics of scored rows, the problem's metric first."""


class Slices(Protocol):
    def __call__(
        self, problem: Problem, scored: pd.DataFrame, settings: Any, past: pd.DataFrame
    ) -> pd.DataFrame:
        """Return labels of scored rows as text, a column a slice, in the order of
        `problem.slices`; `past` are all clean rows that were there by then."""


class Tables(Protocol):
    def __call__(
        self,
        problem: Problem,
        scored: pd.DataFrame,
        settings: Any,
        rows: pd.DataFrame,
        truth: pd.DataFrame | None,
    ) -> dict[str, Table]:
        """Return the problem's own tables by name in the order of the report; `scored` has
        `slice_<name>` columns too."""


class Cost(Protocol):
    def __call__(
        self, problem: Problem, scored: pd.DataFrame, told: pd.Series, settings: Any
    ) -> NDArray[np.float64]:
        """Return what each row costs where `told` is told, in money; of a regression."""


class Threshold(Protocol):
    def __call__(self, problem: Problem, valid: pd.DataFrame, settings: Any) -> float:
        """Return the probability from which to act, chosen on scored validation rows."""


@dataclass(frozen=True)
class Evaluation:
    """How good, in the problem's own words; settings under `<problem>.evaluate`.

    `words` say what the figures of `headline` are that no metric of `retrace.judge.metrics` is; a
    `*` stands for a number in a name. Where one of kind `money` has a `rule_` figure beside it, the
    report says what the model saves. With a threshold, scored rows have the rule's own as
    `rule_threshold`. With a cost, they have `told`: the prediction or the quantile that costs least
    on validation.
    """

    settings: type[EvaluateParams] = EvaluateParams
    headline: Headline = defaults.headline
    slices: Slices = defaults.slices
    tables: Tables = defaults.tables
    threshold: Threshold | None = None  # of a classifier whose alerts are acted on
    words: Mapping[str, Column] = field(default_factory=dict)
    cost: Cost | None = None  # of a regression whose errors cost money
