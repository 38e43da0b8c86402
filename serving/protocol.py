"""HTTP within limits: the head of a request is small, and a request that began comes to its end.

A stranger who sends header after header, or a byte a minute, fills no memory and keeps no
connection. The limits of bodies are those of `serving`.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES = 64 * 1024
MOST_SECONDS = 30.0  # from a request's first byte to its last, and for a connection's first request


class BoundedHttp(HttpToolsProtocol):
    """The protocol of one connection."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._head_bytes, self._in_head, self._comes = 0, True, True
        self._late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._late = self.loop.call_later(MOST_SECONDS, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > MOST_HEAD_BYTES:
            self.send_400_response(f"The head is larger than {MOST_HEAD_BYTES} bytes.")
        elif not self._comes:
            self._stop_clock()
        elif self._late is None:
            self._late = self.loop.call_later(MOST_SECONDS, self._give_up)

    def on_message_begin(self) -> None:
        self._comes = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_bytes, self._in_head = 0, False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._head_bytes, self._in_head, self._comes = 0, True, False
        super().on_message_complete()

    def _give_up(self) -> None:
        answers = self.cycle is not None and not self.cycle.response_complete
        if (answers and self.cycle.response_started) or self.transport.is_closing():
            self.transport.close()
        else:
            self.send_400_response(f"The request did not come within {MOST_SECONDS:g} seconds.")

    def _stop_clock(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
