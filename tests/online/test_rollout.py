"""Challengers beside the champion on a real server: arms, shadow, and changes while it runs."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving.rollout import CHAMPION, read_rollouts
from tests.conftest import run
from tests.online.server import RunningServer

WITHIN_SECONDS = 5.0  # a change of the file is served
LOADED_SECONDS = 10.0


def row(number: int) -> dict[str, Any]:
    said = {"listing_id": number, "name": f"lamp {number}", "condition": 1 + number % 5}
    return {**said, "shipping_paid_by_seller": True}


def retrace(project: Path, *words: str, ok: bool = True) -> str:
    return run(project, "python", "-m", "commands", *words, ok=ok)


@pytest.fixture
def other(prices: Path, tmp_path: Path) -> str:
    """A folder with another version's model, of the same code: here the same model."""
    folder = tmp_path / "other"
    for name in ("models/price", "data/serving/price"):
        shutil.copytree(prices / name, folder / name)
    return str(folder)


@pytest.fixture
def server(prices: Path, tmp_path: Path) -> Iterator[RunningServer]:
    running = RunningServer(prices, ["price"], tmp_path / "served").start()
    yield running
    running.stop()


def until(true: Any, seconds: float = WITHIN_SECONDS) -> float:
    """Wait for something; return how long that took."""
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        if true():
            return time.monotonic() - began
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s")


def challengers(server: RunningServer) -> dict[str, Any]:
    (model,) = server.get("/v1/models")
    return {one["arm"]: one for one in model["challengers"]}


def stored(server: RunningServer, answer: dict[str, Any]) -> Any:
    return server.client.ask("GET", f"/v1/predictions/{answer['id']}")


def test_arms_are_served_within_seconds_and_subjects_stay(
    server: RunningServer, prices: Path, other: str
) -> None:
    assert challengers(server) == {}
    words = ("--mode", "ab", "--share", "0.3", "--arm", "b", "--subject", "listing_id")
    assert "30%" in retrace(prices, "rollout", "start", "price", other, *words)
    assert run(prices, "git", "status", "--short", "rollout.yaml") == ""
    until(lambda: challengers(server).get("b", {}).get("serves"))
    rollout = read_rollouts(prices / "rollout.yaml")["price"]
    rows = [row(number) for number in range(200)]
    answers = server.post("/v1/price/predict", rows)  # of several arms at once, in order
    assert [one["arm"] for one in answers] == [rollout.arm_of(one) for one in rows]
    assert {one["arm"] for one in answers} == {CHAMPION, "b"}
    alone = [server.post("/v1/price/predict", one)["arm"] for one in rows[:20]]
    assert alone == [one["arm"] for one in answers[:20]]
    mine = next(one for one in answers if one["arm"] == "b")
    until(lambda: stored(server, mine)[0] == 200, LOADED_SECONDS)
    kept = stored(server, mine)[1]
    assert (kept["arm"], kept["role"]) == ("b", "challenger")

    server.kill()
    server.start()
    again = server.post("/v1/price/predict", rows)
    assert [one["arm"] for one in again] == [one["arm"] for one in answers]

    retrace(prices, "rollout", "ramp", "price", "b", "60%")
    until(lambda: challengers(server)["b"]["share"] == 0.6)
    more = server.post("/v1/price/predict", rows)
    was, now = ({k for k, one in enumerate(said) if one["arm"] == "b"} for said in (answers, more))
    assert was < now
    assert 'arm="b"' in server.get("/metrics")

    retrace(prices, "rollout", "stop", "price", "b")
    until(lambda: challengers(server) == {})
    assert {one["arm"] for one in server.post("/v1/price/predict", rows)} == {CHAMPION}


def test_a_slip_in_the_file_changes_nothing_that_is_served(
    server: RunningServer, prices: Path, other: str
) -> None:
    retrace(prices, "rollout", "start", "price", other, "--mode", "ab", "--arm", "b")
    until(lambda: "b" in challengers(server))
    path = prices / "rollout.yaml"
    path.write_text(path.read_text().replace("begins_at:", "begin_at:"))
    until(lambda: "did you mean 'begins_at'" in server.printed())
    assert "b" in challengers(server)
    assert "did you mean 'begins_at'" in retrace(prices, "rollout", "check", ok=False)


def test_what_cannot_be_tried_is_refused_and_leaves_no_commit(prices: Path, other: str) -> None:
    head = run(prices, "git", "rev-parse", "HEAD")
    for words, said in (
        (("v9.9.9",), "no version of the registry"),
        ((other, "--mode", "ab", "--subject", "seller"), "rows of price have no 'seller'"),
        ((other, "--where", "colour=red"), "rows of price have no 'colour'"),
        ((other, "--until", "2020-01-01"), "has been"),
    ):
        assert said in retrace(prices, "rollout", "start", "price", *words, ok=False)
    assert "no arm 'b'" in retrace(prices, "rollout", "ramp", "price", "b", "0.2", ok=False)
    assert run(prices, "git", "rev-parse", "HEAD") == head


def test_a_challenger_in_shadow_sees_what_was_asked_and_answers_nobody(
    server: RunningServer, prices: Path, other: str
) -> None:
    retrace(prices, "rollout", "start", "price", other, "--arm", "dark")
    until(lambda: "dark" in challengers(server))
    until(lambda: (server.log / "shadow.sock").exists(), 30)
    rows = [row(number) for number in range(50)]
    time.sleep(1.1)  # the connection is tried again after a second
    answers = server.post("/v1/price/predict", rows)
    assert {one["arm"] for one in answers} == {CHAMPION}
    until(lambda: in_store(server, "dark") == 50, LOADED_SECONDS)
    assert "Wait: 50 of at least" not in retrace(prices, "rollout", "status")
    said = retrace(prices, "rollout", "verdict", "price", "--store", server.store)
    assert "dark: Wait:" in said


def in_store(server: RunningServer, arm: str) -> int:
    from sqlalchemy import func, select

    from store.database import Store
    from store.tables import predictions

    with Store(server.store).reading() as connection:
        asked = select(func.count()).where(predictions.c.arm == arm)
        return int(connection.execute(asked).scalar() or 0)
