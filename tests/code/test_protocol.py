"""A request that does not come to its end is given up; those that do are not."""

import asyncio
from typing import Any

import pytest

pytest.importorskip("uvicorn")

from uvicorn.config import Config
from uvicorn.server import ServerState

from serving import protocol
from serving.protocol import BoundedHttp

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"


async def echo(_scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


async def answered(parts: list[bytes], pause: float) -> bytes:
    """Serve one connection that gets these bytes; return what comes within twice the limit."""
    config = Config(echo, log_level="critical")
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: BoundedHttp(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    for part in parts:
        writer.write(part)
        await asyncio.sleep(pause)
    found = b""
    try:
        async with asyncio.timeout(4 * protocol.MOST_SECONDS):
            found = await reader.read(1 << 16)
    except TimeoutError:
        found = b"nothing"
    writer.close()
    server.close()
    return found


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([HEAD + b"\r\n{}"], b"200"),
        ([HEAD, b"\r\n{", b"}"], b"200"),
        ([HEAD], b"400"),
        ([HEAD + b"\r\n{"], b"400"),
        ([], b"400"),
        ([HEAD + b"X: " + b"a" * 70_000], b"400"),
    ],
)
def test_what_does_not_come_is_given_up(
    parts: list[bytes], status: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "MOST_SECONDS", 1.0)
    assert asyncio.run(answered(parts, 0.05)).split(b" ")[1] == status
