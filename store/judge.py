"""Judges facts as they come, by the settings of params.yaml.

Rules that let in: a second fact that says nearly the same confirms an improbable one; a later fact
of the same row takes the place of what is held; and where too many outcomes are improbable, from
several sources, it is the world that has changed: no improbable one is held any more, so that
states and models can follow.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import msgspec
import numpy as np
from sqlalchemy import (
    BindParameter,
    CompoundSelect,
    Connection,
    bindparam,
    literal,
    select,
    text,
    union_all,
)

from problems import parts
from problems.arrivals import PREDICTION, same_text, worst
from problems.contract import Problem, World
from problems.rows import RowReader
from problems.served import ArrivalParams, Arrivals, Arriving, Suspicion
from retrace.base.arrays import Arrays, take
from retrace.base.params import read_params
from store.database import Store
from store.fact import Fact
from store.held import (
    CHANGED,
    CONFIRMED,
    CORRECTED,
    HELD,
    LET_IN,
    REFUSED,
    HeldRow,
    decide,
    hold,
    in_parts,
    let_in,
)
from store.known import ROW
from store.newest import Newest, Told, columns_of, plain
from store.tables import events, held, predictions

IMPROBABLE = "improbable"
_HELD, _ROW, _ANSWER = 0, 1, 2  # what is on record of a name
ALL = "all"  # the source of facts where the world names none


class HeldFact(NamedTuple):
    """A fact that is held, and its place among those that came with it."""

    place: int
    id: str
    suspicion: Suspicion


@dataclass
class Judged:
    """What becomes of facts: `held`, known as held before, or `released` by a rule beside those
    that came. `rows_at` is when the rows of outcomes were there, by name; `changed` says it where
    the world has changed."""

    held: list[HeldFact] = field(default_factory=list)
    repeated: set[str] = field(default_factory=set)
    released: list[Fact] = field(default_factory=list)
    rows_at: dict[str, int] = field(default_factory=dict)
    changed: str = ""


@dataclass(frozen=True)
class Judge:
    """Judges the outcomes of a problem, or the rows of a world as they come.

    problem : of rows, any of the world's
    clock   : returns nanoseconds since 1970
    """

    world: World
    problem: Problem
    is_row: bool
    part: Arrivals
    settings: ArrivalParams
    rows: RowReader
    clock: Callable[[], int] = time.time_ns

    @property
    def topic(self) -> str:
        return f"rows:{self.world.name}" if self.is_row else self.problem.name

    def judge(
        self, store: Store, connection: Connection, facts: Mapping[int, Fact], told: Arrays
    ) -> Judged:
        """Judge facts that are new, by their place among `told`; write down what is held."""
        now, found = self.clock() // 1000, Judged()
        waiting, rows, answers = self._on_record(connection, facts, found)
        new = {place: fact for place, fact in facts.items() if fact.id not in found.repeated}
        if not new:
            return found
        arriving = self._arriving(new, told, rows, answers, now)
        sources = {place: self._source(fact) for place, fact in arriving.items()}
        newest = Newest(store, connection, self.topic, self.settings.newest)
        newest.read({one for one in sources.values() if one}, window=not self.is_row)
        for place, fact in new.items():
            one, source = arriving[place], sources[place]
            suspicion = self._doubt(fact, one, newest, source)
            before = waiting.pop(fact.name, None)
            if before is not None:
                confirmed = suspicion is not None and self._confirms(fact, before, suspicion)
                suspicion = None if confirmed else suspicion
                decide(connection, [before.id], REFUSED, CONFIRMED if confirmed else CORRECTED)
            improbable = suspicion is not None and suspicion.doubt == IMPROBABLE
            if improbable and newest.window.changed_at:
                suspicion = None
            self._remember(newest, source, fact, one, is_held=suspicion is not None)
            if suspicion is not None:
                found.held.append(HeldFact(place, fact.id, suspicion))
                hold(connection, fact, source, suspicion, now)
            if one.answer:
                newest.window.add(source, fact.id, improbable=improbable, size=self.settings.window)
                self._look_for_change(connection, newest, found, now)
        newest.write(now)
        if newest.window.changed_at:
            found.changed = self._words(newest)
            gone = {fact.id for fact in found.released}
            found.held = [one for one in found.held if one.id not in gone]
        return found

    def _on_record(
        self, connection: Connection, facts: Mapping[int, Fact], found: Judged
    ) -> tuple[dict[str, HeldRow], dict[str, str], dict[str, str]]:
        """Return what is held of the same rows, the rows themselves and what was answered about
        them last, both as JSON, by name. Note what was told before to the word, and when rows were
        there. One query: it is in the way of every fact."""
        ids = {fact.id for fact in facts.values()}
        doubted: list[str] = []
        rows: dict[str, str] = {}
        answers: dict[str, str] = {}
        for part in in_parts(sorted({fact.name for fact in facts.values()})):
            for kind, name, said, at in connection.execute(self._by_name, {"names": part}):
                if kind == _ROW:
                    rows[name], found.rows_at[name] = said, at
                elif kind == _ANSWER:
                    answers[name] = said
                else:
                    doubted.append(said)
        waiting = {}
        for part in in_parts(doubted):
            for row in connection.execute(select(held).where(held.c.id.in_(part))):
                if row.id in ids and row.status != LET_IN:
                    found.repeated.add(row.id)
                elif row.status == HELD:
                    waiting[row.name] = row
        return waiting, rows, answers

    @cached_property
    def _by_name(self) -> CompoundSelect[Any]:
        """The query for kind, name, text and moment of what is on record, oldest first; to build it
        for each request would take longer than to ask it."""
        names: BindParameter[Any] = bindparam("names", expanding=True)
        problem = "" if self.is_row else self.problem.name
        doubted = (
            select(literal(_HELD), held.c.name, held.c.id, held.c.received_at)
            .where(held.c.world == self.world.name, held.c.problem == problem)
            .where(held.c.name.in_(names))
        )
        if self.is_row:
            return union_all(doubted)
        rows = (
            select(literal(_ROW), events.c.name, events.c.body, events.c.at)
            .where(events.c.world == self.world.name, events.c.problem == "")
            .where(events.c.kind == ROW, events.c.replaced_by == 0, events.c.name.in_(names))
        )
        answers = (
            select(literal(_ANSWER), predictions.c.name, predictions.c.answer, predictions.c.as_of)
            .where(predictions.c.problem == self.problem.name, predictions.c.name.in_(names))
            .where(predictions.c.role == "champion")
        )
        return union_all(doubted, rows, answers).order_by(text("4"))

    def _arriving(
        self,
        facts: Mapping[int, Fact],
        told: Arrays,
        rows: Mapping[str, str],
        answers: Mapping[str, str],
        now: int,
    ) -> dict[int, Arriving]:
        decode, moment = msgspec.json.decode, np.datetime64(now, "us")
        read = {name: self.rows.read([decode(body)]) for name, body in rows.items()}
        return {
            place: Arriving(
                take(told, slice(place, place + 1)),
                read.get(fact.name, {}),
                decode(answers[fact.name]) if fact.name in answers else {},
                {},
                moment,
            )
            for place, fact in facts.items()
        }

    def _source(self, fact: Arriving) -> str:
        """Return who tells a fact; "" where that is not known, or nothing is remembered of it."""
        if self.is_row and not (self.settings.rows.repeats or self.part.row_newest):
            return ""
        column = self.part.row_source if self.is_row else self.part.source
        if column is None:
            return ALL
        columns = {**fact.row, **fact.told}
        return f"{column}:{columns[column][0]}" if column in columns else ""

    def _same(self, fact: Arriving) -> str:
        if not self.is_row:
            return same_text(fact.told, [self.problem.target])
        besides = {*self.world.key, self.world.time}
        return same_text(fact.told, [name for name in self.rows.by_name if name not in besides])

    def _doubt(self, fact: Fact, one: Arriving, newest: Newest, source: str) -> Suspicion | None:
        if source:
            told = columns_of(newest.of(source), self._whose(fact, one), self._same(one), one.told)
            one = replace(one, newest=told)
        return worst(self.problem, one, self.part, self.settings, is_row=self.is_row)

    def _remember(
        self, newest: Newest, source: str, fact: Fact, one: Arriving, *, is_held: bool
    ) -> None:
        if not source:
            return
        names = [name for name, values in one.told.items() if values.dtype.kind != "O"]
        kept = self.part.row_newest if self.is_row else names
        values = {name: plain(one.told[name]) for name in kept}
        if PREDICTION in one.answer:
            values[PREDICTION] = one.answer[PREDICTION]
        newest.add(source, Told(self._whose(fact, one), self._same(one), is_held, values))

    def _whose(self, fact: Fact, one: Arriving) -> str:
        """Return of what a source has told one thing, the last of which is remembered: a row, or of
        a class all rows of a group, which mostly share it."""
        group = [one.told[name][0] for name in self.problem.group if name in one.told]
        if self.is_row or self.problem.task == "regression" or not group:
            return fact.name
        return "|".join(map(str, group))

    def _look_for_change(
        self, connection: Connection, newest: Newest, found: Judged, now: int
    ) -> None:
        """Begin to let improbable outcomes in where they are many, and end it where they are half
        as many; those of the window that are held are let in, too."""
        window, settings = newest.window, self.settings
        least = settings.most_improbable * settings.window
        few_sources = self.part.source is not None and window.n_sources() < settings.sources
        if window.changed_at:
            window.changed_at = window.changed_at if len(window.flagged) >= least / 2 else 0
        elif len(window.flagged) >= least and not few_sources:
            window.changed_at = now
            ids = [one.id for one in window.flagged]
            found.released += let_in(connection, held.c.id.in_(ids), CHANGED)

    def _confirms(self, fact: Fact, before: HeldRow, suspicion: Suspicion) -> bool:
        """Whether a fact is a second, independent word on what is held: nearly the same number. The
        very same one is what was sent again."""
        if suspicion.doubt != IMPROBABLE or before.doubt != IMPROBABLE:
            return False
        if fact.value is None or before.value is None or fact.value == before.value:
            return False
        apart = abs(fact.value - before.value)
        return bool(apart <= self.settings.confirms * abs(before.value))

    def _words(self, newest: Newest) -> str:
        since = np.datetime64(newest.window.changed_at, "us")
        return (
            f"{self.problem.name}: {len(newest.window.flagged)} of the newest "
            f"{self.settings.window} outcomes are improbable, from {newest.window.n_sources()} "
            f"sources: the world has changed, and since {since}Z none is held for that."
        )


def judges_of(problems: Iterable[Problem]) -> dict[str, Judge]:
    """Return what judges outcomes of one world's problems, by name, and under "" its rows; without
    those whose settings say `hold: false`."""
    found: dict[str, Judge] = {}
    for problem in problems:
        part, world = parts.arrivals(problem.world), parts.world(problem.world)
        reader = RowReader.of_rows(world)
        own = parts.settings(part.settings, problem, "arrivals")
        if own.hold:
            found[problem.name] = Judge(world, problem, False, part, own, reader)
        of_world = read_params(part.settings, f"{world.name}.arrivals")
        if of_world.hold:
            found[""] = Judge(world, problem, True, part, of_world, reader)
    return found
