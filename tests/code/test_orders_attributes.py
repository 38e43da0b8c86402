"""Logs as other tools write them: names, numbers, times, and columns that tell the end."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from problems.orders.ingest import IngestSettings, ingest

START = pd.Timestamp("2024-03-18 08:00", tz="UTC")
N_CASES = 60


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """A log whose cases take from hours to weeks, in the order of their events."""
    rng = np.random.default_rng(3)
    rows = []
    for case in range(N_CASES):
        at = START + pd.Timedelta(6 * case, unit="h")
        for step in ["new", *rng.choice(["work", "check", "ask"], rng.integers(1, 6)), "done"]:
            rows.append((f"c{case}", step, at))
            at += pd.Timedelta(int(60 * rng.lognormal(3, 1.2)), unit="min")
    return pd.DataFrame(rows, columns=["case_id", "activity", "timestamp"])


def read(folder: Path, frame: pd.DataFrame, name: str = "log.csv", **changes: object):
    path = folder / name
    frame.to_parquet(path) if name.endswith("parquet") else frame.to_csv(path, index=False)
    return ingest(path, IngestSettings(**{"completion": ["done"], **changes}))


@pytest.mark.parametrize(
    "names",
    [
        ("case concept:name", "event concept:name", "event time:timestamp"),
        ("CASE_concept_name", "activity_id", "timestamp"),
        ("_CASE_KEY", "ACTIVITY_EN", "EVENTTIME"),
        ("Case ID", "Activity", "Complete Timestamp"),
        ("CaseID", "ActivityID", "CompleteTimestamp"),
        ("case", "event", "end_time"),
    ],
)
def test_the_names_of_usual_exports_are_known(
    tmp_path: Path, frame: pd.DataFrame, names: tuple[str, ...]
) -> None:
    renamed = frame.rename(columns=dict(zip(frame, names, strict=True)))
    assert len(renamed.columns.intersection(names)) == 3
    found = read(tmp_path, renamed).clean
    pd.testing.assert_frame_equal(found, read(tmp_path, frame).clean)


def test_the_standard_name_counts_before_a_usual_one(tmp_path: Path, frame: pd.DataFrame) -> None:
    both = frame.assign(User="somebody").rename(columns={"timestamp": "event time:timestamp"})
    both["event org:resource"] = "Ann"
    assert set(read(tmp_path, both).clean["resource"]) == {"Ann"}


@pytest.mark.parametrize("form", ["%d/%m/%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%m/%d/%Y"])
def test_attributes_are_times_in_any_usual_form(
    tmp_path: Path, frame: pd.DataFrame, form: str
) -> None:
    begun = frame.groupby("case_id")["timestamp"].transform("min")
    rows = read(tmp_path, frame.assign(opened=begun.dt.strftime(form))).clean
    assert (rows["time_opened"].dt.date == rows["started_at"].dt.date).all()
    versions = frame.assign(version=[f"{i % 3}.{i % 5}.2021" for i in range(len(frame))])
    assert "text_version" in read(tmp_path, versions).clean  # no month 0


def test_attributes_have_decimal_commas_and_currencies(
    tmp_path: Path, frame: pd.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    amount = np.arange(len(frame)) % 7 * 1000 + 0.5
    texts = {
        "comma": [f"{one:,.2f}".translate(str.maketrans(",.", ".,")) for one in amount],
        "euros": [f"{one:.1f} €" for one in amount],
        "either": [f"{one + 1000:,.0f}" for one in np.floor(amount)],  # 1,000: three digits
    }
    rows = read(tmp_path, frame.assign(**texts)).clean
    assert set(rows["number_comma"]) == set(rows["number_euros"]) == set(amount)
    assert "text_either" in rows
    assert "'comma': its numbers are read with a decimal comma" in caplog.text
    assert "'euros': its numbers are read with the sign €" in caplog.text


def test_a_case_may_be_called_na(
    tmp_path: Path, frame: pd.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    named = frame.assign(case_id=frame["case_id"].replace("c7", "NA"), who="NULL")
    assert "NA" in set(read(tmp_path, named).clean["order_id"])
    assert "'who'" in caplog.text
    assert "'case_id'" not in caplog.text


def test_what_tells_the_future_is_found_by_what_it_does(
    tmp_path: Path, frame: pd.DataFrame
) -> None:
    case = frame.groupby("case_id")
    last, at = case["timestamp"].transform("max"), frame["timestamp"]
    following = case["timestamp"].shift(-1).fillna(at + pd.Timedelta(1, unit="h"))
    rng = np.random.default_rng(1)
    told = {
        "whole_days": (last - case["timestamp"].transform("min")).dt.days,
        "left": (last - at).dt.total_seconds(),
        "end": last.dt.strftime("%Y-%m-%d"),
        "next": case["activity"].shift(-1),
        "stopped": at + 0.7 * (following - at),
        "number": np.arange(len(frame)) + 7,
        "ticket": frame["case_id"].str[1:].astype(int) * 3 + 100,
    }
    known = {
        "due": (case["timestamp"].transform("min") + pd.Timedelta(5, unit="D")),
        "visit": at.where(frame["activity"] == "ask") + pd.Timedelta(30, unit="h"),
        "begun": case["timestamp"].transform("min"),
        "size": frame["case_id"].str[1:].astype(int) % 5,
        "result": rng.normal(size=len(frame)),
        "same": frame["activity"],
    }
    found = read(tmp_path, frame.assign(**told, **known))
    left = {name.removeprefix("left_out_") for name in found.figures if "left_out_" in name}
    assert left == set(told)
    reasons = "\n".join(found.notes)
    assert "'next' is left out: is the activity of the next event" in reasons
    assert "'stopped' is left out: is the end of each event" in reasons
    assert "'ticket' is left out: numbers the cases in time" in reasons
    taken = read(tmp_path, frame.assign(**told), known=["end"])
    assert "time_end" in taken.clean
    assert "left_out_end" not in taken.figures


def test_a_silence_ends_a_case_in_a_short_log_too(tmp_path: Path, frame: pd.DataFrame) -> None:
    early = frame["timestamp"] < START + pd.Timedelta(20, unit="D")
    late = pd.DataFrame(
        [("c0", "work", START - pd.Timedelta(12, unit="D")), ("c0", "work", START)],
        columns=["case_id", "activity", "timestamp"],
    )
    found = read(tmp_path, pd.concat([late, frame[early]]), completion=[]).clean
    known = found.loc[found["completed_at"].notna()]
    silence = known["completed_known_at"] - known["completed_at"]
    days = (frame.loc[early, "timestamp"].max() - late["timestamp"].min()) / pd.Timedelta(1, "D")
    assert silence.max() <= pd.Timedelta(0.2 * days, unit="D")
    assert len(known) > 0.5 * len(found)
