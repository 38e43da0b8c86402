"""A world whose raw data is one plain table: its reader follows from the schema.

schema.py     WORLD = World("bikes", pa.DataFrameSchema({...}), key=("id",), time="at")
ingest/       READER = plain_reader(WORLD, time_zone="America/New_York")
"""

from pathlib import Path
from typing import Any

from problems.contract import Ingested, IngestParams, Reader, World
from retrace.raw.plain import Kind, Reading, read_plain


class PlainParams(Reading, IngestParams):
    """`<world>.ingest` of a plain table."""

    max_quarantined: float = 0.02


def plain_reader(world: World, **usual: Any) -> Reader:
    """Return the reader of a table whose columns are those of the world's schema.

    `usual` are settings of `PlainParams` that belong to the source; params.yaml may have others.
    """
    columns = world.schema.columns
    kinds = {
        str(name): Kind(_dtype(one), one.nullable, one.required) for name, one in columns.items()
    }
    own = PlainParams(**usual)

    def ingest(source: Path, settings: PlainParams) -> Ingested:
        reading = own.model_copy(update=settings.model_dump(exclude_unset=True))
        section = f"{world.name}.ingest"
        found = read_plain(source, kinds, key=world.key, reading=reading, section=section)
        return Ingested(found.clean, found.rejected, found.fingerprint)

    return Reader(PlainParams, ingest)


def _dtype(column: Any) -> str:
    name = str(column.dtype)
    return "str" if name.startswith("string") else name  # pandera's own name of str
