"""Any event log to snapshots: what was known then, what came of it, and every kind of bad input."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from problems.featurize import features_of
from problems.orders.features import FeatureSettings
from problems.orders.ingest import IngestSettings, ingest, read_log
from problems.orders.ingest.olist import EVENTS as OLIST_EVENTS
from problems.orders.ingest.olist import TABLES as OLIST_TABLES
from problems.orders.schema import WORLD
from retrace.base.arrays import to_frame
from retrace.base.errors import RetraceError
from retrace.past.splits import SplitParams, split
from tests.conftest import ROOT

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
OWN = PARAMS["orders"]["ingest"] | {
    "completion": ["done"],
    "withdrawal": ["given up"],
    "time_zone": "UTC",
    "max_quarantined": 1.0,
    "sla_days": None,
    "usual_min_waits": 2,
}
OUTCOMES = [
    "remaining_hours", "gets_stuck", "completed_at", "completed_known_at", "stuck_known_at",
    "completed_by",
]  # fmt: skip
START = pd.Timestamp("2024-03-04 08:00", tz="UTC")


def log(*cases: tuple[str, list[tuple[str, float]]], **columns: object) -> pd.DataFrame:
    """Make a log of cases: name, and (activity, hours after the start of the log)."""
    rows = [
        {"case_id": name, "activity": activity, "timestamp": START + pd.Timedelta(hours, unit="h")}
        for name, events in cases
        for activity, hours in events
    ]
    return pd.DataFrame(rows).assign(**columns)


def run(folder: Path, frame: pd.DataFrame, **changes: object):
    path = folder / "log.parquet"
    frame.to_parquet(path)
    return ingest(path, IngestSettings(**(OWN | changes)))


def features(rows: pd.DataFrame, settings: FeatureSettings) -> pd.DataFrame:
    return to_frame(features_of("orders", rows, settings), rows.index)


def clean(folder: Path, frame: pd.DataFrame, **changes: object) -> pd.DataFrame:
    rows = run(folder, frame, **changes).clean
    WORLD.schema.validate(rows)
    return rows


def of(rows: pd.DataFrame, order: str) -> pd.DataFrame:
    return rows[rows["order_id"] == order].reset_index(drop=True)


USUAL = [
    (f"u{i}", [("new", i), ("work", i + 1), ("check", i + 3), ("done", i + 4)]) for i in range(9)
]


def test_one_row_after_each_event_until_just_before_the_completion(tmp_path: Path) -> None:
    rows = of(clean(tmp_path, log(*USUAL)), "u3")
    assert rows["activity"].tolist() == ["new", "work", "check"]
    assert rows["activity_before"].tolist() == ["", "new", "work"]
    assert rows["activity_before_that"].tolist() == ["", "", "new"]
    assert rows["remaining_hours"].tolist() == [4.0, 3.0, 1.0]
    assert rows["last_wait_hours"].tolist()[1:] == [1.0, 2.0]
    assert rows["wait_before_hours"].tolist()[2:] == [1.0]
    assert rows["count_work"].tolist() == [0, 1, 1]
    assert (rows["completed_at"] == START + pd.Timedelta(7, unit="h")).all()


def test_elapsed_time_is_counted_from_the_start_of_the_case(tmp_path: Path) -> None:
    rows = clean(tmp_path, log(*USUAL))
    own = FeatureSettings(time_zone="UTC", half_life_days=10, prior_weight=1)
    elapsed = features(rows, own)["elapsed_hours"]
    assert elapsed[rows["order_id"] == "u3"].tolist() == [0.0, 1.0, 3.0]


def test_two_events_at_one_instant_are_one_moment_after_both(tmp_path: Path) -> None:
    twice = ("x", [("new", 0), ("work", 2), ("check", 2), ("done", 5), ("bill", 5)])
    rows = of(clean(tmp_path, log(*USUAL, twice)), "x")
    assert rows["activity"].tolist() == ["new", "check"]
    assert rows["events"].tolist() == [1, 3]
    assert rows["remaining_hours"].tolist() == [5.0, 3.0]


def test_a_case_that_is_complete_at_its_first_instant_has_no_row(tmp_path: Path) -> None:
    one = ("one", [("done", 2)])
    found = run(tmp_path, log(*USUAL, one), starts=["new", "done"])
    assert "one" not in found.clean["order_id"].tolist()
    assert found.figures["orders_with_one_event"] == 1


def test_a_case_with_one_event_is_open(tmp_path: Path) -> None:
    rows = of(clean(tmp_path, log(*USUAL, ("one", [("new", 11.5)]))), "one")
    assert len(rows) == 1
    assert rows[OUTCOMES].isna().all(axis=None)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_csv_with_another_separator_is_the_same_log(tmp_path: Path, separator: str) -> None:
    frame = log(*USUAL, amount=2.5)
    expected = clean(tmp_path, frame)
    frame.to_csv(tmp_path / "log.csv", sep=separator, index=False)
    found = ingest(tmp_path / "log.csv", IngestSettings(**OWN)).clean
    pd.testing.assert_frame_equal(found, expected)


def test_the_order_of_rows_in_the_file_does_not_matter(tmp_path: Path) -> None:
    frame = log(*USUAL, ("x", [("new", 1), ("work", 3), ("check", 9)]))
    mixed = frame.sample(frac=1.0, random_state=1)
    found = run(tmp_path, mixed)
    assert found.figures["events_out_of_order_share"] > 0.2
    pd.testing.assert_frame_equal(found.clean, clean(tmp_path, frame))


def test_events_after_the_end_are_cut_off_and_counted(tmp_path: Path) -> None:
    more = ("x", [("new", 0), ("done", 3), ("work", 6)])
    found = run(tmp_path, log(*USUAL, more))
    assert found.figures["events_after_the_end"] == 1
    assert of(found.clean, "x")["remaining_hours"].tolist() == [3.0]


def test_a_withdrawn_order_has_no_remaining_hours(tmp_path: Path) -> None:
    gone = ("x", [("new", 0), ("work", 1), ("given up", 2)])
    late = ("y", [("new", 0), ("work", 1), ("given up", 99)])
    rows = clean(tmp_path, log(*USUAL, gone, late))
    assert of(rows, "x")[["remaining_hours", "gets_stuck"]].isna().all(axis=None)
    assert of(rows, "y")["remaining_hours"].isna().all()
    assert of(rows, "y")["gets_stuck"].tolist() == [1.0, 1.0]


def test_stuck_is_known_when_the_limit_is_passed_and_not_before(tmp_path: Path) -> None:
    slow = ("x", [("new", 10), ("work", 11), ("check", 40), ("done", 41)])
    rows = of(clean(tmp_path, log(*USUAL, slow)), "x")
    assert rows["gets_stuck"].tolist() == [1.0, 1.0, 0.0]
    limit = START + pd.Timedelta(11 + 2, unit="h")  # usual waits after `work` are 2 hours
    assert rows["stuck_known_at"].tolist()[:2] == [limit, limit]
    assert rows["stuck_known_at"][2] == START + pd.Timedelta(41, unit="h")


def test_an_open_order_that_waits_too_long_is_stuck_already(tmp_path: Path) -> None:
    waits = ("x", [("new", 0), ("work", 1)])
    rows = of(clean(tmp_path, log(*USUAL, waits)), "x")
    assert rows["gets_stuck"].tolist() == [1.0, 1.0]
    assert rows["remaining_hours"].isna().all()


def test_later_than_the_sla_is_stuck(tmp_path: Path) -> None:
    rows = clean(tmp_path, log(*USUAL), sla_days=3.5 / 24)
    assert (rows["gets_stuck"] == 1.0).all()
    due = rows["started_at"] + pd.Timedelta(3.5, unit="h")
    assert (rows["stuck_known_at"] == due).all()


def test_what_is_usual_does_not_look_at_later_orders(tmp_path: Path) -> None:
    later = [
        (f"v{i}", [("new", 20 + i), ("work", 60 + i), ("done", 61 + i)]) for i in range(6)
    ]  # fewer than 40 % of all: 40 hours after `new` are not usual
    rows = clean(tmp_path, log(*USUAL, *later))
    assert (rows.loc[rows["order_id"].str.startswith("v") & (rows["activity"] == "new"),
                     "gets_stuck"] == 1.0).all()  # fmt: skip


def test_without_named_completions_a_case_is_over_after_a_silence(tmp_path: Path) -> None:
    recent = ("x", [("new", 11), ("work", 12)])
    rows = clean(tmp_path, log(*USUAL, recent), completion=[], withdrawal=[], quiet_days=3 / 24)
    assert of(rows, "u3")["remaining_hours"].tolist() == [4.0, 3.0, 1.0]
    known = START + pd.Timedelta(7 + 3, unit="h")
    assert (of(rows, "u3")["completed_known_at"] == known).all()
    assert of(rows, "x")["remaining_hours"].isna().all()


def test_each_morning_of_an_open_order(tmp_path: Path) -> None:
    long = ("x", [("new", 0), ("work", 30), ("done", 75)])
    changes = {"snapshots": "daily", "daily_hour": 7, "time_zone": "Europe/Oslo"}
    rows = of(clean(tmp_path, log(*USUAL, long), **changes), "x")
    assert rows["snapshot_at"].dt.tz_convert("Europe/Oslo").dt.hour.tolist() == [7, 7, 7]
    assert rows["waiting_hours"].tolist() == [22.0, 16.0, 40.0]
    assert rows["activity"].tolist() == ["new", "work", "work"]
    assert rows["remaining_hours"].tolist() == [53.0, 29.0, 5.0]
    assert rows["gets_stuck"].tolist() == [1.0, 1.0, 1.0]  # past the usual 1 and 2 hours


def test_mornings_keep_their_local_hour_over_a_clock_change(tmp_path: Path) -> None:
    frame = log(*USUAL, ("x", [("new", 24 * 25), ("done", 24 * 29)]))  # the 31st of March
    changes = {"snapshots": "daily", "daily_hour": 7, "time_zone": "Europe/Oslo"}
    rows = of(clean(tmp_path, frame, **changes), "x")
    assert rows["snapshot_at"].dt.tz_convert("Europe/Oslo").dt.hour.unique().tolist() == [7]
    assert rows["snapshot_at"].dt.hour.unique().tolist() == [6, 5]


def test_load_counts_the_orders_that_are_at_the_step_then(tmp_path: Path) -> None:
    rows = clean(tmp_path, log(*USUAL))
    at_work = rows[rows["activity"] == "work"]
    assert at_work["step_orders"].tolist()[:4] == [1, 2, 2, 2]  # each stays for two hours


# ---- columns of any names ------------------------------------------------------------------------


def test_the_names_of_the_xes_standard_are_known(tmp_path: Path) -> None:
    names = {
        "case_id": "case:concept:name", "activity": "concept:name",
        "timestamp": "time:timestamp", "resource": "org:resource",
    }  # fmt: skip
    frame = log(*USUAL, resource="Ann")
    found = clean(tmp_path, frame.rename(columns=names))
    pd.testing.assert_frame_equal(found, clean(tmp_path, frame))
    assert set(found["resource"]) == {"Ann"}


def test_any_other_names_by_the_mapping(tmp_path: Path) -> None:
    names = {"case_id": "Ticket", "activity": "Status", "timestamp": "When"}
    found = clean(tmp_path, log(*USUAL).rename(columns=names), columns=names)
    pd.testing.assert_frame_equal(found, clean(tmp_path, log(*USUAL)))


def test_a_mapping_to_a_missing_column_lists_those_that_are_there(tmp_path: Path) -> None:
    with pytest.raises(RetraceError, match=r"'Status'.*not there.*'case_id', 'activity', 'time"):
        run(tmp_path, log(*USUAL), columns={"activity": "Status"})
    with pytest.raises(RetraceError, match=r"no column 'activity' or 'concept:name'.*'Step'"):
        run(tmp_path, log(*USUAL).rename(columns={"activity": "Step"}))
    with pytest.raises(RetraceError, match="unknown name 'activty'; did you mean 'activity'"):
        run(tmp_path, log(*USUAL), columns={"activty": "Status"})
    with pytest.raises(RetraceError, match=r"'sice' under `orders.ingest.drop`.*the log has: size"):
        run(tmp_path, log(*USUAL, size=3), drop=["sice"])


def test_attributes_are_carried_with_their_types(tmp_path: Path) -> None:
    frame = log(*USUAL).assign(
        size=lambda f: np.arange(len(f)) % 4,
        region=lambda f: np.where(np.arange(len(f)) % 2, "north", "south"),
        due="2024-03-09T10:00:00Z",
        promised_at=START + pd.Timedelta(5, unit="D"),
    )
    frame["size:unit (kg)"] = [f"{i % 3}.5" for i in range(len(frame))]
    rows = clean(tmp_path, frame)
    assert rows["number_size"].dtype == rows["number_size_unit_kg"].dtype == np.float32
    assert set(rows["text_region"]) == {"north", "south"}
    assert rows["time_due"].eq(pd.Timestamp("2024-03-09 10:00", tz="UTC")).all()
    own = FeatureSettings(time_zone="UTC", half_life_days=10, prior_weight=1)
    found = features(rows, own)
    assert np.allclose(found["hours_to_due"] - found["promise_hours"], 2.0)
    assert "history_region_days" in found


def test_an_attribute_is_known_from_its_event_on(tmp_path: Path) -> None:
    frame = log(*USUAL, region="").assign(
        region=lambda f: f["region"].mask(f["activity"] == "work", "north")
    )
    rows = of(clean(tmp_path, frame), "u3")
    assert rows["text_region"].tolist() == ["", "north", "north"]


def test_what_was_written_over_whole_cases_is_left_out(tmp_path: Path) -> None:
    cases = [
        (
            f"c{i}",
            [
                ("new", i),
                *(("work", i + 1 + j) for j in range(i % 4)),
                ("done", i * 1.01 + 9 + i % 4),
            ],
        )
        for i in range(48)
    ]
    frame = log(*cases)
    size = frame.groupby("case_id")["activity"].transform("size")
    span = frame.groupby("case_id")["timestamp"].transform(lambda t: t.max() - t.min())
    frame = frame.assign(
        Variant="whatever", n=size, kind="kind " + size.astype(str), fine=frame.index % 5,
        days=span.dt.total_seconds() / 86_400,
        group=frame["case_id"].str[-1],
        over=frame.groupby("case_id")["timestamp"].transform("max").dt.floor("min"),
        begun=frame.groupby("case_id")["timestamp"].transform("min"),
    )  # fmt: skip
    found = run(tmp_path, frame)
    left = {name for name in found.figures if name.startswith("left_out_")}
    assert left == {f"left_out_{name}" for name in ("Variant", "n", "kind", "days", "over")}
    assert {"number_fine", "number_group", "time_begun"} <= set(found.clean)


def paths(n: int = 240) -> pd.DataFrame:
    """A log whose cases take one of seven ways, in an order that nothing else tells."""
    rng = np.random.default_rng(4)
    ways = [["new", *(["work"] * a), *(["check"] * b)] for a in (1, 2, 3) for b in (1, 2)]
    chosen = rng.integers(len(ways), size=n)
    return log(
        *(
            (f"c{i}", [(what, i + 2 * j) for j, what in enumerate([*ways[way], "done"])])
            for i, way in enumerate(chosen)
        )
    ).assign(way=lambda f: [f"way {chosen[int(case[1:])]}" for case in f["case_id"]])


@pytest.mark.parametrize("first_only", [False, True])
def test_an_attribute_that_almost_determines_the_path_is_left_out(
    tmp_path: Path, first_only: bool
) -> None:
    frame = paths()
    number = frame["case_id"].str[1:].astype(int)
    frame = frame.rename(columns={"way": "Label.1"}).assign(
        nearly=frame["way"].where(number % 20 != 0, "way 0"),
        half=frame["way"].where(number % 2 != 0, "way 0"),
        region="region " + (number % 7).astype(str),
        client="client " + (number // 2).astype(str),
    )
    if first_only:
        again = frame.duplicated("case_id").to_numpy()
        frame.loc[again, ["Label.1", "nearly", "half", "region", "client"]] = None
    found = run(tmp_path, frame)
    left = {name for name in found.figures if name.startswith("left_out_")}
    assert left == {"left_out_Label.1", "left_out_nearly"}
    assert found.notes == tuple(
        f"the column '{name}' is left out: almost determines the case's path. "
        "`orders.ingest.known` takes it."
        for name in ("Label.1", "nearly")
    )
    assert {"text_half", "text_region", "text_client"} <= set(found.clean)


def test_events_that_are_the_same_are_kept_and_counted(tmp_path: Path) -> None:
    twice = ("x", [("new", 0), ("work", 2), ("work", 2), ("done", 5)])
    found = run(tmp_path, log(*USUAL, twice))
    assert found.figures["events_repeated"] == 1
    assert found.rejected.empty
    assert of(found.clean, "x")["count_work"].tolist() == [0, 2]
    assert "1 events equal an earlier one" in found.notes[0]
    assert len(run(tmp_path, log(*USUAL, twice), repeated="reject").rejected) == 1


def test_a_published_split_by_files_needs_parameters_alone(tmp_path: Path) -> None:
    source = tmp_path / "log"
    source.mkdir()
    more = [(f"v{i}", [(what, hour + i) for what, hour in USUAL[0][1]]) for i in range(40)]
    log(*USUAL[:5], *more).to_csv(source / "fold0_train.csv", index=False)
    log(*USUAL[5:]).to_csv(source / "fold0_test.csv", index=False)
    rows = ingest(source, IngestSettings(**(OWN | {"keep": ["file"]}))).clean
    params = SplitParams(
        by="column", column="file", named={"fold0_train.csv": "train", "fold0_test.csv": "test"},
        train=0.3, valid=0.3, calibration=0.3, test=0.1, mature_share=0.9, seed=4,
    )  # fmt: skip
    windows = split(rows, params, ["order_id"], "snapshot_at", target="remaining_hours",
                    known_at="completed_known_at")  # fmt: skip
    tested = set(rows.loc[windows == "test", "order_id"])
    assert tested == {"u5", "u6", "u7", "u8"}
    with pytest.raises(RetraceError, match=r"names the window 'fold0_t.*`split.named`"):
        split(rows, SplitParams(by="column", column="file"), ["order_id"])


def test_a_published_split_by_a_list_of_cases_needs_parameters_alone(tmp_path: Path) -> None:
    more = [(f"v{i}", [(what, hour + i) for what, hour in USUAL[0][1]]) for i in range(40)]
    rows = run(tmp_path, log(*USUAL, *more)).clean
    listed, others = tmp_path / "test.txt", tmp_path / "train.txt"
    listed.write_text("u5\nu6\r\n\nv1\nnobody\n")
    files = {"test": str(listed)}

    def windows(**changes: object) -> dict[str, set[str]]:
        params = SplitParams(by="files", train=0.3, valid=0.3, calibration=0.3, test=0.1,
                             **{"files": files, **changes})  # fmt: skip
        found = split(rows, params, ["order_id"], "snapshot_at", target="remaining_hours",
                      known_at="completed_known_at")  # fmt: skip
        return {str(name): set(part["order_id"]) for name, part in rows.groupby(found.astype(str))}

    found = windows()
    assert found["test"] == {"u5", "u6", "v1"}
    assert found["train"] | found["valid"] | found["calibration"] == {*rows["order_id"]} - {
        "u5", "u6", "v1",
    }  # fmt: skip
    others.write_text("\n".join(f"v{i}" for i in range(2, 40)))
    both = windows(files={**files, "train": str(others)})
    assert not both["train"] & {"u1", "u2", "v0"}
    others.write_text("u5\n")
    with pytest.raises(RetraceError, match=r"train.txt lists 'u5', which .*test.txt lists as well"):
        windows(files={**files, "train": str(others)})
    others.write_text("12\n")
    with pytest.raises(RetraceError, match=r"lists 1 value.*none of them.*one order_id a line"):
        windows(files={"test": str(others)})
    with pytest.raises(RetraceError, match="cannot be read"):
        windows(files={"test": str(tmp_path / "none.txt")})


def test_each_event_has_a_row_of_its_own(tmp_path: Path) -> None:
    at_once = ("x", [("new", 0), ("work", 2), ("check", 2), ("work", 2), ("done", 5)])
    usual = of(clean(tmp_path, log(*USUAL, at_once)), "x")
    assert usual["events"].tolist() == [1, 4]
    found = of(clean(tmp_path, log(*USUAL, at_once), snapshots="each_event"), "x")
    assert found["events"].tolist() == [1, 2, 3, 4]
    assert found["activity"].astype(str).tolist() == ["new", "work", "check", "work"]
    assert found["remaining_hours"].round(6).tolist() == [5, 3, 3, 3]
    assert found["snapshot_at"].is_monotonic_increasing
    pd.testing.assert_frame_equal(  # where no two events are at one instant, nothing changes
        clean(tmp_path, log(*USUAL), snapshots="each_event"), clean(tmp_path, log(*USUAL))
    )


def test_a_case_may_be_named_as_what_is_missing(tmp_path: Path) -> None:
    letters = log(
        *((name, events) for name, (_, events) in zip(["MZ", "NA", "NB"], USUAL[:3], strict=True))
    )
    found = run(tmp_path, letters)
    assert found.clean["order_id"].unique().tolist() == ["MZ", "NA", "NB"]
    unnamed = log(*USUAL).assign(case_id=lambda f: f["case_id"].where(f.index % 3 > 0, "NULL"))
    reasons = run(tmp_path, unnamed, starts=["new", "work", "check"]).rejected["reason"]
    assert (reasons == "case id is empty").sum() == 12


def test_columns_of_one_name_are_numbered_and_can_be_named(tmp_path: Path) -> None:
    frame = log(*USUAL).assign(size=3, more=4)
    frame.columns = ["Case ID", "Activity", "Complete Timestamp", "size", "size"]
    path = tmp_path / "log.csv"
    frame.to_csv(path, index=False)
    rows = ingest(path, IngestSettings(**OWN)).clean
    assert set(rows["number_size"]) == {3.0}
    assert set(rows["number_size_1"]) == {4.0}
    assert "number_size_1" not in ingest(path, IngestSettings(**(OWN | {"drop": ["size.1"]}))).clean
    frame.columns = ["Case ID", "Activity", "Complete Timestamp", "Activity", "size"]
    frame.to_csv(path, index=False)
    with pytest.raises(RetraceError, match=r"several columns 'Activity'.*`activity: Activity.1`"):
        ingest(path, IngestSettings(**OWN))
    mapped = IngestSettings(**(OWN | {"columns": {"activity": "Activity"}}))
    assert set(ingest(path, mapped).clean["activity"]) == {"new", "work", "check"}


def test_columns_to_keep_are_no_attributes(tmp_path: Path) -> None:
    rows = clean(tmp_path, log(*USUAL, window="train", junk=1.0), keep=["window"], drop=["junk"])
    assert set(rows["window"]) == {"train"}
    assert not {"text_window", "number_junk"} & set(rows)


# ---- bad input -----------------------------------------------------------------------------------


def test_events_that_cannot_be_used_are_rejected_with_the_reason(tmp_path: Path) -> None:
    frame = log(*USUAL).astype({"timestamp": "str"})
    bad = pd.DataFrame(
        [
            ("", "new", "2024-03-04 09:00"),
            ("b", "", "2024-03-04 09:00"),
            ("c", "new", "tomorrow"),
            ("d", "new", "2107-03-04 09:00"),
            ("e", "new", "1970-01-01 00:00"),
            ("u0", "new", str(START)),
            ("f", "new", "17095"),
        ],
        columns=["case_id", "activity", "timestamp"],
    )
    found = run(tmp_path, pd.concat([frame, bad], ignore_index=True), repeated="reject")
    assert found.rejected["reason"].tolist() == [
        "case id is empty",
        "activity is empty",
        "time cannot be read",
        "time is far after all others",
        "time is far before all others",
        "the same as an earlier event",
        "time cannot be read",
    ]
    assert found.rejected["row"].tolist() == list(range(37, 44))
    assert found.rows_in == 43
    assert found.rows_in == found.figures["events"] + len(found.rejected)
    pd.testing.assert_frame_equal(found.clean, clean(tmp_path, frame))


def test_many_times_in_another_year_are_rejected(tmp_path: Path) -> None:
    frame = log(*USUAL)
    wrong = frame.index % 5 == 4
    frame["timestamp"] = frame["timestamp"].where(
        ~wrong, frame["timestamp"] + pd.DateOffset(years=9)
    )
    reasons = run(tmp_path, frame).rejected["reason"]
    assert reasons.tolist() == ["time is far after all others"] * wrong.sum()


def test_no_order_of_olist_is_lost_and_no_item_counted_twice(tmp_path: Path) -> None:
    for name, columns in OLIST_TABLES.items():
        table = pd.DataFrame({one: [f"{one} {row}" for row in range(3)] for one in columns})
        if name == "orders":
            table[list(OLIST_EVENTS.values())] = "2017-03-01 09:00:00"
            table.loc[1, list(OLIST_EVENTS.values())] = ""
            table.loc[2, "order_status"] = "canceled"
        if name == "sellers":
            table = pd.concat([table, table])
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    read = read_log(tmp_path, IngestSettings(**(OWN | {"format": "olist"})))
    assert read.log.case_ids.tolist() == ["order_id 0"]
    assert read.log.attributes["number_n_items"].tolist() == [1.0] * len(OLIST_EVENTS)
    assert dict(read.rejected[["case_id", "reason"]].to_numpy()) == {
        "order_id 1": "no event of the order has a time",
        "order_id 2": "cancelled, and no time says when",
    }


def test_a_clock_that_stood_still_is_refused_by_column(tmp_path: Path) -> None:
    frame = log(*USUAL)
    frame.loc[frame.index >= 12, "timestamp"] = START
    with pytest.raises(RetraceError, match=r"`timestamp` is 2024-03-04T08:00:00\+00:00 for 2"):
        run(tmp_path, frame)


def test_a_case_that_starts_before_the_log_is_rejected(tmp_path: Path) -> None:
    cut = ("x", [("check", -1), ("done", 2)])
    frame = log(*USUAL, cut)
    for starts in (["new"], []):
        found = run(tmp_path, frame, starts=starts)
        assert found.rejected["reason"].tolist() == ["case began before the log"] * 2
        assert "x" not in found.clean["order_id"].tolist()


def test_a_log_without_a_completed_case_says_which_activities_there_are(tmp_path: Path) -> None:
    with pytest.raises(
        RetraceError, match=r"Not one of the 9 cases.*activities are: 'check' \(9\)"
    ):
        run(tmp_path, log(*USUAL), completion=["finished"], quiet_days=30)
    with pytest.raises(RetraceError, match="Not one of the 9 cases is complete"):
        run(tmp_path, log(*USUAL), completion=[], quiet_days=30)


def test_completions_that_the_log_has_not_are_told_and_a_silence_ends_the_case(tmp_path) -> None:
    found = run(tmp_path, log(*USUAL), completion=["Done"], quiet_days=0.1)
    unnamed = run(tmp_path, log(*USUAL), completion=[], quiet_days=0.1)
    pd.testing.assert_frame_equal(found.clean, unnamed.clean)
    assert found.clean["remaining_hours"].notna().any()
    assert "no event is one of `orders.ingest.completion` (Done)" in found.notes[0]
    assert "'done' (9)" in found.notes[0]
    assert set(found.clean["completed_by"].dropna()) == {""}
    assert set(run(tmp_path, log(*USUAL)).clean["completed_by"]) == {"done"}
    assert run(tmp_path, log(*USUAL)).notes == unnamed.notes == ()


def test_time_zones_may_be_mixed(tmp_path: Path) -> None:
    frame = log(*USUAL)
    texts = [
        at.tz_convert(zone).isoformat() if zone else at.tz_convert("Europe/Oslo").tz_localize(None)
        for at, zone in zip(
            frame["timestamp"], ["UTC", "Asia/Tokyo", "America/New_York", None] * 9, strict=True
        )
    ]
    mixed = frame.assign(timestamp=[str(text) for text in texts])
    found = clean(tmp_path, mixed, time_zone="Europe/Oslo")
    pd.testing.assert_frame_equal(found, clean(tmp_path, frame))


@pytest.mark.parametrize(
    "style", ["%Y/%m/%d %H:%M:%S.000", "%d.%m.%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%Y-%m-%d %H:%M"]
)
def test_times_of_many_styles(tmp_path: Path, style: str) -> None:
    frame = log(*USUAL)
    frame["timestamp"] += pd.Timedelta(20, unit="D")
    texts = frame.assign(timestamp=frame["timestamp"].dt.strftime(style))
    pd.testing.assert_frame_equal(clean(tmp_path, texts), clean(tmp_path, frame))


def test_a_day_that_may_be_a_month_is_refused_until_the_format_is_given(tmp_path: Path) -> None:
    frame = log(*USUAL)
    texts = frame.assign(timestamp=frame["timestamp"].dt.strftime("%d/%m/%Y %H:%M"))
    with pytest.raises(RetraceError, match="day or the month first"):
        run(tmp_path, texts)
    found = clean(tmp_path, texts, time_format="%d/%m/%Y %H:%M")
    pd.testing.assert_frame_equal(found, clean(tmp_path, frame))


def test_an_attribute_that_changes_its_type_loses_the_later_values_only(tmp_path: Path) -> None:
    frame = log(*USUAL)
    late = frame["timestamp"] > START + pd.Timedelta(8, unit="h")
    frame["size"] = np.where(late, "much", (np.arange(len(frame)) % 3).astype(str))
    found = run(tmp_path, frame)
    assert found.figures["attribute_values_of_another_type"] == late.sum()
    assert found.clean["number_size"].dtype == np.float32
    assert set(found.clean["number_size"].dropna()) <= {0.0, 1.0, 2.0}


# ---- nothing from the future ---------------------------------------------------------------------

EVENTS = st.lists(
    st.tuples(
        st.integers(0, 7),
        st.sampled_from(["new", "work", "check", "done", "given up"]),
        st.integers(0, 300),
        st.sampled_from(["Ann", "Bob", ""]),
        st.integers(0, 3),
    ),
    min_size=12,
    max_size=60,
)


@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(events=EVENTS, cut=st.integers(60, 280), daily=st.booleans())
def test_deleting_the_future_changes_nothing(tmp_path_factory, events, cut, daily) -> None:
    folder = tmp_path_factory.mktemp("log")
    rows = [(f"c{case}", what, float(hour), who, size) for case, what, hour, who, size in events]
    rows += [(f"k{i}", "new", 0.0, "", 0) for i in range(8)] + [("k0", "done", 2.0, "Ann", 1)]
    frame = pd.DataFrame(rows, columns=["case_id", "activity", "hour", "resource", "size"])
    frame["timestamp"] = START + pd.to_timedelta(frame.pop("hour"), unit="h")
    frame["label"] = "size " + frame["size"].astype(str)
    frame = frame.drop_duplicates()
    at = START + pd.Timedelta(cut, unit="h")
    changes = {"snapshots": "daily" if daily else "after_event", "starts": ["new", "work", "check",
               "done", "given up"], "most_activities": 9}  # fmt: skip
    whole = clean(folder, frame, **changes)
    then = clean(folder, frame[frame["timestamp"] <= at], **changes)
    own = FeatureSettings(time_zone="UTC", half_life_days=5, prior_weight=1)
    known = [
        pd.concat([rows, features(rows, own).add_prefix("f_")], axis=1)
        for rows in (whole[whole["snapshot_at"] <= then["snapshot_at"].max()], then)
    ]
    key = ["order_id", "snapshot_at"]
    one, two = (part.drop(columns=OUTCOMES).set_index(key) for part in known)
    assert set(one.index) == set(two.index)
    common = [name for name in one if name in two]
    words = [name for name in common if isinstance(one[name].dtype, pd.CategoricalDtype)]
    one, two = (part[common].astype(dict.fromkeys(words, "str")) for part in (one, two))
    pd.testing.assert_frame_equal(one.loc[two.index], two)
    # A column that only one of them has is of an activity that did not happen until then.
    assert all("count_" in name for name in set(known[0]) ^ set(known[1]))
