"""Stops and geofence events to service times: the algorithm, against what is known, and privacy."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from problems.service_time import ingest as package
from problems.service_time.ingest import agreement, engine
from problems.service_time.ingest.privacy import pseudonyms
from problems.service_time.schema import COLUMNS
from retrace.base.errors import RetraceError
from tests.code.routes import (
    CLEAN_LINES,
    DAY,
    customers,
    grades,
    pings,
    reasons,
    run,
    seconds,
    stops,
    world,
)
from tests.tries import tries


def test_columns_of_stops_are_kept_on_request(tmp_path: Path) -> None:
    tables = world(*CLEAN_LINES)
    tables["stops"]["row_weight"] = [1.0, 49.0, 1.0]
    found = run(tables, tmp_path, keep=("row_weight",))
    assert dict(zip(found.clean["stop_id"], found.clean["row_weight"], strict=True)) == dict(
        zip(tables["stops"]["stop_id"], ["1", "49", "1"], strict=True)
    )
    assert "row_weight" not in run(tables, tmp_path).clean
    with pytest.raises(RetraceError, match=r"keep has region: the clean table has columns"):
        run(tables, tmp_path, keep=("region",))


# The algorithm


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_clean_pairs_are_the_service_times(tmp_path: Path, suffix: str) -> None:
    found = run(world(*CLEAN_LINES), tmp_path, suffix)
    assert seconds(found) == {"R-1": 300.0, "R-2": 400.0, "R-3": 600.0}
    assert grades(found) == "AAA"
    assert found.figures["matched_share"] == 1.0
    assert list(found.clean.columns) == list(COLUMNS) == list(package.COLUMNS)
    assert found.clean.loc[0, "arrived_at"] == DAY


def test_edges_of_the_fence_are_taken_off(tmp_path: Path) -> None:
    found = run(world(*CLEAN_LINES), tmp_path, edge_seconds=2.5)
    assert seconds(found)["R-1"] == 295.0


def test_flaps_are_merged_up_to_the_gap(tmp_path: Path) -> None:
    lines = ("C1 +0 -100 +130 -300", "C2 +400 -800", "C3 +900 -1500")
    found = run(world(*lines), tmp_path)
    assert seconds(found)["R-1"] == 300.0
    assert grades(found) == "BAA"
    assert found.figures["flaps_merged"] == 1
    apart = run(world(*lines), tmp_path, merge_gap_seconds=20.0)
    assert seconds(apart)["R-1"] == 170.0


def test_drive_bys_are_dropped(tmp_path: Path) -> None:
    lines = ("C1 +0 -300", "C3 +330 -350", "C2 +400 -800", "C3 +900 -1500")
    found = run(world(*lines), tmp_path)
    assert seconds(found)["R-3"] == 600.0
    assert found.figures["drive_bys_dropped"] == 1
    only = run(world("C1 +0 -300", "C2 +400 -430", "C3 +900 -1500"), tmp_path)
    assert "driven by" in reasons(only)["R-2"]


def test_a_short_stop_is_a_stop(tmp_path: Path) -> None:
    found = run(world("C1 +0 -300", "C2 +400 -470", "C3 +900 -1500"), tmp_path)
    assert seconds(found)["R-2"] == 70.0


def test_a_neighbour_is_not_taken_for_the_visit(tmp_path: Path) -> None:
    """While C1 is served for long, the van is in C3's fence as well; C3 is served later."""
    lines = ("C1 +0 -900", "C3 +0 -890", "C2 +1000 -1300", "C3 +1400 -1600")
    found = run(world(*lines, metres=[0.0, 1000.0, 40.0]), tmp_path)
    assert seconds(found) == {"R-1": 900.0, "R-2": 300.0, "R-3": 200.0}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("C1 +0 -300", "C2 +10 -800", (300, 500)),  # C1's parking place is in both fences
        ("C1 +0 -800", "C2 +300 -805", (300, 505)),  # C2's is
        ("C1 +0 -320", "C2 +300 -800", (310, 490)),  # neither: they meet on the way
    ],
)
def test_overlaps_are_cut_where_the_van_moved(
    tmp_path: Path, first: str, second: str, expected: tuple[float, float]
) -> None:
    found = run(world(first, second, metres=[0.0, 60.0]), tmp_path)
    assert list(seconds(found).values()) == pytest.approx(expected, abs=11)
    assert grades(found) == "BB"


