"""Stops and geofence events to service times: the algorithm on tiny routes, and every bad input."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from problems.contract import Ingested
from problems.service_time import ingest as package
from problems.service_time.ingest import IngestSettings, agreement, engine, ingest
from problems.service_time.ingest.privacy import pseudonyms
from problems.service_time.schema import CLEAN, COLUMNS
from retrace.base.errors import RetraceError

DAY = pd.Timestamp("2024-03-12T08:00:00Z")
LAT, LON = 59.91, 10.75
METRE = 1 / 111_195  # degrees of latitude
Tables = dict[str, pd.DataFrame]

DEFAULTS: dict[str, object] = {
    "max_quarantined": 0.05,
    "time_zone": None,
    "bounds": {"south": 57.0, "north": 72.0, "west": 4.0, "east": 32.0},
    "fence_radius_m": 50.0,
    "accuracy_max_m": 100.0,
    "merge_gap_seconds": 90.0,
    "dwell_min_seconds": 60.0,
    "stay_max_seconds": 5400.0,
    "edge_seconds": 0.0,
    "split_parking_seconds": 50.0,
    "split_stop_seconds": 140.0,
    "split_box_seconds": 50.0,
    "plan_apart_max_hours": 36.0,
    "retention_days": 800,
    "coordinate_decimals": 2,
    "driver_key": "test",
}


def limits(**changes: object) -> IngestSettings:
    return IngestSettings.model_validate(DEFAULTS | changes)


def customers(metres: list[float]) -> pd.DataFrame:
    """One customer for each distance north of the first place."""
    n = len(metres)
    return pd.DataFrame(
        {
            "customer_id": [f"C{i + 1}" for i in range(n)],
            "latitude": LAT + np.array(metres) * METRE,
            "longitude": [LON] * n,
            "region": ["west"] * n,
            "area_id": ["0250"] * n,
            "dwelling": ["block"] * n,
            "floor": [2] * n,
            "has_lift": [False] * n,
            "opened_at": [DAY - pd.Timedelta(days=100)] * n,
        }
    )


def stops(route: str, ids: list[str], day: pd.Timestamp = DAY) -> pd.DataFrame:
    """A stop at each of these customers, ten minutes apart."""
    n = len(ids)
    return pd.DataFrame(
        {
            "stop_id": [f"{route}-{i + 1}" for i in range(n)],
            "route_id": [route] * n,
            "driver_id": ["Kari Nordmann"] * n,
            "customer_id": ids,
            "position": np.arange(1, n + 1),
            "planned_at": [day - pd.Timedelta(hours=10)] * n,
            "planned_arrival_at": [day + pd.Timedelta(minutes=10 * i) for i in range(n)],
            "slot": ["08:00-10:00"] * n,
            "weight_kg": [20.0] * n,
            "items": [30] * n,
            "boxes": [4] * n,
            "rain_mm": [0.0] * n,
            "snow_cm": [1.5] * n,
            "temperature_c": [-3.0] * n,
        }
    )


def events(route: str, *lines: str, day: pd.Timestamp = DAY) -> pd.DataFrame:
    """`"C1 +0 -300"`: customer 1's fence is entered at second 0 and left at 300."""
    rows = []
    for line in lines:
        customer, *marks = line.split()
        for mark in marks:
            at = day + pd.Timedelta(seconds=float(mark[1:]))
            rows.append((route, customer, "enter" if mark[0] == "+" else "exit", at, 8.0))
    names = ["route_id", "customer_id", "event", "at", "accuracy_m"]
    return pd.DataFrame(rows, columns=names)


def world(*lines: str, metres: list[float] | None = None) -> Tables:
    """One route `R`, a stop at each customer, and these events."""
    places = customers(metres or [0.0, 1000.0, 2000.0])
    return {
        "customers": places,
        "stops": stops("R", list(places["customer_id"])),
        "geofence_events": events("R", *lines),
    }


CLEAN_LINES = ("C1 +0 -300", "C2 +400 -800", "C3 +900 -1500")


