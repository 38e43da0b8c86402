"""A world's history in one pass, and its state fed event by event, say the same to the bit."""

import fnmatch
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from problems import parts
from problems.contract import Features, History
from problems.fraud import simulate as fraud_simulate
from problems.fraud.schema import COLUMNS as FRAUD_COLUMNS
from problems.orders import simulate as orders_simulate
from problems.orders.ingest import IngestSettings
from problems.orders.ingest import ingest as ingest_orders
from problems.service_time.features.history import OUTCOMES as STOP_OUTCOMES
from problems.service_time.schema import WORLD as STOPS
from retrace.base.arrays import Arrays, from_frame, take
from retrace.base.errors import RetraceError
from retrace.base.files import read_table, write_table
from retrace.past.state import Event
from tests.code.test_fraud_features import payments
from tests.code.test_service_time_features import clean_stops
from tests.conftest import ROOT
from tests.tries import tries

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
KEYS = {
    "fraud": ("transaction_id",),
    "service_time": ("stop_id",),
    "orders": ("order_id", "snapshot_at"),
}
START = np.datetime64("2025-01-01", "us")


def of(world: str) -> tuple[Features, History, Any]:
    features = parts.features(world)
    assert features.history is not None
    return features, features.history, features.settings(**PARAMS[world]["features"])


# ---- tiny worlds: ties in time, outcomes in any order, outcomes that never come -----------------


def stops(n: int, seed: int) -> Arrays:
    rows = from_frame(clean_stops(n, seed))
    rng = np.random.default_rng(seed)
    never = rng.random(len(rows["stop_id"])) < 0.15
    rows["departed_at"] = np.where(never, np.datetime64("NaT"), rows["departed_at"])
    unmeasured = rng.random(len(never)) < 0.1
    rows["service_seconds"] = np.where(unmeasured, np.nan, rows["service_seconds"])
    return rows


def card_payments(n: int, seed: int) -> Arrays:
    rows = from_frame(payments(seed, 4 * n))
    rng = np.random.default_rng(seed)
    rows["at"] = rows["at"].astype("datetime64[D]").astype("datetime64[us]")  # many ties
    never = rng.random(4 * n) < 0.15
    days = rng.integers(0, 60, 4 * n).astype("timedelta64[D]")
    rows["known_at"] = np.where(never, np.datetime64("NaT"), rows["at"] + days)
    return take(rows, rng.permutation(4 * n))


def order_rows(n: int, seed: int) -> Arrays:
    """Orders of a few customers, looked at up to four times; some are withdrawn, some stay open."""
    rng = np.random.default_rng(seed)
    times = rng.integers(1, 5, n)
    order = np.repeat(np.arange(n), times)
    started = START + rng.integers(0, 40 * 24, n).astype("timedelta64[h]")
    looked_at = np.sort(rng.integers(0, 24 * 9, (n, 4)), axis=1) // 6 * 6
    nth = np.arange(len(order)) - np.repeat(np.cumsum(times) - times, times)
    known = started + rng.integers(9 * 24, 30 * 24, n).astype("timedelta64[h]")
    completed = known - rng.integers(0, 9, n).astype("timedelta64[h]")
    is_open, withdrawn = rng.random(n) < 0.2, rng.random(n) < 0.1
    rows = {
        "order_id": np.array([f"O{i}" for i in order], object),
        "snapshot_at": started[order] + looked_at[order, nth].astype("timedelta64[h]"),
        "started_at": started[order],
        "text_customer": rng.choice(np.array(["a", "b", ""], object), n)[order],
        "text_last": rng.choice(np.array(["x", "y"], object), len(order)),  # may change
        "completed_at": np.where(is_open | withdrawn, np.datetime64("NaT"), completed)[order],
        "completed_known_at": np.where(is_open, np.datetime64("NaT"), known)[order],
    }
    _, first = np.unique(
        np.char.add(rows["order_id"].astype(str), rows["snapshot_at"].astype(str)),
        return_index=True,
    )
    return take(rows, rng.permutation(first))


