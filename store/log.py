"""The log: one JSON line a prediction, with the fields of ECS, appended before it is answered.

A server's process appends to a segment of its own, in one call of the kernel: what has been
answered is there after kill -9. The loader tells the disk to keep it (fdatasync) every second and
before it commits; a power cut may cost what was answered within that second. A segment is locked
while its server lives. A last line without its end was never answered.
"""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from retrace.base.errors import RetraceError

FOLDER = Path("served/log")
SUFFIX = ".jsonl"
LARGEST = 64 * 1024 * 1024  # bytes of a segment
ECS = "8.17"

CHAMPION = "champion"  # role and arm of who is in use
EXPLORED = "explored"  # in answers, and why such a value is told
TOLD = "told"  # where the model would have told something else than its prediction


class LogFull(RetraceError):
    """The log cannot be written: nothing may be answered until it can."""


class LoggedPrediction(msgspec.Struct, omit_defaults=True):
    """One prediction as the log and the store have it; moments in microseconds since 1970."""

    id: str
    request: str
    problem: str
    version: str
    fingerprint: str
    role: str
    arm: str
    subject: str
    name: str
    as_of: int
    predicted_at: int
    latency_us: int
    row: dict[str, Any]
    columns: list[float | None]  # of the model; null where missing
    answer: dict[str, Any]
    scores: dict[str, Any]


class Happened(msgspec.Struct):
    """ECS `event`."""

    id: str
    duration: int  # nanoseconds
    action: str = "predict"
    kind: str = "event"
    dataset: str = "retrace.predictions"


class Line(msgspec.Struct):
    """A line of the log."""

    timestamp: str = msgspec.field(name="@timestamp")
    event: Happened
    retrace: LoggedPrediction
    ecs: dict[str, str] = msgspec.field(default_factory=lambda: {"version": ECS})


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Line)


def line_of(prediction: LoggedPrediction) -> bytes:
    """Return a prediction as a line of the log."""
    happened = Happened(prediction.id, prediction.latency_us * 1000)
    line = Line(_stamp(prediction.predicted_at), happened, prediction)
    return _ENCODER.encode(line) + b"\n"


@lru_cache(maxsize=1)  # many are made at once
def _stamp(micros: int) -> str:
    clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(micros // 1_000_000))
    return f"{clock}.{micros % 1_000_000:06}Z"


class LogWriter:
    """Appends to a segment of this process, and begins another when it is large."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder, self._file, self._size = folder, -1, 0
        folder.mkdir(parents=True, exist_ok=True)
        self._begin()

    def append(self, lines: bytes) -> None:
        """Append whole lines; all of them or none. Raises LogFull where the disk refuses."""
        try:
            if self._file < 0 or self._size + len(lines) > LARGEST:
                self._begin()
            written = os.write(self._file, lines)
            if written < len(lines):  # the disk became full within the lines
                os.ftruncate(self._file, self._size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise LogFull(
                f"the log cannot be written ({error.strerror}), so that nothing is answered: what "
                "is answered must be on record. Make room on the disk; no restart is needed."
            ) from None
        self._size += written

    def _begin(self) -> None:
        self.close()
        name = f"{time.time_ns():020}-{os.getpid()}{SUFFIX}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._file, self._size = os.open(self.folder / name, flags, 0o600), 0
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def segments(folder: Path) -> list[Path]:
    """Return the segments, the oldest first."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def is_written(segment: Path) -> bool:
    """Whether its server lives, and may append to it."""
    with segment.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def read(segment: Path, offset: int, most: int) -> tuple[list[tuple[int, bytes]], int]:
    """Return up to `most` bytes of whole lines from an offset on, each with where it begins, and
    where the next one begins; a line that has no end yet stays."""
    with segment.open("rb") as file:
        file.seek(offset)
        block = file.read(most)
        end = block.rfind(b"\n") + 1
        while not end and len(block) == most:  # a line longer than that
            most *= 2
            file.seek(offset)
            block = file.read(most)
            end = block.rfind(b"\n") + 1
    found, place = [], offset
    for line in block[:end].splitlines(keepends=True):
        found.append((place, line))
        place += len(line)
    return found, offset + end


def parse(line: bytes) -> LoggedPrediction | None:
    """Return what a line says; None for one that was blanked, or is damaged."""
    try:
        return _DECODER.decode(line).retrace if line.strip() else None
    except msgspec.MsgspecError:
        return None


def blank(segment: Path, place: int, size: int) -> None:
    """Overwrite a line with spaces, in its place: nobody's offset changes."""
    with segment.open("r+b") as file:
        file.seek(place)
        file.write(b" " * (size - 1))
        file.flush()
        os.fdatasync(file.fileno())


def lines(folder: Path) -> Iterator[tuple[Path, int, bytes]]:
    """Yield every line of all segments."""
    for segment in segments(folder):
        offset = 0
        while True:
            found, after = read(segment, offset, 1 << 20)
            if not found:
                break
            yield from ((segment, place, line) for place, line in found)
            offset = after
