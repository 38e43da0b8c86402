"""Reading raw tables: every way of writing one reads the same, and nothing is lost."""

import csv
import gzip
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrace.base.errors import RetraceError
from retrace.raw import WRONG_FIELDS, RawTable, fingerprint, read_raw
from tests.code.raw_tables import COLUMNS, Table, several, values
from tests.tries import tries

LITERAL = "ab\" é'\\🙂"  # plain files: no separator and no line end inside a field
MULTILINE = LITERAL + "\n"
ANYTHING = MULTILINE + "\r\t,"


def tables(alphabet: str) -> st.SearchStrategy[Table]:
    row = st.lists(st.text(alphabet, max_size=6), min_size=3, max_size=3)
    return st.lists(row, min_size=1, max_size=6)


def bare(value: str) -> str:
    """Take a value out of its quotes, as long as it is one quoted string."""
    while len(value) > 1 and value[0] == value[-1] == '"':
        inner = value[1:-1]
        if '"' in inner.replace('""', ""):
            break
        value = inner.replace('""', '"')
    return value


def written(rows: Table, separator: str, quoting: int = csv.QUOTE_ALL, end: str = "\n") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, quoting=quoting, lineterminator=end).writerows(  # type: ignore[arg-type]
        [COLUMNS, *rows]
    )
    return text.getvalue().encode()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("raw")


def read(folder: Path, name: str, content: bytes) -> RawTable:
    path = folder / name
    path.write_bytes(content)
    try:
        return read_raw(path, COLUMNS)
    finally:
        path.unlink()


# ---- the same table in any form ------------------------------------------------------------------


@several
@given(rows=tables(ANYTHING), end=st.sampled_from(["\n", "\r\n"]))
def test_fields_all_in_quotes_may_hold_anything(folder: Path, rows: Table, end: str) -> None:
    wanted = [[bare(value) for value in row] for row in rows]
    for name, separator in [("t.csv", ","), ("t.tsv", "\t")]:
        table = read(folder, name, written(rows, separator, end=end))
        assert values(table) == wanted
        assert table.rows["row"].tolist() == list(range(1, len(rows) + 1))
        assert table.malformed.empty


@several
@given(rows=tables(MULTILINE), end=st.sampled_from(["\n", "\r\n"]))
def test_quotes_only_where_needed(folder: Path, rows: Table, end: str) -> None:
    wanted = [[bare(value) for value in row] for row in rows]
    for name, separator in [("t.csv", ","), ("t.tsv", "\t")]:
        content = written(rows, separator, csv.QUOTE_MINIMAL, end)
        assert values(read(folder, name, content)) == wanted


@several
@given(rows=tables(LITERAL), end=st.sampled_from(["\n", "\r\n"]))
def test_literal_quotes_read_like_quoted_fields(folder: Path, rows: Table, end: str) -> None:
    plain = end.join("\t".join(row) for row in [COLUMNS, *rows]).encode()
    quoted = written(rows, "\t", end=end)
    assert values(read(folder, "t.tsv", plain)) == values(read(folder, "t.tsv", quoted))


@several
@given(rows=tables(ANYTHING), order=st.permutations(COLUMNS))
def test_order_compression_mark_and_format_change_nothing(
    folder: Path, rows: Table, order: list[str]
) -> None:
    rows = [[bare(value) for value in row] for row in rows]
    frame = pd.DataFrame(rows, columns=COLUMNS, dtype="str")[order].assign(more="x")
    text = frame.to_csv(index=False, quoting=csv.QUOTE_ALL, lineterminator="\n").encode()
    parquet = io.BytesIO()
    frame.to_parquet(parquet, index=False)
    for name, content in [
        ("t.csv", text),
        ("t.csv", b"\xef\xbb\xbf" + text),
        ("t.csv.gz", gzip.compress(text)),
        ("t.parquet", parquet.getvalue()),
    ]:
        table = read(folder, name, content)
        assert list(table.rows) == [*COLUMNS, "file", "row"]
        assert values(table) == rows


