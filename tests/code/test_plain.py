"""A plain table read by declared types: every row is clean or says why not."""

from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pytest

from problems.contract import World
from problems.plain import plain_reader
from retrace.base.errors import RetraceError
from retrace.raw.plain import TIME, Kind, Reading, read_plain

KINDS = {
    "id": Kind("int64"),
    "at": Kind(TIME),
    "size": Kind("int8", nullable=False),
    "price": Kind("float64"),
    "rooms": Kind("Int64", nullable=True),
    "garden": Kind("bool"),
    "town": Kind("str"),
}
HEADER = "id,at,size,price,rooms,garden,town\n"
GOOD = "7,2024-05-01 10:00:00+02:00,3,1.5,2,yes,  Oslo  \n"


def read(tmp_path: Path, *rows: str, **reading: object):
    path = tmp_path / "homes.csv"
    path.write_text(HEADER + "".join(rows))
    return read_plain(path, KINDS, key=("id",), reading=Reading(**reading))


def test_a_row_gets_its_types(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD, "3,2024-05-01T08:30:00Z,4,2e3,N/A,0,\n").clean
    assert [str(kind) for kind in found.dtypes] == [
        "int64", "datetime64[us, UTC]", "int8", "float64", "Int64", "bool", "str"
    ]  # fmt: skip
    assert found["id"].tolist() == [3, 7]  # by the key
    assert found["at"].tolist() == [
        pd.Timestamp("2024-05-01 08:30", tz="UTC"),
        pd.Timestamp("2024-05-01 08:00", tz="UTC"),
    ]
    assert found["rooms"].isna().tolist() == [True, False]
    assert found["garden"].tolist() == [False, True]
    assert found["town"].tolist() == ["", "Oslo"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (GOOD.replace("7,", ",", 1), "id is missing"),
        (GOOD.replace("7,", "7.5,", 1), "id is not a whole number that fits"),
        (GOOD.replace("7,", "1,", 1), "id is that of an earlier row"),
        (GOOD.replace("2024-05-01", "2024-15-01"), "at cannot be read"),
        (GOOD.replace(",3,", ",300,"), "size is not a whole number that fits"),
        (GOOD.replace(",3,", ",?,"), "size is missing"),
        (GOOD.replace("1.5", "dear"), "price is not a number"),
        (GOOD.replace("1.5", "inf"), "price is not a number"),
        (GOOD.replace(",2,", ",two,"), "rooms is not a whole number that fits"),
        (GOOD.replace("yes", "perhaps"), "garden is not true or false"),
        (GOOD.replace("\n", ",more\n"), "wrong number of fields"),
    ],
)
def test_a_row_that_cannot_be_used_says_why(tmp_path: Path, row: str, reason: str) -> None:
    last = GOOD.replace("7,", "9,", 1)
    found = read(tmp_path, GOOD.replace("7,", "1,", 1), row, last)
    assert found.clean["id"].tolist() == [1, 9]
    assert found.rejected.to_dict("records") == [{"file": "homes.csv", "row": 2, "reason": reason}]


def test_names_of_the_file_and_two_columns_of_one_time(tmp_path: Path) -> None:
    path = tmp_path / "homes.csv"
    path.write_text("No,day,hour\n1,31/12/2023,9\n2,31/12/2023,\n3,01/07/2024,23\n")
    reading = Reading(
        columns={"id": "No", "at": ["day", "hour"]},
        time_zone="Europe/Oslo",
        time_format="%d/%m/%Y %H",
    )
    kinds = {name: KINDS[name] for name in ("id", "at")}
    found = read_plain(path, kinds, key=("id",), reading=reading)
    assert found.clean["at"].tolist() == [
        pd.Timestamp("2023-12-31 08:00", tz="UTC"),
        pd.Timestamp("2024-07-01 21:00", tz="UTC"),
    ]
    assert found.rejected["reason"].tolist() == ["at is missing"]


def test_parquet_reads_as_text_does(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD).clean
    found.to_parquet(tmp_path / "homes.parquet")
    again = read_plain(tmp_path / "homes.parquet", KINDS, key=("id",), reading=Reading())
    pd.testing.assert_frame_equal(again.clean, found)


def test_a_column_that_is_not_declared_cannot_be_mapped(tmp_path: Path) -> None:
    with pytest.raises(RetraceError, match=r"maps the unknown name 'sise'.*size"):
        read(tmp_path, GOOD, columns={"sise": "groesse"})


def test_the_reader_follows_from_the_schema_and_params_may_differ(tmp_path: Path) -> None:
    schema = pa.DataFrameSchema(
        {"id": pa.Column("int64"), "note": pa.Column("str", required=False)}
    )
    path = tmp_path / "notes.csv"
    path.write_text("key,other\n1,5\n2,x\n")
    part = plain_reader(World("notes", schema, key=("id",)), columns={"id": "key"})
    assert part.ingest(path, part.settings()).clean.to_dict("list") == {"id": [1, 2]}
    found = part.ingest(path, part.settings(columns={"id": "other"}))
    assert found.clean["id"].tolist() == [5]
    assert found.rejected["row"].tolist() == [2]
