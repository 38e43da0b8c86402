"""Write files so that nobody ever sees half of one, and read and write the project's formats."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from retrace.base.errors import RetraceError

PARTIAL = ".partial-"
NOTHING = "none.txt"  # in a folder of which there is nothing to say


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a sibling of `path` to write a file or folder at; rename it to `path` on success.

    On an error the sibling is removed and `path` is as before. Siblings that a killed process left
    are removed first: the caller holds the stage's lock, so nobody is writing them.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f"{path.name}{PARTIAL}*"):
        _remove(left)
    holder = Path(tempfile.mkdtemp(prefix=f"{path.name}{PARTIAL}", dir=path.parent))
    partial = holder / path.name
    try:
        yield partial
        if path.is_dir():  # a folder cannot be renamed over one that has files
            path.rename(holder / "previous")
        partial.replace(path)
    except OSError as error:
        raise RetraceError(
            f"Cannot write {path}: {error.strerror or error}. Nothing was changed there; "
            "free some space or correct the permissions, and run the same command again."
        ) from error
    finally:
        _remove(holder)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a Parquet file: the same bytes for the same rows, columns and types.

    The index is not written. pandas' own metadata is left out, since it names library versions.
    """
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    with replacing(path) as partial:
        pq.write_table(table, partial, compression="zstd")


def read_table(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a Parquet file that a stage wrote; an error says which file and how to make it."""
    try:
        frame: pd.DataFrame = pq.read_table(path, columns=columns).to_pandas()
        return frame
    except FileNotFoundError:
        raise RetraceError(f"{path} is missing. Make it with `dvc repro`, or `dvc pull`.") from None
    except pa.ArrowInvalid as error:
        raise RetraceError(
            f"{path} is not a readable Parquet file ({error}). "
            "Remove it and get it again with `dvc repro` or `dvc pull`."
        ) from None


def write_json(value: Any, path: Path) -> None:
    """Write JSON as people and Git like it: indented, in the order given, with a final newline."""
    with replacing(path) as partial:
        partial.write_text(
            json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
            encoding="utf-8",
        )


def read_json(path: Path) -> Any:
    """Read a JSON file that a stage wrote."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RetraceError(f"{path} is missing. Make it with `dvc repro`, or `dvc pull`.") from None
    except (ValueError, RecursionError) as error:  # also text that is not UTF-8; 100,000 brackets
        raise RetraceError(f"{path} is not valid JSON: {error}.") from None


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a small table for Git: six significant digits, so that a diff shows what moved."""
    with replacing(path) as partial:
        frame.to_csv(partial, index=False, float_format="%.6g", lineterminator="\n")
