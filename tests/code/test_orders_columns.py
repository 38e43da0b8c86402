"""The columns of an event log: any names, and attributes as they are known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from problems.orders.features import FeatureSettings
from problems.orders.ingest import IngestSettings, ingest
from retrace.base.errors import RetraceError
from retrace.past.splits import SplitParams, split
from tests.code.order_events import OWN, START, USUAL, clean, features, log, of, run

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