@several
@given(rows=tables("ab é"), at=st.integers(0, 5), column=st.integers(0, 2), bad=st.booleans())
def test_a_lone_quote_never_swallows_rows(
    folder: Path, rows: Table, at: int, column: int, bad: bool
) -> None:
    rows[at % len(rows)][column] = '"' + rows[at % len(rows)][column]
    lines = ["\t".join(row) for row in [COLUMNS, *rows]]
    if bad:
        lines.insert(1, "1\t2\t3\t4")
    table = read(folder, "t.tsv", "\n".join([*lines, "last\trow\t!"]).encode())
    assert values(table) == [*rows, ["last", "row", "!"]]
    assert len(table.malformed) == bad


def test_quoted_and_literal_fields_in_one_file(tmp_path: Path) -> None:
    lines = [
        "id,name,note",
        '1,32" screen,"two',
        'lines, and ""more"""',
        "too,many,fields,here",
        '2,"a, b",5"',
        '3,"lone,x',
        '4,"c","d"',
    ]
    table = read(tmp_path, "t.csv", "\n".join(lines).encode())
    assert values(table) == [
        ["1", '32" screen', 'two\nlines, and "more"'],
        ["2", "a, b", '5"'],
        ["3", '"lone', "x"],
        ["4", "c", "d"],
    ]
    assert table.rows["row"].tolist() == [1, 3, 4, 5]
    assert table.malformed["row"].tolist() == [2]


def test_line_ends_of_old_macs_and_blank_lines(tmp_path: Path) -> None:
    assert values(read(tmp_path, "t.csv", b"id,name,note\r1,a,b\r")) == [["1", "a", "b"]]
    content = b'\n\r\nid,name,note\n\n1,"a",b\n   \n2,c,d\r\n\n'
    assert values(read(tmp_path, "t.csv", content)) == [["1", "a", "b"], ["2", "c", "d"]]


def test_one_column_with_quotes_and_line_ends(tmp_path: Path) -> None:
    for content, wanted in [('"a\nb"\n""\n', ["a\nb", ""]), ('"\nc\n', ['"', "c"])]:
        (tmp_path / "t.csv").write_text(f"id\n{content}")
        assert read_raw(tmp_path / "t.csv", ["id"]).rows["id"].tolist() == wanted


# ---- folders, names and columns ------------------------------------------------------------------


def test_files_of_a_folder_come_by_name(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("id,split\n3,x\n")
    (tmp_path / "a.tsv").write_text("more\tid\n?\t1\n?\t2\n")
    pd.DataFrame({"id": [4]}).to_parquet(tmp_path / "c.parquet")
    for ignored in [".gitignore", "a.tsv.dvc", "README.md", "_SUCCESS", ".hidden.csv"]:
        (tmp_path / ignored).write_text("nothing")
    table = read_raw(tmp_path, ["id"], optional=["split", "absent"])
    assert list(table.rows) == ["id", "split", "file", "row"]
    assert table.rows["id"].astype("str").tolist() == ["1", "2", "3", "4"]
    assert table.rows["split"].fillna("-").tolist() == ["-", "-", "x", "-"]
    assert table.rows["file"].tolist() == ["a.tsv", "a.tsv", "b.csv", "c.parquet"]
    assert table.rows["row"].tolist() == [1, 2, 1, 1]


def test_one_table_of_several(tmp_path: Path) -> None:
    (tmp_path / "stops.csv.gz").write_bytes(gzip.compress(b"id\n1\n"))
    (tmp_path / "routes").mkdir()
    (tmp_path / "routes" / "2.csv").write_text("id\n3\n")
    (tmp_path / "routes" / "1.csv").write_text("id\n2\n")
    assert read_raw(tmp_path, ["id"], name="stops").rows["id"].tolist() == ["1"]
    assert read_raw(tmp_path, ["id"], name="routes").rows["id"].tolist() == ["2", "3"]
    with pytest.raises(RetraceError, match=r"no table 'stop'.*did you mean 'stops'.*stop\.csv"):
        read_raw(tmp_path, ["id"], name="stop")
    with pytest.raises(RetraceError, match=r"no table 'stops' \(a file\)"):
        read_raw(tmp_path / "stops.csv.gz", ["id"], name="stops")
    (tmp_path / "stops.parquet").touch()
    with pytest.raises(RetraceError, match=r"more than once: stops\.csv\.gz, stops\.parquet.*Keep"):
        read_raw(tmp_path, ["id"], name="stops")


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "id": pd.array([2**60 + 1, None], dtype="Int64"),
            "kind": pd.Categorical(["a", None]),
            "at": pd.to_datetime(pd.Series(["2024-05-01", None])),
            "yes": [True, False],
        }
    )
    frame.to_parquet(tmp_path / "t.parquet")
    rows = read_raw(tmp_path / "t.parquet", ["id", "kind", "at", "yes"]).rows
    assert rows["id"].tolist() == [2**60 + 1, pd.NA]
    assert rows["kind"].dtype == "str"
    assert rows["at"].dtype.kind == "M"
    assert rows["yes"].dtype == bool


