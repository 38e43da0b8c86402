"""The short version of each drill, and how drills are told and kept."""

from pathlib import Path

import pytest

from tests.drills import DRILLS, Outcome, Row, report
from tests.drills.__main__ import run

# Of the first three a short form would show little for its time: tests/data and tests/code try bad
# data and hostile input. Those of the others are in tests/online, on the project that all share.
NOT_HERE = ("at_once", "bad_data", "hostile")
NOT_HERE += ("skew", "lost", "away", "strangers", "rollout", "prometheus", "logs")


@pytest.mark.parametrize("name", [name for name in DRILLS if name not in NOT_HERE])
def test_short(name: str) -> None:
    outcome = run(name, "short")
    assert outcome.rows
    assert not outcome.failed, outcome.details


def test_more_lost_than_may_be_is_a_failure() -> None:
    rows = (Row("a", 10, 0), Row("b", 10, 1), Row("c", 10, 1, allowed=1))
    assert [row.tried for row in Outcome(rows, "1 of 30 lost").failed] == ["b"]
    assert rows[1].survived == 9


def test_the_report_has_a_row_and_a_section_for_each_drill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(report, "REPORT", tmp_path / "DRILLS.md")
    monkeypatch.setattr(report, "DRILLS", ("toy", "other"))
    monkeypatch.setattr(report, "_title", lambda record: record["name"].capitalize())
    outcome = Outcome((Row("pulls", 1000, 2, allowed=5), Row("pushes", 10, 0)), "2 lost", "Why.")
    report.save("toy", "drill", outcome, 90.0)
    report.save("toy", "full", Outcome((Row("pulls", 3, 0),), "0 lost"), 60.0)
    report.write_report()
    text = (tmp_path / "DRILLS.md").read_text()
    assert "| [Toy](#toy) | 2 lost | 1.5 | 1,010 | 1,008 | 2 |" in text
    assert "| pulls | 1,000 | 998 | 2 | 5 |" in text
    assert "1.5 minutes" in text
    assert "\nWhy.\n" in text
    assert "| [Toy](#toy-full) | 0 lost | 1 | 3 | 3 | 0 |" in text
    assert "`python -m tests.drills --size full toy`: default sizes" in text
    assert "Other" not in text
