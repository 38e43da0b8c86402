"""The real Prometheus and Alertmanager on the files of deploy/, quick enough for a test, and a
webhook that takes their notices."""

import contextlib
import json
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from monitoring.gauges import text
from monitoring.serve import metrics, server_of
from monitoring.summary import Alarm, Summary
from retrace.base.tokens import Tokens
from tests.conftest import ROOT, environment
from tests.online.server import RunningServer, free_port
from tests.online.watched import HOUR

PROGRAMS = ("prometheus", "prometheus-alertmanager")
DEPLOYED = ROOT / "deploy"
LOOK = "1s"  # instead of 15s, so that an alert comes within seconds
PATIENCE_SECONDS = 90.0


def is_installed() -> bool:
    return all(shutil.which(name) for name in PROGRAMS)


def until(true: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """Return what `true` returns as soon as it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


class Webhook:
    """Takes Alertmanager's notices: pairs of (receiver's address, alert)."""

    def __init__(self) -> None:
        self.came: list[tuple[str, dict[str, Any]]] = []
        ours = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                ours.came += [(self.path, alert) for alert in sent["alerts"]]
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def told(self, name: str, status: str = "firing", **labels: str) -> list[dict[str, Any]]:
        """Return the notices of an alert that have these labels."""
        wanted = {"alertname": name, **labels}.items()
        alerts = [alert for _, alert in self.came]
        return [
            one for one in alerts if one["status"] == status and wanted <= one["labels"].items()
        ]


@dataclass
class Watch:
    """Gauges of summaries that are put together by hand, on an address of their own."""

    summaries: Sequence[Summary]
    alarms: Sequence[Alarm] = ()
    passed_at: int | None = None  # microseconds; None: now

    def __post_init__(self) -> None:
        self.server = server_of({"/metrics": self._page}, "127.0.0.1", 0, Tokens())
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _page(self) -> Any:
        now = time.time_ns() // 1000
        passed = self.passed_at or now
        return metrics(text(self.summaries, self.alarms, now, passed_at=passed, every=HOUR))

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class RealWatch:
    """`retrace watch` that looks again and again at a server's store, as if it were tomorrow: only
    a day that is over makes a week."""

    def __init__(self, server: RunningServer, folder: Path, problem: str) -> None:
        self.port = free_port()
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        words = [sys.executable, "-m", "commands", "watch", problem, "--every", "1s"]
        words += ["--port", str(self.port), "--at", tomorrow.isoformat(timespec="seconds")]
        words += ["--store", server.store, "--models", str(server.project)]
        self.output = folder / "watch.txt"
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                words,
                cwd=server.project,
                env={**environment(), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@dataclass
class Prometheus:
    """Prometheus and Alertmanager beside a server and a watch."""

    folder: Path
    serve: int  # ports
    watch: int
    webhook: Webhook
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.port, self.manager = free_port(), free_port()
        self._configure()

    def _configure(self) -> None:
        """Copy what is deployed, with the ports of here; what waits minutes waits seconds."""
        source = DEPLOYED / "prometheus"
        told = yaml.safe_load((source / "prometheus.yml").read_text("utf-8"))
        told["global"] = dict.fromkeys(("scrape_interval", "evaluation_interval"), LOOK)
        told["alerting"]["alertmanagers"][0]["static_configs"] = _targets(self.manager)
        ports = {"retrace-serve": self.serve, "retrace-watch": self.watch}
        for job in told["scrape_configs"]:
            job["static_configs"] = _targets(ports[job["job_name"]])
            job |= {"scrape_interval": LOOK, "scrape_timeout": LOOK}
        (self.folder / "prometheus.yml").write_text(yaml.safe_dump(told))
        for name in told["rule_files"]:
            rules = (source / name).read_text("utf-8")
            (self.folder / name).write_text(re.sub(r"(?m)^( +for:) .*$", r"\1 2s", rules))
        routes = (source / "alertmanager.yml").read_text("utf-8")
        routes = re.sub(r"(group_wait|group_interval): .*", r"\1: 1s", routes)
        routes = routes.replace("127.0.0.1:9094", f"127.0.0.1:{self.webhook.port}")
        (self.folder / "alertmanager.yml").write_text(routes)

    def start(self) -> None:
        here = self.folder
        manager = ("--config.file=alertmanager.yml", "--cluster.listen-address=")
        manager += (f"--storage.path={here / 'told'}", _listen(self.manager))
        prometheus = ("--config.file=prometheus.yml", _listen(self.port))
        prometheus += (f"--storage.tsdb.path={here / 'data'}",)
        for name, words in zip(PROGRAMS, (prometheus, manager), strict=True):
            with (here / f"{name}.txt").open("ab") as output:
                process = subprocess.Popen(
                    (name, *words),
                    cwd=here,
                    stdout=output,
                    stderr=output,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
            self.processes.append(process)
        for port in (self.port, self.manager):
            until(lambda port=port: self._is_ready(port), f"ready at {port}")

    def _is_ready(self, port: int) -> bool:
        for process in self.processes:
            assert process.poll() is None, "\n".join(
                one.read_text("utf-8", "replace") for one in self.folder.glob("*.txt")
            )
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=5).close()
            return True
        return False

    def ask(self, what: str, **words: Any) -> Any:
        """Return `data` of an answer of Prometheus' API; AssertionError for a bad question."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{what}?{urllib.parse.urlencode(words)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as response:
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{words}: {error.read().decode()}") from None

    def query(self, expression: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("query", query=expression)["result"]
        return found

    def firing(self) -> set[str]:
        found = self.query('ALERTS{alertstate="firing"}')
        return {one["metric"]["alertname"] for one in found}

    def drawn(self, expression: str) -> list[Any]:
        """Return what a panel would draw of the last minute."""
        now = time.time()
        asked = self.ask("query_range", query=expression, start=now - 60, end=now, step=5)
        found: list[Any] = asked["result"]
        return found

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _targets(port: int) -> list[dict[str, list[str]]]:
    return [{"targets": [f"127.0.0.1:{port}"]}]


def _listen(port: int) -> str:
    return f"--web.listen-address=127.0.0.1:{port}"


def panels(**variables: str) -> Iterator[tuple[str, str, str]]:
    """Yield dashboard, panel and query of all that Grafana would ask, variables filled in."""
    for path in sorted((DEPLOYED / "grafana").glob("*.json")):
        board = json.loads(path.read_text("utf-8"))
        for panel in board["panels"]:
            for one in panel.get("targets", ()):
                yield path.name, panel["title"], _filled(one["expr"], variables)
        for one in board["annotations"]["list"]:
            yield path.name, one["name"], _filled(one["expr"], variables)


def _filled(query: str, variables: dict[str, str]) -> str:
    for name, value in variables.items():
        query = query.replace(f"${name}", value)
    assert "$" not in query, query
    return query