def test_fingerprint_is_of_bytes_and_not_of_places(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.csv").write_text("id\n1\n")
    (tmp_path / "other.csv").write_text("id\n1\n")
    same = fingerprint(tmp_path / "one" / "a.csv")
    assert same == fingerprint(tmp_path / "other.csv") == fingerprint(tmp_path / "one")
    (tmp_path / "one" / "a.csv.dvc").write_text("ignored")
    assert fingerprint(tmp_path / "one") == same
    (tmp_path / "one" / "b.csv").write_text("id\n2\n")
    assert fingerprint(tmp_path / "one") != same
    with pytest.raises(RetraceError, match="no such file"):
        fingerprint(tmp_path / "absent")


# ---- what cannot be read -------------------------------------------------------------------------

HEADER = b"id,name,note\n"
GOOD = HEADER + b"1,a,b\n2,c,d\n"
GZIPPED = gzip.compress(GOOD + np.random.default_rng(1).bytes(50_000).hex().encode())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"", r"t\.csv: the file is empty \(0 bytes\).*export"),
        ("t.parquet", b"", r"t\.parquet: the file is empty.*export"),
        ("t.csv.gz", gzip.compress(b"", mtime=0), r"t\.csv\.gz: the file is empty.*export"),
        ("t.csv", b"\n\n", r"t\.csv: the file has only blank lines.*export"),
        ("t.csv", HEADER, r"t\.csv: the header is there, but not one data row.*Export"),
        ("t.ods", b"PK", r"t\.ods: the suffix '\.ods'.*Readable are \.tsv.*convert"),
        ("t.xlsx", b"PK", r"t\.xlsx: not a whole Excel file.*Get or export"),
        ("t.csv", b"id,Name,text\n1,a,b\n", r"t\.csv: no column 'name', 'note'.*'Name' is 'name'"),
        ("t.csv", b"id,name,note,name\n1,a,b,c\n", r"'name' is there 2 times \(as columns 2, 4\)"),
        ("t.csv", HEADER + b"1,caf\xe9,b\n", r"line 2, byte 18: 0xe9 is not UTF-8.*iconv"),
        ("t.csv", GOOD.decode().encode("utf-16"), r"UTF-16 \(byte order mark ff fe\).*iconv"),
        ("t.csv", HEADER + b"1,a\0,b\n", r"line 2, byte 16: a NUL byte.*export"),
        ("t.csv", GOOD + b"3,e\n", r"cut off.*\(row 3, line 4\) has 2 of 3 fields: '3,e'"),
        ("t.csv", GOOD + b'3,"e,e","f', r"cut off.*\(row 3, line 4\).*never closed"),
        ("t.csv", b'"id","name","note"\n"1","a","b', r"cut off.*\(row 1, line 2\).*never closed"),
        ("t.csv", b'"id","name","note"\n"1","a","b\nc', r"cut off.*\(row 2, line 3\) has 1 of 3"),
        ("t.csv", GOOD + b'3,"e,f,g', r"cut off.*\(row 3, line 4\)"),
        ("t.csv", GOOD + "3,e,é".encode()[:-1], r"cut off in line 4, in the middle of a character"),
        ("t.csv.gz", GZIPPED[:-20], r"gzip file is cut off or damaged after line 4.*export"),
        ("t.csv.gz", GOOD, r"gzip file is cut off or damaged after line 1.*export"),
        ("t.csv", GZIPPED, r"this is not text.*add \.gz"),
        ("t.tsv", b"PK\x03\x04...", r"this is not text.*Excel"),
        ("t.parquet", GOOD, r"t\.parquet: not a whole Parquet file.*export"),
    ],
)
def test_an_unreadable_file_says_what_where_and_what_to_do(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    with pytest.raises(RetraceError, match=f"(?s){message}") as error:
        read(tmp_path, name, content)
    assert str(error.value).startswith(str(tmp_path / name))


def test_parquet_cut_short_or_without_a_column(tmp_path: Path) -> None:
    pd.DataFrame({"id": range(1000)}).to_parquet(tmp_path / "whole.parquet")
    content = (tmp_path / "whole.parquet").read_bytes()
    for length in [10, len(content) // 2, len(content) - 1]:
        with pytest.raises(RetraceError, match=r"t\.parquet: not a whole Parquet file.*cut off"):
            read(tmp_path, "t.parquet", content[:length])
    with pytest.raises(RetraceError, match=r"whole\.parquet: no column 'name', 'note'.*Found: id"):
        read_raw(tmp_path / "whole.parquet", COLUMNS)


def test_missing_sources_and_folders_without_data(tmp_path: Path) -> None:
    with pytest.raises(
        RetraceError, match=r"absent: no such file or folder.*dvc pull.*params\.yam"
    ):
        read_raw(tmp_path / "absent", COLUMNS)
    (tmp_path / "far.csv.dvc").touch()
    with pytest.raises(RetraceError, match=r"Get it with `dvc pull .*far\.csv\.dvc`"):
        read_raw(tmp_path / "far.csv", COLUMNS)
    with pytest.raises(RetraceError, match=r"no data files in this folder; it is empty.*Readable"):
        read_raw(tmp_path, COLUMNS)
    (tmp_path / "deep").mkdir()
    with pytest.raises(RetraceError, match=r"it has only the folders deep/"):
        read_raw(tmp_path, COLUMNS)
    (tmp_path / "rows.ods").touch()
    with pytest.raises(RetraceError, match=r"rows\.ods: this file.*convert it, or move it out"):
        read_raw(tmp_path, COLUMNS)


def test_rows_with_another_number_of_fields_are_kept_apart(tmp_path: Path) -> None:
    for name, content in [
        ("t.csv", b"id,name,note\n1,a,b\n2,c\n3,d,e,f\n4,g,h\n"),
        ("t.csv", b'id,name,note\n1,a,b\n2,"c\n3,d,e,f\n4,g,h\n'),
        ("t.csv", b'"id","name","note"\n"1","a","b"\n"2","\n"\n"3","d","e","f"\n"4","g","h"\n'),
    ]:
        table = read(tmp_path, name, content)
        assert table.rows["id"].tolist() == ["1", "4"]
        assert table.malformed["row"].tolist() == [2, 3]
        assert set(table.malformed["reason"]) == {WRONG_FIELDS}
        assert table.malformed["text"].str.contains("2").tolist() == [True, False]
        assert table.rows_in == 4


@settings(deadline=None, max_examples=tries(60))
@given(st.text('ab",\n\r é', max_size=60))
def test_arbitrary_text_is_read_whole_or_refused(folder: Path, text: str) -> None:
    content = f"id,name,note\n{text}".encode()
    try:
        table = read(folder, "t.csv", content)
    except RetraceError:
        return
    places = sorted([*table.rows["row"], *table.malformed["row"]])
    assert places == list(range(1, table.rows_in + 1))


@pytest.mark.parametrize("separator", [";", "\t", "|", ","])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz"])
def test_another_separator_is_read_and_said(
    folder: Path, separator: str, suffix: str, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [["1", "a,b", "x;y\tz|"], ["2", "", "1,5"]]
    content = written(rows, separator)
    name = f"t{suffix}"
    table = read(folder, name, gzip.compress(content) if name.endswith("gz") else content)
    assert values(table) == rows
    own = {".tsv": "\t"}.get(suffix, ",")
    assert (f"{name}: the header is separated by" in caplog.text) == (separator != own)


def test_names_with_semicolons_do_not_change_the_separator(folder: Path) -> None:
    for header in (b'id,name,note,"a;b;c;d;e"', b"id,name,note,a;b;c;d;e"):
        assert values(read(folder, "t.csv", header + b"\n1,a,b,c\n")) == [["1", "a", "b"]]
