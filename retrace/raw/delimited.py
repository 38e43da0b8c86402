"""Read a delimited file whose quotes may be literal or RFC 4180, whichever its lines show.

Kaggle's own files are plain: tab separated, one line a row, quotes mean nothing. Other tools write
the same rows with fields in quotes, inner quotes doubled and perhaps line ends inside. `records`
finds which separators and line ends count. Then a field that is wholly one quoted string is taken
out of its quotes until it no longer is one, so that all ways of writing a table read the same.

A .csv is separated by commas and a .tsv by tabs, unless the header has none of them and has another
separator: a spreadsheet writes semicolons where a comma is the decimal sign.
"""

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from retrace.base.errors import RetraceError
from retrace.raw.packed import AGAIN, pieces
from retrace.raw.records import Records, find_records
from retrace.raw.sources import suffix_of

SEPARATORS = {".tsv": b"\t", ".csv": b","}
_OTHERS = (b";", b"\t", b",", b"|")
_NAMES = {b";": "semicolons", b"\t": "tabs", b",": "commas", b"|": "vertical bars"}
_CHUNK = 1 << 20
_SHOWN = 80  # characters of a malformed row
_OTHER_FORMATS = {
    b"\x1f\x8b": "It starts like a gzip file: add .gz to its name.",
    b"PK\x03\x04": "It starts like a zip or Excel file: unpack it or export it as CSV.",
    b"PAR1": "It starts like a Parquet file: rename it to .parquet.",
}