def test_two_orders_to_one_address_share_a_stay_by_size(tmp_path: Path) -> None:
    tables = world("C1 +0 -900", metres=[0.0])
    tables["stops"] = stops("R", ["C1", "C1"]).assign(boxes=[9, 3])
    found = run(tables, tmp_path)
    one, two = 50 + 140 + 9 * 50, 140 + 3 * 50
    assert seconds(found)["R-1"] == pytest.approx(900 * one / (one + two), abs=0.01)
    assert sum(seconds(found).values()) == pytest.approx(900)
    assert grades(found) == "BB"


def test_neighbours_in_one_house_share_a_stay(tmp_path: Path) -> None:
    """Only one of them has events, or both do, or one event of each was lost: it is one stay."""
    for lines in (["C1 +0 -900"], ["C1 +0 -900", "C2 +1 -901"], ["C1 +0", "C2 -900"]):
        found = run(world(*lines, metres=[0.0, 0.0]), tmp_path)
        assert sum(seconds(found).values()) == pytest.approx(900, abs=1.01)
        assert len(found.clean) == 2


def test_lost_exits_and_enters_are_inferred_from_the_route(tmp_path: Path) -> None:
    """The drive between stops takes 100 s where both ends are known."""
    places = [0.0, 1000.0, 2000.0, 3000.0]
    lines = ["C1 +0 -300", "C2 +400 -800", "C3 +900", "C4 +1500 -1800"]
    found = run(world(*lines, metres=places), tmp_path)
    assert seconds(found)["R-3"] == pytest.approx(500)
    assert grades(found) == "AACA"
    lines[2] = "C3 -1400"
    assert seconds(run(world(*lines, metres=places), tmp_path))["R-3"] == pytest.approx(500)


def test_a_lost_exit_at_the_end_of_a_route_is_rejected(tmp_path: Path) -> None:
    found = run(world("C1 +0 -300", "C2 +400 -800", "C3 +900"), tmp_path)
    assert reasons(found)["R-3"].startswith("exit lost")


def test_duplicates_count_once(tmp_path: Path) -> None:
    tables = world(*CLEAN_LINES)
    twice = pd.concat([tables["geofence_events"]] * 2)
    found = run(tables | {"geofence_events": twice}, tmp_path)
    assert seconds(found)["R-1"] == 300.0
    assert grades(found) == "AAA"
    assert found.figures["events_duplicated"] == 6


def test_pings_give_the_same_as_events(tmp_path: Path) -> None:
    tables = world(*CLEAN_LINES)
    expected = seconds(run(tables, tmp_path / "events"))
    del tables["geofence_events"]
    for suffix in ("parquet", "csv"):
        found = run(tables | {"gps_pings": pings()}, tmp_path / suffix, suffix)
        assert set(found.clean["source"]) == {"pings"}
        assert seconds(found) == pytest.approx(expected, abs=12)


def test_old_pings_are_dropped_and_counted(tmp_path: Path) -> None:
    old, new = "OLD", "R"
    month = pd.Timedelta(days=30)
    tables = {
        "customers": customers([0.0, 1000.0, 2000.0]),
        "stops": pd.concat(
            [stops(new, ["C1", "C2", "C3"]), stops(old, ["C1", "C2", "C3"], DAY - month)]
        ),
        "gps_pings": pd.concat(
            [pings(), pings().assign(route_id=old, at=lambda rows: rows["at"] - month)]
        ),
    }
    found = run(tables, tmp_path, retention_days=20)
    assert found.figures["pings_dropped_by_retention"] == len(pings())
    assert set(found.clean["route_id"]) == {new}
    assert set(reasons(found).values()) == {package.NO_MONTH}
    assert len(run(tables, tmp_path, retention_days=40).clean) == 6


def test_many_threads_and_any_order_give_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = world(*CLEAN_LINES)
    first = run(tables, tmp_path)
    shuffled = tables["geofence_events"].sample(frac=1, random_state=1)
    real = engine.duckdb.connect
    for threads in (1, 7):
        monkeypatch.setattr(engine.duckdb, "connect", lambda n=threads: real(config={"threads": n}))
        again = run(tables | {"geofence_events": shuffled}, tmp_path)
        pd.testing.assert_frame_equal(again.clean, first.clean)


