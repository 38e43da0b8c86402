"""What challengers in shadow cost those who wait for the champion: latency with two and without.

    python -m bench shadow
    python -m bench shadow fraud --seconds 10

Reads a reproduced project. One server is asked at random moments, as often as a third of what it
can answer at most; latency counts from the moment at which a request was due. Two challengers come
into shadow and go, in turn, by the server's plan, on the same server. The client, the server, its
loader and the shadows' process share this machine's cores.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import stages  # noqa: F401  (before NumPy: pins its instructions)

# isort: split
import msgspec
import numpy as np

from bench.results import Rows, write
from bench.serving import CONNECTIONS, _ask, _load, rows_of
from retrace.base.paths import bundle
from serving.plan import PlannedModel, ServingPlan, exported
from serving.run import run
from tests.online.server import free_port

TITLE = "Serving: what two challengers in shadow cost the champion"
SHARE = 3  # of the load that saturates
N_REQUESTS = 2000  # to find that load
SETTLE_SECONDS = 4.0  # until the shadows' process is there, or gone, and has caught up
NAMES = ("first", "second")
START = "2026-01-01T00:00:00+00:00"


def plan_of(problem: str, folder: Path, arms: tuple[str, ...]) -> ServingPlan:
    """Return a plan of the champion and challengers in shadow, all of them this project's model."""
    models = [PlannedModel(problem), *(PlannedModel(problem, version=f"of {arm}", arm=arm)
                                       for arm in arms)]  # fmt: skip
    shadow = {"version": "here", "mode": "shadow", "since": START}
    block = {"subject": "any", "salt": "s", "challengers": dict.fromkeys(arms, shadow)}
    return ServingPlan(
        tuple(models),
        f"sqlite:///{folder / 'store.db'}",
        str(folder / "log"),
        rollouts={problem: block} if arms else {},
    )


@contextmanager
def server_of(plan: ServingPlan, folder: Path) -> Iterator[int]:
    """Start a server of a plan; yield its port."""
    port = free_port()
    plan.export()
    with (
        (folder / "output.txt").open("w") as output,
        subprocess.Popen(
            [sys.executable, "-m", "bench.shadow", "--serve", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        ) as process,
    ):
        try:
            until = time.monotonic() + 120
            while "Ready" not in (folder / "output.txt").read_text():
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError((folder / "output.txt").read_text()[-2000:])
                time.sleep(0.2)
            time.sleep(1)
            yield port
        finally:
            process.terminate()


async def at_random(
    port: int, path: str, bodies: list[bytes], rate: float, seconds: float, rng: Any
) -> list[float]:
    """Ask `rate` times a second at random moments; return the seconds from when each was due."""
    moments = np.cumsum(rng.exponential(1 / rate, int(rate * seconds)))
    begin = asyncio.get_running_loop().time() + 0.05
    due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    found: list[float] = []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while True:
            moment, body = await due.get()
            head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
            writer.write(f"{head}Content-Type: application/json\r\n\r\n".encode() + body)
            headers = await reader.readuntil(b"\r\n\r\n")
            length = int(headers.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            said = await reader.readexactly(length)
            if not headers.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(said.decode())
            found.append(asyncio.get_running_loop().time() - moment)
            due.task_done()

    clients = [asyncio.create_task(client()) for _ in range(4 * CONNECTIONS)]
    for place, moment in enumerate(moments.tolist()):
        await asyncio.sleep(max(begin + moment - asyncio.get_running_loop().time(), 0))
        due.put_nowait((begin + moment, bodies[place % len(bodies)]))
    await due.join()
    for one in clients:
        one.cancel()
    return found


def measured(problem: str, times: int, seconds: float) -> Rows:
    rng = np.random.default_rng(1)
    bodies = [msgspec.json.encode(row) for row in rows_of(problem, N_REQUESTS)]
    path = f"/v1/{problem}/predict"
    found: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        alone, beside = plan_of(problem, folder, ()), plan_of(problem, folder, NAMES)
        with server_of(alone, folder) as port:
            asyncio.run(_load(port, path, bodies))
            began = time.perf_counter()
            asyncio.run(_load(port, path, bodies))
            rate = len(bodies) / (time.perf_counter() - began) / SHARE
            print(f"{problem}: {rate * SHARE:.0f} requests a second saturate it", flush=True)
            for place in range(2 * times):
                with_shadows = place % 2 == 1
                (beside if with_shadows else alone).write()
                time.sleep(SETTLE_SECONDS)
                asyncio.run(_ask(port, path, bodies[:200]))
                took = sorted(asyncio.run(at_random(port, path, bodies, rate, seconds, rng)))
                p50, p99 = (1000 * took[int(part * len(took))] for part in (0.5, 0.99))
                found[with_shadows].append((p50, p99))
                print(f"  {'with' if with_shadows else 'without'}: {p50:.2f}, {p99:.2f} ms",
                      flush=True)  # fmt: skip
            n_shadow = shadows_answered(beside)
    return list(_rows(problem, rate, found, n_shadow))


def shadows_answered(plan: ServingPlan) -> int:
    from sqlalchemy import func, select

    from store.database import Store
    from store.tables import predictions

    with Store(plan.store).reading() as connection:
        asked = select(func.count()).where(predictions.c.arm.in_(NAMES))
        return int(connection.execute(asked).scalar() or 0)


def _rows(
    problem: str, rate: float, found: dict[bool, list[tuple[float, float]]], n_shadow: int
) -> Iterator[tuple[str, str, str]]:
    middle = {
        kind: [statistics.median(one) for one in zip(*values, strict=True)]
        for kind, values in found.items()
    }
    for place, name in enumerate(("p50", "p99")):
        without, beside = middle[False][place], middle[True][place]
        each = [f"{one[place]:.1f}" for one in found[True]]
        yield (
            f"`{problem}`, {name} with two in shadow",
            f"{beside:.2f} ms, {beside / without:.2f} times",
            f"without {without:.2f} ms; {rate:.0f} requests a second; medians of {len(each)} "
            f"alternations ({', '.join(each)}); {n_shadow:,} answers in shadow; load "
            f"{os.getloadavg()[0]:.0f} on {os.cpu_count()} cores",
        )


def main(words: list[str], titles: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench shadow")
    parser.add_argument("problems", nargs="*", metavar="PROBLEM", default=["price"])
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    if options.serve:
        run(exported(), "127.0.0.1", options.serve)
        return
    rows: Rows = []
    for name in options.problems:
        if not bundle(name).exists():
            raise SystemExit(f"{bundle(name)} is not there: `dvc pull` or `dvc repro` brings it.")
        rows += measured(name, options.times, options.seconds)
    for row in rows:
        print(" | ".join(row))
    if titles:
        write(TITLE, rows, titles)


if __name__ == "__main__":
    main(sys.argv[1:], [])
