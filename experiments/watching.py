"""Passes over all problems: what is in use, what was found, and who is told."""

from collections.abc import Sequence

import pandas as pd

from experiments.watched import models_in_use
from monitoring.alarms import CLOSED, alarms
from monitoring.said import lines
from monitoring.settings import monitoring_params
from monitoring.watch import watch
from problems.parts import find_problem
from retrace.base.errors import RetraceError
from store.database import Store, StoreAway


class Watching:
    """Looks at the same problems again and again; a store that is away is no end."""

    def __init__(self, problems: Sequence[str], url: str | None, models: str = "") -> None:
        for name in problems:
            find_problem(name)
        self.problems, self.models = list(problems), models
        self.store = Store(url, existing=True)
        self.store.upgrade()

    def look(self, at: str | None = None) -> int:
        """Make one pass, and print what it found; return how many alarms are open."""
        params = monitoring_params()
        now = None if at is None else moment_of(at, params.time_zone)
        in_use = models_in_use(self.store, self.problems, self.models)
        n_open = 0
        for name, models in in_use.items():
            try:
                found = watch(self.store, find_problem(name), models, params, now)
            except StoreAway as error:
                print(f"{name}: {error}", flush=True)
                continue
            there = [one for one in alarms(self.store, name) if one.state != CLOSED]
            n_open += len(there)
            for line in lines(self.store, name, models, found, there, params):
                print(line, flush=True)
        return n_open


def moment_of(text: str, zone: str) -> int:
    """Return a local date or time in microseconds since 1970; RetraceError for anything else."""
    try:
        at = pd.Timestamp(text)
    except ValueError:
        raise RetraceError(f"'{text}' is no date or time, such as 2026-03-01T08:00.") from None
    at = at.tz_localize(zone) if at.tzinfo is None else at
    return int(at.tz_convert("UTC").value // 1000)
