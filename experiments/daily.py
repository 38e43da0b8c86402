"""The daily page of a store: what watch has found, what is open, and what is tried."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from experiments.rollout.verdict import verdict_on
from monitoring.alarms import alarms
from monitoring.daily import DAYS, Fold, page
from monitoring.settings import monitoring_params
from monitoring.watch import kept
from monitoring.well import Action, ProblemDay, micros
from monitoring.windows import DAY
from problems import parts
from problems.parts import find_problem
from problems.served import OpenCases
from retrace.base.errors import RetraceError
from retrace.base.tables import Table
from retrace.judge.rollout import RolloutVerdict
from serving.rollout import Rollout, read_rollouts
from store.database import Store, answering
from store.stops import stops_in

MOST_CASES = 10
WEEK = 7 * DAY
Tops = Mapping[str, Path]  # the folder of each problem's model


class Daily:
    """Makes the page. What is open is listed once a day: that reads a world's raw data."""

    def __init__(self, store: Store, problems: Sequence[str]) -> None:
        self.store, self.problems = store, list(problems)
        self._lists: dict[str, tuple[str, Fold | None]] = {}

    def page(
        self,
        at: pd.Timestamp | None = None,
        listed_at: pd.Timestamp | None = None,
        tops: Tops | None = None,
    ) -> str:
        """Return the page of a moment, by default now. Raises StoreAway where the database does not
        answer; whatever else cannot be made is said on the page.

        listed_at : when it is asked what is open, by default at the end of the data
        tops : the folder of each problem's model, by default this one
        """
        zone = monitoring_params().zone
        now = pd.Timestamp.now(tz=zone) if at is None else at.tz_convert(zone)
        until, since = micros(now), micros(now.normalize() - pd.Timedelta(DAYS, unit="D"))
        with answering(self.store):
            found = [
                ProblemDay(
                    name,
                    kept(self.store, name, "day", since, until),
                    kept(self.store, name, "week", since - WEEK, until),
                )
                for name in self.problems
            ]
            raised = [one for one in alarms(self.store)
                      if one.problem in self.problems and one.raised_at <= until]  # fmt: skip
        worlds = dict.fromkeys(find_problem(name).world for name in self.problems)
        lists = [self._list(world, listed_at, tops or {}) for world in worlds]
        sections = [*filter(None, lists), *rollouts(self.store, self.problems)]
        return page(found, raised, sections, now)

    def _list(self, world: str, at: pd.Timestamp | None, tops: Tops) -> Fold | None:
        key = "" if at is None else at.isoformat()
        key = f"{key} {pd.Timestamp.now():%F} {sorted(tops.items())}"
        if self._lists.get(world, ("", None))[0] != key:
            self._lists[world] = (key, open_list(world, at, tops))
        return self._lists[world][1]


def open_list(world: str, at: pd.Timestamp | None, tops: Tops) -> Fold | None:
    """Return what is open in a world: the first of them and how many will be over when; None for a
    world without such a list."""
    title = world.replace("_", " ").capitalize()
    try:
        find = parts.worklist(world).cases
    except RetraceError:
        return None
    if find is None:
        return None
    try:
        found = find(parts.source_of(world), None if at is None else at.isoformat(), tops)
    except RetraceError as error:
        return Fold(title, "what is open cannot be listed", (str(error),))
    return _section(world, title, found)


def _section(world: str, title: str, found: OpenCases) -> Fold:
    n_open, n_look = len(found.table.frame), int(found.look.sum())
    first = Table(found.table.frame.head(MOST_CASES), "The first of them", found.table.columns)
    tables = [first] if found.forecast is None else [found.forecast, first]
    asked = []
    if n_look:
        first_case = str(found.table.frame.iloc[0, 0])
        what = f"Look at {n_look:,} of {world}; the first is {first_case}."
        asked.append(Action(f"{what} `retrace weekly {world}` has all.", f"{n_open:,} are open",
                          "open"))  # fmt: skip
    words = f"{n_open:,} open, {n_look:,} worth looking at, {found.at:%-d %b %Y, %H:%M}"
    return Fold(title, words, (), tables, asked)


def rollouts(store: Store, problems: Sequence[str]) -> list[Fold]:
    """Return what is tried, with the verdict on each arm; nothing where nothing is tried."""
    tried = {name: one for name, one in read_rollouts().items() if name in problems}
    lines, asked = list[str](), list[Action]()
    for name, rollout in tried.items():
        for arm, line, todo in _arms(store, name, rollout):
            lines.append(f"{name}, {arm}: {line}")
            asked += [todo] if todo else []
    if not lines:
        return []
    words = f"{len(lines)} challenger{'s' if len(lines) > 1 else ''} beside the champions"
    return [Fold("Rollouts", words, lines, (), asked)]


def _arms(store: Store, name: str, rollout: Rollout) -> list[tuple[str, str, Action | None]]:
    """Return each arm with its verdict in words, and what that asks for."""
    problem, found = find_problem(name), list[tuple[str, str, Action | None]]()
    with answering(store):
        stopped = stops_in(store)
    for arm, challenger in rollout.challengers.items():
        if why := stopped.get((name, arm, challenger.since)):
            line = f"stopped by the guard: {why}"
            todo = Action(f"`retrace rollout stop {name} {arm}`", f"{name}, {arm}: {line}", "bad")
            found.append((arm, line, todo))
            continue
        try:
            verdict = verdict_on(store, problem, rollout, arm).verdict
        except RetraceError as error:
            found.append((arm, f"no verdict: {error}", None))
            continue
        found.append((arm, verdict.sentence, _asked(name, arm, verdict)))
    return found


def _asked(name: str, arm: str, verdict: RolloutVerdict) -> Action | None:
    """Return what a verdict asks for."""
    why = f"{name}, {arm}: {verdict.sentence}"
    if verdict.decision == "stop":
        return Action(f"`retrace rollout stop {name} {arm}`", why, "bad")
    if verdict.decision == "promote":
        return Action(f"`retrace rollout verdict {name} {arm}` says to promote it.", why, "open")
    return None
