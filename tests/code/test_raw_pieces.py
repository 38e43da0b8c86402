"""A file that is read in pieces has the rows that it has as a whole, whatever its quotes mean."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrace.base.errors import RetraceError
from retrace.raw import RawTable, blocks, packed, pieces_mapped, read_mapped
from tests.code.test_raw import ANYTHING, COLUMNS, LITERAL, Table, tables, written
from tests.tries import tries

many = settings(deadline=None, max_examples=tries(30))


@pytest.fixture(autouse=True, scope="module")
def small_blocks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(packed, "_CHUNK", 7)
        patched.setattr(blocks, "BLOCK", 20)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("raw")


def check(path: Path, content: bytes) -> int:
    """Compare both ways; return how many pieces there were."""
    path.write_bytes(content)
    try:
        whole = read_mapped(path, COLUMNS)
    except RetraceError as error:
        refused = str(error)
    else:
        refused = ""
    if refused:
        with pytest.raises(RetraceError, match=re.escape(refused)):
            list(pieces_mapped(path, COLUMNS))
        return 0
    parts = list(pieces_mapped(path, COLUMNS))
    together = RawTable(
        *(pd.concat(some, ignore_index=True) for some in zip(*map(both, parts), strict=True))
    )
    for found, expected in zip(both(together), both(whole), strict=True):
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
    return len(parts)


def both(table: RawTable) -> tuple[pd.DataFrame, pd.DataFrame]:
    return table.rows, table.malformed


@many
@given(rows=tables(ANYTHING), end=st.sampled_from(["\n", "\r\n"]))
def test_fields_in_quotes(folder: Path, rows: Table, end: str) -> None:
    check(folder / "t.csv", written(rows, ",", end=end))
    check(folder / "t.tsv", written(rows, "\t", csv.QUOTE_MINIMAL, end))


@many
@given(rows=tables(LITERAL), end=st.sampled_from(["\n", "\r\n"]))
def test_quotes_that_are_text(folder: Path, rows: Table, end: str) -> None:
    check(folder / "t.tsv", end.join("\t".join(row) for row in [COLUMNS, *rows]).encode())


@settings(deadline=None, max_examples=tries(100))
@given(st.text('ab",\n\r é', max_size=120))
def test_any_text(folder: Path, text: str) -> None:
    check(folder / "t.csv", f"id,name,note\n{text}".encode())


@many
@given(st.binary(max_size=80))
def test_any_bytes(folder: Path, content: bytes) -> None:
    check(folder / "t.csv", content)
    check(folder / "t.csv", b"id,name,note\n1,2,3\n" + content)


@pytest.mark.parametrize(
    ("content", "several"),
    [
        (b"".join(b"%d,name %d,note\n" % (n, n) for n in range(50)), True),
        (b"".join(b'%d,"a ""%d""\nb",note\n' % (n, n) for n in range(50)), True),
        (b"".join(b'%d,"a %d",no"te\n' % (n, n) for n in range(50)), True),
        (b"".join(b'%d,"a, b",no"te\n1,2\n' % n for n in range(50)), False),  # mixed: read whole
    ],
)
def test_a_long_file_is_in_several_pieces(tmp_path: Path, content: bytes, several: bool) -> None:
    head = b"\xef\xbb\xbf\n\nid,name,note\n"
    assert (check(tmp_path / "t.csv", head + content) > 10) == several


def test_a_large_file_is_not_all_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "_CHUNK", 1 << 10)
    monkeypatch.setattr(blocks, "BLOCK", 1 << 14)
    rows = b"".join(b"%d,name,%s\n" % (n, b"x" * 90) for n in range(10_000))
    (tmp_path / "t.csv").write_bytes(b"id,name,note\n" + rows)
    sizes = [len(table.rows) for table in pieces_mapped(tmp_path / "t.csv", COLUMNS)]
    assert sum(sizes) == 10_000
    assert max(sizes) < 200
