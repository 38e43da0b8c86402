"""Judges facts as they come, by the settings of params.yaml.

Rules that let in: a second fact that says nearly the same confirms an improbable one; a later fact
of the same row takes the place of what is held; and where too many outcomes are improbable, from
several sources, it is the world that has changed: no improbable one is held any more, so that
states and models can follow.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import msgspec
import numpy as np
from sqlalchemy import Connection, select

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
from store.newest import Newest, Told, columns_of, plain
from store.tables import events, held, predictions

IMPROBABLE = "improbable"
ALL = "all"  # the source of facts where the world names none


class Held(NamedTuple):
    """A fact that is held, and its place among those that came with it."""

    place: int
    id: str
    suspicion: Suspicion


@dataclass
class Judged:
    """What becomes of facts: `held`, known as held before, or `released` by a rule beside those
    that came. `changed` says it where the world has changed."""

    held: list[Held] = field(default_factory=list)
    repeated: set[str] = field(default_factory=set)
    released: list[Fact] = field(default_factory=list)
    changed: str = ""


@dataclass(frozen=True)
class Judge:
    """Judges the outcomes of a problem, or the rows of a world as they come.

    problem : of rows, any of the world's
    """

    world: World
    problem: Problem
    is_row: bool
    part: Arrivals
    settings: ArrivalParams
    rows: RowReader

    @property
    def topic(self) -> str:
        return f"rows:{self.world.name}" if self.is_row else self.problem.name

    def judge(
        self, store: Store, connection: Connection, facts: Mapping[int, Fact], told: Arrays
    ) -> Judged:
        """Judge facts that are new, by their place among `told`; write down what is held."""
        now, found = time.time_ns() // 1000, Judged()
        waiting = self._waiting(connection, facts, found)
        new = {place: fact for place, fact in facts.items() if fact.id not in found.repeated}
        if not new:
            return found
        arriving = self._arriving(connection, new, told, now)
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
                found.held.append(Held(place, fact.id, suspicion))
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

    def _waiting(
        self, connection: Connection, facts: Mapping[int, Fact], found: Judged
    ) -> dict[str, HeldRow]:
        """Return what is held of the same rows, by name; note what was told before to the word."""
        ids = {fact.id for fact in facts.values()}
        names = sorted({fact.name for fact in facts.values()})
        problem = "" if self.is_row else self.problem.name
        here = (held.c.world == self.world.name) & (held.c.problem == problem)
        waiting = {}
        for part in in_parts(names):
            for row in connection.execute(select(held).where(here, held.c.name.in_(part))):
                if row.id in ids and row.status != LET_IN:
                    found.repeated.add(row.id)
                elif row.status == HELD:
                    waiting[row.name] = row
        return waiting

    def _arriving(
        self, connection: Connection, facts: Mapping[int, Fact], told: Arrays, now: int
    ) -> dict[int, Arriving]:
        rows: dict[str, Arrays] = {}
        answers: dict[str, Any] = {}
        if not self.is_row:
            names = sorted({fact.name for fact in facts.values()})
            for part in in_parts(names):
                rows |= self._rows(connection, part)
                answers |= self._answers(connection, part)
        moment = np.datetime64(now, "us")
        return {
            place: Arriving(
                take(told, slice(place, place + 1)),
                rows.get(fact.name, {}),
                answers.get(fact.name, {}),
                {},
                moment,
            )
            for place, fact in facts.items()
        }

    def _rows(self, connection: Connection, names: Sequence[str]) -> dict[str, Arrays]:
        asked = select(events.c.name, events.c.body).where(
            events.c.world == self.world.name, events.c.problem == "", events.c.replaced_by == 0
        )
        found = connection.execute(asked.where(events.c.name.in_(names)))
        return {name: self.rows.read([msgspec.json.decode(body)]) for name, body in found}

    def _answers(self, connection: Connection, names: Sequence[str]) -> dict[str, Any]:
        """Return what was answered last about rows."""
        asked = (
            select(predictions.c.name, predictions.c.answer)
            .where(predictions.c.problem == self.problem.name, predictions.c.name.in_(names))
            .where(predictions.c.role == "champion")
            .order_by(predictions.c.as_of, predictions.c.predicted_at)
        )
        return {name: msgspec.json.decode(said) for name, said in connection.execute(asked)}

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
            told = columns_of(newest.of(source), fact.name, self._same(one), one.told)
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
        newest.add(source, Told(fact.name, self._same(one), is_held, values))

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
