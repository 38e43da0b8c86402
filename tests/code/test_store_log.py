"""The log loses nothing that was answered, and the loader stores each line once."""

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from store import log
from store.database import Store
from store.forget import drop_old, forget, subject_of
from store.loader import Loader, unloaded_bytes
from store.log import LogFull, LoggedPrediction, LogWriter, line_of
from store.tables import predictions


def prediction(number: int, person: str = "") -> LoggedPrediction:
    return LoggedPrediction(
        id=f"{number:032}",
        request="r",
        problem="p",
        version="v1",
        fingerprint="f",
        role="champion",
        arm="champion",
        subject=subject_of(person),
        name=f"row {number}",
        as_of=number,
        predicted_at=1_700_000_000_000_000 + number,
        latency_us=200,
        row={"who": person, "amount": 1.5},
        columns=[1.0, float("nan")],
        answer={"prediction": 0.25, "lower": 0.1, "upper": 0.5},
        scores={"point": -1.0},
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    found = Store(f"sqlite:///{tmp_path / 'store.db'}")
    found.upgrade()
    return found


def loaded_ids(store: Store) -> list[str]:
    with store.reading() as connection:
        return list(connection.execute(select(predictions.c.id)).scalars())


def test_each_line_is_loaded_once_with_all_that_it_says(tmp_path: Path, store: Store) -> None:
    writer, loader = LogWriter(tmp_path / "log"), Loader(store, tmp_path / "log")
    writer.append(line_of(prediction(1)) + line_of(prediction(2)))
    assert loader.load() == 2
    writer.append(line_of(prediction(2)) + line_of(prediction(3)))  # 2 was asked again
    assert unloaded_bytes(store, tmp_path / "log") > 0
    assert (loader.load(), loader.load()) == (2, 0)
    assert loaded_ids(store) == [f"{n:032}" for n in (1, 2, 3)]
    assert unloaded_bytes(store, tmp_path / "log") == 0
    with store.reading() as connection:
        row = connection.execute(select(predictions).where(predictions.c.as_of == 3)).one()
    assert (row.prediction, row.lower, row.upper, row.point_score) == (0.25, 0.1, 0.5, -1.0)
    columns = np.frombuffer(row.model_columns, np.float32)
    np.testing.assert_array_equal(columns, np.array([1.0, np.nan], np.float32))


def test_a_torn_last_line_waits_while_its_server_lives(tmp_path: Path, store: Store) -> None:
    writer, loader = LogWriter(tmp_path / "log"), Loader(store, tmp_path / "log")
    whole = line_of(prediction(2))
    writer.append(line_of(prediction(1)) + whole[:50])
    assert loader.load() == 1
    writer.append(whole[50:])
    assert loader.load() == 1
    writer.append(whole[:50])
    writer.close()  # as kill -9 does
    assert loader.load() == 0
    assert unloaded_bytes(store, tmp_path / "log") == 0
    LogWriter(tmp_path / "log").append(line_of(prediction(3)))
    assert loader.load() == 1
    assert len(loaded_ids(store)) == 3


@pytest.mark.parametrize("written", [0, 70])
def test_a_full_disk_refuses_and_recovers(
    tmp_path: Path, store: Store, monkeypatch: Any, written: int
) -> None:
    writer, real = LogWriter(tmp_path / "log"), os.write
    writer.append(line_of(prediction(1)))

    def full(file: int, content: bytes) -> int:
        if written:
            return real(file, content[:written])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(log.os, "write", full)
        with pytest.raises(LogFull, match="No space left on device"):
            writer.append(line_of(prediction(2)))
    writer.append(line_of(prediction(3)))
    assert Loader(store, tmp_path / "log").load() == 2
    assert loaded_ids(store) == [f"{n:032}" for n in (1, 3)]


def test_segments_that_are_loaded_and_closed_go(tmp_path: Path, store: Store) -> None:
    first, folder = LogWriter(tmp_path / "log"), tmp_path / "log"
    first.append(line_of(prediction(1)))
    first.close()
    second = LogWriter(folder)
    second.append(line_of(prediction(2)))
    Loader(store, folder, keep_seconds=0.0).load()
    assert [log.is_written(one) for one in log.segments(folder)] == [True]
    assert len(loaded_ids(store)) == 2


def test_a_segment_ends_when_it_is_large(tmp_path: Path, store: Store, monkeypatch: Any) -> None:
    monkeypatch.setattr(log, "LARGEST", 1000)
    writer = LogWriter(tmp_path / "log")
    for number in range(9):
        writer.append(line_of(prediction(number)))
    assert len(log.segments(tmp_path / "log")) > 3
    assert Loader(store, tmp_path / "log").load() == 9


def test_forget_blanks_the_log_and_empties_the_store(tmp_path: Path, store: Store) -> None:
    folder = tmp_path / "log"
    writer = LogWriter(folder)
    for number, person in enumerate(["Ann", "Bob", "Ann"]):
        writer.append(line_of(prediction(number, person)))
    loader = Loader(store, folder)
    loader.load()
    writer.append(line_of(prediction(7, "Ann")) + line_of(prediction(8, "Bob")))
    found = forget(store, folder, "who", "Ann")
    assert (found["log"], found["predictions"]) == (3, 2)
    loader.load()
    assert loaded_ids(store) == [f"{n:032}" for n in (1, 8)]
    assert all(b"Ann" not in line for _, _, line in log.lines(folder))


def test_what_is_older_than_is_kept_goes(tmp_path: Path, store: Store) -> None:
    writer = LogWriter(tmp_path / "log")
    writer.append(line_of(prediction(1)))
    Loader(store, tmp_path / "log").load()
    drop_old(store, 100_000.0)
    assert loaded_ids(store)
    drop_old(store, 1.0)  # it is of 2023
    assert not loaded_ids(store)
