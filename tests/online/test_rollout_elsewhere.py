"""A challenger whose features are other code than the server's: it answers with its own."""

import contextlib
import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from experiments.promotion import registry
from store.database import Store
from store.tables import predictions
from tests.conftest import commit, run
from tests.online.faults import wait_until_loaded
from tests.online.server import RunningServer
from tests.online.test_rollout import challengers, retrace, until

# Half a minute of the processor each: a version of other code is started as a server of its own.
pytestmark = pytest.mark.slow

STARTED_SECONDS = 180.0  # a server of another checkout, on a machine that has other work
FORMULA = "price.features: another formula"
WAS = '"description_exclamations": _count(description, "!")'
IS = '"description_exclamations": 7 * _count(name, "e") + _numbers(name, len)'
# What a checkout predicts for rows of its clean table, by a process with its own code.
ASK = """
import json, sys
from retrace.base.pins import pin
pin()
from pathlib import Path
from problems.parts import find_problem
from problems.predict import predict
from problems.rows import to_json
from retrace.base import paths
from retrace.base.arrays import from_frame
from retrace.base.files import read_table
from retrace.fit.bundle import Bundle
rows = read_table(paths.clean("price")).head(60).drop(columns="price_usd")
found = predict(find_problem("price"), Bundle.load(paths.bundle("price")), rows)
arrays = from_frame(rows)
rows = [to_json(arrays, place) for place in range(len(rows))]
Path(sys.argv[1]).write_text(json.dumps([rows, found["prediction"].tolist()]))
"""


def predicted(project: Path, file: Path) -> tuple[list[dict[str, Any]], list[float]]:
    run(project, "python", "-c", ASK, str(file))
    rows, found = json.loads(file.read_text())
    return rows, found


@pytest.fixture
def versions(prices: Path, tmp_path: Path) -> tuple[str, list[dict[str, Any]], dict[str, Any]]:
    """Another version's commit; rows; and what the champion and it say of each."""
    rows, ours = predicted(prices, tmp_path / "ours.json")
    first = run(prices, "git", "rev-parse", "HEAD").strip()
    code = prices / "problems/price/features/__init__.py"
    assert WAS in code.read_text()
    code.write_text(code.read_text().replace(WAS, IS))
    run(prices, "dvc", "repro", "train@price", "evaluate@price")
    commit(prices, FORMULA)
    _, theirs = predicted(prices, tmp_path / "theirs.json")
    other = run(prices, "git", "rev-parse", "HEAD").strip()
    run(prices, "git", "reset", "--hard", "--quiet", first)
    run(prices, "dvc", "checkout", "--quiet")
    assert ours != theirs
    return other, rows, {"champion": ours, "b": theirs}


@pytest.fixture
def server(prices: Path, tmp_path: Path) -> Iterator[RunningServer]:
    running = RunningServer(prices, ["price"], tmp_path / "served").start()
    yield running
    running.stop()


