"""The clean table of every world holds its schema and its limits."""

from pathlib import Path

import pytest

from tests.data.clean import EVERY, CleanTable
from workflow.validate import check_schema


@pytest.mark.parametrize("table", EVERY, ids=lambda table: table.world)
@pytest.mark.parametrize("seed", [2, 3, 7])
def test_what_the_simulator_makes_raises_nothing(
    tmp_path: Path, table: CleanTable, seed: int
) -> None:
    rows = table.make(tmp_path, seed)
    assert len(rows) >= table.limits.rows_min
    check_schema(table.schema, rows, 3)
    assert table.failed(rows) == set()
    assert {check.column for check in table.limits.listed()} <= {*rows.columns}
