"""The drivers' own notes of the pilot weeks."""

from pathlib import Path

import pandas as pd

from problems.service_time.ingest.settings import IngestSettings
from retrace.raw import read_raw
from retrace.raw.sources import suffix_of
from retrace.raw.times import read_times
from retrace.raw.values import as_id


def has_table(source: Path, name: str) -> bool:
    """Whether the folder `source` has a table of that name, a file or a folder."""
    return source.is_dir() and any(
        path.name == name if path.is_dir() else path.name == f"{name}{suffix_of(path)}"
        for path in source.iterdir()
    )


def read_manual_log(source: Path, settings: IngestSettings) -> pd.DataFrame:
    """Return stop_id, started_at and ended_at (UTC), without unreadable and impossible rows."""
    raw = read_raw(source, ("stop_id", "started_at", "ended_at"), name="manual_log").rows
    log = pd.DataFrame({"stop_id": as_id(raw["stop_id"])})
    for column in ("started_at", "ended_at"):
        log[column] = read_times(raw[column], settings.clock, raw).at
    stay = (log["ended_at"] - log["started_at"]).dt.total_seconds()
    log = log[(log["stop_id"] != "") & (stay > 0) & (stay <= settings.stay_max_seconds)]
    return log.drop_duplicates("stop_id", ignore_index=True)
