"""Prometheus and Alertmanager beside a server and a watch: what goes wrong arrives at a webhook,
nothing is told while all is well, and every query of every dashboard has data."""

import contextlib
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from problems import parts
from problems.parts import find_problem
from retrace.base import paths
from retrace.base.files import read_table
from tests.drills import Outcome, Row, Size
from tests.drills.repo import reproduced
from tests.online.faults import wait_until_loaded
from tests.online.prometheus import (
    PATIENCE_SECONDS,
    PROGRAMS,
    Prometheus,
    RealWatch,
    Watch,
    Webhook,
    is_installed,
    panels,
    until,
)
from tests.online.server import RunningServer
from tests.online.watched import HOUR, alarm, summary

TITLE = "Prometheus"
NAME = "price"
N_ROWS = 800
QUIET_SECONDS = {"short": 3.0, "drill": 30.0, "full": 300.0}
READ = (
    "retrace_watch_answers",
    "problem:retrace_errors:ratio_rate5m",
    "retrace_refused_rows_total",
)
FAR = 1_000_000  # above the ids of all listings that there are
DRIFT = "the real watch: only dear things"
LISTING = {
    "listing_id": 1, "name": "Blue rain jacket", "condition": 2, "category_1": "Women",
    "category_2": "Coats & Jackets", "category_3": "Raincoat", "shipping_paid_by_seller": True,
    "description": "Worn twice.",
}  # fmt: skip


@dataclass
class Seen:
    """What was seen; seconds from the fault to its notice at the webhook."""

    false: set[str] = field(default_factory=set)
    arrived: dict[str, float] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    n_queries: int = 0
    empty: list[str] = field(default_factory=list)


def run(size: Size, folder: Path) -> Outcome:
    if not is_installed():
        return Outcome((), f"{' and '.join(PROGRAMS)} are not installed")
    place = reproduced(size, find_problem(NAME).world).copy(folder / "project").path
    quiet = QUIET_SECONDS[size]
    return told(both(seen(place, folder, quiet), drifted(place, folder, quiet, N_ROWS)))


def both(one: Seen, other: Seen) -> Seen:
    return Seen(
        one.false | other.false,
        one.arrived | other.arrived,
        one.missing + other.missing,
        one.n_queries,
        one.empty,
    )


def seen(project: Path, folder: Path, quiet: float) -> Seen:
    """Let things go wrong, one after another."""
    found, webhook = Seen(), Webhook()
    server = RunningServer(project, [NAME], folder / "served").start()
    watch = Watch(well())
    prometheus = Prometheus(folder / "prometheus", server.port, watch.port, webhook)
    try:
        prometheus.start()
        all_is_well(server, prometheus, webhook, found, quiet)
        drift(watch, webhook, found)
        drawn(server, prometheus, found)
        silence(watch, webhook, found)
        down(server, watch, webhook, found)
    finally:
        prometheus.stop()
        server.stop()
        with contextlib.suppress(OSError):
            watch.stop()
    return found


