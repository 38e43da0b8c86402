"""What documents say about a server: their requests are answered as they show, and a copy of the
database that is made as they say has everything."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.documents import blocks, pages
from tests.online.faults import payment, wait_until_loaded
from tests.online.server import RunningServer

ADDRESS = "127.0.0.1:8000"


def requests_of(page: str) -> list[str]:
    """Return the requests of a page's blocks; each is the end of its block."""
    found = [one.text.partition("curl ") for one in blocks(page) if one.language == "bash"]
    return [curl + rest for _, curl, rest in found if ADDRESS in rest]


PAGES = [page for page in pages() if requests_of(page)]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("page", PAGES)
def test_requests_are_answered(server: RunningServer, page: str) -> None:
    for command in requests_of(page):
        asked = command.replace(ADDRESS, f"127.0.0.1:{server.port}")
        done = subprocess.run(["bash", "-c", asked], check=True, capture_output=True)
        answer = json.loads(done.stdout)
        assert "error" not in answer
        shown = next((one.text for one in blocks(page) if '"arm"' in one.text), "")
        assert {*re.findall(r'"(\w+)":', shown)} <= {*re.findall(r'"(\w+)":', json.dumps(answer))}


def test_there_are_pages_with_requests() -> None:
    assert {"README.md", "docs/serving.md"} <= {*PAGES}


@pytest.mark.slow
def test_backup_and_restore(reproduced: Path, tmp_path: Path) -> None:
    (block,) = (one for one in blocks("docs/serving.md") if "VACUUM INTO" in one.text)
    (_, copy), (_, restore) = block.commands
    server = RunningServer(reproduced, ["fraud"], tmp_path / "served").start()
    try:
        first = server.post("/v1/fraud/predict", payment(1))["id"]
        assert server.post("/v1/fraud/events", payment(2))["stored"] == 1
        wait_until_loaded(server)
        subprocess.run(["bash", "-c", copy], check=True, cwd=tmp_path)
        later = server.post("/v1/fraud/predict", payment(3))["id"]
        wait_until_loaded(server)
        server.stop()
        subprocess.run(["bash", "-c", restore], check=True, cwd=tmp_path)
        server.start()
        wait_until_loaded(server)
        for one in (first, later):  # what the copy has not is still in the log
            assert server.get(f"/v1/predictions/{one}")["id"] == one
    finally:
        server.stop()
