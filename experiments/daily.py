"""The daily page of a store: what watch has found, what is open, and what is tried."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import pandas as pd

from experiments.rollout.verdict import verdict_on
from monitoring.alarms import alarms
from monitoring.daily import DAYS, Fold, page
from monitoring.notices import URGENT, WARNING, Notice
from monitoring.settings import monitoring_params
from monitoring.summary import Summary
from monitoring.watch import kept
from monitoring.well import Action, ProblemDay, micros
from monitoring.windows import DAY
from problems import parts
from problems.parts import find_problem
from problems.served import OpenCases
from retrace.base.errors import RetraceError
from retrace.base.tables import Table
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
        self.tried: list[Tried] = []  # what the newest page says of rollouts
        self._lists: dict[str, tuple[str, Fold | None]] = {}

    def page(
        self,
        at: pd.Timestamp | None = None,
        listed_at: pd.Timestamp | None = None,
        tops: Tops | None = None,
    ) -> str:
        """Return the page of a moment, by default now. Raises StoreAway where the database does not
        answer; whatever else cannot be made is said on the page.

        at : windows that were over by then are on the page, with what is known of them today
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
                    _over(kept(self.store, name, "day", since, until), at),
                    _over(kept(self.store, name, "week", since - WEEK, until), at),
                )
                for name in self.problems
            ]
            raised = [one for one in alarms(self.store)
                      if one.problem in self.problems and one.raised_at <= until]  # fmt: skip
        worlds = dict.fromkeys(find_problem(name).world for name in self.problems)
        lists = [self._list(world, listed_at, tops or {}) for world in worlds]
        self.tried = rollouts(self.store, self.problems)
        sections = [*filter(None, lists), *_fold(self.tried)]
        return page(found, raised, sections, now)

    def _list(self, world: str, at: pd.Timestamp | None, tops: Tops) -> Fold | None:
        key = "" if at is None else at.isoformat()
        key = f"{key} {pd.Timestamp.now():%F} {sorted(tops.items())}"
        if self._lists.get(world, ("", None))[0] != key:
            self._lists[world] = (key, open_list(world, at, tops))
        return self._lists[world][1]


def _over(found: list[Summary], at: pd.Timestamp | None) -> list[Summary]:
    """Return the windows that were over at a moment; of now, all."""
    return found if at is None else [one for one in found if one.end <= micros(at)]


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
        what = f"{n_look:,} open {world} are worth a look; begin with {first_case}."
        why = f"{n_open:,} are open; `retrace weekly {world}` lists them all"
        asked.append(Action(what, why, "open"))
    words = f"{n_open:,} open, {n_look:,} worth looking at, {found.at:%-d %b %Y, %H:%M}"
    return Fold(title, words, (), tables, asked)


class Tried(NamedTuple):
    """An arm of a rollout: what is known of it in words, and what that asks for, if anything."""

    problem: str
    arm: str
    since: str
    words: str
    event: Literal["stop", "verdict"] = "verdict"
    to_do: str = ""
    weight: float = WARNING

    @property
    def notice(self) -> Notice | None:
        """What people are told of it, once; None where nothing is to be done."""
        if not self.to_do:
            return None
        subject, key = f"{self.problem}: rollout of {self.arm}", f"{self.since} {self.to_do}"
        return Notice(subject, self.words, self.to_do, self.weight, self.event, key)


def rollouts(store: Store, problems: Sequence[str]) -> list[Tried]:
    """Return what is tried, with the verdict on each arm."""
    with answering(store):
        stopped = stops_in(store)
    return [
        _tried(store, name, rollout, arm, stopped.get((name, arm, challenger.since), ""))
        for name, rollout in read_rollouts().items()
        if name in problems
        for arm, challenger in rollout.challengers.items()
    ]


def _tried(store: Store, name: str, rollout: Rollout, arm: str, stopped: str) -> Tried:
    """Judge an arm, unless the guard has stopped it already."""
    since = rollout.challengers[arm].since
    stop = f"`retrace rollout stop {name} {arm}`"
    if stopped:
        words = f"stopped by the guard: {stopped}"
        return Tried(name, arm, since, words, "stop", stop, URGENT)
    try:
        verdict = verdict_on(store, find_problem(name), rollout, arm).verdict
    except RetraceError as error:
        return Tried(name, arm, since, f"no verdict: {error}")
    if verdict.decision == "stop":
        return Tried(name, arm, since, verdict.sentence, "verdict", stop, URGENT)
    to_do = ""
    if verdict.decision == "promote":
        to_do = f"`retrace rollout verdict {name} {arm}` says to promote it."
    return Tried(name, arm, since, verdict.sentence, "verdict", to_do)


def _fold(tried: Sequence[Tried]) -> list[Fold]:
    """Return what is tried as a part of the page; nothing where nothing is."""
    if not tried:
        return []
    asked = [
        Action(one.to_do, f"{one.problem}, {one.arm}: {one.words}",
               "bad" if one.weight >= URGENT else "open")
        for one in tried
        if one.to_do
    ]  # fmt: skip
    words = f"{len(tried)} challenger{'s' if len(tried) > 1 else ''} beside the champions"
    lines = [f"{one.problem}, {one.arm}: {one.words}" for one in tried]
    return [Fold("Rollouts", words, lines, (), asked)]
