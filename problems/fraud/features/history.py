"""What was known of a payment's customer and terminal, in whole numbers.

A payment sees payments that are strictly earlier than itself, and labels that were known before it.
The window of a label is by the time at which it became known. Times are in milliseconds.

`as_of` makes one sorted pass: rows sorted by entity and time, running sums, and two searches per
window. `State` keeps the same running sums by entity, of the last 30 days.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from problems.fraud.features.memory import (
    COLUMNS,
    ITEMS,
    KEPT_MS,
    LABELS,
    NONE,
    NOTHING,
    PAID,
    STOLEN,
    Memory,
)
from problems.fraud.features.settings import (
    DAY_MS,
    EPISODE_DAYS,
    HIGH_Z,
    FeatureSettings,
    amount_z,
    millis,
    to_cents,
    to_log,
)
from problems.fraud.problem import DAYS, HIGH_DAYS
from retrace.base.arrays import Arrays
from retrace.past.state import Entity, Event, Part, in_order, union
from retrace.past.timeline import Codes, Ints, Timeline
from retrace.past.waiting import WaitingRows

ENTITIES = ("customer", "terminal")
ENTITY_IDS = tuple(f"{entity}_id" for entity in ENTITIES)
OUTCOMES = ("is_fraud", "known_at")
PAYMENT = "transaction_id"

# The columns of what is known of an entity; those of windows have one for each of DAYS.
COUNT, CENTS, KNOWN, FRAUDS = (slice(3 * i, 3 * i + 3) for i in range(4))
ALL_FRAUDS, SINCE_FRAUD, SINCE_FIRST_KNOWN, LABELS_SINCE = range(12, 16)
LOG, BEFORE, SINCE_LAST, HIGH, IS_NEW = slice(16, 19), slice(19, 22), 22, slice(23, 25), 25
SHARED, WIDTH = 16, {"customer": 26, "terminal": 16}
assert (len(DAYS), len(HIGH_DAYS)) == (3, 2)


def nothing(known: Arrays) -> Arrays:
    """Return the same columns of entities of which nothing is known."""
    found = {}
    for entity, numbers in known.items():
        none = np.zeros_like(numbers)
        none[:, [SINCE_FRAUD, SINCE_FIRST_KNOWN, LABELS_SINCE]] = NONE
        none[:, SINCE_LAST : SINCE_LAST + 1] = NONE
        found[entity] = none
    return found


def as_of(rows: Arrays, past: Arrays, settings: FeatureSettings) -> Arrays:
    """Return `customer` and `terminal`: whole numbers of shape (n_rows, n_columns)."""
    found, pairs = {}, []
    at = millis(rows["at"])
    for entity in ENTITIES:
        codes = Codes(past[f"{entity}_id"])
        here = codes.of if rows is past else codes.find(rows[f"{entity}_id"])
        pairs.append((codes.of, here, len(codes.names) + 1))
        order = np.lexsort((at, here))  # searches in the order of what is searched stay in cache
        numbers = np.empty((WIDTH[entity], len(at)), np.int64).T
        line = _Lines(entity, codes.of, past)
        line.fill(numbers, here[order], at[order])
        back = np.empty(len(at), np.int64)
        back[order] = np.arange(len(at))
        for place in range(numbers.shape[1]):  # one by one, so that no column is there twice
            numbers[:, place] = numbers[back, place]
        found[entity] = numbers
    (customer, here, _), (terminal, there, width) = pairs
    paid = Timeline(customer * width + terminal, millis(past["at"]))
    pair = here * width + there
    found["customer"][:, IS_NEW] = paid.position(pair, at, "left") == paid.first(pair)
    return found


def events(past: Arrays) -> Iterator[Event]:
    """Return clean payments as events: paid, and labelled."""
    paid = {name: column for name, column in past.items() if name not in OUTCOMES}
    known_at = np.maximum(past["known_at"], past["at"])  # never before its payment
    yield from in_order(paid, past["at"], past, known_at)


class _Lines:
    """The payments, labels and known frauds of all entities of a kind, in time."""

    def __init__(self, entity: str, who: Ints, past: Arrays) -> None:
        self.entity, at = entity, millis(past["at"])
        log = to_log(past["amount"])
        self.paid = Timeline(
            who, at, {"cents": to_cents(past["amount"]), "log": log, "log2": log * log}
        )
        there = ~np.isnat(past["known_at"])
        who_known, paid_at = who[there], at[there]
        known = np.maximum(millis(past["known_at"])[there], paid_at)
        fraud = past["is_fraud"][there].astype(np.int64)
        self.labelled = Timeline(who_known, known, {"fraud": fraud})
        stolen = fraud == 1
        self._know_frauds(who_known[stolen], known[stolen], paid_at[stolen])
        order = np.lexsort((at, who))
        self.at, who = at[order], who[order]
        high = np.zeros(len(at), np.int64)
        if entity == "customer":
            high[:] = amount_z(log[order], *self.before(who, self.at)) > HIGH_Z
        self.high = Timeline(who, self.at, {"high": high})

    def _know_frauds(self, who: Ints, known: Ints, paid_at: Ints) -> None:
        self.frauds = Timeline(who, known)
        order = np.lexsort((known, who))
        who, self.known_at, paid = who[order], known[order], paid_at[order]
        block = int(paid.max(initial=0)) + 1  # entities apart, so that one running maximum serves
        self.latest = np.maximum.accumulate(who * block + paid) - who * block

    def before(self, who: Ints, at: Ints) -> tuple[Ints, Ints, Ints]:
        """Return count, sum and sum of squares of the log amounts of all earlier payments."""
        end, first = self.paid.position(who, at, "left"), self.paid.first(who)
        log, log2 = (self.paid.total(name, first, end) for name in ("log", "log2"))
        return end - first, log, log2

    def fill(self, numbers: Ints, who: Ints, at: Ints) -> None:
        """Write what is known of entities at moments into the columns of `numbers`."""
        paid, labelled = self.paid, self.labelled
        end, known = paid.position(who, at, "left"), labelled.position(who, at, "left")
        for place, days in enumerate(DAYS):
            low = paid.position(who, at - days * DAY_MS, "left")
            known_low = labelled.position(who, at - days * DAY_MS, "left")
            numbers[:, COUNT][:, place] = end - low
            numbers[:, CENTS][:, place] = paid.total("cents", low, end)
            numbers[:, KNOWN][:, place] = known - known_low
            numbers[:, FRAUDS][:, place] = labelled.total("fraud", known_low, known)
            if self.entity == "customer":
                numbers[:, LOG][:, place] = paid.total("log", low, end)
        numbers[:, ALL_FRAUDS] = labelled.total("fraud", labelled.first(who), known)
        self._fill_since_fraud(numbers, who, at, known)
        if self.entity == "customer":
            self._fill_habits(numbers, who, at, end)

    def _fill_since_fraud(self, numbers: Ints, who: Ints, at: Ints, known: Ints) -> None:
        """Misuse of a terminal or a card begins and ends: counts alone cannot tell its end."""
        numbers[:, [SINCE_FRAUD, SINCE_FIRST_KNOWN, LABELS_SINCE]] = NONE
        if not len(self.known_at):
            return
        end, first = self.frauds.position(who, at, "left"), self.frauds.first(who)
        recent = self.frauds.position(who, at - EPISODE_DAYS * DAY_MS, "left")
        last, begun = np.maximum(end - 1, 0), np.minimum(recent, len(self.known_at) - 1)
        since = known - self.labelled.position(who, self.known_at[last], "right")
        numbers[:, SINCE_FRAUD] = np.where(end > first, at - self.latest[last], NONE)
        numbers[:, SINCE_FIRST_KNOWN] = np.where(end > recent, at - self.known_at[begun], NONE)
        numbers[:, LABELS_SINCE] = np.where(end > first, since, NONE)

    def _fill_habits(self, numbers: Ints, who: Ints, at: Ints, end: Ints) -> None:
        before = self.before(who, at)
        numbers[:, BEFORE] = np.column_stack(before)
        last = self.at[np.maximum(end - 1, 0)] if len(self.at) else at
        numbers[:, SINCE_LAST] = np.where(before[0] > 0, at - last, NONE)
        for place, days in enumerate(HIGH_DAYS):
            low = self.high.position(who, at - days * DAY_MS, "left")
            numbers[:, HIGH][:, place] = self.high.total("high", low, end)

    def remember(self, memories: Sequence["Memory"]) -> None:
        """Fill the memory of each entity with what is kept at the end."""
        columns = {"payment": self._payments(), "label": self._labels(), "fraud": self._frauds()}
        newest = np.full(len(memories), np.iinfo(np.int64).min)
        for who, at, *_ in columns.values():
            np.maximum.at(newest, who, at)
        for item, (who, at, *totals) in columns.items():
            _, starts = np.unique(who, return_index=True)
            ends = np.r_[starts[1:], len(who)][: len(starts)]
            for low, high in zip(starts.tolist(), ends.tolist(), strict=True):
                line = memories[who[low]].lines[item]
                line.at = array("q", at[low:high].tobytes())
                line.totals = [array("q", total[low:high].tobytes()) for total in totals]
                line.forget(int(newest[who[low]]) - KEPT_MS)

    def _payments(self) -> list[Ints]:
        """Return entity, moment and running totals after each moment with payments."""
        line = self.paid
        who, at, end = _moments(line)
        first = line.first(who)
        sums = [line.total(name, first, end) for name in ("cents", "log", "log2")]
        high = self.high.total("high", first, end)
        return [who, at, end - first, *sums, high]

    def _labels(self) -> list[Ints]:
        who, at, end = _moments(self.labelled)
        first = self.labelled.first(who)
        return [who, at, end - first, self.labelled.total("fraud", first, end)]

    def _frauds(self) -> list[Ints]:
        who, at, end = _moments(self.frauds)
        known = self.labelled.position(who, at, "right") - self.labelled.first(who)
        return [who, at, self.latest[end - 1], known]


def _moments(line: Timeline) -> tuple[Ints, Ints, Ints]:
    """Return each entity and moment of a timeline, and the position after its last event."""
    end = np.flatnonzero(np.r_[np.diff(line.key) != 0, True][: len(line.key)]) + 1
    who = line.key[end - 1] // line.span
    return who, line.moment(who, end - 1), end


class State:
    """What is known of customers and terminals, and the payments that wait for their labels."""

    def __init__(self) -> None:
        self._memories: dict[str, dict[str, Memory]] = {entity: {} for entity in ENTITIES}
        self._unlabelled = WaitingRows(PAYMENT, ("paid_at",))

    @classmethod
    def empty(cls, _settings: FeatureSettings, /) -> Self:
        return cls()

    @classmethod
    def from_table(cls, table: pd.DataFrame, _settings: FeatureSettings, /) -> Self:
        state = cls()
        state._unlabelled = WaitingRows.from_table(table, PAYMENT, ("paid_at",))
        own = table[table["entity_type"] != PAYMENT]
        at = millis(own["at"].dt.tz_localize(None).to_numpy("datetime64[us]"))
        words = [own[name].to_numpy(object) for name in ("entity_type", "entity_id", "item")]
        totals = {name: own[name].to_numpy(np.int64) for name in (*PAID, *LABELS, *STOLEN)}
        texts = own["text"].to_numpy(object)
        starts = np.flatnonzero(np.r_[len(own) > 0, _changes(words)][: len(own)])
        for low, high in zip(starts.tolist(), [*starts[1:].tolist(), len(own)], strict=False):
            kind, name, item = (one[low] for one in words)
            memory = state._memory(kind.removesuffix("_id"), name)
            if item == "terminal":
                memory.first |= zip(texts[low:high].tolist(), at[low:high].tolist(), strict=True)
                continue
            line = memory.lines[item]
            line.at.frombytes(at[low:high].tobytes())
            for total, column in zip(line.totals, ITEMS[item], strict=True):
                total.frombytes(totals[column][low:high].tobytes())
        return state

    def to_table(self) -> pd.DataFrame:
        tables = []
        for item, names in ITEMS.items():
            rows = [
                (f"{kind}_id", name, item, at, *totals)
                for kind, memories in self._memories.items()
                for name, memory in memories.items()
                for at, *totals in zip(
                    memory.lines[item].at, *memory.lines[item].totals, strict=True
                )
            ]
            tables.append(_table(rows, ["entity_type", "entity_id", "item", "at", *names]))
        pairs = [
            ("customer_id", name, "terminal", terminal, at)
            for name, memory in self._memories["customer"].items()
            for terminal, at in memory.first.items()
        ]
        tables.append(_table(pairs, ["entity_type", "entity_id", "item", "text", "at"]))
        found = union(*tables, self._unlabelled.to_table(), columns=COLUMNS)
        order = ["entity_type", "entity_id", "item", "at", "text"]
        return found.sort_values(order, ignore_index=True, kind="stable")

    def look_up(self, rows: Arrays) -> Arrays:
        moments = millis(rows["at"]).tolist()
        names = {entity: rows[f"{entity}_id"].tolist() for entity in ENTITIES}
        customers, terminals = (self._memories[entity] for entity in ENTITIES)
        found: dict[str, list[list[int]]] = {entity: [] for entity in ENTITIES}
        for at, customer, terminal in zip(moments, *names.values(), strict=True):
            memory = customers.get(customer, NOTHING)
            found["customer"].append(memory.known(at) + memory.habits(at, terminal))
            found["terminal"].append(terminals.get(terminal, NOTHING).known(at))
        return {
            entity: np.array(rows, np.int64).reshape(-1, WIDTH[entity])
            for entity, rows in found.items()
        }

    def update(self, event: Event) -> None:
        row = event.row
        payment = row[PAYMENT].item()
        if event.kind == "prediction":
            at = int(millis(row["at"])[0])
            names = {entity: row[f"{entity}_id"].item() for entity in ENTITIES}
            cents, log = (int(of(row["amount"])[0]) for of in (to_cents, to_log))
            for entity, name in names.items():
                self._memory(entity, name).pay(at, cents, log, habits=entity == "customer")
            self._memory("customer", names["customer"]).first.setdefault(names["terminal"], at)
            self._unlabelled.add(payment, {**names, "paid_at": float(at)})
            return
        paid = self._unlabelled.pop(payment)
        known = int(millis(np.array([event.at]))[0])
        for entity in ENTITIES:
            memory = self._memory(entity, str(paid[entity]))
            memory.label(known, int(paid["paid_at"]), int(row["is_fraud"].item()))

    def asked(self, rows: Arrays) -> list[Entity]:
        return [(name, one) for name in ENTITY_IDS for one in rows[name].tolist()]

    def touched(self, event: Event) -> list[Entity]:
        payment: Entity = (PAYMENT, event.row[PAYMENT].item())
        if event.kind == "prediction":
            return [payment, *self.asked(event.row)]
        paid = self._unlabelled.part(payment[1])
        return [payment, *((f"{name}_id", str(paid[name])) for name in ENTITIES if paid)]

    def entities(self) -> Iterable[Entity]:
        for entity, memories in self._memories.items():
            yield from ((f"{entity}_id", name) for name in memories)
        yield from ((PAYMENT, payment) for payment in self._unlabelled)

    def part(self, entity: Entity) -> Part:
        kind, name = entity
        if kind == PAYMENT:
            return self._unlabelled.part(name)
        memory = self._memories[kind.removesuffix("_id")].get(name)
        if memory is None:
            return None
        return [*(line.part() for line in memory.lines.values()), memory.first]

    def put(self, entity: Entity, part: Part) -> None:
        kind, name = entity
        if kind == PAYMENT:
            self._unlabelled.add(name, part)
            return
        memory = self._memory(kind.removesuffix("_id"), name)
        *lines, first = part
        for line, one in zip(memory.lines.values(), lines, strict=True):
            line.put(one)
        memory.first = dict(first)

    def _memory(self, entity: str, name: str) -> Memory:
        memories = self._memories[entity]
        memory = memories.get(name)
        if memory is None:
            memory = memories[name] = Memory()
        return memory


def at_end(past: Arrays, settings: FeatureSettings) -> State:
    """Return the state after all of the clean payments."""
    state = State()
    codes = {entity: Codes(past[f"{entity}_id"]) for entity in ENTITIES}
    for entity, numbered in codes.items():
        line = _Lines(entity, numbered.of, past)
        line.remember([state._memory(entity, name) for name in numbered.names])
    waits = np.isnat(past["known_at"])
    names = {entity: past[f"{entity}_id"][waits].tolist() for entity in ENTITIES}
    paid_at = millis(past["at"])
    state._unlabelled.fill(
        past[PAYMENT][waits].tolist(), {**names, "paid_at": paid_at[waits].astype(float).tolist()}
    )
    order = np.argsort(paid_at, kind="stable")
    ids = (past[f"{entity}_id"][order].tolist() for entity in ENTITIES)
    for customer, terminal, at in zip(*ids, paid_at[order].tolist(), strict=True):
        state._memory("customer", customer).first.setdefault(terminal, at)
    return state


def _changes(columns: Sequence[Any]) -> np.ndarray:
    """Return where a row differs from the one before it in any of the columns."""
    return np.asarray(np.any([one[1:] != one[:-1] for one in columns], axis=0))


def _table(rows: Sequence[tuple[object, ...]], columns: list[str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=columns)
    at = table["at"].to_numpy(np.int64).astype("datetime64[ms]").astype("datetime64[us]")
    return table.assign(at=pd.Series(at).dt.tz_localize("UTC"))
