"""The replay on the page: one picture, sentences with its figures, and nothing that users wrote."""

import re

import pytest

from retrace.report.charts import draw_spec
from retrace.report.inputs import Replayed
from retrace.report.lifecycle import lifecycle

HOSTILE = "<script>alert(1)</script>"


def period(start: str, policy: str, score: float, **more: str) -> dict[str, str]:
    row = {
        "period": start,
        "policy": policy,
        "score": str(score),
        "measure": "balanced_accuracy",
        "rows": "100",
        "alarm": "0",
        "retrained": "0",
        "by_gate": "0",
        "false_positives_at_recall": {"never": "100", "every": "40", "alarm": "50"}[policy],
        "change": "",
    }
    return row | more


@pytest.fixture
def replayed() -> Replayed:
    rows = [
        period("2025-03-01", "never", 0.95),
        period("2025-03-01", "every", 0.95),
        period("2025-03-01", "alarm", 0.95),
        period("2025-04-01", "never", 0.85, change=HOSTILE),
        period("2025-04-01", "every", 0.94, retrained="1"),
        period("2025-04-01", "alarm", 0.93, retrained="1", alarm="1", by_gate="1"),
    ]
    retrainings = [
        {"policy": "alarm", "by_gate": "1", "false_alarm": "0", "reasons": "loss"},
        {"policy": "every", "by_gate": "0", "false_alarm": "", "reasons": ""},
    ]
    figures = {
        "balanced_accuracy_never": 0.9,
        "balanced_accuracy_every": 0.945,
        "balanced_accuracy_alarm": 0.94,
        "retrainings_every": 1.0,
        "retrainings_alarm": 1.0,
        "false_alarms": 0.0,
        "false_positives_saved": 0.25,
    }
    tables = {"retrainings": retrainings, "changes": [], "drift": []}
    return Replayed(figures, rows, tables)


def test_the_story_has_the_figures(replayed: Replayed) -> None:
    told = lifecycle(replayed)
    assert told is not None
    story = " ".join(told.story)
    assert "from Mar 2025 to Apr 2025" in story
    assert "balanced accuracy of 0.950 to 0.850" in story
    assert "0.945 (1 retraining)" in story
    assert "The alarm rang once. The gate" in story
    assert "promoted 1 of the one retrained model" in story
    assert re.search(r"25\s%", story)
    assert [table.name for table in told.tables] == ["retrainings"]


def test_more_false_positives_are_called_more(replayed: Replayed) -> None:
    replayed.figures["false_positives_saved"] = -0.5
    told = lifecycle(replayed)
    assert told is not None
    assert re.search(r"50\s% more false positives", " ".join(told.story))


def test_the_picture_has_changes_and_policies_and_runs_nothing(replayed: Replayed) -> None:
    told = lifecycle(replayed)
    assert told is not None
    svg = draw_spec(told.spec, "x")
    assert "<script" not in svg
    assert "&lt;script" in svg
    for policy in ("left alone", "retrained every period", "on alarm"):
        assert policy in svg


def test_a_replay_without_periods_has_no_section(replayed: Replayed) -> None:
    assert lifecycle(Replayed(replayed.figures, [], replayed.tables)) is None


def test_periods_without_a_score_are_gaps(replayed: Replayed) -> None:
    for row in replayed.periods[:3]:
        row["score"] = ""
    told = lifecycle(replayed)
    assert told is not None
    draw_spec(told.spec, "x")
