"""Requests within limits, and replies: JSON, and errors that name field and cause."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_ENCODER = msgspec.json.Encoder()
JSON = "application/json"


class Reply(Response):
    """JSON with the fewest steps: what Starlette's own does for any response takes longer than to
    write this one."""

    def __init__(self, body: bytes) -> None:
        self.status_code, self.body, self.background = 200, body, None

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        length = str(len(self.body)).encode()
        headers = [(b"content-length", length), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


class Refusal(Exception):
    """A request that is refused: status, cause, and the field where it is one's."""

    def __init__(self, status: int, cause: str, field: str = "") -> None:
        super().__init__(cause)
        self.status, self.cause, self.field = status, cause, field


def reply(value: Any, status: int = 200) -> Response:
    body = _ENCODER.encode(value)
    return Reply(body) if status == 200 else Response(body, status, media_type=JSON)


def refusal(_request: Request, error: Refusal) -> Response:
    said = {"error": {"cause": error.cause, "field": error.field, "status": error.status}}
    response = reply(said, error.status)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if error.status == 503:
        response.headers["Retry-After"] = "5"
    return response


async def body_of(request: Request, most_bytes: int) -> Any:
    """Return the body of a request as JSON has it. Refusal where it is none, or too large."""
    body = await bytes_of(request, most_bytes)
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(400, f"the body is no JSON: {error}.") from None
    except RecursionError:
        raise Refusal(400, "the body's JSON is nested too deep.") from None


def headers_of(request: Request) -> dict[bytes, bytes]:
    """Return the headers of a request by their names in lower case: Starlette's own look them up
    one after the other."""
    return dict(request.scope["headers"])


async def bytes_of(request: Request, most_bytes: int) -> bytes:
    """Return the body of a request. Refusal where it is too large."""
    length = headers_of(request).get(b"content-length", b"")
    if length.isdigit() and int(length) > most_bytes:
        raise _too_large(most_bytes)
    body, more = b"", True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "the connection was closed before the body's end.")
        body += message.get("body", b"")
        if len(body) > most_bytes:
            raise _too_large(most_bytes)
        more = message.get("more_body", False)
    return body


def rows_of(body: Any, most: int) -> tuple[list[dict[str, Any]], bool]:
    """Return the rows of a body, which is one or a list of them, and whether it is one."""
    single = isinstance(body, dict)
    rows = [body] if single else body
    if not isinstance(rows, list) or not rows:
        raise Refusal(422, "expected a row as a JSON object, or a list of at least one.")
    if len(rows) > most:
        raise Refusal(413, f"{len(rows):,} rows; at most {most:,} in one request.")
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            raise Refusal(422, "expected a row as a JSON object.", f"[{place}]")
    return rows, single


def _too_large(most_bytes: int) -> Refusal:
    return Refusal(413, f"the body is larger than {most_bytes:,} bytes.")
