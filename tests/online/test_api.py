"""The API of a real server: answers, refusals, and what is on record of them."""

import contextlib
import json
import re
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from problems import parts
from problems.parts import find_problem
from problems.rows import to_json
from retrace.base.arrays import from_frame
from retrace.base.files import read_table
from retrace.base.params import read_key
from retrace.fit.bundle import Bundle
from tests.conftest import ROOT
from tests.online.faults import payment, wait_until_loaded
from tests.online.server import RunningServer

with contextlib.chdir(ROOT):
    PROBLEMS = {name: entry["world"] for name, entry in read_key("problems").items()}
    EXAMPLES = {name: dict(parts.world(world).example) for name, world in PROBLEMS.items()}


def now() -> str:
    return datetime.now(UTC).isoformat()


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_problem_answers_one_row_and_many(server: RunningServer, name: str) -> None:
    path, row = f"/v1/{name}/predict", EXAMPLES[name]
    one = server.post(path, row)
    with contextlib.chdir(ROOT):
        problem = find_problem(name)
    assert one["problem"] == name
    assert one["version"] == "working-tree"
    assert one["unit"] == problem.unit
    if problem.task == "regression":
        assert one["lower"] <= one["prediction"] <= one["upper"]
        assert one["decision"]["tell"] == one[one["decision"]["by"]]
    else:
        assert 0 < one["prediction"] < 1
        acts = one["prediction"] >= one["decision"]["threshold"]
        assert one["decision"]["act"] == acts
    assert server.post(path, [row]) == [one]  # the same question is one prediction


@pytest.mark.parametrize("name", PROBLEMS)
def test_reasons_add_up_to_the_score(server: RunningServer, name: str) -> None:
    found = server.post(f"/v1/{name}/predict?explain=true", EXAMPLES[name])["reasons"]
    effects = [abs(reason["effect"]) for reason in found]
    assert 1 <= len(found) <= 5
    assert all(effect > 0 for effect in effects)
    assert all(reason["words"] for reason in found)


def test_a_row_without_a_time_is_of_now(server: RunningServer) -> None:
    row = {name: value for name, value in payment(1).items() if name != "at"}
    before, answer, after = now(), server.post("/v1/fraud/predict", row), now()
    assert before[:19] <= answer["as_of"][:19] <= after[:19]


def test_everything_about_an_answer(server: RunningServer) -> None:
    row = payment(2)
    answer = server.post("/v1/fraud/predict", row)
    assert server.post("/v1/fraud/events", row) == {"stored": 1, "repeated": 0, "held": 0}
    told = {"transaction_id": row["transaction_id"], "is_fraud": 1, "known_at": now()}
    assert server.post("/v1/fraud/outcomes", told) == {"stored": 1, "repeated": 0, "held": 0}
    assert server.post("/v1/fraud/outcomes", [told, told]) == {
        "stored": 0,
        "repeated": 2,
        "held": 0,
    }
    feedback = {"prediction_id": answer["id"], "action": "overruled", "value": 0.5}
    server.post("/v1/fraud/feedback", feedback)
    wait_until_loaded(server)
    found = server.get(f"/v1/predictions/{answer['id']}")
    assert found["answer"] == {"prediction": answer["prediction"]}
    assert found["row"]["amount"] == found["columns"]["amount"] == row["amount"]
    assert [one["value"] for one in found["outcomes"]] == [1.0]
    assert found["feedback"] == [{"action": "overruled", "value": 0.5}]
    assert "customer_id" not in found["row"]  # a person's column
    log = b"".join(one.read_bytes() for one in server.log.glob("*.jsonl"))
    assert answer["id"].encode() in log
    assert row["customer_id"].encode() not in log.split(answer["id"].encode())[1].split(b"\n")[0]


