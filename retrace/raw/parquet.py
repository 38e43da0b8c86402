"""Read a Parquet file with its own types: whole numbers stay whole, text is text."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from retrace.base.errors import RetraceError

_TEXT = pd.StringDtype("pyarrow", na_value=np.nan)


class Parquet:
    """One Parquet file: `names` of its columns, and `read` for some of them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.stat().st_size:
            raise RetraceError(f"{path}: the file is empty (0 bytes). Get or export it again.")
        try:
            with pq.ParquetFile(path) as file:
                self.names: list[str] = file.schema_arrow.names
        except (pa.ArrowInvalid, OSError) as error:
            raise self._unreadable(error) from None

    def read(self, columns: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return `columns` and `row`, and an empty table: no row has a wrong number of fields."""
        try:
            with pq.ParquetFile(self._path) as file:
                table = file.read(columns=list(columns))
            frame = pa.table({name: _plain(table[name]) for name in columns}).to_pandas(
                types_mapper=lambda kind: _TEXT if pa.types.is_large_string(kind) else None
            )
        except (pa.ArrowInvalid, OSError) as error:
            raise self._unreadable(error) from None
        for name in columns:
            if pa.types.is_integer(table[name].type) and table[name].null_count:
                frame[name] = pd.array(table[name].to_pylist(), dtype="Int64")  # floats lose digits
        frame["row"] = np.arange(1, table.num_rows + 1)
        return frame, pd.DataFrame({"row": np.arange(0), "text": pd.Series(dtype="str")})

    def _unreadable(self, error: Exception) -> RetraceError:
        return RetraceError(
            f"{self._path}: not a whole Parquet file; it is cut off or damaged "
            f"({str(error).splitlines()[0]}). Get or export it again."
        )


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return categories and bytes as text, and decimals as floats."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if pa.types.is_decimal(kind):
        return column.cast(pa.float64())
    if pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return column.cast(pa.large_string())
    return column
