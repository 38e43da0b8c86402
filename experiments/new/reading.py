"""Read the table that somebody names, and refuse what no model could be made of."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.new.columns import Guessed, guess
from experiments.new.question import Asked, Question, ask
from retrace.base.errors import RetraceError
from retrace.raw import PLACE, read_raw

LEAST_ROWS = 100
MOST_COLUMNS = 1000
_SHOWN = 20  # names in a message
_VALUE = r"[-+]?[\d.,]+(\.\d+)?"  # a numbered twin of a value is a value, too


@dataclass(frozen=True)
class Read:
    """A raw table, its columns as they were guessed, and what is asked of it."""

    source: Path
    rows: pd.DataFrame
    guessed: Guessed
    question: Question
    asked: Asked


def read(source: Path, asked: Asked) -> Read:
    """Read a raw table and guess what its columns are.

    Raises RetraceError for what is no table, has no such columns, or leaves nothing to learn.
    """
    rows = read_raw(source, [], rest=True).rows
    names = [str(one) for one in rows if one not in PLACE]
    _check_header(source.name, names)
    for column in _said(asked):
        _check_there(column, names, source.name)
    kept = [one for one in names if one not in asked.drop]
    _check_size(source.name, rows, kept)
    _check_cells(source.name, rows, kept)
    question, guessed = ask(rows, guess(rows, kept, asked.target), asked)
    return Read(source, rows, guessed, question, asked)


def _said(asked: Asked) -> list[str]:
    single = (asked.target, asked.known_at, asked.key, asked.group)
    return [*filter(None, single), *asked.time, *asked.entities, *asked.drop]


def _check_there(column: str, names: Sequence[str], file: str) -> None:
    if column in names:
        return
    close = [one for one in names if one.lower() == column.lower()]
    close = close or difflib.get_close_matches(column, names, n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(map(repr, close))}?" if close else "."
    raise RetraceError(f"{file} has no column '{column}'{hint} It has {_listed(names)}.")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _check_header(file: str, names: Sequence[str]) -> None:
    if len(names) < 2:
        raise RetraceError(
            f"{file} has one column ({names[0][:60]!r}): no table, or another separator than "
            "commas, semicolons, tabs and vertical bars. Expected a target and columns beside it."
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


def _check_size(file: str, rows: pd.DataFrame, names: Sequence[str]) -> None:
    if len(names) > MOST_COLUMNS:
        raise RetraceError(
            f"{file} has {len(names):,} columns; {MOST_COLUMNS:,} are the most. Take out what the "
            "model does not need, or --drop it."
        )
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
                f"{str(first[name])[:60]}); a cell is one value. Make columns of them, or leave it "
                f"out: --drop {name}."
            )
