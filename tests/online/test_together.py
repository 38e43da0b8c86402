"""What is answered together is what each request would be answered alone."""

import asyncio
import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from problems import parts
from problems.parts import find_problem
from problems.rows import RefusedRow, to_json
from retrace.base import paths
from retrace.base.arrays import from_frame
from retrace.base.files import read_table
from serving.model import Answer, Asked, Rowset, Served
from serving.settings import ServingParams
from serving.together import FEW_ROWS, MOST_ROWS, Together
from store.database import Store, StoreAway
from store.loader import Loader
from store.log import LogFull

PROBLEMS = ("price", "service_time", "fraud", "order_completion", "order_stuck")


class Model:
    """Answers each row with its number; 13 is a bad one. Rows of one `group` may not meet."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.away = False

    def fits(self, rows: Sequence[dict[str, Any]]) -> Rowset:
        further = frozenset(set().union(*rows) - {"number", "group"})
        return Rowset(further, {(row["group"],) for row in rows if "group" in row})

    def answer_together(self, asked: Sequence[Asked]) -> list[list[Answer]]:
        self.batches.append([one.request for one in asked])
        if self.away:
            raise StoreAway("away")
        for one in asked:
            for place, row in enumerate(one.rows):
                if row["number"] == 13:
                    raise RefusedRow(place, "number", "bad luck")
        return [
            [Answer(row, b"%d\n" % row["number"], row, one.request) for row in one.rows]
            for one in asked
        ]


class Log:
    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.full = False

    def __call__(self, answers: Sequence[Answer]) -> None:
        if self.full:
            raise LogFull("full")
        self.written.append(b"".join(answer.line for answer in answers))


def ask(model: Any, log: Log, *rows: Sequence[dict[str, Any]], threads: bool = False) -> list[Any]:
    """Ask all at once; return answers and errors."""

    async def all_at_once() -> list[Any]:
        together = Together(model, log, lambda: threads)
        asked = [Asked(some, str(number)) for number, some in enumerate(rows)]
        return await asyncio.gather(*map(together.answer, asked), return_exceptions=True)

    found = asyncio.run(all_at_once())
    return [one if isinstance(one, Exception) else [each.said for each in one] for one in found]


def numbered(*numbers: int, **more: Any) -> list[dict[str, Any]]:
    return [{"number": number, **more} for number in numbers]


@pytest.mark.parametrize("threads", [False, True])
def test_what_is_there_is_one_batch_and_one_write(threads: bool) -> None:
    model, log = Model(), Log()
    rows = [numbered(1), numbered(2, 3), numbered(4)]
    assert ask(model, log, *rows, threads=threads) == rows
    assert model.batches == [["0", "1", "2"]]
    assert log.written == [b"1\n2\n3\n4\n"]


def test_the_fault_of_one_is_no_others() -> None:
    model, log = Model(), Log()
    first, bad, last = ask(model, log, numbered(1), numbered(2, 13), numbered(4))
    assert (first, last) == (numbered(1), numbered(4))
    assert isinstance(bad, RefusedRow)
    assert bad.row == 1  # of its own request
    assert log.written == [b"1\n4\n"]


def test_rows_that_would_see_each_other_are_apart() -> None:
    model = Model()
    rows = [numbered(1, group="a"), numbered(2, group="b"), numbered(3, group="a")]
    assert ask(model, Log(), *rows, numbered(4, tall=1), numbered(5, tall=2)) == [
        *rows, numbered(4, tall=1), numbered(5, tall=2)
    ]  # fmt: skip
    assert model.batches == [["0", "1"], ["2"], ["3", "4"]]


def test_a_batch_is_no_larger_than_it_may_be_and_a_large_request_is_alone() -> None:
    model = Model()
    large = numbered(*range(100, 100 + FEW_ROWS))
    rows = [large, *(numbered(number) for number in range(200, 200 + MOST_ROWS))]
    assert ask(model, Log(), *rows) == rows
    assert max(map(len, model.batches)) <= MOST_ROWS
    assert ["0"] in model.batches
    assert sum(map(len, model.batches)) == len(rows)


def test_a_database_that_is_away_is_asked_once() -> None:
    model, log = Model(), Log()
    model.away = True
    assert all(isinstance(one, StoreAway) for one in ask(model, log, numbered(1), numbered(2)))
    assert len(model.batches) == 1
    assert log.written == []


def test_what_is_not_on_record_is_not_answered() -> None:
    model, log = Model(), Log()
    log.full = True
    first, bad = ask(model, log, numbered(1), numbered(13))
    assert isinstance(first, LogFull)
    assert isinstance(bad, RefusedRow)


@pytest.mark.parametrize("name", PROBLEMS)
def test_answers_are_those_of_each_alone(reproduced: Path, tmp_path: Path, name: str) -> None:
    with contextlib.chdir(reproduced):
        store = Store(f"sqlite:///{tmp_path / 'store.db'}")
        store.upgrade()
        loader = Loader(store, tmp_path / "log")
        served = Served.load(find_problem(name), store, loader, params=ServingParams())
        served.begin()
        world = parts.world(served.problem.world)
        frame = read_table(paths.clean(world.name)).tail(25)  # neighbours, of the same groups too
        arrays = from_frame(frame.drop(columns=[one for one in world.outcomes if one in frame]))
        rows = [to_json(arrays, place) for place in range(len(frame))]
        if served.problem.time:
            for row in rows:  # of one moment, so that history is there
                row[served.problem.time] = "2026-06-01T12:00:00Z"
        asked = [rows[start : start + 1 + start % 2] for start in range(0, 24, 2)]
        alone = [[one.said for one in served.answer(some, "alone")] for some in asked]
        found = ask(served, Log(), *asked)
        assert json.dumps(found) == json.dumps(alone)
