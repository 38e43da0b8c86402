"""What is served: what is in prod, a commit's model, or another folder's; never of other code."""

import contextlib
from pathlib import Path

import pytest

from experiments.promotion import registry
from tests.conftest import run
from tests.online.server import RunningServer

ROW = {"listing_id": 1, "name": "lamp", "condition": 1, "shipping_paid_by_seller": True}


def served(project: Path, folder: Path, *words: str) -> tuple[str, float]:
    """Return version and prediction of a server that is started and stopped."""
    server = RunningServer(project, ["price"], folder, words).start()
    try:
        answer = server.post("/v1/price/predict", ROW)
    finally:
        server.stop()
    return answer["version"], answer["prediction"]


def promoted(prices: Path) -> None:
    """Make the model of HEAD the champion, and take it out of the working tree."""
    with contextlib.chdir(prices):
        registry.register(Path(), "price", "v0.0.7", "first")
    run(prices, "rm", "-r", "models/price")  # it comes from DVC's cache


def test_prod_and_the_working_tree(prices: Path, tmp_path: Path) -> None:
    _, here = served(prices, tmp_path / "a")
    promoted(prices)
    assert served(prices, tmp_path / "b") == ("v0.0.7", here)


@pytest.mark.slow
def test_a_commit_and_a_tag(prices: Path, tmp_path: Path) -> None:
    head = run(prices, "git", "rev-parse", "HEAD").strip()
    promoted(prices)
    version, here = served(prices, tmp_path / "c", "--rev", "HEAD")
    assert version == head[:12]
    assert served(prices, tmp_path / "d", "--rev", "price@v0.0.7") == ("price@v0.0.7", here)


def test_a_model_of_other_feature_code_is_not_served(prices: Path, tmp_path: Path) -> None:
    code = prices / "problems/price/features/__init__.py"
    code.write_text(code.read_text() + "\n# another version\n")
    server = RunningServer(prices, ["price"], tmp_path / "served").start(wait=False)
    assert server.process is not None
    assert server.process.wait(60) == 1
    assert "made by other feature code" in server.printed()
