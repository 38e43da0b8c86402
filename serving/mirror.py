"""Shows the challengers in shadow what the champion was asked, after the answer has left.

They are a process of their own (`serving.shadow`), behind a socket of this machine. What its buffer
has no room for is skipped and counted: nothing here ever waits.
"""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from serving.lineup import Lineup
from serving.model import Answer
from serving.rollout import SHADOW

SOCKET = "shadow.sock"  # in the log's folder
PAUSE_SECONDS = 0.05  # what is answered meanwhile is shown together, which takes far less time
MOST_ROWS = 16  # of a message
RETRY_SECONDS = 1.0
BUFFER_BYTES = 1 << 20


@contextlib.contextmanager
def address(folder: Path) -> Iterator[str]:
    """The socket's path by the folder's descriptor: as a path of 108 bytes and more it would be
    refused."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET}"
    finally:
        os.close(descriptor)


class ShownRow(msgspec.Struct, array_like=True):
    """A row as the champion has answered it."""

    problem: str
    request: str
    row: dict[str, Any]


_encode = msgspec.msgpack.encode
decode = msgspec.msgpack.Decoder(list[ShownRow]).decode


class Mirror:
    """One process's connection to the challengers in shadow."""

    def __init__(self, folder: Path, skipped: Callable[[str, int], None]) -> None:
        self.folder, self._skipped = folder, skipped
        self.problems: set[str] = set()
        self._waiting: list[ShownRow] = []
        self._socket: socket.socket | None = None
        self._retry_at = 0.0

    def use(self, lineup: Lineup) -> None:
        """Show the rows of problems of which something is in shadow, and no others'."""
        self.problems = {
            name
            for name, rollout in lineup.rollouts.items()
            if any(one.mode == SHADOW for one in rollout.challengers.values())
        }
        if not self.problems:
            self._close()

    def send(self, problem: str, answers: Sequence[Answer]) -> None:
        """Show rows that have just been put on record, a moment later."""
        if problem not in self.problems:
            return
        if not self._waiting:
            asyncio.get_running_loop().call_later(PAUSE_SECONDS, self._flush)
        self._waiting += [ShownRow(problem, one.request, one.row) for one in answers]

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for start in range(0, len(waiting), MOST_ROWS):
            rows = waiting[start : start + MOST_ROWS]
            if not self._sent(_encode(rows)):
                for one in rows:
                    self._skipped(one.problem, 1)

    def _sent(self, message: bytes) -> bool:
        connection = self._connected()
        if connection is None:
            return False
        try:
            connection.send(message)
        except BlockingIOError:  # those before have not been read yet
            return False
        except OSError:  # too long for a message, or nobody is there any more
            self._close()
            return False
        return True

    def _connected(self) -> socket.socket | None:
        if self._socket is None and time.monotonic() >= self._retry_at:
            self._retry_at = time.monotonic() + RETRY_SECONDS
            new = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            new.setblocking(False)
            new.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
            try:
                with address(self.folder) as path:
                    new.connect(path)
            except OSError:
                new.close()
            else:
                self._socket = new
        return self._socket

    def _close(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
        self._socket = None
