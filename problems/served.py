"""What a world brings to those who serve it: no stage reads this page.

    worklist/      WORKLIST: Worklist       what is open, as a list that people work off
    page.py        PAGE: Page               what a server's page of a problem shows
    arrivals.py    ARRIVALS: Arrivals       which facts are held before they count

All are optional parts of a world, as those of `problems.contract`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from problems.contract import Problem
from retrace.base.arrays import Arrays
from retrace.base.params import Params
from retrace.base.tables import Column, Table

# ---- a list of what is open ----------------------------------------------------------------------

NO_TOPS: Mapping[str, Path] = {}


@dataclass(frozen=True)
class Listed:
    """What was open at a moment: the same list as an HTML page and as CSV.

    `moment` is a name for its files, `summary` a line for the terminal.
    """

    moment: str
    page: str
    table: str
    summary: str


class MakeWorklist(Protocol):
    def __call__(
        self, source: Path, at: str | None, tops: Mapping[str, Path] = NO_TOPS, /
    ) -> Listed:
        """List what was open `at` a local date or time, from raw data and the problems' models;
        without one, at the end of the data. `tops` are the folders that have models/ of problems,
        by default this one."""


@dataclass(frozen=True)
class OpenCases:
    """The same list as rows, for whatever else is made of it.

    `at` is the moment, local. `table` has a row a case in the order of work; its first column names
    the case, and moments are local. `look` says of each row whether looking at it is worth it,
    `ended` of each case that was over by then how and when, and `forecast` how many of the open
    ones will be over on the next days.
    """

    at: pd.Timestamp
    table: Table
    look: NDArray[np.bool_]
    ended: Mapping[str, str]
    forecast: Table | None = None


class FindCases(Protocol):
    def __call__(
        self, source: Path, at: str | None, tops: Mapping[str, Path] = NO_TOPS, /
    ) -> OpenCases:
        """Return what was open, with the arguments of `MakeWorklist`."""


@dataclass(frozen=True)
class Worklist:
    """What is open at a moment, in the order in which people should look at it. With `cases` there
    is a weekly list too, and the daily page has the first of them."""

    make: MakeWorklist
    cases: FindCases | None = None


# ---- the page of a problem -----------------------------------------------------------------------


@dataclass(frozen=True)
class Answered:
    """An answer that a server has given, as its store has it.

    `row` is what was asked, without what is about people; `known` says whether its outcome is
    known, `judged` whether somebody took or overruled it.
    """

    id: str
    name: str
    as_of: "pd.Timestamp"
    row: Mapping[str, Any]
    answer: Mapping[str, Any]
    known: bool
    judged: bool


class Ask(Protocol):
    def __call__(self, rows: Sequence[Mapping[str, Any]], /) -> list[Mapping[str, Any]]:
        """Answer rows that only differ from the one on the page in what is asked; none of it goes
        on record."""


class Beside(Protocol):
    def __call__(
        self,
        problem: Problem,
        row: Mapping[str, Any],
        answer: Mapping[str, Any],
        ask: Ask,
        top: Path,
        /,
    ) -> Sequence[Table]:
        """Return what people want to see beside an answer. `row` is as JSON has it, without what is
        missing; `top` has data/ and models/ of the version that answered, data/ perhaps not."""


class ToDo(Protocol):
    def __call__(
        self, problem: Problem, answered: Sequence[Answered], /
    ) -> Sequence[tuple[Answered, Mapping[str, Any]]]:
        """Return which of the newest answers people should look at, in the order of work, each with
        what the list shows of it, by the names of `Page.todo_columns`."""


TODO_COLUMNS = {
    "name": Column("row", kind="text"),
    "as_of": Column("as of, UTC", kind="text"),
    "prediction": Column("prediction"),
    "known": Column("outcome known", kind="flag"),
}
MOST_TO_DO = 15


def beside(
    problem: Problem, row: Mapping[str, Any], answer: Mapping[str, Any], ask: Ask, top: Path
) -> Sequence[Table]:
    """Return nothing: form, answer and reasons are all."""
    return ()


def todo(
    problem: Problem, answered: Sequence[Answered]
) -> Sequence[tuple[Answered, Mapping[str, Any]]]:
    """Return the newest answers, each with its key, moment, prediction and whether it is known."""
    return [
        (
            one,
            {
                "name": one.name,
                "as_of": f"{one.as_of:%Y-%m-%d %H:%M}",
                "prediction": one.answer["prediction"],
                "known": int(one.known),
            },
        )
        for one in answered[:MOST_TO_DO]
    ]


@dataclass(frozen=True)
class Page:
    """What a server's page of a problem shows besides form, answer and reasons.

    `words` say what columns are, those of rows and those of the model; a name may end in `*`, which
    in its words stands for the rest. Columns of the same words are one reason. `first` are the
    columns of the form that people fill in, the others are folded; without any all are there.
    `long` are texts of several lines. Of a classifier `decisions` say what acting is, and what
    leaving it is.
    """

    words: Mapping[str, Column] = field(default_factory=dict)
    first: tuple[str, ...] = ()
    long: tuple[str, ...] = ()
    decisions: tuple[str, str] = ("act", "do nothing")
    beside: Beside = beside
    todo: ToDo = todo
    todo_title: str = "Newest answers"
    todo_columns: Mapping[str, Column] = field(default_factory=lambda: TODO_COLUMNS)

    def column(self, name: str) -> Column | None:
        """Return the words of a column; None where there are none."""
        if name in self.words:
            return self.words[name]
        begins = (one for one in self.words if one.endswith("*") and name.startswith(one[:-1]))
        best = max(begins, key=len, default=None)
        if best is None:
            return None
        rest = name.removeprefix(best[:-1]).replace("_", " ")
        return replace(self.words[best], words=self.words[best].words.replace("*", rest))


# ---- facts as they come --------------------------------------------------------------------------

Doubt = Literal["impossible", "clock", "repeated", "improbable"]


class Ends(Params):
    """What a number can be, both ends included; None is open."""

    least: float | None = None
    most: float | None = None


class RowArrivalParams(Params):
    """`<world>.arrivals.rows`: when an arriving row is held."""

    limits: dict[str, Ends] = Field(default_factory=dict)  # by column
    repeats: int | None = Field(None, ge=2)  # the same but for key and time, so often in a row
    improbable: float | None = Field(None, gt=1)  # in the world's own measure


class ArrivalParams(Params):
    """`<problem>.arrivals`: when an outcome is held until a rule or a person lets it in; no stage
    reads it. None switches a check off, `hold: false` all of them."""

    hold: bool = True
    limits: dict[str, Ends] = Field(default_factory=dict)  # by column of the outcome or its row
    improbable: float | None = Field(3.0, gt=1)  # half-widths of the interval that was told, away
    # from the prediction on the fitted scale; of a 90 % interval and normal errors 3 is one in a
    # million
    unlikely: float | None = Field(None, gt=0, lt=0.1)  # a class of less probability
    unlikely_run: float | None = Field(None, gt=0, lt=0.1)  # so many ones among the newest labels
    repeats: int | None = Field(4, ge=2)  # the same number from one source, so often in a row
    ahead_minutes: float | None = Field(60.0, ge=0)  # a time after the server's clock
    newest: int = Field(12, ge=2, le=200)  # facts that are remembered of each source
    window: int = Field(200, ge=20)  # newest facts, of which ...
    most_improbable: float = Field(0.05, gt=0, le=1)  # ... so many are a world that has changed
    sources: int = Field(3, ge=1)  # they come from, at least: one device may be broken
    confirms: float = Field(0.1, ge=0, le=1)  # a second fact within this share confirms the first
    rows: RowArrivalParams = Field(default_factory=RowArrivalParams)


@dataclass(frozen=True)
class Suspicion:
    """Why a fact is doubted. From a score of 1 on it is held; what cannot be has 10."""

    doubt: Doubt
    score: float
    reason: str


@dataclass(frozen=True)
class Arriving:
    """One fact as it comes.

    told        : its columns, arrays of length one: those of the row, or of the outcome
    row         : of an outcome the clean row that it is of; empty where nobody has told that
    answer      : of an outcome what was answered about its row; empty where nothing was
    newest      : columns of the newest facts of the same source, the latest last, (k,), but for
                  those of this very row; of classes one a group. Of outcomes numbers, times and the
                  `prediction` that was told, of rows `Arrivals.row_newest`; whether each says the
                  `same` as this one, and is `held`
    received_at : by the server's clock
    """

    told: Arrays
    row: Arrays
    answer: Mapping[str, Any]
    newest: Arrays
    received_at: np.datetime64


class Doubts(Protocol):
    def __call__(self, problem: Problem, fact: Arriving, settings: Any, /) -> Iterator[Suspicion]:
        """Yield what is suspicious about a fact besides what `problems.arrivals` looks for in every
        problem. Of rows `problem` is any of the world's."""


def no_doubts(problem: Problem, fact: Arriving, settings: Any) -> Iterator[Suspicion]:
    """Doubt nothing but what is doubted in every problem."""
    yield from ()


class AsRaw(Protocol):
    def __call__(self, rows: pd.DataFrame, /) -> pd.DataFrame:
        """Return rows and their outcomes as they were told, key first, in the columns of the
        world's raw table, its key first."""


def as_told(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows as they are: the world reads clean columns as raw ones."""
    return rows


@dataclass(frozen=True)
class Arrivals:
    """How rows and outcomes are judged when a server is told them; settings under
    `<problem>.arrivals`. `as_raw` makes raw rows of them, for `retrace export`.

    `source` is the column that says which device or person tells an outcome, of the outcome or of
    its row; `row_source` the same of rows. Without one all facts are of one source.
    """

    settings: type[ArrivalParams] = ArrivalParams
    source: str | None = None
    row_source: str | None = None
    row_newest: tuple[str, ...] = ()
    outcomes: Doubts = no_doubts
    rows: Doubts = no_doubts
    as_raw: AsRaw = as_told
