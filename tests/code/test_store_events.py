"""Events change the states in the database as their order in time asks, however they arrive."""

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from sqlalchemy import insert, select

from problems.rows import RowReader
from retrace.base.arrays import Arrays, length, take
from retrace.base.clock import DAY, micros
from retrace.base.files import write_table
from retrace.past.state import Event, State
from store.database import Store
from store.fact import Fact
from store.facts import WorldEvents
from store.following import Following
from store.known import StoredState, name_of, unpacked
from store.tables import INTERVAL, events, outcomes, state, undo
from tests.code.test_history_state import TINY, of

KEY = {"service_time": "stop_id", "fraud": "transaction_id", "orders": "order_id"}


class ByPlace(RowReader):
    """Reads rows that say their place in a table."""

    def __init__(self, rows: Arrays) -> None:
        super().__init__(())
        object.__setattr__(self, "rows", rows)

    def read(self, rows: Sequence[Any]) -> dict[str, Any]:
        (row,) = rows
        place = row["place"]
        return take(self.rows, slice(place, place + 1))  # type: ignore[attr-defined]


def stored(store: Store, basis: str) -> dict[str, Any]:
    with store.reading() as connection:
        asked = select(state.c.entity, state.c.part).where(state.c.basis == basis)
        return {name: unpacked(part) for name, part in connection.execute(asked)}


def world_of(tmp_path: Path, world: str, past: Arrays, name: str = "a") -> WorldEvents:
    """Return the events of a world, whose states begin with nothing."""
    _, history, own = of(world)
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    store.upgrade()
    reader = ByPlace(past)
    known = StoredState(store, name, world, world, history, own, {"": reader, world: reader})
    known.begin(tmp_path / "no state.parquet")
    return WorldEvents(store, [known], late_days=10_000)


def facts_of(world: str, past: Arrays) -> list[Fact]:
    """Return the events of a table as facts, in the order in which they become known."""
    _, history, _ = of(world)
    names = [str(one) for one in past[KEY[world]].tolist()]
    if world == "orders":
        names = [f"{n}|{at}" for n, at in zip(names, past["snapshot_at"], strict=True)]
    places = {
        (
            str(past[KEY[world]][i]),
            int(micros(past["snapshot_at"])[i]) if world == "orders" else 0,
        ): i
        for i in range(length(past))
    }
    found = []
    for event in history.events(past):
        row = event.row
        snapshot = int(micros(row["snapshot_at"])[0]) if world == "orders" else 0
        place = places[str(row[KEY[world]].item()), snapshot]
        at = int(np.datetime64(event.at, "us").astype(np.int64))
        of_problem = world if event.kind == "outcome" else ""
        body = json.dumps({"place": place})
        found.append(Fact(world, of_problem, names[place], at, body, at, 0.0))
    return found


def in_order(world: str, past: Arrays) -> dict[str, Any]:
    """Return the parts of the whole state, fed event by event."""
    _, history, own = of(world)
    whole = history.state.empty(own)
    for event in history.events(past):
        whole.update(event)
    return plain(parts_of(whole))


def parts_of(whole: State) -> dict[str, Any]:
    return {name_of(one): whole.part(one) for one in whole.entities()}


def texts_of(parts: dict[str, Any]) -> dict[str, str]:
    """Return parts that can be compared also where a number of theirs is NaN."""
    return {name: json.dumps(part, default=list, sort_keys=True) for name, part in parts.items()}


def plain(parts: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(parts, default=list))


