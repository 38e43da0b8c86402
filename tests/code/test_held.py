"""What is doubted is held, counts for nothing, and is let in as if it had come just now."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, select

from problems import parts
from problems.rows import RowReader
from problems.served import ArrivalParams, Arrivals, Ends
from problems.service_time.problem import PROBLEMS
from problems.service_time.schema import WORLD
from store.database import Store
from store.fact import outcome_facts, row_facts
from store.facts import Added, WorldEvents
from store.forget import drop_old, forget
from store.held import CHANGED, CONFIRMED, CORRECTED, HELD, LET_IN, REFUSED, let_in, refuse
from store.judge import Judge
from store.known import StoredState
from store.tables import events, held, newest, outcomes, predictions
from tests.code.test_store_events import plain, stored

PROBLEM = PROBLEMS["service_time"]
SETTINGS = ArrivalParams(
    limits={"service_seconds": Ends(least=60, most=5400)},
    improbable=2.0,
    repeats=3,
    window=20,
    most_improbable=0.2,
    sources=2,
)
PART = Arrivals(source="driver_id")


class Told:
    """A store of stops that are told as over HTTP."""

    def __init__(self, folder: Path, settings: ArrivalParams = SETTINGS) -> None:
        self.store = Store(f"sqlite:///{folder / 'store.db'}")
        self.store.upgrade()
        self.folder = folder
        part = parts.features("service_time")
        self.history = part.history
        readers = {"": RowReader.of_rows(WORLD)}
        readers["service_time"] = RowReader.of_outcomes(WORLD, PROBLEM)
        self.readers = readers
        settings_of_features = parts.settings(part.settings, PROBLEM, "features")
        known = StoredState(
            self.store, "a", "service_time", "service_time", self.history, settings_of_features,
            readers,
        )  # fmt: skip
        known.begin(folder / "no state.parquet")
        judge = Judge(WORLD, PROBLEM, False, PART, settings, readers[""])
        self.world = WorldEvents(self.store, [known], 7.0, {"service_time": judge})

    def plan(self, number: int, driver: str = "0" * 16, told: float | None = 360.0) -> None:
        row = {**WORLD.example, "stop_id": f"S{number}", "driver_id": driver}
        row["customer_id"] = f"C{number}"
        self.world.add(row_facts(WORLD, [row], self.readers[""].read([row])))
        if told is not None:
            self.answer(f"S{number}", told)

    def answer(self, name: str, told: float) -> None:
        said = {"prediction": told, "lower": told / 2, "upper": told * 2}
        row = dict.fromkeys(("request", "version", "fingerprint", "arm", "subject"), "")
        row |= {"id": f"p{name}", "problem": PROBLEM.name, "role": "champion", "name": name}
        row |= {"row": "{}", "answer": json.dumps(said)}
        numbers = {"as_of": 1, "predicted_at": 1, "model_columns": b"", "latency_us": 1}
        with self.store.writing() as connection:
            connection.execute(insert(predictions).values(**row, **numbers))

    def tell(self, *told: tuple[int, float], minute: int = 42) -> Added:
        """Tell how many seconds stops took."""
        rows = [_outcome(number, seconds, minute) for number, seconds in told]
        arrays = self.readers["service_time"].read(rows)
        return self.world.add(outcome_facts(PROBLEM, self.history, rows, arrays), arrays)

    def status(self) -> dict[str, tuple[str, str]]:
        with self.store.reading() as connection:
            rows = connection.execute(select(held.c.name, held.c.status, held.c.decided_by))
            return {name: (status, by) for name, status, by in rows}

    def counted(self) -> list[str]:
        with self.store.reading() as connection:
            names = list(connection.execute(select(outcomes.c.name)).scalars())
            kinds = select(events.c.name).where(events.c.problem != "")
            assert sorted(connection.execute(kinds).scalars()) == sorted(names)
        return sorted(names)


def _outcome(number: int, seconds: float, minute: int) -> dict[str, Any]:
    arrived = f"2026-01-13T09:{minute:02d}:00.000000"
    departed = _plus(arrived, seconds)
    return {
        "stop_id": f"S{number}",
        "service_seconds": seconds,
        "arrived_at": f"{arrived}Z",
        "departed_at": f"{departed}Z",
        "grade": "A",
    }


def _plus(moment: str, seconds: float) -> str:
    import numpy as np

    return str(np.datetime64(moment, "us") + np.timedelta64(round(seconds * 1e6), "us"))


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path)


def test_what_cannot_be_or_is_improbable_is_held_and_counts_for_nothing(told: Told) -> None:
    for number in range(4):
        told.plan(number)
    before = stored(told.store, "a")
    added = told.tell((0, 15.0), (1, 1800.0))
    assert (added.stored, added.repeated) == (0, 0)
    assert [one.place for one in added.held] == [0, 1]
    impossible, improbable = (one.suspicion for one in added.held)
    assert impossible.reason == "service_seconds is 15; less than 60 cannot be"
    assert improbable.doubt == "improbable"
    assert "360 (180 to 720) was told: 2.3 half-widths off" in improbable.reason
    assert stored(told.store, "a") == before
    assert told.counted() == []
    added = told.tell((2, 400.0), (3, 1300.0))  # the second is within twice the interval
    assert (added.stored, added.held) == (2, ())
    assert told.counted() == ["S2", "S3"]


def test_what_is_held_counts_once_let_in_as_if_it_had_come(told: Told, tmp_path: Path) -> None:
    for number in range(3):
        told.plan(number)
    assert told.tell((0, 30.0), (1, 300.0)).stored == 1
    assert told.tell((0, 30.0)) == Added(0, 1)  # it is known already
    ids = [one for one, (status, _) in told.status().items() if status == HELD]
    assert ids == ["S0"]
    for _ in range(2):  # by another process, which knows no states; and once only
        WorldEvents(told.store, [], 7.0).let_in("service_time", held.c.name == "S0", "eva", "seen")
    assert told.counted() == ["S0", "S1"]
    assert told.status()["S0"] == (LET_IN, "eva")
    assert told.tell((0, 30.0)) == Added(0, 1)
    with told.store.writing() as connection:  # as a server does that looks
        told.world.known[0].take_in(connection)
    (tmp_path / "other").mkdir()
    other = Told(tmp_path / "other", ArrivalParams(hold=False))
    other.world.judges = {}
    for number in range(3):
        other.plan(number)
    other.tell((0, 30.0), (1, 300.0))
    assert plain(stored(told.store, "a")) == plain(stored(other.store, "a"))


def test_what_is_refused_never_counts(told: Told) -> None:
    told.plan(0)
    told.tell((0, 30.0))
    with told.store.writing() as connection:
        assert refuse(connection, held.c.name == "S0", "eva") == 1
        assert let_in(connection, held.c.name == "S0", "eva") == []
    assert told.tell((0, 30.0)) == Added(0, 1)
    assert told.counted() == []


def test_a_later_fact_takes_the_place_of_what_is_held(told: Told) -> None:
    told.plan(0)
    told.tell((0, 30.0))
    assert told.tell((0, 330.0)).stored == 1
    assert told.status()["S0"] == (REFUSED, CORRECTED)
    assert told.counted() == ["S0"]


@pytest.mark.parametrize(
    ("second", "counts"), [(1850.0, True), (1800.0, False), (2500.0, False), (30.0, False)]
)
def test_a_second_fact_confirms_an_improbable_one(told: Told, second: float, counts: bool) -> None:
    told.plan(0)
    assert len(told.tell((0, 1800.0)).held) == 1
    assert told.tell((0, second), minute=41).stored == int(counts)
    assert told.counted() == ["S0"] * counts
    with told.store.reading() as connection:
        rows = connection.execute(select(held.c.value, held.c.status, held.c.decided_by)).all()
    first = [(status, by) for value, status, by in rows if value == 1800.0]
    assert (REFUSED, CONFIRMED if counts else CORRECTED) in first


def test_a_source_that_says_the_same_again_and_again_is_stuck(told: Told) -> None:
    for number in range(7):
        told.plan(number, driver=f"{number // 5:016x}")
    added = told.tell((0, 300.0), (1, 411.5), (2, 411.5), (3, 411.5), (5, 411.5))
    assert [(one.place, one.suspicion.doubt) for one in added.held] == [(3, "repeated")]
    assert told.tell((4, 411.5)).held[0].suspicion.score > 1  # and what is held counts, too
    assert told.tell((6, 411.5)).stored == 1  # another driver's second


def test_clocks_that_are_off(told: Told) -> None:
    told.plan(0)
    told.plan(1)
    ahead = {"arrived_at": "2101-01-01T00:00:00Z", "departed_at": "2101-01-01T00:05:00Z"}
    early = {"arrived_at": "2025-01-01T00:00:00Z", "departed_at": "2025-01-01T00:05:00Z"}
    for number, times in enumerate((ahead, early)):
        row = {**_outcome(number, 300.0, 1), **times}
        arrays = {
            name: values.astype("M8[us]") if name.endswith("_at") else values
            for name, values in told.readers["service_time"]
            .read([{**row, **early} if number == 0 else row])
            .items()
        }
        if number == 0:  # no reader takes such a year: a simulation's clock may
            import numpy as np

            arrays["departed_at"] = np.array(["2101-01-01T00:05:00"], "M8[us]")
        facts = outcome_facts(PROBLEM, told.history, [row], arrays)
        (one,) = told.world.add(facts, arrays).held
        assert one.suspicion.doubt == "clock"
    assert told.counted() == []


def test_a_plan_may_lie_ahead_and_a_row_may_not(told: Told) -> None:
    rows = [
        {**WORLD.example, "stop_id": "S1", "planned_arrival_at": "2098-01-01T00:00:00Z"},
        {**WORLD.example, "stop_id": "S2", "planned_at": "2098-01-01T00:00:00Z"},
    ]
    of_rows = replace(told.world.judges["service_time"], is_row=True)
    told.world.judges = {"": of_rows}
    arrays = told.readers[""].read(rows)
    added = told.world.add(row_facts(WORLD, rows, arrays), arrays)
    assert [(one.place, one.suspicion.doubt) for one in added.held] == [(1, "clock")]


def test_where_many_are_improbable_the_world_has_changed(told: Told) -> None:
    """Four of the newest twenty, of several drivers: they are let in, and no other is held."""
    for number in range(60):
        told.plan(number, driver=f"{number % 5:016x}")
    usual = [told.tell((number, 300.0 + number)) for number in range(10)]
    assert [one.stored for one in usual] == [1] * 10
    held_before = [told.tell((number, 1900.0 + number)) for number in range(10, 13)]
    assert [len(one.held) for one in held_before] == [1, 1, 1]
    fourth = told.tell((13, 1999.0), (14, 20.0))
    assert (fourth.stored, len(fourth.held)) == (1, 1)  # what cannot be is held as before
    assert "the world has changed" in fourth.changed
    assert {f"S{number}" for number in range(10, 14)} <= set(told.counted())
    assert {by for status, by in told.status().values() if status == LET_IN} == {CHANGED}
    more = [told.tell((number, 1900.0 + number)) for number in range(15, 30)]
    assert [one.stored for one in more] == [1] * 15
    calm = [told.tell((number, 300.0 + number)) for number in range(30, 50)]
    assert calm[-1].changed == ""
    assert len(told.tell((55, 1900.0)).held) == 1


def test_one_device_is_not_the_world(told: Told) -> None:
    for number in range(20):
        told.plan(number)
    found = [told.tell((number, 1900.0 + number)) for number in range(15)]
    assert all(len(one.held) == 1 and not one.changed for one in found)


def test_an_outcome_of_which_nothing_is_known_is_held_against_limits_alone(told: Told) -> None:
    assert told.tell((0, 3000.0)).stored == 1
    assert len(told.tell((1, 6000.0)).held) == 1


def test_forgetting_takes_out_what_is_held(told: Told, tmp_path: Path) -> None:
    told.plan(0, driver="a" * 16)
    told.plan(1, driver="b" * 16)
    told.tell((0, 30.0), (1, 30.0))
    found = forget(told.store, tmp_path / "log", "customer_id", "C0")
    assert found["held"] == 1
    assert list(told.status()) == ["S1"]
    with told.store.reading() as connection:
        parts_ = dict(connection.execute(select(newest.c.source, newest.c.part)).all())
    assert msgspec.msgpack.decode(parts_["driver_id:" + "a" * 16]) == []
    assert forget(told.store, tmp_path / "log", "driver_id", "b" * 16)["held"] == 1
    with told.store.reading() as connection:
        assert f"driver_id:{'b' * 16}" not in connection.execute(select(newest.c.source)).scalars()


def test_what_is_older_than_is_kept_goes(told: Told) -> None:
    told.plan(0)
    told.tell((0, 30.0))
    drop_old(told.store, 1.0)
    assert told.status() != {}
    drop_old(told.store, 1e-9)
    assert told.status() == {}
