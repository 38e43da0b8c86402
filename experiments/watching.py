"""Passes over all problems: what is in use, what was found, and who is told."""

import threading
import time
from collections.abc import Sequence

import pandas as pd

from experiments.watched import models_in_use
from monitoring import gauges, serve
from monitoring.alarms import CLOSED, alarms
from monitoring.notices import NoticeParams, Notices, of_alarm
from monitoring.said import lines
from monitoring.settings import MonitoringParams, monitoring_params
from monitoring.summary import Alarm, Summary
from monitoring.watch import kept, watch
from monitoring.windows import DAY, day_of, week_of
from problems.parts import find_problem
from retrace.base.errors import RetraceError
from store.database import Store, StoreAway
from store.log import FOLDER
from store.watched import page_in

PAGE = "daily"


class Watching:
    """Looks at the same problems again and again; a store that is away is no end."""

    def __init__(self, problems: Sequence[str], url: str | None, models: str = "") -> None:
        for name in problems:
            find_problem(name)
        self.problems, self.models = list(problems), models
        self.store = Store(url, existing=True)
        self.store.upgrade()
        self.notices = Notices(FOLDER.parent, NoticeParams())
        self.passed_at: int | None = None

    def look(self, at: str | None = None) -> int:
        """Make one pass, print what it found and tell of new alarms; return how many are open."""
        params = monitoring_params()
        now = None if at is None else moment_of(at, params.time_zone)
        in_use = models_in_use(self.store, self.problems, self.models)
        n_open, whole, new = 0, True, list[Alarm]()
        for name, models in in_use.items():
            try:
                found = watch(self.store, find_problem(name), models, params, now)
            except StoreAway as error:
                print(f"{name}: {error}", flush=True)
                whole = False
                continue
            there = [one for one in alarms(self.store, name) if one.state != CLOSED]
            n_open, new = n_open + len(there), [*new, *found.new]
            for line in lines(self.store, name, models, found, there, params):
                print(line, flush=True)
        self.notices.tell([of_alarm(one) for one in new])
        if whole:
            self.passed_at = time.time_ns() // 1000
        return n_open

    def listen(self, host: str, port: int, every_seconds: float) -> None:
        """Serve gauges, the newest daily page and health, from a thread of its own."""
        every = round(1e6 * every_seconds)
        pages = {
            "/metrics": lambda: serve.metrics(self._gauges(every)),
            "/daily": self._daily,
            serve.HEALTH: lambda: serve.health(self.passed_at, time.time_ns() // 1000, every),
        }
        server = serve.server_of(pages, host, port)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"Watch: http://{host}:{port}/daily, /metrics, /health", flush=True)

    def _gauges(self, every: int) -> bytes:
        now, params = time.time_ns() // 1000, monitoring_params()
        found = [one for name in self.problems for one in newest_days(self.store, name, params)]
        return gauges.text(found, alarms(self.store), now, passed_at=self.passed_at, every=every)

    def _daily(self) -> serve.Content:
        found = page_in(self.store, PAGE)
        if found is None:
            return serve.Content(b"No pass has made a page yet.\n", "text/plain", 503)
        return serve.Content(found[0].encode())


def newest_days(store: Store, name: str, params: MonitoringParams) -> list[Summary]:
    """Return the summaries of the days and weeks that a watch still looks at."""
    now = time.time_ns() // 1000
    day, week = (of(now - params.days * DAY, params.zone).start for of in (day_of, week_of))
    return [*kept(store, name, "day", day), *kept(store, name, "week", week)]


def moment_of(text: str, zone: str) -> int:
    """Return a local date or time in microseconds since 1970; RetraceError for anything else."""
    try:
        at = pd.Timestamp(text)
    except ValueError:
        raise RetraceError(f"'{text}' is no date or time, such as 2026-03-01T08:00.") from None
    at = at.tz_localize(zone) if at.tzinfo is None else at
    return int(at.tz_convert("UTC").value // 1000)
