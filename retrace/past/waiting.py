"""Rows that were predicted and whose outcomes are not known yet: what those will need."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Self

import pandas as pd

from retrace.base.errors import RetraceError

COLUMNS = {
    "entity_type": "str",
    "entity_id": "str",
    "item": "str",
    "text": "str",
    "number": "float64",
}
Value = str | float
Names = tuple[str, ...]


class WaitingRows:
    """Values by name of each waiting row; rows may have different names.

    kind    : what the rows are called, such as the name of their key column
    numbers : the names whose values are numbers; others are texts
    """

    def __init__(self, kind: str, numbers: Collection[str]) -> None:
        self.kind, self.numbers = kind, numbers
        self._names: dict[Names, Names] = {}  # one of each, however many rows have them
        self._rows: dict[str, tuple[Names, tuple[Value, ...]]] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._rows

    def add(self, key: str, values: Mapping[str, Value]) -> None:
        """Keep values of a row; those of an earlier prediction of it go."""
        names = tuple(sorted(values))
        names = self._names.setdefault(names, names)
        self._rows[key] = names, tuple(values[name] for name in names)

    def get(self, key: str) -> dict[str, Value]:
        """Return a row's values."""
        return dict(zip(*self._rows[key], strict=True))

    def pop(self, key: str) -> dict[str, Value]:
        """Return a row's values and forget them. Raises RetraceError where it does not wait."""
        if key not in self._rows:
            raise RetraceError(
                f"{self.kind} {key} has an outcome, but waits for none: there was no prediction of "
                "it, or its outcome is known already."
            )
        return dict(zip(*self._rows.pop(key), strict=True))

    def part(self, key: str) -> dict[str, Value] | None:
        """Return a row's values, None where it does not wait."""
        return self.get(key) if key in self._rows else None

    def __iter__(self) -> Iterator[str]:
        """The rows that wait."""
        return iter(list(self._rows))

    def fill(self, keys: Sequence[str], values: Mapping[str, Sequence[Value]]) -> None:
        """Keep the values of many rows."""
        if len(keys):
            names = tuple(sorted(values))
            rows = zip(*(values[name] for name in names), strict=True)
            self._rows |= {key: (names, row) for key, row in zip(keys, rows, strict=True)}

    def to_table(self) -> pd.DataFrame:
        """Return COLUMNS, a row for each value: text or number; sorted by row."""
        rows = [
            (self.kind, key, name, *(("", value) if name in self.numbers else (value, None)))
            for key in sorted(self._rows)
            for name, value in zip(*self._rows[key], strict=True)
        ]
        return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)

    @classmethod
    def from_table(cls, table: pd.DataFrame, kind: str, numbers: Collection[str]) -> Self:
        """Read rows of `to_table`; rows of other entity types are left out."""
        found, own = cls(kind, numbers), table[table["entity_type"] == kind]
        columns = (own[name].tolist() for name in ("entity_id", "item", "text", "number"))
        rows: dict[str, dict[str, Value]] = {}
        for key, name, text, number in zip(*columns, strict=True):
            rows.setdefault(key, {})[name] = number if name in numbers else text
        for key, values in rows.items():
            found.add(key, values)
        return found
