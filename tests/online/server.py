"""A real server as a process of its own, that can be killed and started again."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import ROOT, environment

PATIENCE_SECONDS = 180.0


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Client:
    """Asks a server on one connection, of one thread."""

    def __init__(self, port: int, token: str = "") -> None:
        self.port, self.token = port, token
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return status and JSON of an answer, on one connection; OSError where there is none."""
        if self._connection is not None:  # the server may have closed it meanwhile
            with contextlib.suppress(OSError):
                return self._ask(method, path, body)
        return self._ask(method, path, body)

    def _ask(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        try:
            self._connection.request(method, path, content, headers)
            response = self._connection.getresponse()
            text = response.read()
        except (http.client.HTTPException, OSError) as error:
            self.close()
            raise OSError(str(error)) from None
        kind = response.headers.get("Content-Type", "")
        return response.status, json.loads(text) if "json" in kind else text.decode()

    def post(self, path: str, body: Any) -> Any:
        status, answer = self.ask("POST", path, body)
        assert status == 200, f"{path}: {status} {answer}"
        return answer

    def get(self, path: str) -> Any:
        status, answer = self.ask("GET", path)
        assert status == 200, f"{path}: {status} {answer}"
        return answer

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@dataclass
class RunningServer:
    """`retrace serve` in a project's folder, on loopback.

    words : further arguments, such as --models FOLDER; more : further environment
    """

    project: Path
    problems: Sequence[str]
    folder: Path  # of log and database
    words: Sequence[str] = ()
    more: Mapping[str, str] = field(default_factory=dict)
    store: str = ""
    token: str = ""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.log = self.folder / "log"
        self.store = self.store or f"sqlite:///{self.folder / 'store.db'}"
        self.process: subprocess.Popen[bytes] | None = None
        self.client = self.another()

    def another(self) -> Client:
        """Return a client of its own, for another thread."""
        return Client(self.port, self.token)

    def start(self, *, wait: bool = True) -> "RunningServer":
        command = [sys.executable, "-m", "commands", "serve", *self.problems, *self.words]
        command += ["--port", str(self.port), "--store", self.store, "--log", str(self.log)]
        env = {**environment(), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **self.more}
        with (self.folder / "output.txt").open("ab") as output:
            self.process = subprocess.Popen(
                command,
                cwd=self.project,
                env=env,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        if wait:
            self.wait()
        return self

    def wait(self) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            if self.process is None or self.process.poll() is not None:
                raise AssertionError(f"the server ended:\n{self.printed()}")
            try:
                if self.another().ask("GET", "/health/live")[0] == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"the server is not ready:\n{self.printed()}")

    def cpu_seconds(self) -> float:
        """Return the processor time that the server has taken since it was started."""
        assert self.process is not None
        words = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def printed(self) -> str:
        return (self.folder / "output.txt").read_text("utf-8", "replace")

    def kill(self) -> None:
        """kill -9, as a machine does that has no memory left."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End the server and its loader."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in self.loaders():  # a loader loads what is left, and ends by itself
            until = time.monotonic() + 10
            while time.monotonic() < until and Path(f"/proc/{pid}").exists():
                time.sleep(0.05)
        self.process = None

    def loaders(self) -> list[int]:
        """Return the processes that load this server's log."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"store.loader" in words and str(self.log).encode() in words:
                found.append(int(folder.name))
        return found

    def kill_loader(self) -> None:
        for pid in self.loaders():
            os.kill(pid, signal.SIGKILL)

    def post(self, path: str, body: Any) -> Any:
        return self.client.post(path, body)

    def get(self, path: str) -> Any:
        return self.client.get(path)
