"""A state in parts, of which each event brings only those that it touches, is the whole one."""

from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from problems.contract import History
from problems.defaults import history as history_of
from retrace.base.arrays import Arrays, take
from retrace.base.errors import RetraceError
from retrace.past.entities import EntityParams
from retrace.past.state import Event, State
from tests.code.test_history_state import TINY, of, stops
from tests.tries import tries


class Shelf:
    """The parts of a state, packed as a database has them."""

    def __init__(self, history: History, own: Any) -> None:
        self.history, self.own, self.parts = history, own, dict[tuple[str, str], bytes]()

    def with_parts(self, asked: list[tuple[str, str]], known: State) -> None:
        for entity in asked:
            if entity in self.parts:
                known.put(entity, msgspec.msgpack.decode(self.parts[entity]))

    def update(self, event: Event) -> None:
        known = self.history.state.empty(self.own)
        here: set[tuple[str, str]] = set()
        while missing := [one for one in known.touched(event) if one not in here]:
            self.with_parts(missing, known)
            here |= {*missing}
        known.update(event)
        for entity in here:
            part = known.part(entity)
            if part is None:
                self.parts.pop(entity, None)
            else:
                self.parts[entity] = msgspec.msgpack.encode(part, order="deterministic")

    def look_up(self, rows: Arrays) -> Arrays:
        known = self.history.state.empty(self.own)
        self.with_parts(known.asked(rows), known)
        return known.look_up(rows)

    def whole(self) -> State:
        known = self.history.state.empty(self.own)
        self.with_parts(list(self.parts), known)
        return known


def check(history: History, own: Any, past: Arrays) -> None:
    whole, shelf = history.state.empty(own), Shelf(history, own)
    for event in history.events(past):
        if event.kind == "prediction":
            expected, found = whole.look_up(event.row), shelf.look_up(event.row)
            assert {name: values.tobytes() for name, values in expected.items()} == {
                name: values.tobytes() for name, values in found.items()
            }
        whole.update(event)
        shelf.update(event)
    assert {*whole.entities()} == {*shelf.parts}
    pd.testing.assert_frame_equal(whole.to_table(), shelf.whole().to_table(), check_exact=True)
    read = history.state.from_table(whole.to_table(), own)
    assert shelf.parts == {
        one: msgspec.msgpack.encode(read.part(one), order="deterministic")
        for one in read.entities()
    }


@settings(deadline=None, max_examples=tries(8), phases=(Phase.explicit, Phase.generate))
@given(st.sampled_from(sorted(TINY)), st.integers(1, 10), st.integers(0, 10_000))
def test_worlds(world: str, n: int, seed: int) -> None:
    _, history, own = of(world)
    check(history, own, TINY[world](n, seed))


@pytest.mark.parametrize("seed", range(3))
def test_any_table_with_entities(seed: int) -> None:
    history = history_of(
        "customer_id",
        "area_id",
        target="service_seconds",
        key="stop_id",
        time="planned_at",
        known_at="departed_at",
    )
    check(history, EntityParams(), stops(6, seed))


def test_a_question_about_what_is_no_longer_kept_is_refused() -> None:
    """A payment a day of one card: of 40 days ago, the windows would begin 70 days ago."""
    _, history, own = of("fraud")
    days = np.arange(100).astype("timedelta64[D]")
    rows = {
        "transaction_id": np.array([f"T{day}" for day in range(100)], object),
        "at": np.datetime64("2025-01-01", "us") + days,
        "customer_id": np.array(["C"] * 100, object),
        "terminal_id": np.array(["M"] * 100, object),
        "amount": np.full(100, 5.0),
        "known_at": np.full(100, np.datetime64("NaT"), "M8[us]"),
        "is_fraud": np.zeros(100, np.int8),
    }
    known = history.state.empty(own)
    for event in history.events(rows):
        known.update(event)
    last = take(rows, slice(99, 100))
    known.look_up(last)
    new = {name: np.array(["new"], object) for name in ("customer_id", "terminal_id")}
    known.look_up({**last, **new, "at": rows["at"][:1]})  # nothing was known of these
    with pytest.raises(RetraceError, match="no longer kept"):
        known.look_up({**last, "at": rows["at"][60:61]})