def test_a_label_is_seen_by_the_next_request(server: RunningServer) -> None:
    rows = [{**payment(n), "customer_id": "C-known", "terminal_id": "M-bad"} for n in range(6)]
    server.post("/v1/fraud/events", rows[:5])
    before = server.post("/v1/fraud/predict", {**rows[5], "at": now()})
    labels = [
        {"transaction_id": row["transaction_id"], "is_fraud": 1, "known_at": now()}
        for row in rows[:5]
    ]
    server.post("/v1/fraud/outcomes", labels)
    after = server.post("/v1/fraud/predict", {**rows[5], "at": now()})
    assert after["prediction"] > before["prediction"]


ROW = payment(3)
REFUSED: list[tuple[str, bytes, int, str]] = [
    ("/v1/fraud/predict", b"", 400, ""),
    ("/v1/fraud/predict", b"{", 400, ""),
    ("/v1/fraud/predict", b'{"amount": NaN}', 400, ""),
    ("/v1/fraud/predict", b'{"amount": Infinity}', 400, ""),
    ("/v1/fraud/predict", b"[" * 100_000, 400, ""),
    ("/v1/fraud/predict", b"\xff\xfe", 400, ""),
    ("/v1/fraud/predict", b"[]", 422, ""),
    ("/v1/fraud/predict", b"5", 422, ""),
    ("/v1/fraud/predict", b"[1]", 422, "[0]"),
    ("/v1/fraud/predict", json.dumps({**ROW, "amount": "8"}).encode(), 422, "[0].amount"),
    ("/v1/fraud/predict", json.dumps([ROW, {**ROW, "amount": -8}]).encode(), 422, "[1].amount"),
    ("/v1/fraud/predict", json.dumps([ROW] * 1001).encode(), 413, ""),
    ("/v1/fraud/predict", b'"' + b"x" * 3_000_000 + b'"', 413, ""),
    ("/v1/nothing/predict", b"{}", 404, ""),
    ("/v1/nothing/events", b"{}", 404, ""),
    ("/v1/fraud/outcomes", b'{"transaction_id": "T1", "is_fraud": 2}', 422, "[0].is_fraud"),
    ("/v1/fraud/outcomes", b'{"is_fraud": 1}', 422, "[0].transaction_id"),
    ("/v1/fraud/feedback", b'{"prediction_id": "x", "action": "liked"}', 422, "action"),
    ("/v1/fraud/feedback", b'{"prediction_id": "x", "action": "overruled"}', 422, "value"),
    ("/v1/fraud/feedback", b'{"prediction_id": "x", "action": "taken", "value": 1}', 422, "value"),
    ("/v1/fraud/feedback", b'{"prediction_id": 1, "action": "taken"}', 422, "prediction_id"),
]


@pytest.mark.parametrize(("path", "body", "status", "field"), REFUSED)
def test_a_bad_request_is_refused_with_field_and_cause(
    server: RunningServer, path: str, body: bytes, status: int, field: str
) -> None:
    found, answer = server.client.ask("POST", path, body)
    assert (found, answer["error"]["field"]) == (status, field)
    assert answer["error"]["status"] == status
    assert answer["error"]["cause"]
    assert "Traceback" not in json.dumps(answer)
    assert str(ROOT) not in json.dumps(answer)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("POST", "/v1/fraud", 404),
        ("GET", "/docs/", 404),
        ("GET", "/style.css/%2e%2e/base.html", 404),
        ("GET", "/v1/fraud/predict", 405),
        ("PUT", "/v1/fraud/events", 405),
        ("DELETE", "/v1/models", 405),
        ("OPTIONS", "/v1/fraud/predict", 405),
    ],
)
def test_what_is_not_there_is_said_as_other_errors_are(
    server: RunningServer, method: str, path: str, status: int
) -> None:
    found, answer = server.client.ask(method, path)
    assert (found, answer["error"]["status"]) == (status, status)
    assert answer["error"]["cause"]


