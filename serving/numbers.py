"""What Prometheus reads at /metrics; names by its conventions."""

import collections
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from store import log
from store.database import AWAY, Store
from store.loader import unloaded_bytes
from store.messages import say
from store.watched import ERROR, REFUSED

LATENCIES = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0)  # seconds
VALUES = (0.0, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000)


Stops = dict[str, dict[str, str]]


class Numbers:
    """The metrics of one process; of several workers their sum, where $PROMETHEUS_MULTIPROC_DIR
    names the folder in which they meet."""

    def __init__(self, several: bool = False) -> None:
        self.several, registry = several, CollectorRegistry()
        self.registry = registry
        self._add_requests(registry)
        self._add_models(registry)
        self._add_loader(registry)
        self._in_use: list[tuple[str, str, str, str, int]] = []
        self._last_loaded = time.time()
        self._changed: set[str] = set()
        self._bound: dict[tuple[Any, ...], Any] = {}
        self._untold: collections.Counter[tuple[str, str, str]] = (
            collections.Counter()
        )  # problem, what, label

    def _add_requests(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "retrace_requests",
            "Requests by what was asked and how it ended.",
            ["action", "problem", "version", "status"],
            registry=registry,
        )
        self.seconds = Histogram(
            "retrace_request_seconds",
            "Time until the answer.",
            ["action", "problem"],
            buckets=LATENCIES,
            registry=registry,
        )
        self.values = Histogram(
            "retrace_prediction",
            "Predictions, in the problem's unit.",
            ["problem", "version"],
            buckets=VALUES,
            registry=registry,
        )
        self.refused = Counter(
            "retrace_refused_rows",
            "Rows that were refused, by the column that broke the schema.",
            ["problem", "column"],
            registry=registry,
        )
        self.stale = Counter(
            "retrace_stale_answers",
            "Answers from what was remembered while the database was away.",
            ["problem"],
            registry=registry,
        )

        self.held = Counter(
            "retrace_held_facts",
            "Rows and outcomes that are held until they are let in, by what is doubted.",
            ["problem", "doubt"],
            registry=registry,
        )
        self.changed = Gauge(
            "retrace_world_changed",
            "1 while so many outcomes are improbable that none is held for that.",
            ["problem"],
            registry=registry,
            multiprocess_mode="mostrecent",
        )

    def _add_models(self, registry: CollectorRegistry) -> None:
        self.models = Gauge(
            "retrace_model_info",
            "1 for each model in use.",
            ["problem", "arm", "version", "fingerprint"],
            registry=registry,
            multiprocess_mode="max",
        )
        self.since = Gauge(
            "retrace_model_in_use_since_seconds",
            "Since when a model is in use, in seconds since 1970.",
            ["problem", "arm", "version"],
            registry=registry,
            multiprocess_mode="max",
        )
        self.stopped = Gauge(
            "retrace_challenger_stopped",
            "1 for each challenger that the guard has stopped.",
            ["problem", "arm"],
            registry=registry,
            multiprocess_mode="max",
        )
        self.without_subject = Counter(
            "retrace_rows_without_subject",
            "Rows that name no subject to assign, which the champion answered.",
            ["problem"],
            registry=registry,
        )
        self.failed = Counter(
            "retrace_challenger_failures",
            "Requests that the champion had to answer for a challenger.",
            ["problem", "arm"],
            registry=registry,
        )
        self.skipped = Counter(
            "retrace_shadow_skipped_rows",
            "Rows that no challenger in shadow was asked, since those before had no answer yet.",
            ["problem"],
            registry=registry,
        )

    def _add_loader(self, registry: CollectorRegistry) -> None:
        self.unloaded = Gauge(
            "retrace_loader_queue_bytes",
            "Bytes of the log that are not in the database yet.",
            registry=registry,
            multiprocess_mode="max",
        )
        self.lag = Gauge(
            "retrace_loader_lag_seconds",
            "Age of the oldest line of the log that is not in the database yet, at most.",
            registry=registry,
            multiprocess_mode="max",
        )

    def in_use(self, models: list[tuple[str, str, str, str, int]]) -> None:
        """Tell which models are in use: problem, arm, version, fingerprint, since (µs)."""
        for problem, arm, version, fingerprint, _ in self._in_use:
            self.models.labels(problem, arm, version, fingerprint).set(0)
        for problem, arm, version, fingerprint, at in models:
            self.models.labels(problem, arm, version, fingerprint).set(1)
            self.since.labels(problem, arm, version).set(at / 1e6)
        self._in_use = models

    def told_stopped(
        self, before: dict[str, dict[str, str]], now: dict[str, dict[str, str]]
    ) -> None:
        """Tell which challengers are stopped, by problem and arm."""
        for value, stops in ((0, before), (1, now)):
            for problem, arms in stops.items():
                for arm in arms:
                    self.stopped.labels(problem, arm).set(value)

    def done(self, action: str, problem: str, version: str, status: int, seconds: float) -> None:
        """Count a request; looking a metric up by its labels costs more than counting."""
        key = (action, problem, version, status)
        bound = self._bound.get(key)
        if bound is None:
            labels = (action, problem, version, str(status))
            bound = self.requests.labels(*labels), self.seconds.labels(action, problem)
            self._bound[key] = bound
        bound[0].inc()
        bound[1].observe(seconds)
        if status >= 500:
            self._untold[problem, ERROR, str(status)] += 1

    def refused_row(self, problem: str, column: str) -> None:
        self.refused.labels(problem, column).inc()
        self._untold[problem, REFUSED, column] += 1

    def untold(self) -> dict[tuple[str, str, str], int]:
        """Return what was refused and what failed since this was asked last, for the database."""
        found, self._untold = self._untold, collections.Counter()
        return dict(found)

    def predicted(self, problem: str, version: str, values: list[Any]) -> None:
        bound = self._bound.get((problem, version))
        if bound is None:
            bound = self._bound[problem, version] = self.values.labels(problem, version)
        for value in values:
            if isinstance(value, float):
                bound.observe(value)

    def judged(self, problem: str, doubts: Sequence[str], changed: str) -> None:
        """Count what is held; say it, once, when the world has changed, and when that is over."""
        for doubt in doubts:
            self.held.labels(problem, doubt).inc()
        if bool(changed) != (problem in self._changed):
            self._changed ^= {problem}
            self.changed.labels(problem).set(bool(changed))
            said = changed or f"{problem}: improbable outcomes are few again, and held"
            say(said, "serve", "warning")

    def text(self, store: Store, folder: Path) -> tuple[bytes, str]:
        """Return the page and its media type."""
        try:
            waiting = unloaded_bytes(store, folder)
        except AWAY:
            waiting = sum(one.stat().st_size for one in log.segments(folder))
        if not waiting:
            self._last_loaded = time.time()
        self.unloaded.set(waiting)
        self.lag.set(time.time() - self._last_loaded if waiting else 0.0)
        registry = self.registry
        if self.several:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry), CONTENT_TYPE_LATEST
