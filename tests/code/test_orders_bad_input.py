"""Events that cannot be used, and how that is told."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from problems.orders.ingest import IngestSettings, read_log
from problems.orders.ingest.olist import EVENTS as OLIST_EVENTS
from problems.orders.ingest.olist import TABLES as OLIST_TABLES
from retrace.base.errors import RetraceError
from tests.code.order_events import OWN, START, USUAL, clean, log, run

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