def write(tables: Tables, folder: Path, suffix: str = "parquet") -> Path:
    folder.mkdir(exist_ok=True)
    for name, table in tables.items():
        if suffix == "parquet":
            table.to_parquet(folder / f"{name}.parquet", index=False)
        else:
            table.to_csv(folder / f"{name}.csv", index=False)
    return folder


def run(tables: Tables, folder: Path, suffix: str = "parquet", **changes: object) -> Ingested:
    """Ingest, and hold what must always hold."""
    found = ingest(write(tables, folder, suffix), limits(**changes))
    assert found.rows_in == len(tables["stops"])
    assert list(found.rejected.columns) == ["file", "row", "stop_id", "reason"]
    assert (found.rejected["reason"] != "").all()
    CLEAN.validate(found.clean, lazy=True)
    ordered = found.clean.sort_values(["route_id", "arrived_at"])
    assert not (ordered["arrived_at"] < ordered.groupby("route_id")["departed_at"].shift()).any()
    return found


def seconds(found: Ingested) -> dict[str, float]:
    return dict(zip(found.clean["stop_id"], found.clean["service_seconds"], strict=True))


def grades(found: Ingested) -> str:
    return "".join(found.clean["grade"])


def reasons(found: Ingested) -> dict[str, str]:
    return dict(zip(found.rejected["stop_id"], found.rejected["reason"], strict=True))


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


def pings(every: float = 5.0) -> pd.DataFrame:
    """A van at C1 from 0 to 300 s, C2 from 400 to 800, C3 from 900 to 1500, driving evenly."""
    at = np.arange(-30.0, 1560.0, every)
    metres = np.interp(
        at, [-100, 0, 300, 400, 800, 900, 1500, 1600], [-1e3, 0, 0, 1e3, 1e3, 2e3, 2e3, 3e3]
    )
    return pd.DataFrame(
        {
            "route_id": "R",
            "at": DAY + pd.to_timedelta(at, unit="s"),
            "latitude": LAT + metres * METRE,
            "longitude": LON,
            "accuracy_m": 5.0,
        }
    )


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
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
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


# Bad input


def test_events_of_unknown_routes_and_customers_are_counted(tmp_path: Path) -> None:
    tables = world(*CLEAN_LINES, "C8 +0 -300")
    tables["customers"] = pd.concat([tables["customers"], customers([0.0] * 4).tail(1)])
    more = [events("R9", "C1 +0 -300"), events("R", "C4 +10 -400")]
    tables["geofence_events"] = pd.concat([tables["geofence_events"], *more])
    found = run(tables, tmp_path)
    assert seconds(found) == {"R-1": 300.0, "R-2": 400.0, "R-3": 600.0}
    assert found.figures["events_of_unknown_routes"] == 2
    assert found.figures["events_of_unknown_customers"] == 2
    assert found.figures["events_at_fences_of_other_routes"] == 2


def test_a_stop_at_an_unknown_customer_is_rejected(tmp_path: Path) -> None:
    tables = world(*CLEAN_LINES)
    tables["customers"] = tables["customers"].head(2)
    assert reasons(run(tables, tmp_path)) == {"R-3": "customer is not in the customers table"}


def test_every_stop_may_be_rejected(tmp_path: Path) -> None:
    tables = world(*CLEAN_LINES)
    tables["stops"]["customer_id"] = "elsewhere"
    found = run(tables, tmp_path)
    assert set(reasons(found).values()) == {"customer is not in the customers table"}
    assert (len(found.clean), len(found.rejected), found.rows_in) == (0, 3, 3)
    assert list(found.clean.columns) == list(COLUMNS)


def test_exit_before_enter_is_rejected(tmp_path: Path) -> None:
    found = run(world("C1 +0 -300", "C2 -400 +800", "C3 +3000"), tmp_path)
    assert reasons(found)["R-2"] == "exit before enter"


def test_no_stay_is_negative_or_ten_hours_long(tmp_path: Path) -> None:
    lines = ("C1 +0 -300", "C2 +400 -800", "C3 +900 -36900")
    found = run(world(*lines), tmp_path)
    assert reasons(found) == {"R-3": "stay longer than stay_max_seconds"}
    early = run(world("C1 +0 -36000", "C2 +400 -800", "C3 +900 -1500"), tmp_path)
    assert seconds(early)["R-1"] == pytest.approx(300)  # inferred from the stop after
    assert grades(early) == "CAA"


