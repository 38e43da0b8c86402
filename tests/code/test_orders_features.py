"""What a model of orders sees: numbers that do not tell the date, and switches for their kinds."""

import numpy as np
import pandas as pd
import pytest

from problems.featurize import features_of
from problems.orders.features import FeatureSettings
from problems.orders.ingest import IngestSettings, ingest
from retrace.checks.columns import explained, groups

OWN = {"time_zone": "UTC", "half_life_days": 60, "prior_weight": 5}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """A company whose orders grow eightfold within two years."""
    rng = np.random.default_rng(3)
    begins = np.sort(700 * np.log2(1 + 7 * rng.random(3000)) / 3)
    start = pd.Timestamp("2023-01-02", tz="UTC")
    events = [
        (f"c{i}", step, start + pd.Timedelta(at + wait, unit="D"), f"p{i % 5}", f"r{i % 3}", i % 9)
        for i, at in enumerate(begins)
        for step, wait in zip(
            ("new", "check", "done"), np.r_[0, rng.exponential(4, 2).cumsum()], strict=True
        )
    ]
    names = ["case_id", "activity", "timestamp", "resource", "region", "size"]
    path = tmp_path_factory.mktemp("log") / "log.parquet"
    pd.DataFrame(events, columns=names).to_parquet(path)
    return ingest(path, IngestSettings(completion=["done"])).clean


def test_history_and_load_do_not_tell_the_date_of_a_log_that_grows(rows: pd.DataFrame) -> None:
    found = features_of("orders", rows, FeatureSettings(**OWN))
    at = rows["snapshot_at"].rank(pct=True).to_numpy()

    def told(values: object) -> float:
        late = at > 0.2  # histories fill up first
        return explained(at[late], groups(pd.Series(np.asarray(values)[late]), 50))

    assert told(rows["step_orders"]) > 0.5  # the counts would
    names = [name for name in found if name.startswith(("history_region", "load_"))]
    assert {"history_region_share", "load_step", "load_resource", "load_wait_hours"} <= set(names)
    assert max(told(found[name]) for name in names) < 0.3


def test_each_kind_of_columns_has_a_switch_of_its_own(rows: pd.DataFrame) -> None:
    kinds = {
        "history": ("history_",), "load": ("load_",), "attributes": ("text_", "number_", "hours_")
    }  # fmt: skip
    whole = set(features_of("orders", rows, FeatureSettings(**OWN)))
    for switch, begin in kinds.items():
        fewer = set(features_of("orders", rows, FeatureSettings(**OWN, **{switch: False})))
        assert whole - fewer == {name for name in whole if name.startswith(begin)} != set()