def drifted(project: Path, folder: Path, quiet: float, n_rows: int) -> Seen:
    """Let a real watch see that only dear things are asked any more: its alarm arrives."""
    found, webhook = Seen(), Webhook()
    server = RunningServer(project, [NAME], folder / "drifted").start()
    rows = rows_of(project, n_rows)
    answers = answer(server, rows)
    watch = RealWatch(server, server.folder, NAME)
    prometheus = Prometheus(folder / "prometheus-drifted", server.port, watch.port, webhook)
    try:
        prometheus.start()
        of_weeks = 'retrace_watch_answers{window="week"}'
        until(lambda: prometheus.query(of_weeks), "watch has looked", 2 * PATIENCE_SECONDS)
        time.sleep(quiet)
        if webhook.told("RetraceAlarmOpen", kind="predictions"):
            found.false.add("RetraceAlarmOpen about predictions")
        dear = sorted(zip(answers, rows, strict=True), key=lambda one: -one[0])[: n_rows // 20]
        many = [{**row, "listing_id": FAR + n} for n, (_, row) in enumerate(dear * 120)]
        with arriving(DRIFT, found, webhook, "RetraceAlarmOpen", kind="predictions"):
            answer(server, many)
    finally:
        prometheus.stop()
        watch.stop()
        server.stop()
    return found


def rows_of(project: Path, n_rows: int) -> list[dict[str, Any]]:
    """Return a sample of the clean table as the API takes rows, as the model's reference is one."""
    with contextlib.chdir(project):
        world = parts.world(find_problem(NAME).world)
        table = read_table(paths.clean(world.name)).sample(n_rows, random_state=1)
    return [
        {name: value for name, value in row.items() if name in world.example}
        for row in json.loads(table.to_json(orient="records"))
    ]


def answer(server: RunningServer, rows: list[dict[str, Any]]) -> list[float]:
    """Ask for rows; return the predictions once the store has them."""
    said = []
    for place in range(0, len(rows), 100):
        said += server.post(f"/v1/{NAME}/predict", rows[place : place + 100])
    wait_until_loaded(server)
    return [one["prediction"] for one in said]


def well():
    return [
        summary(kind=kind, version=version, arm=arm)
        for kind in ("day", "week")
        for version, arm in (("v1", "champion"), ("v2", "b"))
    ]


def all_is_well(
    server: RunningServer, prometheus: Prometheus, webhook: Webhook, found: Seen, seconds: float
) -> None:
    """Questions, one of forty with a value that is refused; nobody is told anything."""
    began, place, read = time.monotonic(), 0, False
    while not read or time.monotonic() < began + seconds:
        assert time.monotonic() < began + seconds + PATIENCE_SECONDS, "nothing is read"
        place += 1
        bad = {"condition": 9} if place % 40 == 0 else {}
        server.client.ask("POST", f"/v1/{NAME}/predict", {**LISTING, "listing_id": place, **bad})
        time.sleep(0.02)
        if place % 20 == 0:
            read = all(prometheus.query(one) for one in READ)
    found.false |= prometheus.firing() | {one["labels"]["alertname"] for _, one in webhook.came}


def drift(watch: Watch, webhook: Webhook, found: Seen) -> None:
    """Text that looks unlike that of training: watch has an alarm, and predictions move."""
    watch.summaries = [summary(kind=kind, psi=2.0, gap=0.5) for kind in ("day", "week")]
    with arriving("a drift: RetraceDrift", found, webhook, "RetraceDrift", problem=NAME):
        pass
    watch.alarms = [alarm("data")]
    with arriving("an alarm of watch", found, webhook, "RetraceAlarmOpen", kind="data"):
        pass


def drawn(server: RunningServer, prometheus: Prometheus, found: Seen) -> None:
    """Ask what each panel asks."""
    for board, panel, query in panels(problem=NAME, window="week"):
        found.n_queries += 1
        if not prometheus.drawn(query):
            found.empty.append(f"{board}, {panel}: `{query}`")


def silence(watch: Watch, webhook: Webhook, found: Seen) -> None:
    """Watch answers, and its passes do not come to their end; then the alarm is closed."""
    watch.passed_at = time.time_ns() // 1000 - 4 * HOUR
    with arriving("passes that do not end", found, webhook, "RetraceWatchSilent"):
        pass
    watch.passed_at, watch.alarms = None, []
    with arriving("all is well again", found, webhook, "RetraceAlarmOpen", status="resolved"):
        pass


def down(server: RunningServer, watch: Watch, webhook: Webhook, found: Seen) -> None:
    """The server is killed, and comes back; watch ends."""
    with arriving("a server killed with -9", found, webhook, "RetraceServerDown"):
        server.kill()
    with arriving("it is back", found, webhook, "RetraceServerDown", status="resolved"):
        server.start()
    with arriving("a watch that is gone", found, webhook, "RetraceWatchDown"):
        watch.stop()


@contextlib.contextmanager
def arriving(what: str, found: Seen, webhook: Webhook, name: str, status="firing", **labels: str):
    """Take how long a notice takes to arrive after the block."""
    yield
    began = time.monotonic()
    try:
        until(lambda: webhook.told(name, status, **labels), what)
    except AssertionError:
        found.missing.append(what)
    else:
        found.arrived[what] = time.monotonic() - began


def told(found: Seen) -> Outcome:
    n_faults = len(found.arrived) + len(found.missing)
    rows = (
        Row(
            "faults, and what ended them: their notice at the webhook", n_faults, len(found.missing)
        ),
        Row("time in which all is well: alerts", 1, len(found.false)),
        Row("queries of dashboards: those without data", found.n_queries, len(found.empty)),
    )
    lines = ["Seconds to the notice, where Prometheus looks every second and `for` is 2 s:", ""]
    lines += [f"- {what}: {seconds:.1f}" for what, seconds in found.arrived.items()]
    lines += [f"- {what}: no notice" for what in found.missing]
    lines += [f"- told while all was well: {name}" for name in sorted(found.false)]
    lines += [f"- without data: {one}" for one in found.empty]
    figure = (
        f"{len(found.arrived)} of {n_faults} faults arrived at the webhook; "
        f"{found.n_queries - len(found.empty)} of {found.n_queries} queries of dashboards have data"
    )
    return Outcome(rows, figure, "\n".join(lines))