TINY: dict[str, Callable[[int, int], Arrays]] = {
    "service_time": stops,
    "fraud": card_payments,
    "orders": order_rows,
}
tiny = st.tuples(st.sampled_from(sorted(TINY)), st.integers(1, 12), st.integers(0, 10_000))


@settings(deadline=None, max_examples=tries(10), phases=(Phase.explicit, Phase.generate))
@given(tiny, st.integers(0, 40))
def test_one_pass_equals_event_by_event(world: tuple[str, int, int], restart: int) -> None:
    name, n, seed = world
    check(name, TINY[name](n, seed), restart)


@settings(deadline=None, max_examples=tries(6), phases=(Phase.explicit, Phase.generate))
@given(tiny, st.data())
def test_rows_see_the_past_of_others_only(world: tuple[str, int, int], data: st.DataObject) -> None:
    """Rows that no event is of, with entities that the state has never seen."""
    name, n, seed = world
    _, history, own = of(name)
    past = TINY[name](n, seed)
    rows = dict(TINY[name](data.draw(st.integers(1, 9)), seed + 1))
    for column in ("customer_id", "text_customer"):
        if column in rows:
            rows[column] = np.where(
                np.arange(len(rows[column])) % 2 == 0, rows[column], "never seen"
            ).astype(object)
    time = parts.find_problem("order_completion" if name == "orders" else name).time
    assert time is not None
    state, waiting = history.state.empty(own), list(history.events(past))
    expected = history.as_of(rows, past, own)
    for place in np.argsort(rows[time], kind="stable"):
        while waiting and waiting[0].at <= rows[time][place]:
            state.update(waiting.pop(0))
        assert_same(state.look_up(take(rows, [place])), take(expected, [place]))


def check(name: str, rows: Arrays, restart: int) -> None:
    """Feed a state with all events; before each prediction it must know what the pass knows, and in
    the end have the table of `at_end`. After `restart` instants it is written and read back."""
    _, history, own = of(name)
    keys = [rows[key].tolist() for key in KEYS[name]]
    places = {key: place for place, key in enumerate(zip(*keys, strict=True))}
    expected = history.as_of(rows, rows, own)
    state, events = history.state.empty(own), list(history.events(rows))
    assert [event.at for event in events] == sorted(event.at for event in events)
    seen = 0
    for number, instant in enumerate(grouped(events)):
        for event in instant:  # what is known at one instant is not seen there, in any order
            if event.kind == "prediction":
                place = places[tuple(event.row[key].item() for key in KEYS[name])]
                assert_same(state.look_up(event.row), take(expected, [place]))
                assert not {"service_seconds", "is_fraud", "completed_at"} & {*event.row}
                seen += 1
            state.update(event)
        if number == restart:
            state = history.state.from_table(state.to_table(), own)
    assert seen == len(keys[0])
    table = state.to_table()
    pd.testing.assert_frame_equal(history.at_end(rows, own).to_table(), table, check_exact=True)
    again = history.state.from_table(table, own)
    pd.testing.assert_frame_equal(again.to_table(), table, check_exact=True)


def grouped(events: Sequence[Event]) -> list[list[Event]]:
    found: dict[Any, list[Event]] = {}
    for event in events:
        found.setdefault(event.at, []).append(event)
    return list(found.values())


def assert_same(found: Arrays, expected: Arrays) -> None:
    assert [*found] == [*expected]
    for name, values in found.items():
        assert values.dtype == expected[name].dtype, name
        if values.dtype == object:
            assert values.tolist() == expected[name].tolist(), name
        else:
            assert values.tobytes() == expected[name].tobytes(), name


