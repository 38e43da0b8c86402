"""Rows as JSON has them to arrays, by the schema of the world's clean table: one by one or many.

What a row breaks is said as `usable_rows` says it of a table. The same description of a column
reads rows, fills the JSON schema of the API, and draws the fields of a form.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from problems.contract import Problem, World
from problems.row_columns import RefusedRow, RowColumn, row_column
from retrace.base.arrays import Arrays, to_frame

MOST_MATCHED = 1000  # names that patterns are remembered for: a stranger may send any


@dataclass(frozen=True)
class RowReader:
    """Reads rows of some columns of a world's clean table.

    columns  : in the order of the table
    patterns : by pattern of a name, the column that stands for all that match
    """

    columns: tuple[RowColumn, ...]
    patterns: Mapping[str, RowColumn] = field(default_factory=dict)
    _matched: dict[str, RowColumn] = field(default_factory=dict)

    @cached_property
    def by_name(self) -> dict[str, RowColumn]:
        return {column.name: column for column in self.columns}

    @classmethod
    def of_rows(cls, world: World) -> "RowReader":
        """Return the reader of clean rows without what is only known afterwards."""
        return cls._of(world, [name for name in world.schema.columns if name not in world.outcomes])

    @classmethod
    def of_outcomes(cls, world: World, problem: Problem) -> "RowReader":
        """Return the reader of what came of a row of a problem: its key, target, when it was known,
        and the world's further outcomes, which may be left out."""
        needed = {*problem.key, *filter(None, [problem.known_at])}
        names = {*needed, problem.target, *world.outcomes}
        found = cls._of(world, [name for name in world.schema.columns if name in names])
        columns = (
            replace(one, optional=False, nullable=False)
            if one.name in needed
            else one
            if one.name == problem.target
            else replace(one, optional=True)
            for one in found.columns
        )
        return cls(tuple(columns))

    @classmethod
    def _of(cls, world: World, names: Sequence[Any]) -> "RowReader":
        columns, patterns = [], {}
        for name in names:
            column = world.schema.columns[name]
            found = row_column(str(name), column)
            if column.regex:
                patterns[str(name)] = found
            else:
                columns.append(found)
        return cls(tuple(columns), patterns)

    def read(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, NDArray[Any]]:
        """Return rows as arrays, each of shape (n_rows,). RefusedRow for the first bad one.

        Columns of one type are rows of one array: to make an array takes longer than to read a
        value.
        """
        columns = [*self.columns, *self._further(rows)]
        by_type: dict[np.dtype[Any], list[list[Any]]] = {}
        places = []
        for column in columns:
            of_type = by_type.setdefault(column.array_type, [])
            places.append((column, len(of_type)))
            name = column.name
            of_type.append(column.read([row.get(name) for row in rows]))
        arrays = {kind: _array(values, kind) for kind, values in by_type.items()}
        found = {column.name: arrays[column.array_type][place] for column, place in places}
        for column in columns:
            if column.checks:
                column.check(found[column.name])
        return found

    def column(self, name: str) -> RowColumn | None:
        """Return a column by its name, which a pattern may know; None where there is none."""
        return self.by_name.get(name) or self._of_pattern(name)

    def _further(self, rows: Sequence[Mapping[str, Any]]) -> list[RowColumn]:
        """Return the columns of the rows that only patterns name, sorted."""
        known = self.by_name
        names = {name for row in rows for name in row if name not in known}
        found = []
        for name in sorted(names):
            column = self._of_pattern(name)
            if column is None:
                place = next(i for i, row in enumerate(rows) if name in row)
                raise RefusedRow(place, name[:60], f"is no column{self._closest(name)}")
            found.append(column)
        return found

    def _of_pattern(self, name: str) -> RowColumn | None:
        found = self._matched.get(name)
        if found is None and len(name) <= 200 and name.isprintable():
            for pattern, column in self.patterns.items():
                if re.fullmatch(pattern, name):
                    found = replace(column, name=name)
                    if len(self._matched) < MOST_MATCHED:
                        self._matched[name] = found
        return found

    def _closest(self, name: str) -> str:
        close = difflib.get_close_matches(name, self.by_name, n=1, cutoff=0.5)
        there = f"; there are {', '.join(self.by_name)}"
        return f"; did you mean '{close[0]}'?" if close else there

    def json_schema(self, example: Mapping[str, Any]) -> dict[str, Any]:
        """Return the JSON schema of a row, with an example."""
        patterns = {f"^{name}$": one.json_schema() for name, one in self.patterns.items()}
        known = {*self.by_name}
        return {
            "type": "object",
            "properties": {column.name: column.json_schema() for column in self.columns},
            "required": [
                column.name for column in self.columns if not (column.optional or column.nullable)
            ],
            "additionalProperties": False,
            **({"patternProperties": patterns} if patterns else {}),
            "example": {
                name: value
                for name, value in example.items()
                if name in known or self._of_pattern(name) is not None
            },
        }


def check_together(world: World, rows: Arrays) -> None:
    """Hold rows against what the schema asks of columns together, as `validate` does a table.

    Checks of columns that are not among these, of the table as a whole, and of a row that lacks
    something are left out. RefusedRow for the first bad row.
    """
    frame = to_frame(rows)
    whole = frame.notna().all(axis=1)
    frame = frame[whole].drop_duplicates()
    for check in world.schema.checks:
        try:
            kept = check._check_fn(frame)
        except (KeyError, TypeError):
            continue
        if isinstance(kept, pd.Series) and not kept.all():
            first = int(kept.index[int(np.argmin(kept.to_numpy(bool)))])
            raise RefusedRow(first, "", str(check.error or check.name))


def to_json(rows: Mapping[str, NDArray[Any]], place: int) -> dict[str, Any]:
    """Return one of the rows as JSON has it; what is missing is left out."""
    found: dict[str, Any] = {}
    for name, values in rows.items():
        value = values[place]
        if values.dtype.kind == "M":
            if not np.isnat(value):
                found[name] = f"{value.astype('datetime64[us]')}Z"
        elif values.dtype.kind != "f" or not np.isnan(value):
            found[name] = value if isinstance(value, str) else value.item()
    return found


def _array(values: list[list[Any]], kind: np.dtype[Any]) -> NDArray[Any]:
    """Return an array of shape (n_columns, n_rows)."""
    if kind.kind != "O":
        return np.array(values, kind)
    found = np.empty((len(values), len(values[0])), dtype=object)
    for place, one in enumerate(values):
        found[place] = one
    return found
