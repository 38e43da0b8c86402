"""Small raw tables, and what is read of them."""

from hypothesis import settings

from retrace.raw import RawTable
from tests.tries import tries

several = settings(deadline=None, max_examples=tries(12))  # a file is written and read in each

Table = list[list[str]]
COLUMNS = ["id", "name", "note"]


def values(table: RawTable) -> Table:
    return [[str(value) for value in row] for row in table.rows[COLUMNS].to_numpy()]
