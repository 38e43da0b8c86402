"""Event logs in XES: attributes of events and traces, and files that are no whole log."""

import gzip
from pathlib import Path

import pandas as pd
import pytest

from problems.orders.ingest import IngestSettings, read_log
from retrace.base.errors import RetraceError
from retrace.raw import read_raw

LOG = """<?xml version="1.0" encoding="UTF-8"?>
<!-- as a tool writes it -->
<log xes.version="1849.2023" xmlns="http://www.xes-standard.org/">
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <global scope="trace"><string key="concept:name" value="__INVALID__"/></global>
  <global scope="event">
    <string key="concept:name" value="__INVALID__"/>
    <date key="time:timestamp" value="1970-01-01T00:00:00.000+00:00"/>
  </global>
  <classifier name="Activity" keys="concept:name lifecycle:transition"/>
  <string key="source" value="of the whole log"><int key="cases" value="3"/></string>
  <trace>
    <string key="concept:name" value="A"/>
    <float key="amount" value="12.5"><string key="currency" value="EUR"/></float>
    <event>
      <string key="concept:name" value="new &amp; open"/>
      <date key="time:timestamp" value="2024-03-30T23:30:00.000+01:00"/>
      <string key="org:resource" value="Ann"/>
    </event>
    <event>
      <string key="concept:name" value="check"/>
      <string key="lifecycle:transition" value="START"/>
      <date key="time:timestamp" value="2024-03-31T08:00:00.000+02:00"/>
      <list key="parts"><values><string key="part" value="lid"/></values></list>
    </event>
  </trace>
  <trace>
    <event>
      <string key="concept:name" value="new &amp; open"/>
      <date key="time:timestamp" value="2024-03-31T06:00:00Z"/>
    </event>
    <string key="identity:id" value="b-7"/>
  </trace>
  <trace>
    <event>
      <string key="concept:name" value="new &amp; open"/>
      <date key="time:timestamp" value="2024-03-31T07:00:00Z"/>
    </event>
  </trace>
  <trace><string key="concept:name" value="without an event"/></trace>
</log>
"""


def written(folder: Path, text: str, name: str = "log.xes") -> Path:
    path = folder / name
    content = text.encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


@pytest.mark.parametrize("name", ["log.xes", "log.xes.gz", "LOG.XES"])
def test_an_event_is_a_row_with_the_attributes_of_its_trace(tmp_path: Path, name: str) -> None:
    rows = read_raw(written(tmp_path, LOG, name), [], rest=True).rows
    assert rows["case:concept:name"].tolist() == ["A", "A", "b-7", "3"]
    assert rows["case:amount"].tolist() == ["12.5", "12.5", "", ""]
    assert rows["case:amount:currency"].tolist() == ["EUR", "EUR", "", ""]
    assert rows["concept:name"].tolist() == ["new & open", "check", *["new & open"] * 2]
    assert rows["org:resource"].tolist() == ["Ann", "", "", ""]
    assert rows["parts:part"].tolist() == ["", "lid", "", ""]
    assert rows["row"].tolist() == [1, 2, 3, 4]
    assert set(rows["file"]) == {name}
    assert not {"source", "cases", "case:source"} & set(rows)


def test_a_log_finds_its_names_and_reads_offsets_and_lifecycle(tmp_path: Path) -> None:
    log = read_log(written(tmp_path, LOG), IngestSettings(time_zone="Europe/Oslo")).log
    assert log.case_ids.tolist() == ["3", "A", "b-7"]
    assert log.activities[log.activity].tolist()[1:3] == ["new & open", "check (start)"]
    at = pd.to_datetime(log.at[1:3], unit="us", utc=True)
    assert at.tolist() == [
        pd.Timestamp("2024-03-30 22:30", tz="UTC"), pd.Timestamp("2024-03-31 06:00", tz="UTC")
    ]  # fmt: skip
    assert "number_amount" in log.attributes


def test_it_reads_as_the_table_that_was_written_from_it(tmp_path: Path) -> None:
    path = written(tmp_path, LOG)
    table = read_raw(path, [], rest=True).rows.drop(columns=["file", "row"])
    csv = tmp_path / "log.csv"
    table.to_csv(csv)  # with pandas' index as its first column
    logs = [read_log(one, IngestSettings()).log for one in (path, csv)]
    pd.testing.assert_frame_equal(logs[0].attributes, logs[1].attributes)
    assert (logs[0].at == logs[1].at).all()
    assert logs[0].case_ids.equals(logs[1].case_ids)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LOG[:900], r"not whole XML: .* in line 1\d, after 0 events.*cut off"),
        (LOG.replace("</trace>", "</track>", 1), r"mismatched tag in line 26, after 2 events"),
        ("<log></log>", "no <event> in a <trace>"),
        ("case,activity\nA,new\n", "not whole XML: .* in line 1, after 0 events"),
        ("", r"the file is empty \(0 bytes\)"),
        ('<!DOCTYPE log [<!ENTITY a "b">]><log/>', "declares a document type"),
    ],
)
def test_what_is_no_whole_log_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(RetraceError, match=words):
        read_raw(written(tmp_path, text), [], rest=True)


def test_a_packed_log_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, LOG, "log.xes.gz")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(RetraceError, match="gzip file is cut off or damaged after line"):
        read_raw(path, [], rest=True)
