"""Read the table that somebody names, and refuse what no model could be made of."""

import difflib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from experiments.new.columns import Guessed, guess
from experiments.new.question import Answers, Question, ask
from retrace.base.errors import RetraceError
from retrace.raw import PLACE, read_raw

LEAST_ROWS = 100
MOST_COLUMNS = 1000
# A command that makes a table of records that have records inside.
FLATTEN = (
    ' Or make a table of it: `python -c "import json, pandas; '
    "pandas.json_normalize(json.load(open('{0}')){1}).to_csv('own.csv', index=False)\"`."
)
_SHOWN = 20  # names in a message
_VALUE = r"[-+]?[\d.,]+(\.\d+)?"  # a numbered twin of a value is a value, too


@dataclass(frozen=True)
class Read:
    """A raw table, its columns as they were guessed, and what is asked of it."""

    source: Path
    rows: pd.DataFrame
    guessed: Guessed
    question: Question
    asked: Answers


def read(source: Path, asked: Answers) -> Read:
    """Read a raw table and guess what its columns are.

    Raises RetraceError for what is no table, has no such columns, or leaves nothing to learn.
    """
    try:
        rows = read_raw(source, [], rest=True).rows
    except RetraceError as error:
        raise RetraceError(f"{error}{_inside(source)}") from None
    names = [str(one) for one in rows if one not in PLACE]
    _check_header(source, names)
    for column in _said(asked):
        _check_there(column, names, source.name)
    _check_asked(asked)
    kept = [one for one in names if one not in asked.drop]
    _check_size(source.name, rows, kept)
    _check_cells(source.name, rows, kept)
    question, guessed = ask(rows, guess(rows, kept, asked.target), asked)
    return Read(source, rows, guessed, question, asked)


def other_sheets(source: Path) -> list[str]:
    """Return the names of a workbook's sheets that have cells: the first one is read."""
    if source.suffix.lower() != ".xlsx":
        return []
    from python_calamine import CalamineWorkbook  # only where there is a sheet

    book = CalamineWorkbook.from_path(str(source))
    return [name for name in book.sheet_names if book.get_sheet_by_name(name).height]


def _inside(source: Path) -> str:
    """Say how to get at a table that stands inside of an object of JSON; nothing without one."""
    if source.suffix.lower() != ".json" or not source.is_file():
        return ""
    try:
        value = json.loads(source.read_bytes())
    except ValueError:
        return ""
    lists = [
        name
        for name, one in (value.items() if isinstance(value, dict) else ())
        if isinstance(one, list) and one and isinstance(one[0], dict)
    ]
    return FLATTEN.format(source.name, f"[{lists[0]!r}]") if lists else ""


def _said(asked: Answers) -> list[str]:
    single = (asked.target, asked.known_at, asked.key, asked.group)
    return [*filter(None, single), *asked.time, *asked.entities, *asked.drop]


def _check_asked(asked: Answers) -> None:
    """Refuse answers that contradict each other."""
    single = {"--key": asked.key, "--group": asked.group, "--known-at": asked.known_at}
    uses = [*((option, one) for option, one in single.items() if one)]
    uses += [("--time", one) for one in asked.time]
    uses += [("--entities", one) for one in asked.entities]
    for option, column in uses:
        if column == asked.target:
            raise RetraceError(f"{option} {column}: it is the target, which is not known by then.")
    for option, column in [("--target", asked.target), *uses]:
        if column in asked.drop:
            raise RetraceError(f"--drop {column} and {option} {column}: a column is one of both.")
    if asked.no_time and asked.time:
        raise RetraceError("--time and --no-time: one of both.")
    try:
        ZoneInfo(asked.zone or "UTC")
    except (KeyError, ValueError, OSError):
        raise RetraceError(
            f"--zone {asked.zone}: not a time zone such as Europe/Oslo or America/New_York."
        ) from None


def _check_there(column: str, names: Sequence[str], file: str) -> None:
    if column in names:
        return
    close = [one for one in names if one.lower() == column.lower()]
    close = close or difflib.get_close_matches(column, names, n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(map(repr, close))}?" if close else "."
    if any(re.fullmatch(_VALUE, name) for name in names) and not close:
        hint += " Is the line with the names of the columns missing?"
    raise RetraceError(f"{file} has no column '{column}'{hint} It has {_listed(names)}.")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _check_header(source: Path, names: Sequence[str]) -> None:
    file = source.name
    if len(names) < 2:
        if above := _lines_above(source):
            raise RetraceError(
                f"{file} has {above} line{'s' if above > 1 else ''} above the names of its "
                f"columns, such as {names[0][:60]!r}. Take them out: `tail -n +{above + 1} {file} "
                "> own.csv`."
            )
        raise RetraceError(
            f"{file} has one column ({names[0][:60]!r}): no table, or another separator than "
            "commas, semicolons, tabs and vertical bars; of a workbook the first sheet is read. "
            "Expected a target and columns beside it."
        )
    if all(re.fullmatch(_VALUE, name) for name in names):
        raise RetraceError(
            f"{file} has no header: its first line is {_listed(names)}. Put the names of the "
            "columns there."
        )
    for name in names:
        first, point, _ = name.rpartition(".")  # as `read_raw` numbers the names that come again
        if point and first in names:
            places = [i for i, one in enumerate(names, 1) if one in (first, name)]
            raise RetraceError(
                f"{file} has the column '{first}' more than once (columns "
                f"{', '.join(map(str, places))}). Rename or remove all but one."
            )


def _lines_above(source: Path) -> int:
    """Return how many lines a plain file has before a header with several columns; 0 if it has
    none."""
    if not source.is_file() or source.suffix.lower() not in (".csv", ".tsv"):
        return 0
    with source.open(encoding="utf-8", errors="replace") as file:
        lines = list(islice(file, 60))
    for sign in ",;\t|":
        fields = [line.count(sign) for line in lines]
        first = next((i for i, n in enumerate(fields) if n), 0)
        if 0 < first < len(lines) - 5 and len({*fields[first:]} - {0}) == 1:
            return first
    return 0


def _check_size(file: str, rows: pd.DataFrame, names: Sequence[str]) -> None:
    if len(names) > MOST_COLUMNS:
        raise RetraceError(
            f"{file} has {len(names):,} columns; {MOST_COLUMNS:,} are the most. Take out what the "
            "model does not need, or --drop it."
        )
    if len(names) < 2:
        raise RetraceError(f"{file}: --drop leaves no column to predict from.")
    if len(rows) < LEAST_ROWS:
        raise RetraceError(
            f"{file} has {len(rows):,} row{'' if len(rows) == 1 else 's'}; {LEAST_ROWS} are the "
            "fewest that can be split, fitted and judged."
        )


def _check_cells(file: str, rows: pd.DataFrame, names: Sequence[str]) -> None:
    for name in names:
        if rows[name].dtype != object:
            continue
        nested = rows[name].map(lambda one: isinstance(one, list | dict | tuple | np.ndarray))
        if nested.any():
            first = rows[nested.to_numpy(bool)].iloc[0]
            raise RetraceError(
                f"{file}: column '{name}' has lists or records (row {first['row']}: "
                f"{str(first[name])[:60]}); a cell is one value. Make columns of "
                f"them, or leave it out: --drop {name}."
                + (
                    FLATTEN.format(file, "")
                    if file.endswith(".json")
                    else " Or make columns of it."
                )
            )