class Delimited:
    """One .tsv or .csv file, perhaps with .gz: `names` of its columns, and `read` for some."""

    def __init__(self, path: Path, part: "Piece | None" = None) -> None:
        """part : of a file that is whole, where a part is read alone"""
        self._path, is_part = path, part is not None
        if part is None:
            data = _load(path)
            part = Piece(data, find_records(data, separator_of(path, data)))
        self._data, self._records, self._before = part
        if not len(self._records.starts):
            raise RetraceError(f"{path}: the file has only blank lines. {AGAIN}")
        header = [self._field(0, column) for column in range(self._records.width)]
        self.names: list[str] = [name.as_py().strip() for name in _unquoted(pa.array(header))]
        if not is_part:
            self._check_end()

    @property
    def n_rows(self) -> int:
        return len(self._records.starts) - 1

    def read(self, columns: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the rows as `columns` of text and `row`, and those with a wrong number of fields
        as `row` and `text`."""
        records = self._records
        fits = records.counts == records.width
        fits[0] = False
        good = np.flatnonzero(fits)
        bad = np.flatnonzero(~fits)[1:]
        dtype = pd.StringDtype("pyarrow", na_value=np.nan)
        values: dict[str, Any] = {}
        for name in columns:
            begin, end = records.bounds(good, self.names.index(name))
            values[name] = pd.array(_unquoted(_slices(self._data, begin, end)), dtype=dtype)
        shown = pd.Series([self._text(record) for record in bad], dtype="str")
        rows = pd.DataFrame(values | {"row": self._before + good})  # record 0 is the header
        return rows, pd.DataFrame({"row": self._before + bad, "text": shown})

    def _field(self, record: int, column: int) -> str:
        begin, end = self._records.bounds(np.array([record]), column)
        return self._data[begin[0] : end[0]].decode()

    def _text(self, record: int) -> str:
        start, stop = self._records.starts[record], self._records.stops[record]
        return self._data[start : min(stop, start + 4 * _SHOWN)].decode(errors="replace")[:_SHOWN]

    def _check_end(self) -> None:
        """Refuse a last row that is not whole: whatever came after it is lost as well."""
        records, last = self._records, len(self._records.starts) - 1
        if last == 0 or not (records.open_end or records.counts[last] < records.width):
            return
        line = self._data.count(b"\n", 0, int(records.starts[last])) + 1
        found = f"{records.counts[last]} of {records.width} fields"
        if records.open_end:
            found = "an opening quote that is never closed"
        raise RetraceError(
            f"{self._path}: cut off in the middle of a row: the last one (row {last}, line {line}) "
            f"has {found}: {self._text(last)!r}. Rows after it may be missing. {AGAIN}"
        )


class Piece(NamedTuple):
    """Whole records of a file, the header first, and how many rows there are before them."""

    data: bytearray
    records: Records
    before: int = 0


def separator_of(path: Path, data: bytearray, *, say: bool = True) -> bytes:
    """Return what separates the names of the header; say so where it is not the suffix's own."""
    own = SEPARATORS[(suffix_of(path) or ".csv").removesuffix(".gz")]
    header = re.sub(rb'"[^"]*"', b"", bytes(data[:_CHUNK]).lstrip(b"\r\n").split(b"\n")[0])
    most = max(_OTHERS, key=header.count)
    if own in header or most not in header:
        return own
    if say:
        logging.getLogger(__name__).warning(
            "%s: the header is separated by %s, not by %s as the suffix says; so are the rows "
            "read.", path, _NAMES[most], _NAMES[own],
        )  # fmt: skip
    return most


def _load(path: Path) -> bytearray:
    """Return a file's UTF-8 bytes without byte order mark, ending with a line end."""
    data = bytearray()
    for piece in pieces(path):
        data += piece
    check_text(path, data)
    if data.startswith(b"\xef\xbb\xbf"):
        del data[:3]
    if b"\n" not in data:  # line ends of old Macs
        data = data.replace(b"\r", b"\n")
    if not data.endswith(b"\n"):
        data += b"\n"
    return data


def check_text(path: Path, data: bytearray) -> None:
    hint = next((text for magic, text in _OTHER_FORMATS.items() if data.startswith(magic)), None)
    if hint:
        raise RetraceError(f"{path}: this is not text. {hint}")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise RetraceError(
            f"{path}: line 1, byte 0: the text is UTF-16 (byte order mark {data[:2].hex(' ')}); "
            f"expected UTF-8. Convert it: `iconv -f UTF-16 -t UTF-8 {path.name}`."
        )
    if (at := data.find(b"\0")) >= 0:
        line = data.count(b"\n", 0, at) + 1
        raise RetraceError(
            f"{path}: line {line}, byte {at}: a NUL byte, which no text "
            f"has; the file is damaged, or UTF-16 without a byte order mark. {AGAIN}"
        )
    whole = pa.py_buffer(np.array([0, len(data)]))
    try:
        pa.LargeStringArray.from_buffers(1, whole, pa.py_buffer(data)).validate(full=True)
    except pa.ArrowInvalid:
        raise _wrong_encoding(path, data) from None


def _wrong_encoding(path: Path, data: bytearray) -> RetraceError:
    try:
        data.decode()
        return RetraceError(f"{path}: expected UTF-8.")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        if error.reason == "unexpected end of data":
            return RetraceError(
                f"{path}: cut off in line {line}, in the middle of a character (byte "
                f"{error.start}). Rows after it may be missing. {AGAIN}"
            )
        return RetraceError(
            f"{path}: line {line}, byte {error.start}: 0x{data[error.start]:02x} is not UTF-8. "
            "Expected UTF-8 text; if it was written on Windows, convert it: "
            f"`iconv -f WINDOWS-1252 -t UTF-8 {path.name}`."
        )


def _slices(data: bytearray, begin: NDArray[np.int64], end: NDArray[np.int64]) -> pa.Array:
    """Return data[begin[i]:end[i]] for all i, without a loop.

    Arrow's arrays are cut from one buffer at rising offsets: fields are the pieces with even
    numbers, what lies between them those with odd ones.
    """
    if not len(begin):
        return pa.array([], pa.large_string())
    offsets = np.column_stack([begin, end]).ravel()
    pieces = pa.LargeStringArray.from_buffers(
        len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(data)
    )
    return pieces.take(pa.array(np.arange(0, len(offsets) - 1, 2)))


def _unquoted(text: pa.Array) -> pa.Array:
    """Take fields that are wholly one quoted string out of their quotes, until none is."""
    text = text.cast(pa.large_string())
    while True:
        quoted = pc.and_(pc.starts_with(text, '"'), pc.ends_with(text, '"'))
        quoted = pc.and_(quoted, pc.greater(pc.binary_length(text), 1))
        inner = pc.binary_slice(text.filter(quoted).cast(pa.large_binary()), 1, -1)
        inner = inner.cast(pa.large_string())
        whole = pc.invert(pc.match_substring(pc.replace_substring(inner, '""', ""), '"'))
        if not pc.any(whole).as_py():
            return text
        mask = quoted.to_numpy(zero_copy_only=False)
        mask[mask] = whole.to_numpy(zero_copy_only=False)
        inner = pc.replace_substring(inner.filter(whole), '""', '"')
        text = pc.replace_with_mask(text, pa.array(mask), inner)
