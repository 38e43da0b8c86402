"""Challengers beside the champion on a real server: arms, shadow, and changes while it runs."""

import contextlib
import math
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import yaml
from sqlalchemy import func, select

from experiments.promotion import registry
from serving.plan import read_plan
from serving.rollout import read_rollouts
from serving.wanted import CHAMPION
from store.database import Store
from store.loader import insert_predictions, row_of
from store.log import LoggedPrediction
from store.tables import outcomes, predictions
from tests.conftest import change_params, run
from tests.online.server import RunningServer

WITHIN_SECONDS = 5.0  # a change of the file is served
# Where tests run beside each other; the drill of rollouts measures how long it takes by itself.
BUSY_SECONDS = 60.0
FIRST_SECONDS = 20.0  # the first one of a copy that had none: what resolves it is loaded then
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
    running = RunningServer(prices, ["price"], tmp_path / "served")
    try:
        running.start()
        until(lambda: "Following" in running.printed(), 60)
        yield running
    finally:
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
    until(lambda: challengers(server).get("b", {}).get("serves"), FIRST_SECONDS)
    rollout = read_rollouts(prices / "rollout.yaml")["price"]
    rows = [row(number) for number in range(200)]
    answers = server.post("/v1/price/predict", rows)  # of several arms at once, in order
    assert [one["arm"] for one in answers] == [rollout.arm_of(one) for one in rows]
    assert {one["arm"] for one in answers} == {CHAMPION, "b"}
    alone = [server.post("/v1/price/predict", one)["arm"] for one in rows[:20]]
    assert alone == [one["arm"] for one in answers[:20]]
    said = retrace(prices, "status", "price", "--store", server.store)
    assert "champion is working-tree" in said
    assert f"127.0.0.1:{server.port}" in said.partition("b is ")[2]
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
    until(lambda: "b" in challengers(server), FIRST_SECONDS)
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
    until(lambda: "dark" in challengers(server), FIRST_SECONDS)
    until(lambda: (server.log / "shadow.sock").exists(), 30)
    rows = [row(number) for number in range(50)]
    time.sleep(1.1)  # the connection is tried again after a second
    answers = server.post("/v1/price/predict", rows)
    assert {one["arm"] for one in answers} == {CHAMPION}
    until(lambda: in_store(server, "dark") == 50, LOADED_SECONDS)
    assert "Wait: 50 of at least" not in retrace(prices, "rollout", "status")
    said = retrace(prices, "rollout", "verdict", "price", "--store", server.store)
    assert "dark: Wait:" in said


@pytest.mark.slow
def test_promotions_and_rollbacks_are_served_within_seconds_and_no_request_is_lost(
    server: RunningServer, prices: Path
) -> None:
    failed, stop = [], threading.Event()

    def keep_asking() -> None:
        client, number = server.another(), 0
        while not stop.is_set():
            number += 1
            status, answer = client.ask("POST", "/v1/price/predict", row(number))
            if status != 200:
                failed.append(answer)

    asking = threading.Thread(target=keep_asking)
    asking.start()
    try:
        with contextlib.chdir(prices):
            for version in ("v0.0.1", "v0.0.2"):
                run(prices, "git", "commit", "--quiet", "--allow-empty", "--message", version)
                registry.register(Path(), "price", version, "better")
                until(lambda version=version: served(server) == version, BUSY_SECONDS)
            registry.assign(Path(), "price", "v0.0.1", "worse")
            until(lambda: served(server) == "v0.0.1", BUSY_SECONDS)
    finally:
        stop.set()
        asking.join()
    assert failed == []
    (model,) = server.get("/v1/models")
    assert model["since"] > "2026"


def served(server: RunningServer) -> str:
    (model,) = server.get("/v1/models")
    return str(model["version"])


def test_a_plan_that_cannot_be_served_is_said_and_what_was_served_is_served_on(
    server: RunningServer, tmp_path: Path
) -> None:
    plan = read_plan(server.log / "plan.json")
    gone = [msgspec.structs.replace(one, top=str(tmp_path / "gone")) for one in plan.models]
    msgspec.structs.replace(plan, models=tuple(gone)).write()
    until(lambda: "has no model" in server.get("/health")["plan"]["problem"])
    assert server.post("/v1/price/predict", row(1))["version"] == "working-tree"
    plan.write()
    until(lambda: server.get("/health")["plan"]["problem"] == "")