@pytest.mark.parametrize("world", sorted(TINY))
@pytest.mark.parametrize("seed", [1, 2])
def test_any_order_gives_the_state_of_the_order_in_time(
    tmp_path: Path, world: str, seed: int
) -> None:
    past = TINY[world](4, seed)
    known, facts = world_of(tmp_path, world, past), facts_of(world, past)
    chance = random.Random(seed)
    arriving = facts + chance.sample(facts, len(facts) // 3)  # some come twice
    chance.shuffle(arriving)
    stored_facts = 0
    while arriving:
        n = chance.randint(1, 3)
        stored_facts += known.add(arriving[:n]).stored
        arriving = arriving[n:]
    assert stored_facts == len(facts)
    assert plain(stored(known.store, "a")) == in_order(world, past)


class OfTwoSources(ByPlace):
    """Each order has one of two attributes, by its number."""

    def read(self, rows: Sequence[Any]) -> dict[str, Any]:
        return of_its_source(super().read(rows))


def of_its_source(row: Arrays) -> dict[str, Any]:
    other = ("text_customer", "text_last")[int(row["order_id"].item()[-1]) % 2]
    return {name: values for name, values in row.items() if name != other}


def test_rows_that_wait_have_each_columns_of_their_own(tmp_path: Path) -> None:
    """Rows of one request, and of one after a restart, of which each lacks another attribute."""
    past = TINY["orders"](8, 1)
    known, facts = world_of(tmp_path, "orders", past), facts_of("orders", past)
    known.known[0]._readers = dict.fromkeys(("", "orders"), OfTwoSources(past))
    assert known.add(facts[:-2]).stored == len(facts) - 2
    assert known.add(facts[-2:]).stored == 2
    _, history, own = of("orders")
    whole = history.state.empty(own)
    for event in history.events(past):
        whole.update(Event(event.at, event.kind, of_its_source(event.row)))
    expected = parts_of(whole)
    assert texts_of(stored(known.store, "a")) == texts_of(expected)
    kinds = {name.split(":")[0] for name in expected}
    assert kinds == {"all", "all_now", "order_id", "text_customer", "text_last"}
    read = history.state.from_table(whole.to_table(), own)
    assert texts_of(parts_of(read)) == texts_of(expected)


def test_a_correction_replaces_what_was_told_before(tmp_path: Path) -> None:
    past = TINY["fraud"](5, 1)
    wrong = dict(past, amount=past["amount"] * 3)
    both = {name: np.concatenate([past[name], wrong[name]]) for name in past}
    known, n = world_of(tmp_path, "fraud", both), length(past)
    facts = facts_of("fraud", past)
    told = [f for f in facts if not f.problem]
    first = replace(told[0], body=json.dumps({"place": n + json.loads(told[0].body)["place"]}))
    known.add([first, *facts[1:]])
    assert plain(stored(known.store, "a")) != in_order("fraud", past)
    assert known.add([told[0]]).stored == 1
    assert plain(stored(known.store, "a")) == in_order("fraud", past)
    with known.store.reading() as connection:  # both stay on record
        assert connection.execute(select(events.c.id).where(events.c.name == first.name)).all()


def test_a_fault_in_between_stores_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    past = TINY["fraud"](4, 3)
    known, facts = world_of(tmp_path, "fraud", past), facts_of("fraud", past)

    def fails(*_: object) -> None:
        raise RuntimeError("the machine goes down here")

    with monkeypatch.context() as patched:
        patched.setattr(StoredState, "_write", fails)
        with pytest.raises(RuntimeError):
            known.add(facts)
    with known.store.reading() as connection:
        for table in (events, outcomes, state, undo):
            assert connection.execute(select(table)).all() == []
    assert known.add(facts).stored == len(facts)


def test_a_state_begins_with_that_of_the_data(tmp_path: Path) -> None:
    """Half of the events are in the table, half come later: as if all had come."""
    past = TINY["fraud"](8, 4)
    _, history, own = of("fraud")
    all_facts = facts_of("fraud", past)
    cut = all_facts[len(all_facts) // 2].at
    whole = history.state.empty(own)
    for event in history.events(past):
        if int(event.at.astype("M8[us]").astype(np.int64)) <= cut:
            whole.update(Event(event.at, event.kind, event.row))
    write_table(whole.to_table(), tmp_path / "state.parquet")
    known = world_of(tmp_path, "fraud", past)
    reader = ByPlace(past)
    begun = StoredState(
        known.store, "b", "fraud", "fraud", history, own, {"": reader, "fraud": reader}
    )
    known.add([one for one in all_facts if one.at > cut][:5])  # came before this model was served
    begun.begin(tmp_path / "state.parquet")
    both = WorldEvents(known.store, [*known.known, begun], late_days=10_000)
    both.add([one for one in all_facts if one.at > cut])
    assert plain(stored(known.store, "b")) == in_order("fraud", past)


def test_an_outcome_takes_away_the_intervals_of_days_that_should_have_known_it(
    tmp_path: Path,
) -> None:
    past = TINY["fraud"](4, 6)
    known, facts = world_of(tmp_path, "fraud", past), facts_of("fraud", past)
    outcome = next(one for one in facts if one.problem)
    day = np.datetime64(outcome.known_at, "us").astype("M8[D]")
    days = [day + np.timedelta64(n, "D") for n in (-30, -1, 0, 1, 2, 400)]
    with known.store.writing() as connection:
        for one in days:
            row = {"basis": "a", "entity": Following.entity(one), "part": msgspec.msgpack.encode(1)}
            connection.execute(insert(state).values(**row))
    known.add([one for one in facts if not one.problem])
    assert len([one for one in stored(known.store, "a") if one.startswith(INTERVAL)]) == 6
    known.add([outcome])
    left = [one for one in stored(known.store, "a") if one.startswith(INTERVAL)]
    assert left == [Following.entity(one) for one in days[:3]]


def test_what_is_too_late_counts_as_of_so_long_ago(tmp_path: Path) -> None:
    past = TINY["fraud"](8, 5)
    known, facts = world_of(tmp_path, "fraud", past), facts_of("fraud", past)
    known.late = 5 * DAY
    known.add(facts[1:])
    known.add(facts[:1])
    with known.store.reading() as connection:
        at = connection.execute(select(events.c.at).where(events.c.id == facts[0].id)).scalar()
        newest = max(connection.execute(select(events.c.at)).scalars())
    assert at == newest - 5 * DAY > facts[0].at
