"""Requests within limits, and replies: JSON, and errors that name field and cause."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

_ENCODER = msgspec.json.Encoder()
JSON = "application/json"


class Refusal(Exception):
    """A request that is refused: status, cause, and the field where it is one's."""

    def __init__(self, status: int, cause: str, field: str = "") -> None:
        super().__init__(cause)
        self.status, self.cause, self.field = status, cause, field


def reply(value: Any, status: int = 200) -> Response:
    return Response(_ENCODER.encode(value), status, media_type=JSON)


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


async def bytes_of(request: Request, most_bytes: int) -> bytes:
    """Return the body of a request. Refusal where it is too large."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > most_bytes:
        raise _too_large(most_bytes)
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most_bytes:
            raise _too_large(most_bytes)
        chunks.append(chunk)
    return b"".join(chunks)


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
