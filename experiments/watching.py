"""Passes over all problems: what is in use, what was found, and who is told."""

import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from experiments.daily import Daily
from experiments.watched import models_in_use
from monitoring import gauges, serve
from monitoring.alarms import alarms
from monitoring.notices import Notice, Notices, of_alarm
from monitoring.said import lines
from monitoring.settings import monitoring_params
from monitoring.summary import CLOSED, Alarm, Summary
from monitoring.watch import kept, watch
from monitoring.well import moment
from monitoring.windows import DAY
from problems.parts import find_problem
from retrace.base.errors import RetraceError
from store.database import AWAY, Store, StoreAway, answering
from store.held import held_by_problem
from store.log import FOLDER
from store.messages import say
from store.watched import PAGE, page_in, save_page

NOTICE_SECONDS = 60.0
ANSWER_SECONDS = 60  # of the database to one question; a day of a million answers takes some
WEEK = 7 * DAY


class Watching:
    """Looks at the same problems again and again; a store that is away is no end."""

    def __init__(self, problems: Sequence[str], url: str | None, models: str = "") -> None:
        for name in problems:
            find_problem(name)
        self.problems, self.models = list(problems), models
        self.store = Store(url, existing=True, answer_seconds=ANSWER_SECONDS)
        self.store.upgrade()
        self.notices = Notices(FOLDER.parent, monitoring_params().notices)
        self.daily = Daily(self.store, self.problems)
        self.passed_at: int | None = None
        self.shown: list[Summary] = []  # what gauges are of; it changes with a pass alone

    def look(self, at: str | None = None) -> int | None:
        """Make one pass, print what it found and tell of new alarms; return how many are open, or
        None where something could not be looked at, as of a store that is away: that is said."""
        params = monitoring_params()
        now = None if at is None else moment_of(at, params.time_zone)
        n_open, whole, new, tops = 0, True, list[Alarm](), dict[str, Path | None]()
        for name in self.problems:
            try:
                models = models_in_use(self.store, [name], self.models)[name]
                found = watch(self.store, find_problem(name), models, params, now)
                new += found.new
                there = [one for one in alarms(self.store, name) if one.state != CLOSED]
                said = [*lines(self.store, name, models, found, there, params)]
            except RetraceError as error:  # of one problem, or of the store: others are looked at
                say(f"{name} was not looked at: {error}", "watch", "error")
                whole = False
                continue
            tops |= {name: models[0].top} if models else {}
            n_open += len(there)
            for line in said:
                say(line, "watch", "warning" if there else "info")
        self._keep_page(now, tops)
        tried = [one.notice for one in self.daily.tried]
        told = [*(of_alarm(one) for one in new), *filter(None, tried), *self._of_records()]
        self.notices.tell(told)
        if not whole:
            return None
        try:
            self.shown = self._kept()
        except StoreAway as error:
            say(str(error), "watch", "error")
            return None
        self.passed_at = time.time_ns() // 1000
        return n_open

    def _of_records(self) -> list[Notice]:
        """Return a notice a day of each problem's facts that wait for somebody to look at them."""
        try:
            with answering(self.store), self.store.reading() as connection:
                waiting = held_by_problem(connection)
        except StoreAway:
            return []
        return [
            Notice(
                f"{name}: doubted records",
                f"{n:,} facts are held, since they can hardly be right",
                f"`retrace records {name}` lists them, lets them in or refuses them.",
                event="records",
                key=f"records {name} {pd.Timestamp.now('UTC'):%F}",
            )
            for name, n in waiting.items()
            if name in self.problems
        ]

    def _keep_page(self, now: int | None, tops: Mapping[str, Path | None]) -> None:
        """Make the daily page, for /daily of watch and of servers."""
        at, there = None if now is None else moment(now), {k: v for k, v in tops.items() if v}
        try:
            save_page(self.store, PAGE, self.daily.page(at, tops=there))
        except (RetraceError, *AWAY) as error:
            say(f"The daily page was not made: {error}", "watch", "error")

    def wait(self, seconds: float) -> None:
        """Let time pass until the next pass; what waits to be told is told in between."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, NOTICE_SECONDS))
            self.notices.tell([])

    def listen(self, host: str, port: int, every_seconds: float) -> None:
        """Serve gauges, the newest daily page and health, from a thread of its own."""
        every = round(1e6 * every_seconds)
        self.shown = self._kept()
        pages = {
            "/metrics": lambda: serve.metrics(self._gauges(every)),
            "/daily": self._daily,
            serve.HEALTH: lambda: serve.health(self.passed_at, time.time_ns() // 1000, every),
        }
        server = serve.server_of(pages, host, port)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        say(f"Watch: http://{host}:{port}/daily, /metrics, /health", "watch")

    def _gauges(self, every: int) -> bytes:
        now = time.time_ns() // 1000
        there = alarms(self.store)
        return gauges.text(self.shown, there, now, passed_at=self.passed_at, every=every)

    def _kept(self) -> list[Summary]:
        return [one for name in self.problems for one in all_days(self.store, name)]

    def _daily(self) -> serve.Content:
        found = page_in(self.store, PAGE)
        if found is None:
            return serve.Content(b"No pass has made a page yet.\n", "text/plain", 503)
        return serve.Content(found[0].encode())


def all_days(store: Store, name: str) -> list[Summary]:
    """Return the summaries of all days, whose savings are a running sum, and of the last weeks."""
    days = kept(store, name, "day", 0)
    newest = max((one.start for one in days), default=0)
    return [*days, *kept(store, name, "week", newest - WEEK)]


def moment_of(text: str, zone: str) -> int:
    """Return a local date or time in microseconds since 1970; RetraceError for anything else."""
    try:
        at = pd.Timestamp(text)
    except ValueError:
        raise RetraceError(f"'{text}' is no date or time, such as 2026-03-01T08:00.") from None
    at = at.tz_localize(zone) if at.tzinfo is None else at
    return int(at.tz_convert("UTC").value // 1000)
