"""Days of traffic with challengers: nothing lost, nobody in two arms, verdicts as the truth is. The
drill `rollout` plays a month."""

from pathlib import Path

import pytest

from tests.online.month import GUARD_SECONDS, NAME, WITHIN_SECONDS, Size, play, two_versions
from tests.online.server import RunningServer


@pytest.mark.slow
def test_a_month(clone: Path, tmp_path: Path) -> None:
    two_versions(clone)
    server = RunningServer(clone, [NAME], tmp_path / "served").start()
    try:
        found = play(clone, server, Size(days=12, kills=1))
    finally:
        server.stop()
    print(found)
    assert not found.failed
    assert (found.lost, found.doubled, found.wrong_arm, found.moved) == (0, 0, 0, 0)
    assert len(found.answered) > 1000
    assert found.wrong_verdicts == []
    assert {words: took for words, took in found.changes.items() if took > WITHIN_SECONDS} == {}
    assert found.guard_said
    assert found.guard_seconds < GUARD_SECONDS
