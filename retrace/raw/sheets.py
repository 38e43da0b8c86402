"""Read the first sheet of an Excel file that has something in it, as text."""

import logging
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from retrace.base.errors import RetraceError
from retrace.raw.packed import AGAIN


class Sheet:
    """One .xlsx file: `names` of the first row's columns, and `read` for some of them."""

    def __init__(self, path: Path) -> None:
        from python_calamine import CalamineError, CalamineWorkbook  # only where there is a sheet

        try:
            book = CalamineWorkbook.from_path(str(path))
            sheets = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
        except (CalamineError, OSError, ValueError) as error:
            raise RetraceError(f"{path}: not a whole Excel file ({error}). {AGAIN}") from None
        filled = [name for name, rows in sheets.items() if rows]
        if not filled:
            raise RetraceError(f"{path}: no sheet of the file has a cell. {AGAIN}")
        if len(filled) > 1:
            logging.getLogger(__name__).warning(
                "%s: the sheet '%s' is read, and not %s.", path, filled[0], ", ".join(filled[1:])
            )
        header, *rows = sheets[filled[0]]
        width = max(place for place, name in enumerate(header, 1) if name != "")
        self.names: list[str] = [_text(name).strip() for name in header[:width]]
        self._rows = [(i, row) for i, row in enumerate(rows, 1) if any(one != "" for one in row)]

    def read(self, columns: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return `columns` of text and `row`, and an empty table: each row has every column."""
        dtype = pd.StringDtype("pyarrow", np.nan)
        places = {name: self.names.index(name) for name in columns}
        values: dict[str, Any] = {
            name: pd.Series([_text(row[place]) for _, row in self._rows], dtype=dtype)
            for name, place in places.items()
        }
        rows = pd.DataFrame(values | {"row": [number for number, _ in self._rows]})
        return rows, pd.DataFrame({"row": np.arange(0), "text": pd.Series(dtype="str")})


def _text(value: Any) -> str:
    """Write a cell: a sheet has one kind of number, and days are times at midnight."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime | date):
        return value.isoformat().removesuffix("T00:00:00")
    return str(value)
