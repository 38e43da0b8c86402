"""The server of watch: who may ask, what fails says why, and a browser can give its token."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
from sqlalchemy.exc import OperationalError

from monitoring.gauges import text
from monitoring.serve import Content, Pages, health, metrics, server_of
from retrace.base.errors import RetraceError
from retrace.base.tokens import Tokens
from tests.online.watched import HOUR, NOW, summary


@contextmanager
def serving(pages: Pages, tokens: Tokens) -> Iterator[str]:
    server = server_of(pages, "127.0.0.1", 0, tokens)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(url: str, method: str = "GET", **headers: str) -> tuple[int, str, dict[str, str]]:
    named = {name.capitalize(): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, None, named, method=method)) as got:
            return got.status, got.read().decode(), dict(got.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), dict(error.headers)


def away() -> Content:
    raise OperationalError("SELECT secret", {}, Exception("no route"))


PAGES: Pages = {
    "/metrics": lambda: metrics(text([summary()], [], NOW)),
    "/daily": lambda: Content(b"<p>well</p>"),
    "/health": lambda: health(NOW - HOUR, NOW, HOUR),
    "/away": away,
}


def test_pages_are_served_and_what_fails_says_why() -> None:
    with serving(PAGES, Tokens()) as at:
        status, content, headers = ask(f"{at}/metrics")
        assert status == 200
        assert "retrace_watch_answers{" in content
        assert headers["Content-Type"].startswith("text/plain; version=")
        assert ask(f"{at}/daily")[:2] == (200, "<p>well</p>")
        assert ask(f"{at}/daily", "HEAD")[:2] == (200, "")
        assert ask(f"{at}/health")[:2] == (
            200,
            '{"status": "ready", "last_pass_age_seconds": 3600.0}',
        )
        assert ask(f"{at}/away")[:2] == (503, "the database does not answer: no route\n")
        assert ask(f"{at}/else")[0] == 404
        assert ask(f"{at}/daily", "POST")[0] == 405
        assert ask(f"{at}/daily", host="example.org")[0] == 403  # another site's name for us


def test_a_token_opens_and_a_browser_may_give_it_as_a_password() -> None:
    tokens = Tokens((("predict", b"aaaaaaaaaaaaaaaa"),))
    with serving(PAGES, tokens) as at:
        status, _, headers = ask(f"{at}/metrics")
        assert (status, headers["WWW-Authenticate"][:5]) == (401, "Basic")
        assert ask(f"{at}/health")[0] == 200
        assert ask(f"{at}/metrics", authorization="Bearer aaaaaaaaaaaaaaaa", host="x.org")[0] == 200
        assert ask(f"{at}/daily", authorization="Basic OmFhYWFhYWFhYWFhYWFhYWE=")[0] == 200
        for wrong in ("Bearer aaaaaaaaaaaaaaab", "Basic OmFhYQ==", "Basic ?", "Basic"):
            assert ask(f"{at}/daily", authorization=wrong)[0] == 401


def test_who_listens_where() -> None:
    with pytest.raises(RetraceError, match="RETRACE_TOKENS_FILE"):
        server_of(PAGES, "0.0.0.0", 0, Tokens())
    with (
        serving(PAGES, Tokens()) as at,
        pytest.raises(RetraceError, match="cannot be served"),
    ):
        server_of(PAGES, "127.0.0.1", int(at.rpartition(":")[2]), Tokens())


@pytest.mark.parametrize(("age", "status"), [(HOUR, 200), (4 * HOUR, 503), (None, 503)])
def test_health_tells_a_watch_that_does_not_pass(age: int | None, status: int) -> None:
    assert health(None if age is None else NOW - age, NOW, HOUR).status == status
