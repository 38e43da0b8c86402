"""Read a file's bytes piece by piece, unpacked where its name ends in .gz."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from retrace.base.errors import RetraceError

AGAIN = "Get or export the file again."
_CHUNK = 1 << 20
_BOMB_BYTES, _BOMB_TIMES = 64 << 20, 200


def pieces(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file.

    Raises RetraceError for one that is empty, cut off, damaged, or that unpacks to far too much.
    """
    zipped, lines, size = path.name.lower().endswith(".gz"), 0, 0
    try:
        with gzip.open(path) if zipped else path.open("rb") as file:
            while piece := file.read1(_CHUNK):
                size, lines = size + len(piece), lines + piece.count(b"\n")
                if zipped and size > _BOMB_BYTES:
                    _check_bomb(path, size)
                yield piece
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise RetraceError(
            f"{path}: the gzip file is cut off or damaged after line {lines + 1} ({error}); the "
            f"rows behind it are lost. {AGAIN}"
        ) from None
    except OSError as error:
        raise RetraceError(
            f"{path}: cannot be read: {error.strerror or error}. Check permissions and disk."
        ) from None
    if not size:
        raise RetraceError(f"{path}: the file is empty (0 bytes). {AGAIN}")


def _check_bomb(path: Path, unpacked: int) -> None:
    """Refuse a small file that becomes a huge one: tables pack to a tenth, not to a thousandth."""
    if unpacked > _BOMB_TIMES * path.stat().st_size:
        raise RetraceError(
            f"{path}: {path.stat().st_size:,} bytes have unpacked to more than {unpacked:,}, which "
            "no table does. If it is one, unpack it yourself: `gunzip -k`, and name the result."
        )
