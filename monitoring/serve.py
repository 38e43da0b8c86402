"""Serves what watch shows: its gauges, its pages, and whether it is well.

A server of the standard library: some requests a minute, each a page that is made when it is asked.
Tokens are those of the server of predictions; a browser asks for one as a password.
"""

import base64
import binascii
import json
import socketserver
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from prometheus_client import CONTENT_TYPE_LATEST

from retrace.base.errors import RetraceError
from retrace.base.tokens import Tokens, may, named_loopback
from store.database import AWAY, words_of

HEALTH = "/health"  # open to all, as a supervisor asks it
LATE = 3  # intervals without a pass that came to its end
SECONDS = 30.0  # a request may take to be sent
REASONS = {200: "OK", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}
REASONS |= {405: "Method Not Allowed", 503: "Service Unavailable"}
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'"


class Content(NamedTuple):
    """What an address answers."""

    content: bytes
    media_type: str = "text/html; charset=utf-8"
    status: int = 200


Pages = Mapping[str, Callable[[], Content]]  # by address, such as /daily


def metrics(content: bytes) -> Content:
    return Content(content, CONTENT_TYPE_LATEST)


def health(passed_at: int | None, now: int, every: int) -> Content:
    """Say whether passes come to their end; all in microseconds, moments since 1970."""
    age = None if passed_at is None else (now - passed_at) / 1e6
    late = age is None or age > LATE * every / 1e6
    said = {"status": "late" if late else "ready", "last_pass_age_seconds": age}
    return Content(json.dumps(said).encode(), "application/json", 503 if late else 200)


def app_of(pages: Pages, tokens: Tokens) -> WSGIApplication:
    """Return the application: each page to whom the tokens let in, /health to all."""

    def app(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        page = _answer(environ, pages, tokens)
        headers = [("Content-Type", page.media_type), ("Content-Length", str(len(page.content)))]
        headers += [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]
        headers += [("Content-Security-Policy", POLICY), ("Referrer-Policy", "no-referrer")]
        if page.status == 401:
            headers.append(("WWW-Authenticate", 'Basic realm="retrace: a token as password"'))
        start(f"{page.status} {REASONS[page.status]}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [page.content]

    return app


def _answer(environ: WSGIEnvironment, pages: Pages, tokens: Tokens) -> Content:
    path = environ.get("PATH_INFO", "")
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        return _said(405, "GET is for this address.")
    if not tokens.pairs and not named_loopback(environ.get("HTTP_HOST", "")):
        return _said(403, "without tokens watch answers to the name localhost alone.")
    if path != HEALTH and not may(tokens.role(_token(environ)), "predict"):
        return _said(401, "a token is needed: `Authorization: Bearer TOKEN`, or as a password.")
    if path not in pages:
        return _said(404, f"no such address; there are {', '.join(sorted(pages))}.")
    try:
        return pages[path]()
    except AWAY as error:
        return _said(503, f"the database does not answer: {words_of(error)}")
    except RetraceError as error:
        return _said(503, str(error))


def _said(status: int, words: str) -> Content:
    return Content(f"{words}\n".encode(), "text/plain; charset=utf-8", status)


def _token(environ: WSGIEnvironment) -> str:
    """Return the Authorization header; of a password what a program would send."""
    header = str(environ.get("HTTP_AUTHORIZATION", ""))
    kind, _, word = header.partition(" ")
    if kind.lower() != "basic":
        return header
    try:
        _, _, password = base64.b64decode(word, validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return ""
    return f"Bearer {password.decode('utf-8', 'replace')}"


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    timeout = SECONDS

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing of each request."""

    def address_string(self) -> str:
        return str(self.client_address[0])  # its name would be a question to a server of names


def server_of(pages: Pages, host: str, port: int, tokens: Tokens | None = None) -> WSGIServer:
    """Return a server that listens; `serve_forever()` answers, from a thread of its own.

    Raises RetraceError for a host that others reach where nobody needs a token, and for a port
    that is taken.
    """
    tokens = Tokens.of() if tokens is None else tokens
    tokens.check_host(host)
    try:
        server = _Server((host, port), _Handler)
    except OSError as error:
        raise RetraceError(
            f"{host}:{port} cannot be served: {error.strerror}. Name another with --port."
        ) from None
    server.set_app(app_of(pages, tokens))
    return server
