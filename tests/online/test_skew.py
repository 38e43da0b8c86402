"""Answers over HTTP are those of the batch, to the bit, whatever comes late and however often the
server is killed. The drill `skew` plays the whole test."""

from pathlib import Path

import pytest

from tests.online.faults import wait_until_loaded
from tests.online.replay import judged, play, stored_ids
from tests.online.server import RunningServer

ASKED = {"price": 30, "service_time": 12, "fraud": 150, "order_completion": 60, "order_stuck": 40}


QUICK = ("fraud",)  # with history, and the fastest of them


@pytest.mark.parametrize(
    "name", [one if one in QUICK else pytest.param(one, marks=pytest.mark.slow) for one in ASKED]
)
def test_no_skew(reproduced: Path, tmp_path: Path, name: str) -> None:
    judged(reproduced, name, tmp_path / "models")
    words = ["--models", str(tmp_path / "models")]
    server = RunningServer(reproduced, [name], tmp_path / "served", words).start()
    try:
        played = play(server, reproduced, name, most_asked=ASKED[name], kill_every=ASKED[name])
        wait_until_loaded(server)
    finally:
        server.stop()
    assert played.different == []
    assert played.asked > 10
    stored = stored_ids(server)
    assert played.ids <= set(stored)
    assert len(stored) == len(set(stored))
