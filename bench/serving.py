"""What a request costs: CPU of the server, and latency, beside an empty endpoint of FastAPI.

    python -m bench serving                              all problems
    python -m bench serving price fraud --requests 5000
    python -m bench serving --peers peers                and peers, each in a venv of its own:

    for peer in fastapi mlserver mlflow bentoml; do python -m venv peers/$peer; done
    peers/fastapi/bin/pip install fastapi uvicorn uvloop httptools pandas lightgbm
    peers/mlserver/bin/pip install mlserver mlserver-lightgbm
    peers/mlflow/bin/pip install mlflow lightgbm
    peers/bentoml/bin/pip install bentoml pandas lightgbm

Reads a reproduced project. Each server is a process of its own, with one worker, asked over eight
keep-alive connections; ours has log and store on. Peers serve one booster of the first problem, and
are asked with its columns: no features, no history, no log. CPU is the time of the server and its
children on a processor, without that of our loader, which stands beside it: other processes on the
machine move it little. Latencies are what they are on this machine.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

import stages  # noqa: F401  (before NumPy: pins its instructions)
from bench.results import Rows, write
from problems import parts
from problems.parts import find_problem
from problems.rows import to_json
from retrace.base import paths
from retrace.base.arrays import from_frame
from retrace.base.files import read_table
from retrace.base.params import read_key
from retrace.fit.bundle import Bundle
from tests.online.server import RunningServer, free_port

CONNECTIONS, WARM = 8, 200
STARTS = 5
PATIENCE_SECONDS = 120.0  # until a peer answers
TITLE = "Serving: CPU of a request, beside an empty endpoint"
PEERS = {
    "fastapi": "FastAPI, pydantic and a DataFrame",
    "mlserver": "MLServer",
    "mlflow": "MLflow",
    "bentoml": "BentoML",
}


@dataclass(frozen=True)
class RequestCost:
    """cpu : microseconds a request; p50, p99 : milliseconds; loader : CPU of the loader"""

    cpu: float
    p50: float
    p99: float
    loader: float = 0.0
    megabytes: float = 0.0


def rows_of(name: str, n_rows: int) -> list[dict[str, Any]]:
    """Return rows of the newest data as requests have them, of the moment of asking."""
    problem = find_problem(name)
    world = parts.world(problem.world)
    frame = read_table(paths.clean(problem.world)).tail(20_000).sample(n_rows, random_state=1)
    rows = from_frame(frame.drop(columns=[one for one in world.outcomes if one in frame]))
    found = [to_json(rows, place) for place in range(n_rows)]
    for row in found:
        row.pop(str(problem.time), None)
    return found


async def _ask(port: int, path: str, bodies: list[bytes]) -> list[float]:
    """Ask over one connection, one request after the other; return seconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found = []
    for body in bodies:
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        start = time.perf_counter()
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        headers = await reader.readuntil(b"\r\n\r\n")
        status = int(headers[9:12])
        length = int(headers.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        answer = await reader.readexactly(length)
        if status != 200:
            raise RuntimeError(f"{path}: {status} {answer.decode()}")
        found.append(time.perf_counter() - start)
    writer.close()
    return found


async def _load(port: int, path: str, bodies: list[bytes]) -> list[float]:
    parts_ = [bodies[start::CONNECTIONS] for start in range(CONNECTIONS)]
    found = await asyncio.gather(*(_ask(port, path, part) for part in parts_))
    return [one for part in found for one in part]


def measure(pid: int, port: int, path: str, bodies: list[bytes], loaders: list[int]) -> RequestCost:
    asyncio.run(_load(port, path, bodies[:WARM]))
    before, loaded = cpu_seconds(pid), sum(map(cpu_seconds, loaders))
    seconds = sorted(asyncio.run(_load(port, path, bodies)))
    used = (cpu_seconds(pid) - before) / len(bodies)
    time.sleep(0.5)
    loader = (sum(map(cpu_seconds, loaders)) - loaded) / len(bodies)
    p50, p99 = (1000 * seconds[int(share * len(seconds))] for share in (0.5, 0.99))
    return RequestCost(1e6 * used, p50, p99, 1e6 * loader, megabytes(pid))


def cpu_seconds(pid: int) -> float:
    """Return the time that a process and its children, but for loaders, were on a CPU, all their
    threads, as the scheduler counts it: user and system time of /proc/PID/stat are samples."""
    threads = (Path(f"/proc/{one.pid}/task").glob("*/schedstat") for one in _family(pid))
    return sum(int(one.read_text().split()[0]) for part in threads for one in part) / 1e9


def megabytes(pid: int) -> float:
    return sum(float(one.memory_info().rss) for one in _family(pid)) / 2**20


def _family(pid: int) -> list[psutil.Process]:
    first = psutil.Process(pid)
    children = [one for one in first.children(True) if "store.loader" not in one.cmdline()]
    return [first, *children]


@contextmanager
def peer_server(name: str, python: Path, folder: Path) -> Iterator[tuple[int, int]]:
    """Start a peer; yield its process and port."""
    port = free_port()
    script = Path(__file__).with_name("serving_peer.py")
    with (
        (folder / f"{name}.txt").open("w") as output,
        subprocess.Popen(
            [str(python), str(script), name, str(port), str(folder)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            yield process.pid, port
        finally:
            for one in psutil.Process(process.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    one.terminate()
            process.terminate()


def asked(name: str, columns: list[str], values: list[float]) -> tuple[str, bytes]:
    """Return the address of a peer, and a row as it wants it."""
    row = dict(zip(columns, values, strict=True))
    tensor = {"name": "x", "shape": [1, len(values)], "datatype": "FP32", "data": values}
    path, body = {
        "empty": ("/empty", row),
        "fastapi": ("/predict", row),
        "mlserver": ("/v2/models/peer/infer", {"inputs": [tensor]}),
        "mlflow": ("/invocations", {"dataframe_split": {"columns": columns, "data": [values]}}),
        "bentoml": ("/predict", {"row": row}),
    }[name]
    return path, json.dumps(body).encode()


def peer(name: str, python: Path, problem: str, n_requests: int, folder: Path) -> RequestCost:
    """Measure a peer that serves the point's booster of a problem.

    Raises RuntimeError where it does not start, or answers with an error.
    """
    bundle = Bundle.load(paths.bundle(problem))
    bundle.boosters["point"].save_model(folder / "booster.txt")
    columns = list(bundle.encoding.columns)
    (folder / "columns.json").write_text(json.dumps(columns))
    assert bundle.reference is not None
    rows = np.nan_to_num(bundle.reference.columns[:500]).tolist()  # JSON has no NaN
    bodies = [asked(name, columns, rows[n % len(rows)]) for n in range(n_requests)]
    path = bodies[0][0]
    with peer_server(name, python, folder) as (pid, port):
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                asyncio.run(_ask(port, path, [bodies[0][1]]))
                break
            except (OSError, asyncio.IncompleteReadError, RuntimeError) as error:
                if time.monotonic() > until:
                    printed = (folder / f"{name}.txt").read_text(errors="replace")[-400:]
                    raise RuntimeError(f"{name} is not ready: {error}\n{printed}") from None
                time.sleep(0.5)
        return measure(pid, port, path, [body for _, body in bodies], [])


def ours(names: list[str], n_requests: int) -> Iterator[tuple[str, RequestCost]]:
    with tempfile.TemporaryDirectory() as folder:
        server = RunningServer(Path.cwd(), names, Path(folder)).start()
        try:
            time.sleep(2)
            assert server.process is not None
            for name in names:
                bodies = [json.dumps(row).encode() for row in rows_of(name, n_requests)]
                path = f"/v1/{name}/predict"
                pid, port = server.process.pid, server.port
                yield f"`{name}`", measure(pid, port, path, bodies, server.loaders())
        finally:
            server.stop()


def ready(names: list[str]) -> list[tuple[float, float]]:
    """Return the seconds from `retrace serve` to the first 200 of /health/ready, and those on a
    processor, of several starts with nothing stored yet, sorted."""
    found = []
    for _ in range(STARTS):
        with tempfile.TemporaryDirectory() as folder:
            server = RunningServer(Path.cwd(), names, Path(folder))
            start = time.perf_counter()
            server.start(wait=False)
            try:
                while not _is_ready(server):
                    time.sleep(0.005)
                found.append((time.perf_counter() - start, server.cpu_seconds()))
            finally:
                server.stop()
    return sorted(found)


def _is_ready(server: RunningServer) -> bool:
    assert server.process is not None
    if server.process.poll() is not None:
        raise RuntimeError(f"the server ended:\n{server.printed()}")
    try:
        return server.another().ask("GET", "/health/ready")[0] == 200
    except OSError:
        return False


def main(words: list[str], titles: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench serving")
    parser.add_argument("problems", nargs="*", metavar="PROBLEM", help="by default all")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--peers", type=Path, help="a folder with a virtual environment of each")
    options = parser.parse_args(words)
    names = options.problems or list(read_key("problems"))
    rows: Rows = []

    def add(name: str, cost: RequestCost, base: RequestCost, more: str) -> None:
        times = f"{cost.cpu:.0f} µs, {cost.cpu / base.cpu:.1f} times"
        rows.append((name, times, f"p50 {cost.p50:.1f} ms, p99 {cost.p99:.1f} ms; {more}"))
        print(" | ".join(rows[-1]), flush=True)

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        base = peer("empty", Path(sys.executable), names[0], options.requests, folder)
        load = f"load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores"  # moves latencies most
        add("empty endpoint of FastAPI", base, base, f"{options.requests:,} requests each; {load}")
        for name, cost in ours(names, options.requests):
            memory = f"all problems {cost.megabytes:.0f} MB"
            add(name, cost, base, f"loader {cost.loader:.0f} µs; {memory}")
        seconds, used = zip(*ready(names), strict=True)
        more = f"median of {STARTS}, {seconds[0]:.1f} to {seconds[-1]:.1f} s; "
        more += f"{min(used):.1f} s of CPU; nothing stored yet"
        rows.append((f"ready, {len(names)} problems", f"{seconds[STARTS // 2]:.1f} s", more))
        print(" | ".join(rows[-1]), flush=True)
        for name in PEERS if options.peers else ():
            python = options.peers.absolute() / name / "bin" / "python"
            if not python.exists():
                print(f"{name}: {python} is not there")
                continue
            place = folder / name
            place.mkdir()
            try:
                cost = peer(name, python, names[0], options.requests, place)
            except RuntimeError as error:
                print(error)
                rows.append((PEERS[name], "did not answer", ""))
                continue
            add(f"{PEERS[name]} {version(python, name)}", cost, base, f"{cost.megabytes:.0f} MB")
    write(TITLE, rows, titles)


def version(python: Path, package: str) -> str:
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    main(sys.argv[1:], [])
