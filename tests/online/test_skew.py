"""Answers over HTTP are those of the batch, to the bit, whatever comes late and however often the
server is killed. The drill `skew` plays the whole test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.online.faults import wait_until_loaded
from tests.online.replay import judged, play, stored_ids
from tests.online.server import RunningServer

ASKED = {"price": 30, "service_time": 12, "fraud": 150, "order_completion": 60, "order_stuck": 40}


@pytest.fixture(scope="module")
def of_the_test(
    reproduced: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """A server as it would have been when the test began."""
    folder = tmp_path_factory.mktemp("judged")
    for name in ASKED:
        judged(reproduced, name, folder / "models")
    words = ["--models", str(folder / "models")]
    running = RunningServer(reproduced, list(ASKED), folder / "served", words).start()
    yield running
    running.stop()


@pytest.mark.parametrize("name", ASKED)
def test_no_skew(of_the_test: RunningServer, reproduced: Path, name: str) -> None:
    played = play(of_the_test, reproduced, name, most_asked=ASKED[name], kill_every=2 * ASKED[name])
    assert played.different == []
    assert played.asked > 10
    wait_until_loaded(of_the_test)
    assert played.ids <= set(stored_ids(of_the_test))
