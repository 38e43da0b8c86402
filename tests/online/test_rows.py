"""A row through JSON is the row of the clean table, to the bit and to the type."""

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest

from problems import parts
from problems.parts import find_problem
from problems.row_columns import RefusedRow
from problems.rows import RowReader, check_together, to_json
from retrace.base import paths
from retrace.base.arrays import from_frame
from retrace.base.files import read_table
from tests.conftest import ROOT

WORLDS = ("price", "service_time", "fraud", "orders")


@pytest.mark.parametrize("world", WORLDS)
def test_a_clean_row_comes_back(reproduced: Path, world: str) -> None:
    with contextlib.chdir(reproduced):
        frame = read_table(paths.clean(world)).sample(50, random_state=1)
        one = parts.world(world)
    rows = from_frame(frame.drop(columns=[name for name in one.outcomes if name in frame]))
    sent = [json.loads(json.dumps(to_json(rows, place))) for place in range(50)]
    reader = RowReader.of_rows(one)
    for found in (reader.read(sent), *(reader.read([row]) for row in sent)):
        assert {*found} == {*rows}
    found = reader.read(sent)
    for name, values in rows.items():
        assert found[name].dtype == values.dtype, name
        np.testing.assert_array_equal(found[name], values, err_msg=name)


@pytest.mark.parametrize("world", WORLDS)
def test_the_example_can_be_read(world: str) -> None:
    with contextlib.chdir(ROOT):
        one = parts.world(world)
    assert RowReader.of_rows(one).read([dict(one.example)])
    assert {*one.personal} <= {*one.example, ""}


PAYMENT = {
    "transaction_id": "T1",
    "at": "2025-11-03T14:05:00Z",
    "customer_id": "C1",
    "terminal_id": "M1",
    "amount": 8.5,
}
BAD = {
    "amount": [0, -1, 1e10, 1e400, float("nan"), "8.5", True, [1], {}, None, 10**400],
    "at": ["2025-11-03", "2025-11-03T14:05:00", "yesterday", 5, "0001-01-01T00:00:00Z", None,
           "9999-12-31T23:59:59Z", "", "2025-13-01T00:00:00Z"],
    "customer_id": ["", 5, None, "x" * 20_000, ["C1"], "a\x00b", "\ud800"],
    "costumer_id": ["C1"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD.items() for value in values]
)
def test_a_bad_value_is_refused_with_its_column(name: str, value: object) -> None:
    with contextlib.chdir(ROOT):
        reader = RowReader.of_rows(parts.world("fraud"))
    with pytest.raises(RefusedRow) as error:
        reader.read([PAYMENT, {**PAYMENT, name: value}])
    assert (error.value.row, error.value.column) == (1, name)
    assert len(error.value.reason) < 300


def test_what_is_asked_of_columns_together_is_asked_of_rows() -> None:
    with contextlib.chdir(ROOT):
        world = parts.world("orders")
        stops = parts.world("service_time")
    example = dict(world.example)
    early = {**example, "order_id": "O2", "snapshot_at": "2025-01-01T00:00:00Z"}
    reader = RowReader.of_rows(world)
    check_together(world, reader.read([example, example]))
    with pytest.raises(RefusedRow, match="no order is looked at before it starts") as error:
        check_together(world, reader.read([example, example, early]))
    assert error.value.row == 2
    again = {**example, "events": 4}
    with pytest.raises(RefusedRow, match="one row per order and moment"):
        check_together(world, reader.read([example, again]))
    with contextlib.chdir(ROOT):
        outcomes = RowReader.of_outcomes(stops, find_problem("service_time"))
    known = {"stop_id": "S1", "departed_at": "2026-01-12T18:10:00Z", "service_seconds": 5.0}
    check_together(stops, outcomes.read([known]))
    long = {**known, "arrived_at": "2026-01-12T18:00:00Z", "grade": "A"}
    with pytest.raises(RefusedRow, match="service_seconds is departed_at less arrived_at"):
        check_together(stops, outcomes.read([long]))


def test_a_reason_names_what_is_close_and_what_is_expected() -> None:
    with contextlib.chdir(ROOT):
        reader = RowReader.of_rows(parts.world("fraud"))
    with pytest.raises(RefusedRow, match="did you mean 'customer_id'"):
        reader.read([{**PAYMENT, "costumer_id": "C1"}])
    with pytest.raises(RefusedRow, match="expected a number, above 0"):
        reader.read([{**PAYMENT, "amount": -1}])