def test_a_wrong_clock_does_not_make_a_visit(tmp_path: Path) -> None:
    tables = world("C1 +0 -300", "C2 +400 -800")
    tables["geofence_events"] = pd.concat(
        [tables["geofence_events"], events("R", "C3 +0 -300", day=pd.Timestamp(0, tz="UTC"))]
    )
    found = run(tables, tmp_path)
    assert reasons(found) == {"R-3": "no events of its route at its customer's fence"}
    assert found.figures["events_far_from_plan"] == 2


def test_events_out_of_order_are_sorted(tmp_path: Path) -> None:
    tables = world(*CLEAN_LINES)
    tables["geofence_events"] = tables["geofence_events"].iloc[::-1]
    assert seconds(run(tables, tmp_path))["R-3"] == 600.0
    del tables["geofence_events"]
    straight = run(tables | {"gps_pings": pings()}, tmp_path / "straight")
    mixed = pings().sample(frac=1, random_state=3)
    found = run(tables | {"gps_pings": mixed}, tmp_path / "mixed")
    pd.testing.assert_frame_equal(found.clean, straight.clean)


def test_times_without_offset_need_a_zone(tmp_path: Path) -> None:
    for suffix in ("parquet", "csv"):
        tables = world(*CLEAN_LINES)
        table = tables["geofence_events"]
        tables["geofence_events"] = table.assign(at=table["at"].dt.tz_localize(None))
        with pytest.raises(RetraceError, match=r"events.*column 'at', row 1.*time_zone"):
            run(tables, tmp_path / suffix, suffix)
        local = table["at"].dt.tz_convert("Europe/Oslo").dt.tz_localize(None)
        tables["geofence_events"] = table.assign(at=local)
        found = run(tables, tmp_path / suffix, suffix, time_zone="Europe/Oslo")
        assert found.clean.loc[0, "arrived_at"] == DAY


def test_pings_without_offset_need_a_zone(tmp_path: Path) -> None:
    tables = world(*CLEAN_LINES)
    del tables["geofence_events"]
    tables["gps_pings"] = pings().assign(at=lambda rows: rows["at"].dt.tz_localize(None))
    with pytest.raises(RetraceError, match=r"gps_pings.*column 'at', row 1"):
        run(tables, tmp_path)
    found = run(tables, tmp_path, time_zone="UTC")
    assert found.clean.loc[0, "arrived_at"] - DAY < pd.Timedelta(seconds=10)


def test_mixed_offsets_are_fine(tmp_path: Path) -> None:
    tables = world(*CLEAN_LINES)
    at = tables["geofence_events"]["at"]
    zones = ["UTC", "Europe/Oslo", "Asia/Tokyo", "America/New_York", "UTC", "Asia/Kolkata"]
    text = [moment.tz_convert(zone).isoformat() for moment, zone in zip(at, zones, strict=True)]
    tables["geofence_events"]["at"] = text
    assert seconds(run(tables, tmp_path, "csv"))["R-2"] == 400.0


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        ("2024-03-31T01:00:00Z", "2024-03-31 01:55:00", "2024-03-31 03:05:00"),
        ("2024-10-27T01:00:00Z", "2024-10-27 02:55:00+02:00", "2024-10-27 02:05:00+01:00"),
    ],
)
def test_a_clock_change_in_a_stop_does_not_change_its_length(
    tmp_path: Path, change: str, before: str, after: str
) -> None:
    day = pd.Timestamp(change)
    tables = {
        "customers": customers([0.0]),
        "stops": stops("R", ["C1"], day),
        "geofence_events": events("R", "C1 +0 -1").assign(at=[before, after]),
    }
    found = run(tables, tmp_path, "csv", time_zone="Europe/Oslo")
    assert seconds(found) == {"R-1": 600.0}


