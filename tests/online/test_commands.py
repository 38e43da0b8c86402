"""`retrace predict`, `events` and `forget`: files in, predictions out; people shown, and gone."""

import contextlib
import json
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from commands import predict as command
from commands.__main__ import main
from problems import asked, parts
from problems.parts import find_problem
from problems.predict import predict
from problems.rows import RowReader
from retrace.base import paths
from retrace.base.arrays import to_frame
from retrace.base.errors import RetraceError
from retrace.base.files import read_table
from retrace.fit.bundle import Bundle
from serving.app import ServingPlan
from serving.run import run as serve
from tests.conftest import ROOT
from tests.online.faults import payment, wait_until_loaded
from tests.online.server import RunningServer


def retrace(project: Path, *words: str) -> int:
    with contextlib.chdir(project):
        return main(words)


def test_raw_rows_have_the_answers_of_clean_ones(reproduced: Path, tmp_path: Path) -> None:
    out = tmp_path / "prices.parquet"
    raw = reproduced / "data/raw/price/train.tsv"
    assert retrace(reproduced, "predict", "price", str(raw), "-o", str(out)) == 0
    found = read_table(out)
    with contextlib.chdir(reproduced):
        problem, bundle = find_problem("price"), Bundle.load(paths.bundle("price"))
        clean = read_table(paths.clean("price"))
        expected = predict(problem, bundle, clean).assign(listing_id=clean["listing_id"])
    usable = found[(found["refused"] == "") & found["listing_id"].isin(expected["listing_id"])]
    usable = usable.sort_values("listing_id", ignore_index=True)
    pd.testing.assert_frame_equal(
        usable[[*expected]], expected, check_exact=True, check_dtype=False
    )
    assert len(found) == len(read_raw_lines(raw))
    assert not list(tmp_path.glob("*.parts"))


def read_raw_lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()[1:]


