"""Two servers on one PostgreSQL are as one; while it is away, they answer from what they
remember and say so, and nothing that was answered is lost."""

import contextlib
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from problems.parts import find_problem
from serving.model import Served
from serving.settings import ServingParams
from store.database import Store, StoreAway
from store.loader import Loader
from store.remembered import Remembered
from store.tables import state
from tests.online.faults import payment, wait_until_loaded
from tests.online.postgres import Postgres, postgres, programs
from tests.online.replay import stored_ids
from tests.online.server import RunningServer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed"),
]
MOST_SECONDS = 8.0  # of an answer; what it may wait for the database is a second or two
LISTING = {"listing_id": 1, "name": "x", "condition": 1, "shipping_paid_by_seller": True}


def now() -> str:
    return datetime.now(UTC).isoformat()


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
    row = {**rows[6], "at": now()}
    answers = [one.post("/v1/fraud/predict", row) for one in pair]
    assert answers[0] == answers[1]
    label = {"transaction_id": rows[0]["transaction_id"], "is_fraud": 1}
    first.post("/v1/fraud/outcomes", {**label, "known_at": now()})
    later = {**rows[7], "at": now()}
    answers = [one.post("/v1/fraud/predict", later) for one in pair]
    assert answers[0] == answers[1]
    wait_until_loaded(first)
    wait_until_loaded(second)
    found = second.get(f"/v1/predictions/{answers[0]['id']}")
    assert found["columns"]["terminal_all_frauds"] == 1.0


def test_a_database_that_is_away_delays_no_answer(
    pair: list[RunningServer], database: Postgres
) -> None:
    first, second = pair
    rows = [{**payment(n), "customer_id": "C-away", "terminal_id": "M-away"} for n in range(8)]
    first.post("/v1/fraud/events", rows[:4])
    labels = [
        {"transaction_id": row["transaction_id"], "is_fraud": 1, "known_at": now()}
        for row in rows[:4]
    ]
    second.post("/v1/fraud/outcomes", labels)
    asked = {**rows[7], "at": now()}
    before = first.post("/v1/fraud/predict", asked)
    assert "stale" not in before
    began = now()
    database.stop()
    try:
        answered = []
        for one in pair:  # to the second nobody has told of these since its last reading
            started = time.monotonic()
            answer = one.post("/v1/fraud/predict", asked)
            assert time.monotonic() - started < MOST_SECONDS
            assert answer["stale"] is True
            assert answer["history_as_of"] < began
            answered.append(answer)
        told = {one: before[one] for one in ("id", "prediction", "decision")}
        assert {one: answered[0][one] for one in told} == told  # it had asked for them before
        fresh = [{**payment(number), "at": now()} for number in range(30)]
        answers = [first.post("/v1/fraud/predict", row) for row in fresh]
        assert all(one["stale"] for one in answers)
        answers += [
            first.post("/v1/price/predict", {**LISTING, "listing_id": number})
            for number in range(30)
        ]
        taken = {"prediction_id": before["id"], "action": "taken"}
        for path, body in (
            ("/v1/fraud/events", payment(1)),
            ("/v1/fraud/outcomes", labels[0]),
            ("/v1/fraud/feedback", taken),
        ):
            status, answer = first.client.ask("POST", path, body)
            assert (status, "nothing was stored" in answer["error"]["cause"]) == (503, True)
            assert str(database.port) not in answer["error"]["cause"]  # nor any other address
        assert first.get("/health/live") == {"status": "live"}
        assert first.get("/health/ready") == {"status": "ready"}
        assert first.client.ask("GET", "/health")[0] == 503
        counted = first.client.ask("GET", "/metrics")[1]
        assert 'retrace_stale_answers_total{problem="fraud"} 31.0' in counted
    finally:
        database.start()
    wait_until_fresh(first, asked)
    assert first.post("/v1/fraud/predict", asked) == before
    assert first.post("/v1/fraud/events", rows[4]) == {"stored": 1, "repeated": 0, "held": 0}
    wait_until_loaded(first)
    stored = stored_ids(first)
    assert {one["id"] for one in answers} <= set(stored)
    assert len(stored) == len(set(stored))
    recorded = first.get(f"/v1/predictions/{answers[0]['id']}")
    assert recorded["answer"]["history_as_of"] == answers[0]["history_as_of"]


