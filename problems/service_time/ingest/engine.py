"""DuckDB for the heavy part: sort, join and window over events and pings.

Every result is ordered by its query, so it is the same for any number of threads. What does not
fit into `MEMORY` goes to disk.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pandas as pd
import pyarrow as pa

MEMORY = "2GB"


@contextmanager
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a connection to an empty database in memory; its scratch files go with it."""
    with tempfile.TemporaryDirectory(prefix="retrace-") as scratch, duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = '{MEMORY}'")
        connection.execute(f"SET temp_directory = '{scratch}'")
        connection.execute("SET preserve_insertion_order = false")
        connection.execute("SET enable_progress_bar = false")
        yield connection


def put(connection: duckdb.DuckDBPyConnection, name: str, frame: pd.DataFrame) -> None:
    """Make a frame a table."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    connection.register("incoming", table)
    connection.execute(f'CREATE OR REPLACE TABLE "{name}" AS SELECT * FROM incoming')  # noqa: S608
    connection.unregister("incoming")


def only_number(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """Return the one whole number that a query gives (0 for NULL)."""
    row = connection.execute(query).fetchone()
    return int(row[0] or 0) if row else 0
