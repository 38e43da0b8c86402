"""Two servers on one PostgreSQL are as one; while it is away, nothing is answered that is not
known, and nothing that was answered is lost."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.online.faults import payment, wait_until_loaded
from tests.online.postgres import Postgres, postgres, programs
from tests.online.replay import stored_ids
from tests.online.server import RunningServer

pytestmark = pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed")
LISTING = {"listing_id": 1, "name": "x", "condition": 1, "shipping_paid_by_seller": True}


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


@pytest.fixture(scope="module")
def pair(
    reproduced: Path, tmp_path_factory: pytest.TempPathFactory, database: Postgres
) -> Iterator[list[RunningServer]]:
    folder = tmp_path_factory.mktemp("replicas")
    found = [
        RunningServer(reproduced, ["fraud", "price"], folder / name, store=database.url)
        for name in "ab"
    ]
    for one in found:  # together, as an orchestrator does
        one.start(wait=False)
    for one in found:
        one.wait()
    yield found
    for one in found:
        one.stop()


def test_replicas_give_the_same_answers(pair: list[RunningServer]) -> None:
    first, second = pair
    rows = [{**payment(n), "terminal_id": "M-1"} for n in range(8)]
    first.post("/v1/fraud/events", rows[:4])
    second.post("/v1/fraud/events", rows[3:6])
    row = {**rows[6], "at": datetime.now(UTC).isoformat()}
    answers = [one.post("/v1/fraud/predict", row) for one in pair]
    assert answers[0] == answers[1]
    label = {"transaction_id": rows[0]["transaction_id"], "is_fraud": 1}
    first.post("/v1/fraud/outcomes", {**label, "known_at": datetime.now(UTC).isoformat()})
    later = {**rows[7], "at": datetime.now(UTC).isoformat()}
    answers = [one.post("/v1/fraud/predict", later) for one in pair]
    assert answers[0] == answers[1]
    wait_until_loaded(first)
    wait_until_loaded(second)
    found = second.get(f"/v1/predictions/{answers[0]['id']}")
    assert found["columns"]["terminal_all_frauds"] == 1.0


def test_a_database_that_is_away(pair: list[RunningServer], database: Postgres) -> None:
    first, _ = pair
    database.stop()
    try:
        status, answer = first.client.ask("POST", "/v1/fraud/predict", payment(1))
        assert (status, "does not answer" in answer["error"]["cause"]) == (503, True)
        assert str(database.port) not in answer["error"]["cause"]
        status, answer = first.client.ask("POST", "/v1/fraud/events", payment(1))
        assert status == 503
        assert str(database.port) not in answer["error"]["cause"]  # nor any other address
        answered = [
            first.post("/v1/price/predict", {**LISTING, "listing_id": number})["id"]
            for number in range(30)
        ]
        assert first.client.ask("GET", "/health/ready")[0] == 503
        assert first.get("/health/live") == {"status": "live"}
        time.sleep(1)
    finally:
        database.start()
    first.post("/v1/fraud/predict", payment(2))
    wait_until_loaded(first)
    stored = stored_ids(first)
    assert set(answered) <= set(stored)
    assert len(stored) == len(set(stored))
