"""Event logs of a few cases, and what becomes of them as orders."""

from pathlib import Path

import pandas as pd
import yaml

from problems.featurize import features_of
from problems.orders.features import FeatureSettings
from problems.orders.ingest import IngestSettings, ingest
from problems.orders.schema import WORLD
from retrace.base.arrays import to_frame
from tests.conftest import ROOT

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
OWN = PARAMS["orders"]["ingest"] | {
    "completion": ["done"],
    "withdrawal": ["given up"],
    "time_zone": "UTC",
    "max_quarantined": 1.0,
    "sla_days": None,
    "usual_min_waits": 2,
}
START = pd.Timestamp("2024-03-04 08:00", tz="UTC")


def log(*cases: tuple[str, list[tuple[str, float]]], **columns: object) -> pd.DataFrame:
    """Make a log of cases: name, and (activity, hours after the start of the log)."""
    rows = [
        {"case_id": name, "activity": activity, "timestamp": START + pd.Timedelta(hours, unit="h")}
        for name, events in cases
        for activity, hours in events
    ]
    return pd.DataFrame(rows).assign(**columns)


def run(folder: Path, frame: pd.DataFrame, **changes: object):
    path = folder / "log.parquet"
    frame.to_parquet(path)
    return ingest(path, IngestSettings(**(OWN | changes)))


def features(rows: pd.DataFrame, settings: FeatureSettings) -> pd.DataFrame:
    return to_frame(features_of("orders", rows, settings), rows.index)


def clean(folder: Path, frame: pd.DataFrame, **changes: object) -> pd.DataFrame:
    rows = run(folder, frame, **changes).clean
    WORLD.schema.validate(rows)
    return rows


def of(rows: pd.DataFrame, order: str) -> pd.DataFrame:
    return rows[rows["order_id"] == order].reset_index(drop=True)


USUAL = [
    (f"u{i}", [("new", i), ("work", i + 1), ("check", i + 3), ("done", i + 4)]) for i in range(9)
]
