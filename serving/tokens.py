"""What a request of a browser or a program brings to be let in.

A browser keeps its token as a cookie, which no page of another site can use. Without tokens, a page
of another site must neither send what is stored, nor pass its own name off as this machine's.
"""

from starlette.requests import Request

from retrace.base.tokens import Tokens, named_loopback
from serving.replies import Refusal, headers_of

COOKIE = "retrace_token"


def check_origin(tokens: Tokens, request: Request) -> None:
    """Refusal for a request that the page of another site has a browser make."""
    found = headers_of(request)
    host = found.get(b"host", b"").decode("latin-1")
    if not tokens.pairs and not named_loopback(host):
        cause = "without tokens the server answers to the name localhost alone. "
        raise Refusal(403, f"{cause}A proxy in front can send `Host: localhost`.")
    if request.method != "POST":
        return
    site, origin = found.get(b"sec-fetch-site"), found.get(b"origin", b"")
    foreign = origin and origin.decode("latin-1").partition("://")[2] != host
    if site in (b"cross-site", b"same-site") or (site is None and foreign):
        raise Refusal(403, "a page of another site must not send this.")


def given(request: Request) -> str:
    """Return the Authorization header of a request, or what a browser's cookie stands for."""
    headers = headers_of(request)
    header = headers.get(b"authorization")
    if header is None and b"cookie" in headers:
        return f"Bearer {request.cookies.get(COOKIE, '')}"
    return (header or b"").decode("latin-1")