@settings(
    max_examples=tries(8),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    marks=st.lists(
        st.tuples(st.integers(1, 4), st.booleans(), st.integers(-3000, 9000)), max_size=40
    )
)
def test_any_events_give_sound_visits(tmp_path: Path, marks: list[tuple[int, bool, int]]) -> None:
    """Whatever the events, `run` holds: rows in = rows out, a valid table, and no overlap."""
    lines = [f"C{c} {'+' if enter else '-'}{at}" for c, enter, at in marks if at >= 0]
    tables = world(*(lines or ["C9 +0"]), metres=[0.0, 45.0, 45.0, 500.0])
    run(tables, tmp_path)


# Against what is known


def test_accuracy_counts_matches_errors_and_false_visits() -> None:
    at = pd.to_datetime([0, 1000, 2000], unit="s", utc=True)
    known = pd.DataFrame(
        {"stop_id": list("abc"), "started_at": at, "ended_at": at + pd.Timedelta(seconds=100)}
    )
    clean = pd.DataFrame({"stop_id": ["a", "b"], "arrived_at": at[:2]})
    clean.loc[1, "arrived_at"] += pd.Timedelta(seconds=100)
    clean["service_seconds"] = [110.0, 100.0]
    clean["departed_at"] = clean["arrived_at"] + pd.to_timedelta(clean["service_seconds"], unit="s")
    found = agreement(clean, known)
    assert found["matched_share"] == pytest.approx(2 / 3)
    assert found["median_error_seconds"] == 5.0
    assert found["false_visit_share"] == 0.5
    assert agreement(clean, known.head(0)) == {}
    assert agreement(clean.head(0), known) == {"matched_share": 0.0}


def test_the_manual_log_is_compared(tmp_path: Path) -> None:
    tables = world(*CLEAN_LINES)
    log = {"stop_id": ["R-1", "R-2"], "started_at": [DAY, DAY + pd.Timedelta(seconds=400)]}
    ends = [DAY + pd.Timedelta(seconds=310), DAY]  # the second one cannot be
    found = run(tables | {"manual_log": pd.DataFrame(log | {"ended_at": ends})}, tmp_path)
    assert found.figures["manual_stops"] == 1
    assert found.figures["manual_median_error_seconds"] == 10.0


def test_the_targets_hold_on_the_simulation(tmp_path: Path) -> None:
    simulator = pytest.importorskip("problems.service_time.simulate")
    simulated = simulator.simulate(simulator.SimulateSettings(stops=8000, pings=True))
    tables = {Path(name).stem: table for name, table in simulated.raw.items()}
    found = agreement(run(tables, tmp_path / "events").clean, simulated.truth)
    tables.pop("geofence_events")
    by_pings = agreement(run(tables, tmp_path / "pings").clean, simulated.truth)
    for result in (found, by_pings):
        assert result["matched_share"] >= 0.98
        assert result["median_error_seconds"] <= 10.0
        assert result["false_visit_share"] <= 0.005


# Privacy


def test_drivers_leave_as_keyed_hashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clean = run(world(*CLEAN_LINES), tmp_path).clean
    assert "Kari" not in clean.to_csv()
    other = run(world(*CLEAN_LINES), tmp_path, driver_key="other").clean
    assert clean["driver_id"][0] != other["driver_id"][0]
    monkeypatch.setenv("DRIVER_KEY", "other")
    secret = run(world(*CLEAN_LINES), tmp_path, driver_key="$DRIVER_KEY").clean
    assert secret["driver_id"][0] == other["driver_id"][0]
    monkeypatch.delenv("DRIVER_KEY")
    with pytest.raises(RetraceError, match="DRIVER_KEY is not set"):
        run(world(*CLEAN_LINES), tmp_path, driver_key="$DRIVER_KEY")


def test_pseudonyms_are_a_function_of_id_and_key() -> None:
    ids = pd.Series(["a", "b", "a"], dtype="str")
    hashed = pseudonyms(ids, "k" * 200)
    assert hashed[0] == hashed[2] != hashed[1]
    assert hashed.str.fullmatch("[0-9a-f]{16}").all()


def test_coordinates_are_rounded(tmp_path: Path) -> None:
    clean = run(world(*CLEAN_LINES), tmp_path, coordinate_decimals=1).clean
    assert set(clean["latitude"]) == {59.9}
    tables = world(*CLEAN_LINES)
    tables["customers"] = tables["customers"].drop(columns="area_id")
    assert set(run(tables, tmp_path, coordinate_decimals=1).clean["area_id"]) == {"59.9,10.8"}
