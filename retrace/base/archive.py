"""Archives of arrays whose bytes depend on the arrays alone.

`numpy.savez` leaves the headers to `zipfile`, which writes them differently from one Python to the
next. Here every field is fixed: members are stored, of 1980-01-01, made by version 2.0 on Unix,
readable by their owner and everybody else. `numpy.load(path, allow_pickle=False)` reads them.

The format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
"""

import io
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import ArrayLike

VERSION, VERSION_64 = 20, 45  # needed to extract a member, without and with 64-bit fields
UNIX = 3 << 8
DATE = 1 << 5 | 1  # 1980-01-01, 00:00
MODE = 0o100644 << 16
LIMIT = 0xFFFFFFFF  # values from here on stand in a field of 64 bits, and in their own field
ELSEWHERE = 0xFFFFFFFF  # says so
MANY = 0xFFFF  # members: the same of 16 bits


def write_arrays(path: Path, arrays: Mapping[str, ArrayLike]) -> None:
    """Write arrays of any shape as members `<name>.npy`, in the order given.

    Raises ValueError for a name that is not ASCII, and for an array of Python objects.
    """
    with path.open("wb") as file:
        central = [_write_member(file, f"{name}.npy", array) for name, array in arrays.items()]
        start = file.tell()
        file.writelines(central)
        file.write(_end(len(central), file.tell() - start, start))


def _write_member(file: BinaryIO, name: str, values: ArrayLike) -> bytes:
    """Write one member, and return its entry for the central directory."""
    array = np.asarray(values, order="C")
    if array.dtype.hasobject or not name.isascii():
        raise ValueError(f"{name}: expected an ASCII name and plain values, got {array.dtype}")
    header = io.BytesIO()
    npy.write_array_header_1_0(header, npy.header_data_from_array_1_0(array))
    parts: list[Any] = [header.getvalue(), array.reshape(-1).view(np.uint8).data]
    offset, size, crc = file.tell(), sum(map(len, parts)), 0
    for part in parts:
        crc = zlib.crc32(part, crc)
    encoded = name.encode("ascii")

    # Flags, method (0: stored), time and date; the sizes packed and unpacked are the same.
    sizes = _extra(size, size)
    common = struct.pack("<4HL", 0, 0, 0, DATE, crc) + struct.pack("<2L", *[_narrow(size)] * 2)
    file.write(b"PK\3\4" + struct.pack("<H", VERSION_64 if sizes else VERSION) + common)
    file.write(struct.pack("<2H", len(encoded), len(sizes)) + encoded + sizes)
    file.writelines(parts)

    extra = _extra(size, size, offset)
    version = VERSION_64 if extra else VERSION
    # Lengths of name, extra field and comment; disk; text or not; mode; where the member begins.
    rest = struct.pack("<5H2L", len(encoded), len(extra), 0, 0, 0, MODE, _narrow(offset))
    return b"PK\1\2" + struct.pack("<2H", UNIX | version, version) + common + rest + encoded + extra


def _narrow(value: int) -> int:
    """Return what stands in the field of 32 bits."""
    return value if value < LIMIT else ELSEWHERE


def _extra(*fields: int) -> bytes:
    """Return the extra field with the values that do not fit into 32 bits; empty without any."""
    large = [field for field in fields if field >= LIMIT]
    return struct.pack(f"<2H{len(large)}Q", 1, 8 * len(large), *large) if large else b""


def _end(count: int, size: int, start: int) -> bytes:
    """Return what follows the central directory of `count` members, `size` bytes from `start`."""
    end = b""
    if count >= MANY or size >= LIMIT or start >= LIMIT:
        record = (44, UNIX | VERSION_64, VERSION_64, 0, 0, count, count, size, start)
        end = b"PK\6\6" + struct.pack("<Q2H2L4Q", *record)
        end += b"PK\6\7" + struct.pack("<LQL", 0, start + size, 1)  # where that record begins
    counts = [min(count, MANY)] * 2
    fields = (0, 0, *counts, _narrow(size), _narrow(start), 0)
    return end + b"PK\5\6" + struct.pack("<4H2LH", *fields)
