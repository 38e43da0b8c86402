"""The short form of the drill of logs, and that the stand-in for Elasticsearch refuses what a
strict mapping does."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.drills.logs import PROBLEMS, shipped, told
from tests.online.elasticsearch import DEPLOYED, Mapping
from tests.online.rsyslog import is_installed

PREDICTION = {
    "@timestamp": "2026-11-30T13:01:56.596020Z",
    "event": {"id": "a", "duration": 1000, "dataset": "retrace.predictions"},
    "retrace": {
        "latency_us": 1, "columns": [1.0, None], "row": {"x": [1, "a"]},
        "answer": {"prediction": 1.5, "p50": 2, "stale": True}, "scores": {"point": 0.1},
    },
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(not is_installed(), reason="not installed: rsyslogd with omelasticsearch")
def test_nothing_is_lost_and_every_document_fits(reproduced: Path, tmp_path: Path) -> None:
    outcome = told(shipped(reproduced, PROBLEMS, tmp_path, 300, 3))
    assert not outcome.failed, outcome.details


def mapping() -> Mapping:
    return Mapping(json.loads((DEPLOYED / "predictions.template.json").read_text()))


def test_a_document_that_fits_is_taken() -> None:
    assert mapping().faults(PREDICTION) == []


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("event.more", 1, "event.more is not in the template"),
        ("event.duration", 1.5, "event.duration is no long"),
        ("event.id", 7, "event.id is no keyword"),
        ("@timestamp", "yesterday", "@timestamp is no date"),
        ("retrace.row", "a", "retrace.row is no object"),
        ("retrace.columns", [1.0, "a"], "retrace.columns is no float"),
        ("retrace.scores.point", "a", "retrace.scores.point is no double"),
    ],
)
def test_one_that_does_not_fit_is_refused(path: str, value: Any, fault: str) -> None:
    ours = mapping()
    assert ours.faults(PREDICTION) == []  # what is dynamic has its type from now on
    document = json.loads(json.dumps(PREDICTION))
    *way, name = path.split(".")
    place = document
    for step in way:
        place = place[step]
    place[name] = value
    assert any(fault in one for one in ours.faults(document))


def test_what_kibana_imports_names_fields_that_there_are() -> None:
    lines = [json.loads(one) for one in (DEPLOYED / "kibana.ndjson").read_text().splitlines()]
    views = {one["id"]: one["attributes"]["title"] for one in lines if one.get("type") != "search"
             and "id" in one}  # fmt: skip
    searches = [one for one in lines if one.get("type") == "search"]
    assert len(searches) >= 2
    for one in searches:
        (index,) = (ref["id"] for ref in one["references"])
        name = views[index].removeprefix("retrace-").removesuffix("-*")
        template = json.loads((DEPLOYED / f"{name}.template.json").read_text())
        known = template["template"]["mappings"]["properties"]
        for column in one["attributes"]["columns"]:
            place = known
            for step in column.split("."):
                place = place.get("properties", place) if "properties" in place else place
                assert step in place or place.get("dynamic"), column
                place = place.get(step, place)
    assert lines[-1]["exportedCount"] == len(lines) - 1
