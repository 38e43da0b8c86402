"""The rows of a file that are to be predicted, in pieces: memory does not grow with the file."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from problems import parts
from problems.contract import Problem, World
from problems.row_columns import RefusedRow
from problems.rows import RowReader
from retrace.base.arrays import to_frame
from retrace.base.errors import RetraceError

PIECE_ROWS = 20_000
Places = NDArray[np.int64]


class Part(NamedTuple):
    """Rows of a file that are answered together, and their places in it, rising, from 0."""

    number: int
    places: Places
    rows: pd.DataFrame


def in_parts(problem: Problem, path: Path, most: int) -> Iterator[Part]:
    """Yield the rows of a file in parts of about `most`, each as soon as it is whole; rows that
    look at each other are in one, wherever they stand.

    Raises RetraceError for a file that has no rows, or that cannot be read.
    """
    part_of = None
    if problem.group:
        part_of = parts_of_groups(_groups(problem, path), most)
        sizes = np.bincount(part_of)
    waiting: dict[int, list[tuple[Places, pd.DataFrame]]] = {}
    n_waiting: dict[int, int] = {}
    begin = 0
    for piece in pieces(problem, path):
        places = np.arange(begin, begin + len(piece))
        numbers = places // most if part_of is None else part_of[places]
        begin += len(piece)
        for number in np.unique(numbers).tolist():
            here = np.flatnonzero(numbers == number)
            waiting.setdefault(number, []).append((places[here], piece.iloc[here]))
            n_waiting[number] = n_waiting.get(number, 0) + len(here)
            if n_waiting[number] == (most if part_of is None else sizes[number]):
                yield _whole(number, waiting.pop(number))
    for number, some in waiting.items():
        yield _whole(number, some)
    if not begin:
        raise RetraceError(f"{path.name} has no rows.")


def parts_of_groups(group: NDArray[np.integer[Any]], most: int) -> NDArray[np.int64]:
    """Return the part of each row by its group, numbered from 0 in the order of the first rows."""
    before = np.r_[0, np.cumsum(np.bincount(group))]  # rows of the groups before
    return np.asarray(before[group] // most)


def _whole(number: int, some: Sequence[tuple[Places, pd.DataFrame]]) -> Part:
    places, rows = zip(*some, strict=True)
    whole = pd.concat(rows, ignore_index=True) if len(rows) > 1 else rows[0].reset_index(drop=True)
    return Part(number, np.concatenate(places), whole)


def _groups(problem: Problem, path: Path) -> NDArray[np.int64]:
    """Number the group of each row, in the order in which they begin."""
    names, known, found = list(problem.group), dict[Any, int](), []
    for piece in pieces(problem, path, names):
        local = piece.groupby(names, sort=False, dropna=False).ngroup().to_numpy()
        firsts = piece[names].iloc[np.unique(local, return_index=True)[1]]
        keys = firsts.astype(object).where(firsts.notna(), None).itertuples(index=False, name=None)
        numbers = np.array([known.setdefault(key, len(known)) for key in keys], np.int64)
        found.append(numbers[local])
    return np.concatenate(found) if found else np.empty(0, np.int64)


def pieces(
    problem: Problem, path: Path, names: Sequence[str] | None = None
) -> Iterator[pd.DataFrame]:
    """Yield the clean rows of a file, without outcomes, or some columns; some rows may have a
    reason in `refused`.

    Raises RetraceError for a file that cannot be read.
    """
    if not path.is_file():
        raise RetraceError(f"{path} is no file.")
    world = parts.world(problem.world)
    if path.suffix == ".parquet":
        yield from _of_table(path, world, names)
        return
    for piece in _of_lines(path, world) if path.suffix == ".jsonl" else _of_raw(path, problem):
        if len(piece):
            yield piece if names is None else piece[list(names)]


def _of_table(path: Path, world: World, names: Sequence[str] | None) -> Iterator[pd.DataFrame]:
    try:
        with pq.ParquetFile(path) as file:
            there = file.schema_arrow.names
            columns = [one for one in names or there if one not in world.outcomes]
            for batch in file.iter_batches(PIECE_ROWS, columns=columns):
                yield pa.Table.from_batches([batch]).to_pandas()
    except (pa.ArrowInvalid, OSError) as error:
        raise RetraceError(
            f"{path} is not a readable Parquet file ({error}). Get or export it again."
        ) from None


def _of_lines(path: Path, world: World) -> Iterator[pd.DataFrame]:
    reader, begin, rows = RowReader.of_rows(world), 0, list[dict[str, Any]]()
    # A column of a pattern that some row has is one of the table, as if all were read at once.
    further = {name for row in _lines(path) for name in row if name not in reader.by_name}
    nothing = dict.fromkeys(sorted(further)) if reader.patterns else {}
    for row in _lines(path):
        rows.append(row)
        if len(rows) == PIECE_ROWS:
            yield _read(reader, rows, begin, nothing)
            begin, rows = begin + len(rows), []
    if rows:
        yield _read(reader, rows, begin, nothing)


def _read(
    reader: RowReader, rows: list[dict[str, Any]], begin: int, nothing: dict[str, None]
) -> pd.DataFrame:
    rows[0] = {**nothing, **rows[0]}
    try:
        return to_frame(reader.read(rows))
    except RefusedRow as error:
        raise RefusedRow(begin + error.row, error.column, error.reason) from None


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    yield decode(line)
                except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                    raise RetraceError(
                        f"{path.name}, line {number}: {error}. Expected a row as JSON has it, one "
                        "a line."
                    ) from None


def _of_raw(path: Path, problem: Problem) -> Iterator[pd.DataFrame]:
    reader = parts.reader(problem.world)
    if reader.asked is None:
        raise RetraceError(
            f"{path.name}: raw rows of '{problem.world}' cannot be predicted from a file. Expected "
            "rows of the clean table (.parquet), or as the API takes them (.jsonl)."
        )
    yield from reader.asked(path, parts.settings(reader.settings, problem, "ingest"))