def test_a_local_time_that_happens_twice_is_no_time(tmp_path: Path) -> None:
    tables = world(*CLEAN_LINES)
    at = ["2024-10-27 02:30:00", *tables["geofence_events"]["at"].astype(str)[1:]]
    tables["geofence_events"]["at"] = at
    found = run(tables, tmp_path, "csv", time_zone="Europe/Oslo")
    assert found.figures["events_unreadable"] == 1
    assert "R-1" in reasons(found)


def test_a_month_without_events_is_named(tmp_path: Path) -> None:
    april = DAY + pd.DateOffset(months=1)
    tables = world(*CLEAN_LINES)
    more = [stops("S", ["C1", "C2"], april), stops("T", ["C1"], DAY)]
    tables["stops"] = pd.concat([tables["stops"], *more])
    found = run(tables, tmp_path)
    assert len(found.clean) == 3
    assert found.figures["months_without_events"] == 1
    assert found.figures["stops_without_events_2024_04"] == 2
    assert reasons(found) == {
        "S-1": package.NO_MONTH,
        "S-2": package.NO_MONTH,
        "T-1": package.NO_ROUTE,
    }


def test_a_customer_who_moved_needs_a_date(tmp_path: Path) -> None:
    tables = world(*CLEAN_LINES)
    moved = tables["customers"].head(1).assign(latitude=LAT + 0.1, region="east")
    tables["customers"] = pd.concat([tables["customers"], moved])
    found = run(tables, tmp_path)
    assert "valid_from" in reasons(found)["R-1"]
    since = [pd.NaT] * 3 + [DAY - pd.Timedelta(days=1)]
    tables["customers"]["valid_from"] = pd.Series(since, tables["customers"].index)
    assert run(tables, tmp_path).clean.loc[0, "region"] == "east"
    since[-1] = DAY + pd.Timedelta(days=1)
    tables["customers"]["valid_from"] = since
    assert run(tables, tmp_path).clean.loc[0, "region"] == "west"


def test_the_same_customer_twice_is_one(tmp_path: Path) -> None:
    tables = world(*CLEAN_LINES)
    tables["customers"] = pd.concat([tables["customers"]] * 2)
    assert len(run(tables, tmp_path).clean) == 3


@pytest.mark.parametrize("bounds", [DEFAULTS["bounds"], None])
def test_one_swapped_customer_is_rejected(tmp_path: Path, bounds: object) -> None:
    tables = world(*CLEAN_LINES)
    places = tables["customers"]
    places.loc[0, ["latitude", "longitude"]] = [LON, LAT]
    found = run(tables, tmp_path, bounds=bounds)
    assert "swapped" in reasons(found)["R-1"]


def test_swapped_columns_are_named(tmp_path: Path) -> None:
    tables = world(*CLEAN_LINES)
    names = {"latitude": "longitude", "longitude": "latitude"}
    swapped = tables | {"customers": tables["customers"].rename(columns=names)}
    with pytest.raises(RetraceError, match=r"customers.*'latitude' and 'longitude'.*swapped"):
        run(swapped, tmp_path / "customers")
    del tables["geofence_events"]
    tables["gps_pings"] = pings().rename(columns=names)
    with pytest.raises(RetraceError, match=r"gps_pings: columns 'latitude' and 'longitude'"):
        run(tables, tmp_path / "pings")


def test_coordinates_off_the_earth_are_named(tmp_path: Path) -> None:
    tables = world(*CLEAN_LINES)
    tables["customers"]["latitude"] += 100
    with pytest.raises(RetraceError, match="latitude"):
        run(tables, tmp_path, bounds=None)


@pytest.mark.parametrize("name", ["customers", "stops", "geofence_events"])
def test_a_missing_table_or_column_is_named(tmp_path: Path, name: str) -> None:
    tables = world(*CLEAN_LINES)
    column = tables[name].columns[1]
    short = tables | {name: tables[name].drop(columns=column)}
    with pytest.raises(RetraceError, match=f"{name}.*{column}"):
        ingest(write(short, tmp_path / "column"), limits())
    del tables[name]
    with pytest.raises(RetraceError, match=name):
        ingest(write(tables, tmp_path / "table"), limits())


