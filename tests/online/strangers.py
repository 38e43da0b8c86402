"""Requests of strangers: what OpenAPI allows, what it does not, and bytes that nobody would send.

Whatever is sent, the answer is none of the server's errors, says in a form that OpenAPI knows what
was wrong, and tells nothing of the server's insides.
"""

import contextlib
import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlencode

import numpy as np
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.conftest import ROOT
from tests.drills.fuzz import mutated
from tests.online.server import RunningServer

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
INSIDES = re.compile(  # of a server
    r"Traceback|File \"|\.py\b|site-packages|sqlalchemy\.|/usr/|/home/|/tmp/|"
    + re.escape(str(ROOT))
)
DEEP = 100_000
NO_COLUMNS = ("x", "")
VALUES: tuple[str, ...] = (  # as JSON has them, and as it has not
    *("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e308", "5e-324", "-0.0"),
    *("9" * 400, "-" + "9" * 30, "9223372036854775808", "01", "1.", "0x10"),
    *('""', '"\\u0000"', '"\\ud800"', '"\\u202e"'),
    *('"' + "x" * 20_000 + '"', '"' + "é" * 5000 + '"'),
    *('"0001-01-01T00:00:00Z"', '"9999-12-31T23:59:59.999999Z"', '"1677-09-21T00:12:43Z"'),
    *('"2026-02-30T25:61:61Z"', '"2026-01-01T00:00:00"', '"2026-01-01T00:00:00+99:99"'),
    *('"2026-01-01T00:00:00.123456789Z"', '"2026-W01-1T00:00:00Z"', '"now"', '"1e9"', '"-1"'),
    *("null", "true", "[]", "{}", "[null]", '{"a": {"b": []}}', "[" * 50 + "]" * 50),
    *('"../../etc/passwd"', '"\' OR 1=1 --"', '"<script>alert(1)</script>"', '"%s%n"', '"{{7*7}}"'),
)


ODD_PATHS = (
    "/v1/%00/predict",
    "/v1/" + "a" * 5000 + "/predict",
    "/v1/predictions/" + "%ff" * 100,
    "/problems/%2e%2e/x",
    "/style.css/../base.html",
    "/worlds/x/list?at=x",
)


@dataclass
class Received:
    """What came of requests; `bad` are those that were answered as no request may be."""

    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)

    def add(self, asked: str, status: int, text: str, sent: str = "") -> None:
        """Note an answer; what a stranger has sent may be said again."""
        self.cases += 1
        self.statuses[status] += 1
        if status >= 500:
            self.bad.append(f"{asked}: {status} {text[:300]}")
        elif (found := INSIDES.search(text)) and found[0] not in sent:
            self.bad.append(f"{asked}: {status} tells {text[max(found.start() - 60, 0) :][:200]}")


def by_schema(server: RunningServer, cases: int, number: int = 1) -> Received:
    """Send about so many cases that schemathesis makes of OpenAPI: half of them keep it, half of
    them break it."""
    document = server.get("/openapi.json")
    schema = schemathesis.openapi.from_dict(document)
    operations = [found.ok() for found in schema.get_all_operations()]
    each = max(cases // (2 * len(operations)), 1)
    received, session = Received(), requests.Session()
    url = f"http://127.0.0.1:{server.port}"
    how = settings(
        max_examples=each,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    def send(name: str, case: Any) -> None:
        response = case.call(base_url=url, session=session, timeout=60)
        asked = f"{name} {_short(case.body)}"
        received.add(asked, response.status_code, response.text, repr(case.body))
        try:
            case.validate_response(response, checks=CHECKS)
        except BaseExceptionGroup as errors:
            words = "; ".join(" ".join(str(one).split())[:300] for one in errors.exceptions)
            received.bad.append(f"{asked}: {words}")

    for operation in operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            cases = operation.as_strategy(generation_mode=mode)
            sent = partial(send, f"{operation.label} {mode.value}")
            with contextlib.suppress(Unsatisfiable):  # nothing of the operation could be broken
                seed(number)(how(given(case=cases)(_taking(sent))))()
    return received


def by_hand(server: RunningServer, cases: int, number: int = 1) -> Received:
    """Send rows with hostile values, bodies with damaged bytes, and forms with both; then what is
    too large and too deep."""
    chance, rng = random.Random(number), np.random.default_rng(number)
    document = server.get("/openapi.json")
    received = Received()
    bodies = dict(_bodies(document))
    forms = {f"/problems/{one['problem']}": one["world"] for one in server.get("/v1/models")}
    schemas = document["components"]["schemas"]
    examples = {path: schemas[f"{world}_row"]["example"] for path, world in forms.items()}
    while received.cases < cases:
        path = chance.choice([*bodies, *forms])
        if path in forms:
            body = _form(examples[path], chance)
            if chance.random() < 0.3:
                body = mutated(body, rng)
        else:
            body = _body(bodies[path], chance)
            if chance.random() < 0.4:
                body = mutated(body, rng)
        _send(server, received, path, body)
    for path in (*bodies, *forms):
        for body in (b"[" * DEEP, b'{"a":' * DEEP, b"[" + b"{}," * DEEP + b"{}]", b"x" * 3_000_000):
            _send(server, received, path, body)
    for path in ODD_PATHS:
        _send(server, received, path, b"{}")
        status, answer = server.client.ask("GET", path)
        received.add(f"GET {path[:80]}", status, str(answer))
    return received


def _bodies(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each address that takes a body, with an example of it."""
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        if "post" not in methods:
            continue
        schema = methods["post"]["requestBody"]["content"]["application/json"]["schema"]
        one = schema["oneOf"][0] if "oneOf" in schema else schema
        if "$ref" in one:
            one = schemas[one["$ref"].rpartition("/")[2]]
        yield path, one["example"]


def _body(example: Mapping[str, Any], chance: random.Random) -> bytes:
    """Return a row as JSON, some of its values hostile, some of its columns gone or unknown."""
    parts = {name: json.dumps(value) for name, value in example.items()}
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        name = chance.choice([*parts, *NO_COLUMNS])
        if chance.random() < 0.1:
            parts.pop(name, None)
        else:
            parts[name] = chance.choice(VALUES)
    text = ", ".join(f"{json.dumps(name)}: {value}" for name, value in parts.items())
    return (f"[{{{text}}}]" if chance.random() < 0.3 else f"{{{text}}}").encode()


def _form(example: Mapping[str, Any], chance: random.Random) -> bytes:
    sent = {f"row.{name}": _typed(value) for name, value in example.items()}
    for _ in range(chance.choice((0, 1, 1, 2))):
        sent[chance.choice([*sent])] = chance.choice(VALUES).strip('"')
    return urlencode(sent, errors="replace").encode()


def _typed(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).removesuffix("Z")


def _send(server: RunningServer, received: Received, path: str, body: bytes) -> None:
    status, answer = server.client.ask("POST", path, body)
    received.add(f"POST {path[:80]} {body[:200]!r}", status, str(answer), path + repr(body))


def _short(body: Any) -> str:
    return repr(body)[:200]


def _taking(sent: Any) -> Any:
    def take(case: Any) -> None:  # hypothesis wants a function with this very argument
        sent(case)

    return take
