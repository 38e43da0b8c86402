"""One pass over what is served: only windows with something new are looked at again."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pandas as pd
from sqlalchemy import Connection

from monitoring.alarms import raise_alarms
from monitoring.causes import is_mature
from monitoring.level import at_level
from monitoring.look import WindowTraffic, look
from monitoring.models import WatchedModel
from monitoring.rows import answers, by_hour
from monitoring.scored import scored_of
from monitoring.settings import MonitoringParams
from monitoring.summary import OF_OUTCOMES, Alarm, Kind, Summary
from monitoring.windows import DAY, TimeWindow, day_of, week_of, windows_of
from problems.contract import Problem
from store.database import Store, answering
from store.log import CHAMPION
from store.watched import ERROR, REFUSED, Seen, counted, save_pass, seen, summaries_in, touched_days

LONGER_WEEKS = 3  # before a window whose rows are too few to judge its losses
USUAL_WEEKS = 8
_DECODER = msgspec.json.Decoder(Summary)


class Pass(NamedTuple):
    """What a pass over one problem found: summaries made anew, and alarms to tell of."""

    problem: str
    made: tuple[Summary, ...]
    new: tuple[Alarm, ...]
    seconds: float


def watch(
    store: Store,
    problem: Problem,
    models: Sequence[WatchedModel],
    params: MonitoringParams,
    now: int | None = None,
    kinds: tuple[Kind, ...] = ("day", "week"),
) -> Pass:
    """Look at what has come since the last pass; `now` in microseconds, by default the clock's.
    kinds : of windows; without days nothing is said of volume and refused rows.

    Raises StoreAway where the database does not answer: the next pass sees what this one did not.
    """
    began, now = time.monotonic(), now or time.time_ns() // 1000
    known = {(one.fingerprint, one.arm): one for one in models}
    shadows = frozenset(one.arm for one in models if one.in_shadow)
    with answering(store), store.reading() as connection:
        before = seen(connection, problem.name)
        touched, until = touched_days(connection, problem.name, before)
        touched |= _ended(before.at, now, params)
        first = day_of(now - params.days * DAY, params.zone).start
        made: dict[tuple[str, str, str, int], Summary] = {}
        since = week_of(now - 2 * params.days * DAY, params.zone).start
        weeks = [_DECODER.decode(one)
                 for one in summaries_in(connection, problem.name, "week", since)]  # fmt: skip
        for window in windows_of(touched, now, params.zone):
            if window.kind not in kinds or not first <= window.start <= now:
                continue
            of_window = _Looking(connection, problem, known, shadows, params, now, made, weeks)
            for one in of_window.summaries(window):
                made[one.fingerprint, one.arm, one.kind, one.start] = one
    took = time.monotonic() - began
    rows = [_row(one) for one in made.values()]
    now_seen = Seen(now, until.outcomes_until, until.loaded_until, round(1000 * took))
    with answering(store):
        save_pass(store, problem.name, now_seen, rows)
        newest = _newest(store, problem, known, now, params)
        in_use = {one.version for one in models}
        new = raise_alarms(store, problem.name, newest, in_use, now, params)
    return Pass(problem.name, tuple(made.values()), tuple(new), time.monotonic() - began)


def _ended(since: int, now: int, params: MonitoringParams) -> set[int]:
    """Return the days that have ended since the last pass, as days of UTC: only now it can be said
    what is missing in them."""
    since = max(since, now - params.days * DAY)
    noons = (
        (number, number * DAY + DAY // 2) for number in range(since // DAY - 1, now // DAY + 1)
    )
    return {number for number, at in noons if since < day_of(at, params.zone).end <= now}


def kept(
    store: Store, problem: str, kind: Kind, since: int, until: int | None = None
) -> list[Summary]:
    """Return the summaries of windows that begin between two moments, in order of time."""
    with answering(store), store.reading() as connection:
        found = summaries_in(connection, problem, kind, since, until)
    return [_DECODER.decode(one) for one in found]


class _Looking:
    """Looks at windows of one problem, on one connection."""

    def __init__(
        self,
        connection: Connection,
        problem: Problem,
        known: dict[tuple[str, str], WatchedModel],
        shadows: frozenset[str],
        params: MonitoringParams,
        now: int,
        made: dict[tuple[str, str, str, int], Summary],
        weeks: Sequence[Summary],
    ) -> None:
        self.connection, self.problem, self.known = connection, problem, known
        self.shadows, self.params, self.now, self.made = shadows, params, now, made
        self.weeks = weeks  # of earlier passes

    def summaries(self, window: TimeWindow) -> Iterator[Summary]:
        """Yield a summary of every model that answered in a window."""
        traffic = self._traffic(window)
        keys = set(traffic.by_hour)
        if len(traffic.earlier):  # a day without any answer is a day too
            keys |= {key for key, one in self.known.items() if one.arm == CHAMPION}
        for key in sorted(keys):
            model = self.known.get(key) or WatchedModel(self.problem, "", *key)
            found = answers(
                self.connection, self.problem, key, window, traffic.n_of(key), self.params.most_rows
            )
            longer = self._longer(model, window, found.rows)
            one = look(model, window, traffic, found, self.now, self.params, longer)
            yield at_level(one, [*self.made.values(), *self.weeks])

    def _traffic(self, window: TimeWindow) -> WindowTraffic:
        name = self.problem.name
        end = min(window.end, self.now)
        by = by_hour(self.connection, name, window)
        refused = counted(self.connection, name, REFUSED, window.start, end)
        n_errors = sum(counted(self.connection, name, ERROR, window.start, end).values())
        return WindowTraffic(by, self._earlier(window), refused, n_errors, self.shadows)

    def _earlier(self, window: TimeWindow) -> np.ndarray:
        """Return the answers by hour of the same weekday in earlier weeks, (n_weeks, n_hours);
        none while too few are known."""
        if window.kind != "day":
            return np.zeros((0, 0))
        starts, day = [], window
        for _ in range(USUAL_WEEKS):
            for _ in range(7):
                day = day_of(day.start - 1, self.params.zone)
            starts.append(day.start)
        found: dict[int, tuple[int, ...]] = {}
        for body in summaries_in(
            self.connection, self.problem.name, "day", starts[-1], window.start
        ):
            one = _DECODER.decode(body)
            if one.start in starts:
                found[one.start] = one.by_hour
        for (_, _, kind, start), made in self.made.items():
            if kind == "day" and start in starts:
                found[start] = made.by_hour
        if len(found) < self.params.volume_weeks:
            return np.zeros((0, window.n_hours))
        table = np.zeros((len(found), window.n_hours))
        for place, by_hour_ in enumerate(found.values()):
            n = min(len(by_hour_), window.n_hours)
            table[place, :n] = by_hour_[:n]
        return table

    def _longer(
        self, model: WatchedModel, window: TimeWindow, rows: pd.DataFrame
    ) -> pd.DataFrame | None:
        """Return rows with outcomes of earlier weeks too, where this week's are too few."""
        if window.kind != "week" or model.held is None or rows.empty:
            return None
        least, positives = model.alarm.slice_min_rows, model.alarm.outcomes == "positives"
        known = rows["outcome"].dropna()
        if not is_mature(len(known), len(rows), self.params):  # nothing is judged yet
            return None
        if (int((known > 0.5).sum()) if positives else len(known)) >= least or len(known) == 0:
            return None
        start = window
        for _ in range(LONGER_WEEKS):
            start = week_of(start.start - 1, self.params.zone)
        wide = TimeWindow("week", start.start, window.end)
        key = (model.fingerprint, model.arm)
        n = sum(by_hour(self.connection, self.problem.name, wide).get(key, Counter()).values())
        found = answers(self.connection, self.problem, key, wide, n, self.params.most_rows)
        return scored_of(model, found.rows).rows


