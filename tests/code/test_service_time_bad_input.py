"""Stops, events and customers that cannot be right, and how that is told."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from problems.service_time import ingest as package
from problems.service_time.ingest import ingest
from problems.service_time.schema import COLUMNS
from retrace.base.errors import RetraceError
from tests.code.routes import (
    CLEAN_LINES,
    DAY,
    DEFAULTS,
    LAT,
    LON,
    customers,
    events,
    grades,
    limits,
    pings,
    reasons,
    run,
    seconds,
    stops,
    world,
    write,
)

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