def test_a_share_of_the_answers_is_drawn_within_limits_and_logged(
    server: RunningServer, prices: Path
) -> None:
    rows = [row(number) for number in range(600)]
    before = server.post("/v1/price/predict", rows)
    explore = {"share": 0.1, "least": 12.0, "most": 40.0}
    block = {"subject": "listing_id", "salt": "s", "explore": explore}
    (prices / "rollout.yaml").write_text(yaml.safe_dump({"price": block}))
    asked = rows[:100]
    until(lambda: any(map(drawn, server.post("/v1/price/predict", asked))), FIRST_SECONDS)
    after = server.post("/v1/price/predict", rows)
    assert 30 <= sum(map(drawn, after)) <= 95  # of 60, with a chance of one in 10,000 at either end
    for old, new in zip(before, after, strict=True):
        assert new["prediction"] == old["prediction"]
        if drawn(new):
            low, high = max(new["lower"], 12.0), min(new["upper"], 40.0)
            assert low <= new["decision"]["tell"] <= high
            assert new["decision"]["density"] == pytest.approx(
                0.1 / (math.log1p(high) - math.log1p(low))
            )
        else:
            assert new["decision"] == old["decision"]
    assert [one["decision"] for one in server.post("/v1/price/predict", rows)] == [
        one["decision"] for one in after
    ]
    fresh = server.post("/v1/price/predict", [row(number) for number in range(9000, 9200)])
    mine = next(one for one in fresh if drawn(one))
    until(lambda: stored(server, mine)[0] == 200, LOADED_SECONDS)
    assert stored(server, mine)[1]["answer"]["explored"] == mine["decision"]["tell"]
    assert len({mine["decision"]["tell"] for mine in after if drawn(mine)}) > 20


def drawn(answer: dict[str, Any]) -> bool:
    return bool(answer["decision"]["by"] == "explored")


def test_a_promotion_may_ask_for_live_evidence(prices: Path, tmp_path: Path) -> None:
    change_params(prices, {"price": {"gate": {"evidence": "shadow"}}})
    run(prices, "git", "commit", "--quiet", "--all", "--message", "evidence is asked for")
    url = f"sqlite:///{tmp_path / 'store.db'}"
    promote = ("promote", "price", "--no-push", "--dry-run", "--store", url)
    assert "no arm of rollout.yaml tries this commit's model" in retrace(prices, *promote, ok=False)
    retrace(prices, "rollout", "start", "price", "HEAD", "--arm", "new")
    Store(url).upgrade()
    assert "new: Wait: " in retrace(prices, *promote, ok=False)
    fill(Store(url), n_days=20, errors={CHAMPION: 0.5, "new": 0.2})
    said = retrace(prices, *promote)
    assert "on live traffic (shadow): new: Promote: squared log error is lower by" in said


def fill(store: Store, n_days: int, errors: dict[str, float], a_day: int = 30) -> None:
    """Store answers of the last days whose errors are as large as said, with their outcomes."""
    draw, now = np.random.default_rng(0), time.time_ns() // 1000
    lines, known = [], []
    for number in range(n_days * a_day):
        at = now + number * 1000
        name, actual = str(number), float(draw.uniform(20, 60))
        known.append({"id": name, "problem": "price", "name": name, "known_at": at,
                      "received_at": at, "value": actual, "label": ""})  # fmt: skip
        for arm, error in errors.items():
            answer = {"prediction": actual * float(np.exp(draw.normal(0, error)))}
            answer |= {"lower": 1.0, "upper": 100.0}
            role = CHAMPION if arm == CHAMPION else "challenger"
            day = number // a_day * 86_400_000_000
            line = LoggedPrediction(
                f"{arm}-{name}", name, "price", "v", "f", role, arm, "", name, at, at + day, 100,
                {"condition": 1 + number % 5}, [], answer, {},
            )  # fmt: skip
            lines.append(row_of(line))
    with store.writing() as connection:
        insert_predictions(store, connection, lines)
        connection.execute(outcomes.insert(), known)


def in_store(server: RunningServer, arm: str) -> int:
    with Store(server.store).reading() as connection:
        asked = select(func.count()).where(predictions.c.arm == arm)
        return int(connection.execute(asked).scalar() or 0)