def raw(server: RunningServer, *parts: bytes, pause: float = 0.0) -> bytes:
    """Send bytes as they are, and return what comes until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        found = b""
        with contextlib.suppress(OSError):
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)
            while more := connection.recv(1 << 16):
                found += more
    return found


HEAD = b"POST /v1/fraud/predict HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"


def test_a_head_without_end_is_cut_off(server: RunningServer) -> None:
    header = b"X-One: " + b"a" * 8000 + b"\r\n"
    answer = raw(server, HEAD, *[header] * 400, pause=0.001)
    assert not answer or b" 400 " in answer.split(b"\r\n")[0]  # or the connection was reset
    assert server.get("/health/live") == {"status": "live"}


def test_several_requests_at_once_on_one_connection(server: RunningServer) -> None:
    body = json.dumps({**payment(8), "at": now()}).encode()
    one = HEAD.replace(b"Connection: close\r\n", b"")
    length = b"Content-Length: %d\r\n\r\n" % len(body) + body
    found = raw(server, (one + length) * 4 + HEAD + length)
    assert found.count(b"HTTP/1.1 200 OK") == 5


def test_lengths_that_contradict_each_other_are_refused(server: RunningServer) -> None:
    chunked = b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n"
    assert b" 400 " in raw(server, HEAD + chunked).split(b"\r\n")[0]
    assert b" 413 " in raw(server, HEAD + b"Content-Length: 99999999999\r\n\r\n{}")[:20]


def test_a_moment_that_is_not_yet_is_refused(server: RunningServer) -> None:
    """An event of the year 2099 would make all that come after it too late."""
    row = payment(7)
    told = {"transaction_id": row["transaction_id"], "is_fraud": 1}
    later = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    for path, body, field in (
        ("/v1/fraud/predict", {**row, "at": later}, "[0].at"),
        ("/v1/fraud/events", [row, {**row, "at": later}], "[1].at"),
        ("/v1/fraud/outcomes", {**told, "known_at": later}, "[0].known_at"),
    ):
        status, answer = server.client.ask("POST", path, body)
        assert (status, answer["error"]["field"]) == (422, field)
        assert "ahead of the server's clock" in answer["error"]["cause"]
    soon = (datetime.now(UTC) + timedelta(hours=2)).isoformat()  # clocks differ
    server.post("/v1/fraud/predict", {**row, "at": soon})


@pytest.mark.parametrize("name", ["fraud", "service_time"])
def test_a_moment_whose_history_is_no_longer_kept_is_refused(
    server: RunningServer, reproduced: Path, name: str
) -> None:
    with contextlib.chdir(ROOT):
        problem, world = find_problem(name), parts.world(PROBLEMS[name])
    settings = Bundle.load(reproduced / f"models/{name}").encoding.feature_settings
    if not settings["history"]:
        pytest.skip("history was found to be of no use to this model")
    rows = read_table(reproduced / f"data/clean/{world.name}.parquet")
    rows = rows.drop(columns=[one for one in world.outcomes if one in rows])
    if name == "fraud":  # whose states have thirty days of each terminal
        busy = rows["terminal_id"].value_counts().index[0]
        rows = rows[rows["terminal_id"] == busy]
    rows = rows.sort_values(str(problem.time)).iloc[[len(rows) // 3]]
    old = to_json(from_frame(rows), 0)
    new = {**old, str(problem.time): now()}
    status, answer = server.client.ask("POST", f"/v1/{name}/predict", [new, old])
    assert (status, answer["error"]["field"]) == (422, f"[1].{problem.time}")
    assert "no longer kept" in answer["error"]["cause"]
    server.post(f"/v1/{name}/predict", new)


def test_nothing_of_a_refused_request_is_on_record(server: RunningServer) -> None:
    good, bad = payment(4), {**payment(5), "amount": -1}
    assert server.client.ask("POST", "/v1/fraud/events", [good, bad])[0] == 422
    assert server.post("/v1/fraud/events", good) == {"stored": 1, "repeated": 0, "held": 0}


def test_metrics_count(server: RunningServer) -> None:
    def value(line: str) -> float:
        _, text = server.client.ask("GET", "/metrics")
        found = [one for one in text.splitlines() if one.startswith(line)]
        return float(found[0].rsplit(" ", 1)[1]) if found else 0.0

    counted = 'retrace_requests_total{action="predict",problem="fraud",status="200"'
    refused = 'retrace_refused_rows_total{column="amount",problem="fraud"}'
    before = value(counted), value(refused)
    server.post("/v1/fraud/predict", payment(6))
    server.client.ask("POST", "/v1/fraud/predict", {**payment(6), "amount": 0})
    server.client.ask("POST", "/v1/fraud/predict", {**payment(6), "no such column": 0})
    assert (value(counted), value(refused)) == (before[0] + 1, before[1] + 1)
    _, text = server.client.ask("GET", "/metrics")
    assert "no such column" not in text  # a stranger makes no labels
    for name in ("retrace_model_info", "retrace_loader_queue_bytes", "retrace_loader_lag_seconds"):
        assert f"\n{name}" in text
    assert 'retrace_prediction_count{problem="fraud"' in text


def test_health_and_models(server: RunningServer) -> None:
    assert server.get("/health/live") == {"status": "live"}
    assert server.get("/health/ready") == {"status": "ready"}
    assert server.get("/health")["models"] == dict.fromkeys(PROBLEMS, "working-tree")
    found = {one["problem"]: one for one in server.get("/v1/models")}
    assert {*found} == {*PROBLEMS}
    assert found["price"]["card"]["rows"]["fitted"] > 0
    assert server.client.ask("GET", "/v1/predictions/none")[0] == 404


def test_openapi_describes_every_column_with_an_example(server: RunningServer) -> None:
    document: dict[str, Any] = server.get("/openapi.json")
    for name, world in PROBLEMS.items():
        assert f"/v1/{name}/predict" in document["paths"]
        schema = document["components"]["schemas"][f"{world}_row"]
        answer = server.post(f"/v1/{name}/predict", schema["example"])
        said = document["components"]["schemas"][f"{name}_answer"]
        assert {*said["required"]} <= {*answer} <= {*said["properties"]}


def test_tokens_guard_all_but_health(reproduced: Path, tmp_path: Path) -> None:
    more = {"RETRACE_TOKENS": "predict aaaaaaaaaaaaaaaa,write bbbbbbbbbbbbbbbb"}
    running = RunningServer(reproduced, ["price"], tmp_path / "served", more=more).start()
    try:
        path, row = "/v1/price/predict", EXAMPLES["price"]
        assert running.client.ask("POST", path, row)[0] == 401
        assert running.client.ask("GET", "/metrics")[0] == 401
        assert running.client.ask("GET", "/health/ready")[0] == 200
        running.client.token = "aaaaaaaaaaaaaaaa"
        assert running.client.ask("POST", path, row)[0] == 200
        assert running.client.ask("POST", "/v1/price/events", row)[0] == 403
        running.client.token = "bbbbbbbbbbbbbbbb"
        assert running.client.ask("POST", "/v1/price/events", row)[0] == 200
    finally:
        running.stop()


def test_workers_are_as_one(reproduced: Path, tmp_path: Path) -> None:
    words = ["--workers", "2"]
    running = RunningServer(reproduced, ["fraud"], tmp_path / "served", words).start()
    try:
        rows = [{**payment(n), "terminal_id": "M-shared"} for n in range(8)]
        for row in rows:
            running.another().post("/v1/fraud/events", row)
        asked = {**payment(9), "terminal_id": "M-shared", "at": now()}
        answers = [running.another().post("/v1/fraud/predict", asked) for _ in range(12)]
        assert all(one == answers[0] for one in answers)
        wait_until_loaded(running)
        found = running.get(f"/v1/predictions/{answers[0]['id']}")
        assert found["columns"]["terminal_count_1"] == 8.0
        _, text = running.client.ask("GET", "/metrics")
        counted = re.search(r'requests_total\{action="predict".*status="200".*\} (\S+)', text)
        assert counted is not None
        assert float(counted[1]) == 12.0  # of both
    finally:
        running.stop()


def test_a_second_start_is_ready_at_once(server: RunningServer) -> None:
    """The state is in the database by now. What counts is the server's own time: a machine that
    does something else beside it takes longer by the clock."""
    server.kill()
    server.start()
    assert server.get("/health/ready") == {"status": "ready"}
    assert server.cpu_seconds() < 6  # of a small project; docs/serving.md has the default's
