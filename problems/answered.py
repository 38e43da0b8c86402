"""The answers to a file's rows, part by part, and then all of them in one file, in their order."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from problems import parts
from problems.contract import Problem
from problems.predict import usable_rows
from retrace.base.files import replacing

WRITTEN_AT_ONCE = 50_000
FORMS = (".parquet", ".csv")
Ask = Callable[[pd.DataFrame], pd.DataFrame]


def answered(problem: Problem, rows: pd.DataFrame, ask: Ask) -> pd.DataFrame:
    """Return key, answer and `refused` of each row."""
    refused = pd.Series("", rows.index, dtype="str")
    if "refused" in rows:
        refused = rows.pop("refused").fillna("").astype("str")
    usable, broken = usable_rows(parts.world(problem.world), rows[refused == ""])
    refused.update(broken)
    found = ask(usable.reset_index(drop=True)).set_axis(usable.index)
    if "refused" in found:
        refused.update(found.pop("refused"))
    keys = rows[list(problem.key)]
    return pd.concat([keys, found.reindex(rows.index), refused.rename("refused")], axis=1)


def write_in_order(files: Sequence[Path], places: Sequence[NDArray[np.int64]], out: Path) -> int:
    """Write the rows of tables to one file, Parquet or CSV, in the order of their places, which are
    rising in each; return how many are refused."""
    schema = _schema(files)
    n_refused = 0
    with replacing(out) as partial:
        chunks = _chunks(files, places, schema)
        if out.suffix == ".csv":
            for number, chunk in enumerate(chunks):
                n_refused += _n_refused(chunk)
                mode, header = ("a", False) if number else ("w", True)
                frame = chunk.to_pandas()
                frame.to_csv(partial, mode=mode, header=header, index=False, lineterminator="\n")
        else:
            with pq.ParquetWriter(partial, schema, compression="zstd") as writer:
                for chunk in chunks:
                    n_refused += _n_refused(chunk)
                    writer.write_table(chunk, row_group_size=WRITTEN_AT_ONCE)
    return n_refused


def _schema(files: Sequence[Path]) -> pa.Schema:
    """Return the columns of all tables: one where some have whole numbers is of floats if others
    have some that are missing."""
    schemas = [pq.read_schema(path).remove_metadata() for path in files]
    most = max(schemas, key=len)  # a table whose rows were all refused may lack answers
    return pa.unify_schemas([most, *schemas], promote_options="permissive")


def _chunks(
    files: Sequence[Path], places: Sequence[NDArray[np.int64]], schema: pa.Schema
) -> Iterator[pa.Table]:
    """Yield all rows in the order of their places, so many at once."""

    @lru_cache(maxsize=4)  # neighbours are in one table, but for groups that stand far apart
    def read(path: Path) -> pa.Table:
        return _as(pq.read_table(path), schema)

    n_rows = sum(map(len, places))
    for begin in range(0, n_rows, WRITTEN_AT_ONCE):
        some, there = [], []
        for path, own in zip(files, places, strict=True):
            first, last = np.searchsorted(own, [begin, begin + WRITTEN_AT_ONCE])
            if last > first:
                some.append(read(path).slice(first, last - first))
                there.append(own[first:last])
        together, order = pa.concat_tables(some), np.concatenate(there)
        rising = bool((np.diff(order) > 0).all())
        yield together if rising else together.take(np.argsort(order))


def _as(table: pa.Table, schema: pa.Schema) -> pa.Table:
    there = set(table.column_names)
    columns = [
        table[field.name].cast(field.type)
        if field.name in there
        else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _n_refused(table: pa.Table) -> int:
    refused = table["refused"].to_pandas()
    return int((refused != "").sum())
