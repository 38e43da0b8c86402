"""Read JSON: a list of records, or a record a line. A record is an object of names and values."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from retrace.base.errors import RetraceError
from retrace.raw.packed import AGAIN, pieces

_LINES = (".jsonl", ".ndjson")
_SHOWN = 80


class Objects:
    """One file of records: `names` of all their fields, and `read` for some of them as text.

    A field that has lists or objects anywhere is read as it is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        text = b"".join(pieces(path)).decode("utf-8-sig", errors="strict")
        lines = path.name.lower().removesuffix(".gz").endswith(_LINES)
        self._records = self._by_line(text) if lines else self._whole(text)
        self.names: list[str] = list(dict.fromkeys(name for one in self._records for name in one))
        if not self.names:
            raise RetraceError(f"{path}: no record with a field. {AGAIN}")

    def read(self, columns: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return `columns` and `row`, and an empty table: no record has fields too many."""
        values = {name: _column([one.get(name) for one in self._records]) for name in columns}
        rows = pd.DataFrame(values | {"row": np.arange(1, len(self._records) + 1)})
        return rows, pd.DataFrame({"row": np.arange(0), "text": pd.Series(dtype="str")})

    def _by_line(self, text: str) -> list[dict[str, Any]]:
        found = []
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                try:
                    found.append(self._record(json.loads(line), f"line {number}"))
                except ValueError as error:
                    raise RetraceError(
                        f"{self._path}: line {number} is not JSON ({error}): {line[:_SHOWN]!r}. "
                        f"{AGAIN}"
                    ) from None
        return found

    def _whole(self, text: str) -> list[dict[str, Any]]:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RetraceError(
                f"{self._path}: not JSON ({error}). Where it has a record a line, name it .jsonl."
            ) from None
        if not isinstance(value, list):
            raise RetraceError(
                f"{self._path}: the file is {_what(value)}; expected a list of records, such as "
                '[{"a": 1, "b": 2}, ...].'
            )
        return [self._record(one, f"record {number}") for number, one in enumerate(value, 1)]

    def _record(self, value: Any, place: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise RetraceError(
                f"{self._path}: {place} is {_what(value)}: {str(value)[:_SHOWN]}; expected an "
                "object of names and values."
            )
        return value


def _what(value: Any) -> str:
    return {dict: "an object", list: "a list", str: "a text", type(None): "null"}.get(
        type(value), "a number"
    )


def _column(values: list[Any]) -> pd.Series:
    if any(isinstance(one, list | dict) for one in values):
        return pd.Series(values, dtype=object)
    return pd.Series([_text(one) for one in values], dtype=pd.StringDtype("pyarrow", np.nan))


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
