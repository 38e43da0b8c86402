"""Servers of the small project, for all tests of a module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.online.server import RunningServer


@pytest.fixture(scope="module")
def server(reproduced: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server of all problems of the small project."""
    running = RunningServer(reproduced, [], tmp_path_factory.mktemp("served")).start()
    yield running
    running.stop()
