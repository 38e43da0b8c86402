"""Nothing that was answered is lost, nothing doubled; the drill `lost` does it 200 times, in `away`
PostgreSQL is away for a minute."""

from pathlib import Path

import pytest

from tests.online.faults import database_away, harm
from tests.online.postgres import postgres, programs
from tests.online.server import RunningServer


def test_faults_lose_nothing(reproduced: Path, tmp_path: Path) -> None:
    server = RunningServer(reproduced, ["fraud"], tmp_path / "served").start()
    try:
        found = harm(server, 8)
    finally:
        server.stop()
    assert (found.lost, found.doubled) == (0, 0)
    assert found.answered > 20
    assert found.told > 5


@pytest.mark.slow
@pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed")
def test_a_database_that_is_away_costs_no_answer(reproduced: Path, tmp_path: Path) -> None:
    with postgres() as database:
        server = RunningServer(reproduced, ["fraud"], tmp_path, store=database.url).start()
        try:
            found, meanwhile = database_away(server, database, seconds=4)
        finally:
            server.stop()
    assert (found.lost, found.doubled, found.refused) == (0, 0, {})
    assert meanwhile > 20
    assert found.told >= 10
