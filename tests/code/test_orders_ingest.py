"""Any event log to snapshots: what was known then, what came of it, nothing from the future."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from problems.orders.features import FeatureSettings
from problems.orders.ingest import IngestSettings, ingest
from tests.code.order_events import OWN, START, USUAL, clean, features, log, of, run
from tests.tries import tries

OUTCOMES = [
    "remaining_hours", "gets_stuck", "completed_at", "completed_known_at", "stuck_known_at",
    "completed_by",
]  # fmt: skip


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


@settings(max_examples=tries(12), deadline=None, phases=[Phase.explicit, Phase.generate])
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
