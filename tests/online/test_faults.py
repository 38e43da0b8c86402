"""Nothing that was answered is lost, nothing doubled; the drill `lost` does it 200 times."""

from pathlib import Path

from tests.online.faults import harm
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
