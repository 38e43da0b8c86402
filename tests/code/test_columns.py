"""`columns:`: a table under its owner's names."""

from pathlib import Path

import pytest

from retrace.base.errors import RetraceError
from retrace.raw import read_mapped


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "payments.csv"
    path.write_text("TX_ID,TX_AMOUNT,SCENARIO,when\n1,2.5,3,now\n")
    return path


def test_columns_come_back_under_the_projects_names(table: Path) -> None:
    found = read_mapped(
        table, ["id", "amount"], ["when", "currency"], {"id": "TX_ID", "amount": "TX_AMOUNT"}
    )
    assert list(found.rows) == ["id", "amount", "when", "file", "row"]
    assert found.rows["amount"].tolist() == ["2.5"]


def test_a_mapping_to_a_missing_column_names_the_closest(table: Path) -> None:
    with pytest.raises(RetraceError, match=r"TX_AMOUNTS.*'TX_AMOUNT'"):
        read_mapped(table, ["amount"], [], {"amount": "TX_AMOUNTS"})


def test_a_mapped_optional_column_must_be_there(table: Path) -> None:
    with pytest.raises(RetraceError, match=r"'zzz'.*columns.currency"):
        read_mapped(table, ["when"], ["currency"], {"currency": "zzz"})


def test_two_names_for_one_column_are_refused(table: Path) -> None:
    with pytest.raises(RetraceError, match="both 'id' and 'amount' to the column 'TX_ID'"):
        read_mapped(table, ["id", "amount"], [], {"id": "TX_ID", "amount": "TX_ID"})
    with pytest.raises(RetraceError, match="'when' to more than one of"):
        read_mapped(table, ["id", "when"], [], {"id": "when"})


def test_an_unknown_name_is_refused_with_the_closest(table: Path) -> None:
    with pytest.raises(RetraceError, match="unknown name 'amuont'; did you mean 'amount'"):
        read_mapped(table, ["amount"], [], {"amuont": "TX_AMOUNT"})
