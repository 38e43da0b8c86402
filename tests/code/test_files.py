"""A reader never sees half a file, and a failed write loses nothing."""

import errno
from pathlib import Path

import pandas as pd
import pytest

from retrace.base.errors import RetraceError
from retrace.base.files import read_json, read_table, replacing, write_csv, write_json, write_table


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if ".partial-" in path.name]


def test_an_error_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as partial:
        partial.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert leftovers(tmp_path) == []


def test_a_folder_replaces_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for content in ("old", "new"):
        with replacing(path) as partial:
            partial.mkdir()
            (partial / f"{content}.txt").write_text(content)
    assert [file.name for file in path.iterdir()] == ["new.txt"]
    assert leftovers(tmp_path) == []


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "a.json.partial-killed").mkdir()
    (tmp_path / "a.json.partial-killed" / "a.json").write_text("{")
    write_json({"b": 1}, tmp_path / "a.json")
    assert leftovers(tmp_path) == []
    assert read_json(tmp_path / "a.json") == {"b": 1}


def test_a_full_disk_is_a_clear_error_and_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    write_json({"old": 1}, path)

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(RetraceError, match=r"Cannot write .*a\.json: No space left on device"):
        write_json({"new": 1}, path)
    assert read_json(path) == {"old": 1}
    assert leftovers(tmp_path) == []


def test_tables_have_the_same_bytes(tmp_path: Path) -> None:
    rows = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    write_table(rows, tmp_path / "1.parquet")
    write_table(rows.set_index(pd.Index([7, 9])), tmp_path / "2.parquet")
    assert (tmp_path / "1.parquet").read_bytes() == (tmp_path / "2.parquet").read_bytes()
    pd.testing.assert_frame_equal(read_table(tmp_path / "1.parquet"), rows)


@pytest.mark.parametrize(
    ("content", "words"), [(None, "is missing.*dvc repro"), (b"no", "not a readable Parquet")]
)
def test_unreadable_tables_are_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "t.parquet"
    if content:
        path.write_bytes(content)
    with pytest.raises(RetraceError, match=words):
        read_table(path)


def test_csv_has_six_digits(tmp_path: Path) -> None:
    write_csv(pd.DataFrame({"a": [1 / 3]}), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "a\n0.333333\n"
