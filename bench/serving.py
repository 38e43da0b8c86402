"""What a request costs: CPU of the server, and latency, beside an empty endpoint of FastAPI.

    python -m bench.serving [REQUESTS] [PROBLEM...]

Reads a reproduced project. Each server is a process of its own, with one worker under uvicorn
(uvloop, httptools), asked over eight keep-alive connections; log and store are on. CPU is the
server's user and system time, without the loader's, which is printed beside it: other processes on
the machine move it little. Latencies are what they are on this machine.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import stages  # noqa: F401  (before NumPy: pins its instructions)
from problems import parts
from problems.parts import find_problem
from problems.rows import to_json
from retrace.base import paths
from retrace.base.arrays import from_frame
from retrace.base.files import read_table
from retrace.base.params import read_key
from tests.online.server import RunningServer, free_port

CONNECTIONS, WARM = 8, 200
EMPTY = """
import sys, uvicorn
from fastapi import FastAPI
app = FastAPI()
@app.post("/empty")
async def empty():
    return {"status": "empty"}
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False,
            loop="uvloop", http="httptools")
"""


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
        head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
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
    """Return user and system time of a process, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def empty(n_requests: int, body: bytes) -> RequestCost:
    port = free_port()
    with subprocess.Popen([sys.executable, "-c", EMPTY, str(port)]) as process:
        try:
            for _ in range(100):
                try:
                    asyncio.run(_load(port, "/empty", [body] * CONNECTIONS))
                    break
                except OSError:
                    time.sleep(0.1)
            return measure(process.pid, port, "/empty", [body] * n_requests, [])
        finally:
            process.terminate()


def main() -> None:
    n_requests = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    names = sys.argv[2:] or list(read_key("problems"))
    body = json.dumps(rows_of(names[0], 1)[0]).encode()
    base = empty(n_requests, body)
    print(f"empty endpoint | {base.cpu:.0f} µs | p50 {base.p50:.1f} ms, p99 {base.p99:.1f} ms")
    with tempfile.TemporaryDirectory() as folder:
        server = RunningServer(Path.cwd(), names, Path(folder)).start()
        try:
            time.sleep(2)
            assert server.process is not None
            for name in names:
                bodies = [json.dumps(row).encode() for row in rows_of(name, n_requests)]
                path = f"/v1/{name}/predict"
                cost = measure(server.process.pid, server.port, path, bodies, server.loaders())
                print(
                    f"`{name}`",
                    f"{cost.cpu:.0f} µs, {cost.cpu / base.cpu:.1f} times",
                    f"p50 {cost.p50:.1f} ms, p99 {cost.p99:.1f} ms",
                    f"loader {cost.loader:.0f} µs; {cost.megabytes:.0f} MB",
                    sep=" | ",
                )
        finally:
            server.stop()


if __name__ == "__main__":
    main()