def children(server: RunningServer, arm: str = "b") -> list[int]:
    """Return the processes that answer for an arm of other code."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if str(server.log / f"arms/price-{arm}").encode() in words and b"serve" in words:
                found.append(int(folder.name))
    return found


def recorded(server: RunningServer, arm: str) -> list[Any]:
    with Store(server.store).reading() as connection:
        return list(connection.execute(select(predictions).where(predictions.c.arm == arm)))


def test_it_answers_with_its_own_code_and_the_champion_while_it_is_away(
    server: RunningServer, prices: Path, versions: Any
) -> None:
    other, rows, said = versions
    words = ("--mode", "ab", "--share", "0.5", "--arm", "b", "--subject", "listing_id")
    retrace(prices, "rollout", "start", "price", other, *words)
    until(lambda: challengers(server).get("b", {}).get("serves"), STARTED_SECONDS)

    answers = server.post("/v1/price/predict", rows)
    assert {one["arm"] for one in answers} == {"champion", "b"}
    assert [one["prediction"] for one in answers] == [
        said[one["arm"]][place] for place, one in enumerate(answers)
    ]
    mine = [one for one in answers if one["arm"] == "b"]
    assert {one["version"] for one in mine} == {other[:12]}
    until(lambda: len(recorded(server, "b")) == len(mine), 20)
    kept = {one.id: one for one in recorded(server, "b")}
    assert {one["id"] for one in mine} == set(kept)
    assert {(one.role, one.version) for one in kept.values()} == {("challenger", other[:12])}

    (process,) = children(server)
    os.kill(process, signal.SIGKILL)
    place = next(place for place, one in enumerate(answers) if one["arm"] == "b")
    away = server.post("/v1/price/predict", rows[place])
    assert (away["arm"], away["prediction"]) == ("b", said["champion"][place])
    wait_until_loaded(server)
    until(lambda: any(one.id == away["id"] for one in recorded(server, "b")))
    assert next(one.role for one in recorded(server, "b") if one.id == away["id"]) == "champion"

    def is_back() -> bool:
        answer = server.post("/v1/price/predict", rows[place])
        return bool(answer["prediction"] == said["b"][place])

    until(is_back, STARTED_SECONDS)
    assert children(server) != [process]
    assert server.post("/v1/price/predict", rows[place])["id"] == answers[place]["id"]

    retrace(prices, "rollout", "stop", "price", "b")
    until(lambda: challengers(server) == {})
    until(lambda: children(server) == [], 15)
    assert server.post("/v1/price/predict", rows[place])["arm"] == "champion"


def test_in_shadow_it_is_asked_what_the_champion_was_and_ends_with_the_server(
    server: RunningServer, prices: Path, versions: Any
) -> None:
    other, rows, said = versions
    retrace(prices, "rollout", "start", "price", other, "--arm", "b")
    until(lambda: challengers(server).get("b", {}).get("serves"), STARTED_SECONDS)
    until(lambda: (server.log / "shadow.sock").exists(), STARTED_SECONDS)

    def seen() -> bool:
        answers = server.post("/v1/price/predict", rows[:1])  # until the process is connected
        assert answers[0]["arm"] == "champion"
        return bool(recorded(server, "b"))

    until(seen, 30)
    answers = server.post("/v1/price/predict", rows)
    assert [one["prediction"] for one in answers] == said["champion"]
    until(lambda: len(recorded(server, "b")) == len(rows), 20)
    by_name = {one.name: one for one in recorded(server, "b")}
    mine = [by_name[str(row["listing_id"])] for row in rows]
    assert [one.prediction for one in mine] == said["b"]
    assert {one.role for one in mine} == {"challenger"}

    server.kill()
    until(lambda: children(server) == [], 15)
    server.start()  # with an arm of other code in the file from the beginning
    until(lambda: challengers(server)["b"]["serves"], STARTED_SECONDS)
    server.stop()
    until(lambda: children(server) == [], 15)


def test_a_champion_of_other_code_is_served_and_put_back_without_losing_a_request(
    server: RunningServer, prices: Path, versions: Any
) -> None:
    other, rows, said = versions
    with contextlib.chdir(prices):
        registry.register(Path(), "price", "v0.0.1", "first")
        registry.wait_for_clock("price")
        registry.gto.api.register(Path(), "price", other, version="v0.0.2", message="other code")
    until(lambda: version(server) == "v0.0.1", STARTED_SECONDS)
    with asked_always(server, rows[0]) as found:
        put_into_use(prices, "v0.0.2")
        until(lambda: version(server) == "v0.0.2", STARTED_SECONDS)
        answers = server.post("/v1/price/predict", rows)
        assert [one["prediction"] for one in answers] == said["b"]
        assert {(one["version"], one["arm"]) for one in answers} == {("v0.0.2", "champion")}
        until(lambda: {one["id"] for one in answers} <= {one.id for one in mine(server)}, 20)
        assert server.get("/health")["models"] == {"price": "v0.0.2"}
        assert server.get("/health")["plan"]["problem"] == ""
        refused = server.another().ask("POST", "/v1/price/predict", {**rows[0], "condition": 9})
        assert refused[0] == 422

        (process,) = children(server, f"champion-{other[:12]}")
        os.kill(process, signal.SIGKILL)
        away = server.post("/v1/price/predict", rows[0])
        assert (away["version"], away["prediction"]) == ("v0.0.1", said["champion"][0])
        until(
            lambda: server.post("/v1/price/predict", rows[0])["version"] == "v0.0.2",
            STARTED_SECONDS,
        )

        put_into_use(prices, "v0.0.1")
        until(lambda: version(server) == "v0.0.1")
        assert server.post("/v1/price/predict", rows[0])["prediction"] == said["champion"][0]
        until(lambda: children(server, f"champion-{other[:12]}") == [], 15)
    assert set(found) <= {(200, "v0.0.1"), (200, "v0.0.2")}
    assert len(found) > 50

    put_into_use(prices, "v0.0.2")
    until(lambda: version(server) == "v0.0.2", STARTED_SECONDS)
    server.stop()
    server.start()  # what stands in answers until the other code is there again
    until(lambda: version(server) == "v0.0.2", STARTED_SECONDS)
    assert server.post("/v1/price/predict", rows[0])["prediction"] == said["b"][0]


def version(server: RunningServer) -> str:
    (model,) = server.get("/v1/models")
    return str(model["version"])


def put_into_use(project: Path, name: str) -> None:
    with contextlib.chdir(project):
        registry.assign(Path(), "price", name, "test")


def mine(server: RunningServer) -> list[Any]:
    return recorded(server, "champion")


@contextlib.contextmanager
def asked_always(server: RunningServer, row: dict[str, Any]) -> Iterator[list[tuple[int, str]]]:
    """Ask without a pause; yield the statuses and versions of the answers."""
    found: list[tuple[int, str]] = []
    over = threading.Event()

    def ask() -> None:
        client = server.another()
        while not over.wait(0.02):
            status, answer = client.ask("POST", "/v1/price/predict", row)
            found.append((status, answer.get("version", str(answer))))

    asker = threading.Thread(target=ask, daemon=True)
    asker.start()
    yield found
    over.set()
    asker.join(30)