def test_a_database_that_hangs_is_not_waited_for(
    pair: list[RunningServer], database: Postgres
) -> None:
    """Its connections stay open and nothing comes: only a clock of one's own tells."""
    first, _ = pair
    asked = {**payment(1), "at": now()}
    first.post("/v1/fraud/predict", asked)
    with database.stopped():
        told = [("POST", "/v1/fraud/events", payment(number)) for number in range(10)]
        writing = [threading.Thread(target=first.another().ask, args=one) for one in told]
        for thread in writing:  # more than there are threads that write
            thread.start()
        started = time.monotonic()
        assert first.post("/v1/fraud/predict", asked)["stale"] is True
        assert time.monotonic() - started < MOST_SECONDS
        assert first.get("/health/ready") == {"status": "ready"}
    for thread in writing:
        thread.join(60)
    wait_until_fresh(first, asked)


def test_a_server_starts_while_the_database_is_away(
    reproduced: Path, tmp_path: Path, database: Postgres
) -> None:
    """One whose database it has never seen: what needs no history is answered, the rest is when
    the database is there."""
    empty = database.another("empty")
    database.stop()
    server = RunningServer(reproduced, ["fraud", "price"], tmp_path, store=empty)
    try:
        server.start()
        asked = {**payment(1), "at": now()}
        for path, body in (("predict", asked), ("events", asked)):
            status, answer = server.client.ask("POST", f"/v1/fraud/{path}", body)
            assert (status, "does not answer" in answer["error"]["cause"]) == (503, True)
        priced = server.post("/v1/price/predict", LISTING)
        assert "stale" not in priced
        status, ready = server.client.ask("GET", "/health/ready")
        assert (status, "does not answer" in ready["status"]) == (503, True)
        assert server.get("/health/live") == {"status": "live"}
        assert "<form" in server.client.ask("GET", "/problems/fraud")[1]
    finally:
        database.start()
    try:
        wait_until_ready(server)
        assert server.post("/v1/fraud/events", asked) == {"stored": 1, "repeated": 0, "held": 0}
        later = {**payment(2), "customer_id": asked["customer_id"], "at": now()}
        answer = server.post("/v1/fraud/predict", later)
        assert "stale" not in answer
        wait_until_loaded(server)
        found = server.get(f"/v1/predictions/{answer['id']}")
        assert found["columns"]["seconds_since_last"] < 60.0
        assert server.get(f"/v1/predictions/{priced['id']}")["answer"]["prediction"] > 0
    finally:
        server.stop()


def test_without_history_an_answer_does_not_wait_for_a_database_never_seen(
    reproduced: Path, tmp_path: Path
) -> None:
    """Its interval is that of the data until the database has said what came since."""
    store = Store("postgresql://nobody@127.0.0.1:1/none")
    with contextlib.chdir(reproduced):
        loader = Loader(store, tmp_path)
        served = Served.load(find_problem("service_time"), store, loader, params=ServingParams())
        assert served.known is not None
        assert served.following is not None
        served.known.history = None
        served.known.remembered = Remembered(store, most_bytes=0)
        served.known.remembered.lose(OSError("away"))
        as_of = np.array([int(time.time()) * 1_000_000])
        known, intervals, until = served._look_up({}, as_of)
    assert known == {}
    assert [*intervals.values()] == [served.following.first]
    assert until == served.following.data_end > 1_700_000_000_000_000


def test_a_state_that_is_too_large_is_not_remembered(database: Postgres) -> None:
    store = Store(database.url)
    remembered = Remembered(store, most_bytes=0)
    with store.reading() as connection:
        basis = connection.execute(select(state.c.basis)).scalar()
    remembered.follow([str(basis)])
    remembered.watch()
    remembered.lose(OSError("away"))
    assert not remembered.is_whole
    with pytest.raises(StoreAway, match="does not answer"):
        remembered.parts(str(basis), ["customer_id:C1"])


def wait_until_ready(server: RunningServer) -> None:
    until = time.monotonic() + 60
    while server.client.ask("GET", "/health/ready")[0] != 200:
        assert time.monotonic() < until, server.printed()
        time.sleep(0.1)


def wait_until_fresh(server: RunningServer, row: dict[str, Any]) -> None:
    until = time.monotonic() + 60
    while "stale" in server.post("/v1/fraud/predict", row):
        assert time.monotonic() < until, server.printed()
        time.sleep(0.1)