def test_it_goes_on_where_it_was(
    reproduced: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, out = reproduced / "data/raw/price/train.tsv", tmp_path / "prices.csv"
    monkeypatch.setattr(command, "AT_ONCE", 1000)
    real, asked = command.answered, list[int]()

    def answered(problem: Any, rows: pd.DataFrame, ask: Any) -> pd.DataFrame:
        if len(asked) == 2:
            raise KeyboardInterrupt
        asked.append(len(rows))
        return real(problem, rows, ask)

    words = ("predict", "price", str(raw), "-o", str(out))
    with monkeypatch.context() as patched:
        patched.setattr(command, "answered", answered)
        assert retrace(reproduced, *words) == 130
    assert not out.exists()
    asked.clear()
    with monkeypatch.context() as patched:
        patched.setattr(command, "answered", answered)
        assert retrace(reproduced, *words) == 0
    assert sum(asked) == len(read_raw_lines(raw)) - 2000
    assert len(pd.read_csv(out)) == len(read_raw_lines(raw))
    whole = tmp_path / "whole.csv"
    assert retrace(reproduced, *words[:-1], str(whole)) == 0
    assert whole.read_bytes() == out.read_bytes()


def test_rows_of_the_api_and_of_the_clean_table(reproduced: Path, tmp_path: Path) -> None:
    rows = [payment(number) for number in range(200)]  # of today, after all of the data
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with contextlib.chdir(reproduced):
        reader = RowReader.of_rows(parts.world("fraud"))
    to_frame(reader.read(rows)).to_parquet(tmp_path / "clean.parquet")
    found = []
    for name in ("clean.parquet", "rows.jsonl"):
        words = ("predict", "fraud", str(tmp_path / name), "-o", str(tmp_path / "out.parquet"))
        assert retrace(reproduced, *words) == 0
        found.append(read_table(tmp_path / "out.parquet"))
    pd.testing.assert_frame_equal(*found, check_exact=True)
    store = f"sqlite:///{tmp_path / 'store.db'}"
    for _ in range(2):  # the second time stores nothing new
        words = (
            "predict",
            "fraud",
            str(tmp_path / "rows.jsonl"),
            "-o",
            str(tmp_path / "s.parquet"),
        )
        assert retrace(reproduced, *words, "--store", store) == 0
    stored = read_table(tmp_path / "s.parquet")
    assert stored["prediction"].tolist() == found[0]["prediction"].tolist()
    with sqlite3.connect(tmp_path / "store.db") as connection:
        asked = connection.execute("SELECT id FROM predictions").fetchall()
    assert sorted(one for (one,) in asked) == sorted(stored["id"])


def test_rows_that_look_at_each_other_are_answered_together_wherever_they_stand(
    reproduced: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = read_table(reproduced / "data/clean/service_time.parquet").tail(400)
    rows.sample(frac=1, random_state=1).to_parquet(tmp_path / "rows.parquet")
    found = []
    for number, most in enumerate((50_000, 7)):
        monkeypatch.setattr(command, "AT_ONCE", most)
        out = tmp_path / f"{number}.parquet"
        words = ("predict", "service_time", str(tmp_path / "rows.parquet"), "-o", str(out))
        assert retrace(reproduced, *words) == 0
        found.append(out.read_bytes())
    assert found[0] == found[1]


def test_rows_are_read_in_pieces_and_none_before_it_is_needed(
    reproduced: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of groups that stand together, in parts: never more of it is read than one part and a
    piece."""
    monkeypatch.setattr(asked, "PIECE_ROWS", 50)
    path = reproduced / "data/clean/service_time.parquet"
    rows = read_table(path)
    problem, n_read, n_given, at_once = find_problem("service_time"), 0, 0, list[int]()
    read = asked.pieces

    def counted(*words: Any) -> Iterator[pd.DataFrame]:
        nonlocal n_read
        for piece in read(*words):
            n_read += len(piece) if len(words) == 2 else 0  # the first pass reads groups alone
            yield piece

    monkeypatch.setattr(asked, "pieces", counted)
    for part in asked.in_parts(problem, path, most=200):
        at_once.append(n_read - n_given)
        n_given += len(part.rows)
        expected = rows.iloc[part.places].drop(columns=[*parts.world("service_time").outcomes])
        pd.testing.assert_frame_equal(part.rows, expected.reset_index(drop=True))
    assert n_given == len(rows) > 5 * max(at_once)


def test_a_column_of_some_rows_is_one_of_all(
    reproduced: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = parts.world("orders")
    rows = [dict(world.example, order_id=f"O-{number}") for number in range(30)]
    for row in rows[:25]:
        del row["text_region"]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    found = []
    for most in (20_000, 7):
        monkeypatch.setattr(asked, "PIECE_ROWS", most)
        (part,) = asked.in_parts(find_problem("order_stuck"), path, 1000)
        found.append(part.rows)
    pd.testing.assert_frame_equal(*found)
    assert found[0]["text_region"].tolist() == [""] * 25 + ["west"] * 5


def test_a_bad_line_is_said_with_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows.jsonl"
    monkeypatch.setattr(asked, "PIECE_ROWS", 2)
    rows = [json.dumps(payment(number)) for number in range(5)]
    path.write_text("\n".join([*rows, '{"amount": ', *rows]))
    with pytest.raises(RetraceError, match=r"rows\.jsonl, line 6: .*Expected a row as JSON"):
        list(asked.in_parts(find_problem("fraud"), path, 1000))
    path.write_text("\n".join([*rows, json.dumps({**payment(1), "amount": -1})]))
    with pytest.raises(RetraceError, match=r"row 6, amount: -1"):
        list(asked.in_parts(find_problem("fraud"), path, 1000))


def test_rows_that_the_store_refuses_leave_the_others_their_answers(
    reproduced: Path, tmp_path: Path
) -> None:
    rows = [payment(number) for number in range(30)]
    rows[11]["at"] = rows[12]["at"] = "2099-01-01T00:00:00Z"
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    words = ("predict", "fraud", str(tmp_path / "rows.jsonl"), "-o", str(tmp_path / "out.parquet"))
    store = f"sqlite:///{tmp_path / 'store.db'}"
    assert retrace(reproduced, *words, "--store", store) == 0
    found = read_table(tmp_path / "out.parquet")
    assert found["transaction_id"].tolist() == [row["transaction_id"] for row in rows]
    refused = found["refused"].str.startswith("at: 2099")
    assert refused.to_numpy().nonzero()[0].tolist() == [11, 12]
    assert found["prediction"].isna().tolist() == refused.tolist()


def test_files_that_cannot_be_predicted(
    reproduced: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows.csv").write_text("a\n1\n")
    (tmp_path / "empty.jsonl").touch()
    for words, said in (
        (("fraud", "rows.csv", "-o", "out.csv"), "cannot be predicted from a file"),
        (("fraud", "none.csv", "-o", "out.csv"), "is no file"),
        (("fraud", "empty.jsonl", "-o", "out.csv"), "has no rows"),
        (("fraud", "rows.csv", "-o", "out.xlsx"), "expected a name that ends in"),
    ):
        places = [word if word in ("fraud", "-o") else str(tmp_path / word) for word in words]
        assert retrace(reproduced, "predict", *places) == 1
        assert said in capsys.readouterr().err


def test_a_person_is_shown_and_forgotten(
    reproduced: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = RunningServer(reproduced, ["fraud"], tmp_path / "served").start()
    try:
        rows = [{**payment(n), "customer_id": f"C-{n % 2}-here"} for n in range(6)]
        server.post("/v1/fraud/events", rows[:4])
        for row in rows:
            server.post("/v1/fraud/predict", row)
        wait_until_loaded(server)
        places = ("--store", server.store)
        assert retrace(reproduced, "events", "fraud", "customer_id", "C-1-here", *places) == 0
        shown = json.loads(capsys.readouterr().out)
        assert len(shown["events"]) == 2
        assert len(shown["predictions"]) == 3
        assert shown["state"]
        where = (*places, "--log", str(server.log))
        assert retrace(reproduced, "forget", "customer_id", "C-1-here", *where) == 0
        capsys.readouterr()
        assert retrace(reproduced, "events", "fraud", "customer_id", "C-1-here", *places) == 1
        assert retrace(reproduced, "events", "fraud", "customer_id", "C-0-here", *places) == 0
        server.post("/v1/fraud/predict", rows[0])  # it goes on
        wait_until_loaded(server)
    finally:
        server.stop()
    kept = b"".join(one.read_bytes() for one in server.log.glob("*.jsonl"))
    assert kept.count(b"T-0-") >= 1
    with sqlite3.connect(server.store.removeprefix("sqlite:///")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for table, column in (("events", "body"), ("predictions", "row"), ("state", "part")):
            texts = connection.execute(f"SELECT {column} FROM {table}").fetchall()
            assert not any("C-1-here" in str(one) for (one,) in texts), table


@pytest.mark.parametrize("words", [("forget",), ("events", "fraud")])
def test_a_database_that_is_not_there_is_said_and_not_made(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = f"sqlite:///{tmp_path / 'folder/none.db'}"
    assert retrace(ROOT, *words, "customer_id", "C1", "--store", store) == 1
    assert "there is no such database" in capsys.readouterr().err
    assert not (tmp_path / "folder").exists()
    sqlite3.connect(tmp_path / "empty.db").close()
    store = f"sqlite:///{tmp_path / 'empty.db'}"
    assert retrace(ROOT, *words, "customer_id", "C1", "--store", store) == 1
    assert "cannot be asked: no such table" in capsys.readouterr().err


def test_a_port_that_is_taken_is_said_before_anything_is_loaded(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'none.db'}"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RetraceError, match=f"127.0.0.1:{port} cannot be served: Address"):
            serve(ServingPlan((), store, str(tmp_path / "log")), "127.0.0.1", port)
    assert not (tmp_path / "none.db").exists()
