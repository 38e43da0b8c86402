"""Read a delimited file in pieces, so that memory does not grow with it; rows are as of the whole.

Whether quotes are text is a matter of the whole file (see `records`). A first pass finds out, block
by block, a second one reads. A file of the third kind there, which mixes both or has broken rows,
is read whole; so is one that cannot be read, for the error to say where.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from retrace.base.errors import RetraceError
from retrace.raw.delimited import Delimited, Piece, check_text, separator_of
from retrace.raw.packed import pieces
from retrace.raw.records import KINDS, Kind, find_records_so

BLOCK = 4 << 20  # bytes
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class _Shape(NamedTuple):
    """How the records of a file are found, and the bytes of the first one."""

    kind: Kind
    separator: bytes
    header: bytes


def in_pieces(path: Path) -> Iterator[Delimited]:
    """Yield the parts of a file, each with the header; `row` counts through all of them."""
    shape = next(filter(None, (_shape(path, kind) for kind in KINDS)), None)
    if shape is None:
        yield Delimited(path)
        return
    n_rows = 0
    for number, data in enumerate(_blocks(path, shape.kind)):
        if number:
            data[:0] = shape.header
        else:
            separator_of(path, data)  # which says what is odd about it
        records = find_records_so(data, shape.separator, shape.kind)
        if records is None:
            raise RetraceError(f"{path} was changed while it was read. Start again.")
        part = Delimited(path, Piece(data, records, n_rows))
        n_rows += part.n_rows
        if part.n_rows:
            yield part
    if not n_rows:
        yield Delimited(path)


def _shape(path: Path, kind: Kind) -> _Shape | None:
    """Return the shape of a file all of whose blocks are of a kind; None for another file."""
    shape, is_whole = None, True
    try:
        for data in _blocks(path, kind):
            check_text(path, data)
            if shape is not None:
                data[:0] = shape.header
            separator = shape.separator if shape else separator_of(path, data, say=False)
            records = find_records_so(data, separator, kind)
            if records is None or not len(records.starts):
                return None
            if shape is None:
                if b"\n" not in data[:-1]:  # a header alone, or line ends of old Macs
                    return None
                stop = data.index(b"\n", int(records.stops[0])) + 1
                shape = _Shape(kind, separator, bytes(data[:stop]))
            if len(records.counts) > 1:
                is_whole = bool(records.counts[-1] >= records.width)
    except (RetraceError, ValueError):  # the whole file says what and where
        return None
    return shape if is_whole else None


def _blocks(path: Path, kind: Kind) -> Iterator[bytearray]:
    """Yield a file's bytes in blocks of whole lines, of whole records where there are quotes."""
    data, begun = bytearray(), False
    for piece in pieces(path):
        data += piece
        if len(data) < BLOCK:
            continue
        stop = _last_end(data, kind)
        if stop:
            yield data[:stop] if begun else _without_mark(data[:stop])
            begun = True
            del data[:stop]
    if data:
        data = data if begun else _without_mark(data)
        yield data if data.endswith(b"\n") else data + b"\n"


def _without_mark(data: bytearray) -> bytearray:
    return data.removeprefix(BYTE_ORDER_MARK)


def _last_end(data: bytearray, kind: Kind) -> int:
    """Return where the last line ends, outside quotes where these count; 0 where none does."""
    if kind != "quoted":
        return data.rfind(b"\n") + 1
    text = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(text == b"\n"[0])
    outside = ends[np.searchsorted(np.flatnonzero(text == b'"'[0]), ends) % 2 == 0]
    return int(outside[-1]) + 1 if len(outside) else 0