# ---- a small simulation of each world ------------------------------------------------------------


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    sized = {**PARAMS["fraud"]["simulate"], "transactions": 500, "fraud_rate": 0.05}
    fraud = fraud_simulate.simulate(fraud_simulate.SimulateSettings(**sized))
    sized = {**PARAMS["orders"]["simulate"], "orders": 60, "futures": 0}
    log = orders_simulate.simulate(orders_simulate.SimulateSettings(**sized)).raw["events.parquet"]
    path = tmp_path_factory.mktemp("orders") / "events.parquet"
    write_table(log, path)
    orders = ingest_orders(path, IngestSettings(**PARAMS["orders"]["ingest"])).clean
    return {
        "fraud": fraud.raw["transactions.parquet"][list(FRAUD_COLUMNS)],
        "orders": orders,
        "service_time": clean_stops(80, 7),
    }


@pytest.mark.parametrize("name", sorted(KEYS))
def test_a_simulation_in_one_pass_equals_event_by_event(
    name: str, simulated: dict[str, pd.DataFrame]
) -> None:
    check(name, from_frame(simulated[name]), restart=100)


@pytest.mark.parametrize("name", sorted(KEYS))
def test_one_row_has_the_features_that_it_has_among_all(
    name: str, simulated: dict[str, pd.DataFrame]
) -> None:
    features, history, own = of(name)
    rows = from_frame(simulated[name])
    known = history.as_of(rows, rows, own)
    expected = features.features(rows, known, own)
    group = parts.find_problem("order_completion" if name == "orders" else name).group
    blocks = rows[group[0]] if name == "service_time" else np.arange(len(rows[KEYS[name][0]]))
    for one in pd.unique(blocks)[:60]:
        here = np.flatnonzero(blocks == one)
        found = features.features(take(rows, here), take(known, here), own)
        assert_same(found, take(expected, here))


@pytest.mark.parametrize("name", sorted(KEYS))
def test_the_state_that_featurize_writes_goes_on(
    name: str, simulated: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    """Written at a moment, read back, and fed with what came after: as if nothing had been."""
    _, history, own = of(name)
    rows = from_frame(simulated[name])
    known_at = {"fraud": "known_at", "orders": "completed_known_at", "service_time": "departed_at"}
    time = {"fraud": "at", "orders": "snapshot_at", "service_time": "planned_at"}[name]
    now = np.sort(rows[time])[len(rows[time]) // 2]
    before = take(rows, rows[time] <= now)
    later = before[known_at[name]] > now
    before[known_at[name]] = np.where(later, np.datetime64("NaT"), before[known_at[name]])
    write_table(history.at_end(before, own).to_table(), tmp_path / "state.parquet")
    state = history.state.from_table(read_table(tmp_path / "state.parquet"), own)
    for event in history.events(rows):
        if event.at > now:
            state.update(event)
    end = history.at_end(rows, own)
    pd.testing.assert_frame_equal(state.to_table(), end.to_table(), check_exact=True)


@pytest.mark.parametrize("name", sorted(KEYS))
def test_the_problem_names_whose_history_is_used(
    name: str, simulated: dict[str, pd.DataFrame]
) -> None:
    _, history, own = of(name)
    problem = parts.find_problem("order_completion" if name == "orders" else name)
    kinds = {*history.at_end(from_frame(simulated[name]), own).to_table()["entity_type"]}
    kinds -= {KEYS[name][0]}  # rows that wait for their outcomes
    named = {entity: fnmatch.filter(kinds, entity) for entity in problem.entities}
    assert all(named.values())
    assert kinds == {kind for found in named.values() for kind in found}


def test_events_hide_every_outcome() -> None:
    assert {*STOPS.outcomes} <= {*STOP_OUTCOMES}


def test_an_outcome_of_nothing_that_was_predicted_is_refused() -> None:
    _, history, own = of("service_time")
    outcome = next(one for one in history.events(stops(5, 1)) if one.kind == "outcome")
    with pytest.raises(RetraceError, match="there was no prediction of it"):
        history.state.empty(own).update(outcome)
