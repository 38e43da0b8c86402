"""Takes `_bulk` as Elasticsearch does, holds each document against the index templates that are
deployed, and can be away. A stand-in: types and strictness of mappings are checked, nothing is
searched."""

import contextlib
import json
import re
import threading
from collections import Counter
from datetime import datetime
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.conftest import ROOT

DEPLOYED = ROOT / "deploy/logging"
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
LONGEST_TERM = 32_766  # bytes: a longer one is refused


class Mapping:
    """The mapping of one index; what is dynamic has the type of what came first."""

    def __init__(self, template: dict[str, Any]) -> None:
        found = template["template"]["mappings"]
        self.properties, self.strict = found["properties"], found["dynamic"] == "strict"
        self.rules = [one for each in found.get("dynamic_templates", ()) for one in each.values()]
        self.seen: dict[str, str] = {}

    def faults(self, document: dict[str, Any]) -> list[str]:
        """Return why Elasticsearch would refuse a document; empty where it would not."""
        return self._of_object(_undotted(document), {"properties": self.properties}, "")

    def _of_object(self, found: Any, declared: dict[str, Any], path: str) -> list[str]:
        if not isinstance(found, dict):
            return [f"{path} is no object"]
        faults = []
        for name, value in found.items():
            at = f"{path}.{name}".lstrip(".")
            if name in declared.get("properties", {}):
                faults += self._of(value, declared["properties"][name], at)
            elif declared.get("dynamic") is True:
                faults += self._of_dynamic(value, at)
            else:
                faults.append(f"{at} is not in the template")
        return faults

    def _of(self, value: Any, declared: dict[str, Any], path: str) -> list[str]:
        if declared.get("type", "object") == "object":
            return self._of_object(value, declared, path)
        if declared["type"] == "flattened":
            return [] if isinstance(value, dict) else [f"{path} is no object"]
        values = value if isinstance(value, list) else [value]
        wrong = [one for one in values if one is not None and not fits(one, declared)]
        return [f"{path} is no {declared['type']}: {wrong[0]!r}"] if wrong else []

    def _of_dynamic(self, value: Any, path: str) -> list[str]:
        kind = self.seen.setdefault(path, self._guessed(value, path))
        return self._of(value, {"type": kind}, path) if kind else []

    def _guessed(self, value: Any, path: str) -> str:
        kind = {bool: "boolean", int: "long", float: "double", str: "string"}.get(type(value), "")
        for rule in self.rules:
            if kind in _list(rule["match_mapping_type"]) and any(
                fnmatch(path, one) for one in _list(rule["path_match"])
            ):
                return str(rule["mapping"]["type"])
        return "text" if kind == "string" else kind


def fits(value: Any, declared: dict[str, Any]) -> bool:
    """Whether a mapping takes a value as it is; Elasticsearch would also make some fit."""
    kind = declared["type"]
    if kind in ("keyword", "text"):
        return isinstance(value, str) and (
            kind == "text" or "ignore_above" in declared or len(value.encode()) <= LONGEST_TERM
        )
    if kind == "date":
        return isinstance(value, str) and bool(DATE.fullmatch(value) and _moment(value))
    if kind == "boolean":
        return isinstance(value, bool)
    whole = isinstance(value, int) and not isinstance(value, bool)
    return (whole and abs(value) < 2**63) if kind == "long" else whole or isinstance(value, float)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _undotted(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document with `a.b` as an object in an object, as Elasticsearch reads it."""
    found: dict[str, Any] = {}
    for name, value in document.items():
        head, _, rest = name.partition(".")
        if rest:
            found.setdefault(head, {}).update(_undotted({rest: value}))
        else:
            found[name] = value
    return found


class Elasticsearch:
    """Answers on loopback. documents : by index and id, the newest of each."""

    def __init__(self, port: int = 0) -> None:
        self.templates = [json.loads(one.read_text()) for one in DEPLOYED.glob("*.template.json")]
        self.documents: dict[tuple[str, str], dict[str, Any]] = {}
        self.faults: list[str] = []
        self.came: Counter[tuple[str, str]] = Counter()
        self.mappings: dict[str, Mapping] = {}
        self.refusals = 0  # so many of the next requests are answered with 429
        self.busy = self.n_busy = 0  # so many of the next documents; how many it were
        self.lock = threading.Lock()
        self.port = port
        self.start()

    def start(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def of(self, prefix: str) -> list[dict[str, Any]]:
        """Return the documents of the indices whose names begin so."""
        with self.lock:
            return [one for (index, _), one in self.documents.items() if index.startswith(prefix)]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        ours = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):  # the other side was killed
                    super().handle()

            def do_GET(self) -> None:
                self._answer(200, {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with ours.lock:
                    self._answer(*ours.bulk(body.decode()))

            def _answer(self, status: int, said: Any) -> None:
                content = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler

    def bulk(self, body: str) -> tuple[int, Any]:
        """Take pairs of lines: what to do, and the document."""
        if self.refusals:
            self.refusals -= 1
            return 429, {"error": {"type": "es_rejected_execution_exception"}, "status": 429}
        lines = [json.loads(line) for line in body.splitlines() if line.strip()]
        items = [
            {"index": self._put(what["index"], document)}
            for what, document in zip(lines[::2], lines[1::2], strict=True)
        ]
        return 200, {
            "took": 1,
            "errors": any(i["index"]["status"] > 299 for i in items),
            "items": items,
        }

    def _put(self, what: dict[str, str], document: dict[str, Any]) -> dict[str, Any]:
        index, name = what["_index"], what["_id"]
        if self.busy:
            self.busy, self.n_busy = self.busy - 1, self.n_busy + 1
            error = {"type": "es_rejected_execution_exception", "reason": "busy"}
            return {"_index": index, "_id": name, "status": 429, "error": error}
        faults = [f"unknown parameter {one}" for one in sorted(set(what) - {"_index", "_id"})]
        if index not in self.mappings:
            fitting = [
                one
                for one in self.templates
                if any(fnmatch(index, pattern) for pattern in one["index_patterns"])
            ]
            if len(fitting) != 1 or index != index.lower():
                faults.append(f"no template for {index}")
            else:
                self.mappings[index] = Mapping(fitting[0])
        if not faults:
            faults = self.mappings[index].faults(document)
        self.came[index, name] += 1
        if faults:
            self.faults += [f"{index}: {one}" for one in faults]
            return {"_index": index, "_id": name, "status": 400, "error": {"reason": faults[0]}}
        status = 200 if (index, name) in self.documents else 201
        self.documents[index, name] = document
        return {"_index": index, "_id": name, "status": status}
