"""Strangers: requests by OpenAPI and against it, and hostile bytes; none may hurt the server."""

from collections import Counter
from pathlib import Path

from tests.drills import Outcome, Row, Size
from tests.drills.repo import reproduced
from tests.online.server import RunningServer
from tests.online.strangers import by_hand, by_schema

TITLE = "Strangers"
PROBLEMS = ("price", "service_time", "fraud", "order_completion", "order_stuck")
CASES = {"short": 200, "drill": 8_000, "full": 100_000}


def run(size: Size, folder: Path) -> Outcome:
    place = reproduced(size).copy(folder / "project").path
    server = RunningServer(place, PROBLEMS, folder / "served").start()
    try:
        found = {
            "cases that schemathesis makes of OpenAPI": by_schema(server, CASES[size]),
            "hostile values, damaged bytes, forms": by_hand(server, CASES[size] // 2),
        }
    finally:
        server.stop()
    rows = tuple(Row(name, one.cases, len(one.bad)) for name, one in found.items())
    bad = [one for received in found.values() for one in received.bad]
    times = sum(row.times for row in rows)
    statuses = sum((one.statuses for one in found.values()), start=Counter[int]())
    shares = ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items()))
    figure = f"{len(bad)} of {times:,} requests were answered as none may be"
    details = "\n".join([f"Answers by status: {shares}.", *(f"- `{one}`" for one in bad[:20])])
    return Outcome(rows, figure, details)