def _newest(
    store: Store,
    problem: Problem,
    known: dict[tuple[str, str], WatchedModel],
    now: int,
    params: MonitoringParams,
) -> list[Summary]:
    """Return the windows that alarms are about: of every model in use the newest day that is over,
    the newest week with something to say, and the newest whose outcomes are known."""
    found: list[Summary] = []
    week = kept(store, problem.name, "week", week_of(now - params.days * DAY, params.zone).start)
    day = kept(store, problem.name, "day", day_of(now - 2 * DAY, params.zone).start)
    for key in known:
        mine = [one for one in week if (one.fingerprint, one.arm) == key and one.n_sampled]
        days = [one for one in day if (one.fingerprint, one.arm) == key and one.end <= now]
        found += days[-1:]
        if not mine:
            continue
        found.append(_only(mine[-1], before_outcomes=True))
        mature = [one for one in mine if one.is_mature]
        found += [_only(one, before_outcomes=False) for one in mature[-1:]]
    return found


def _only(summary: Summary, *, before_outcomes: bool) -> Summary:
    """Return a week with the causes that need outcomes, or those that need none."""
    causes = tuple(one for one in summary.causes if (one.kind in OF_OUTCOMES) != before_outcomes)
    return msgspec.structs.replace(summary, causes=causes)


def _row(one: Summary) -> dict[str, Any]:
    key = {name: getattr(one, name) for name in ("problem", "fingerprint", "arm", "kind", "start")}
    made_at = time.time_ns() // 1000  # by the clock, since retention goes by it
    return {**key, "made_at": made_at, "body": msgspec.json.encode(one).decode()}