def test_a_missing_column_of_pings_is_named(tmp_path: Path) -> None:
    tables = world(*CLEAN_LINES)
    del tables["geofence_events"]
    tables["gps_pings"] = pings().drop(columns="longitude")
    with pytest.raises(RetraceError, match=r"gps_pings.*longitude"):
        ingest(write(tables, tmp_path), limits())


def test_columns_that_a_company_may_not_have(tmp_path: Path) -> None:
    tables = world(*CLEAN_LINES)
    tables["stops"] = tables["stops"].drop(columns="planned_arrival_at")
    tables["customers"] = tables["customers"].drop(columns="area_id")
    tables["geofence_events"] = tables["geofence_events"].drop(columns="accuracy_m")
    found = run(tables, tmp_path)
    assert len(found.clean) == 3
    assert set(found.clean["area_id"]) == {"59.91,10.75", "59.92,10.75", "59.93,10.75"}


def test_a_stop_id_counts_once(tmp_path: Path) -> None:
    tables = world(*CLEAN_LINES)
    tables["stops"] = pd.concat([tables["stops"], tables["stops"].tail(1)])
    found = run(tables, tmp_path)
    assert seconds(found)["R-3"] == 600.0
    assert found.rejected.loc[0, ["file", "row", "reason"]].tolist() == [
        "stops.parquet",
        4,
        "stop_id is that of an earlier row",
    ]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("weight_kg", "heavy", "weight_kg is not a number"),
        ("weight_kg", "", "weight_kg is not a number"),
        ("weight_kg", "-1", "weight_kg is not a number from 0"),
        ("boxes", "2.5", "boxes is not a whole number"),
        ("position", "first", "position is not a whole number"),
        ("rain_mm", "wet", "rain_mm is not a number"),
        ("planned_at", "yesterday", "planned_at cannot be read"),
        ("planned_arrival_at", "soon", "planned_arrival_at cannot be read"),
        ("driver_id", "", "driver_id is empty"),
        ("stop_id", "", "stop_id is empty"),
    ],
)
def test_one_unreadable_value_costs_one_row(
    tmp_path: Path, column: str, value: str, reason: str
) -> None:
    tables = world(*CLEAN_LINES)
    tables["stops"] = tables["stops"].astype("str")
    tables["stops"].loc[1, column] = value
    found = run(tables, tmp_path, "csv")
    assert len(found.clean) == 2
    assert found.rejected.loc[0, "row"] == 2
    assert found.rejected.loc[0, "reason"].startswith(reason)


def test_missing_weather_is_missing(tmp_path: Path) -> None:
    tables = world(*CLEAN_LINES)
    tables["stops"].loc[0, "rain_mm"] = np.nan
    for suffix in ("csv", "parquet"):
        clean = run(tables, tmp_path / suffix, suffix).clean
        assert clean["rain_mm"].isna().tolist() == [True, False, False]


def test_unreadable_events_and_pings_are_counted(tmp_path: Path) -> None:
    tables = world(*CLEAN_LINES)
    wrong = pd.DataFrame(
        [("R", "C1", "park", str(DAY), "8"), ("R", "C1", "exit", "late", "8")],
        columns=tables["geofence_events"].columns,
    )
    more = pd.concat([tables["geofence_events"].astype("str"), wrong])
    found = run(tables | {"geofence_events": more}, tmp_path / "events", "csv")
    assert found.figures["events_unreadable"] == 2
    assert len(found.clean) == 3
    del tables["geofence_events"]
    broken = pings().astype("str")
    broken.loc[[3, 4], "latitude"] = ["north", "600"]
    broken.loc[5, "at"] = "now"
    found = run(tables | {"gps_pings": broken}, tmp_path / "pings", "csv")
    assert found.figures["pings_unreadable"] == 3
    assert len(found.clean) == 3


def test_limits_that_cannot_be_are_refused() -> None:
    for change in ({"time_zone": "Oslo"}, {"dwell_min_seconds": 9000.0}, {"edge_seconds": 30.0}):
        with pytest.raises(ValueError):
            limits(**change)
