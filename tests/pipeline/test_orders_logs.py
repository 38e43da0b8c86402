"""Logs of other companies through the stages, by parameters alone."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import change_params, run_stages
from tests.data import forms

PROBLEMS = ("order_completion", "order_stuck")
OLIST = {
    "format": "olist",
    "completion": ["delivered"],
    "withdrawal": [],
    "time_zone": "America/Sao_Paulo",
    "sla_days": None,
}


def stages(folder: Path, source: Path, changes: dict, problems: tuple[str, ...] = PROBLEMS) -> None:
    """Run the world's stages on a log of somebody else's, which has no truth."""
    change_params(folder, {"worlds": {"orders": {"source": os.path.relpath(source, folder)}}})
    change_params(folder, changes)
    judged = [f"{stage}@{one}" for one in problems for stage in ("featurize", "train", "evaluate")]
    run_stages(folder, "ingest@orders", "validate@orders", *judged)


def read(folder: Path, name: str) -> dict:
    return json.loads((folder / name).read_text())


@pytest.mark.slow
def test_olist_orders_are_forecast_better_than_they_are_promised(
    project: Path, tmp_path: Path
) -> None:
    zone = {"time_zone": "America/Sao_Paulo"}
    own = {"features": zone, "evaluate": zone}
    changes = {"orders": {"ingest": OLIST}, **dict.fromkeys(PROBLEMS, own)}
    stages(project, forms.olist(tmp_path / "olist"), changes)
    found = read(project, "metrics/ingest/orders.json")
    assert found["rows_in"] == found["events"] + found["rows_quarantined"]
    assert found["orders"] + found["quarantined"]["cancelled, and no time says when"] == 2500
    figures = read(project, "metrics/order_completion.json")
    assert "oracle_ratio" not in figures
    assert figures["mae_hours"] < 0.55 * figures["rule_mae_hours"]
    assert figures["mae_hours"] < 0.85 * figures["naive_mae_hours"]
    assert figures["cost_eur"] < 0.7 * figures["rule_cost_eur"]
    assert 0.84 < figures["coverage_90"] < 0.96
    rule = read(project, "metrics/comparison/order_completion.json")["rule"]
    assert rule["lower_95"] > 120  # hours, with orders as blocks
    stuck = read(project, "metrics/order_stuck.json")
    assert stuck["average_precision"] > 1.5 * stuck["naive_average_precision"]


def helpdesk(n: int = 900, seed: int = 1) -> pd.DataFrame:
    """A log with nothing but case, activity, time and resource, whose tickets end by themselves."""
    rng = np.random.default_rng(seed)
    begins = pd.Timestamp("2012-01-02") + pd.to_timedelta(np.sort(rng.uniform(0, 700, n)), unit="D")
    rows = []
    for i, begin in enumerate(begins):
        at, hard = begin, rng.random() < 0.3
        steps = ["Assign seriousness", "Take in charge ticket", *["Wait"] * hard, "Resolve ticket"]
        for step in [*steps, "Closed"]:
            rows.append((f"Case {i + 1}", step, at, f"Value {rng.integers(1, 9)}"))
            days = {"Wait": 12.0, "Resolve ticket": 20.0}.get(step, 0.5 + 4 * hard)
            at += pd.Timedelta(days * rng.lognormal(0, 0.5), unit="D")
    frame = pd.DataFrame(rows, columns=["Case ID", "Activity", "Complete Timestamp", "Resource"])
    frame["Complete Timestamp"] = frame["Complete Timestamp"].dt.strftime("%Y/%m/%d %H:%M:%S.000")
    return frame.sample(frac=1.0, random_state=1)


def test_a_log_by_its_column_names_alone(project: Path) -> None:
    folder = project / "data" / "external"
    folder.mkdir(parents=True, exist_ok=True)
    helpdesk().to_csv(folder / "helpdesk.csv", index=False)
    names = {
        "case_id": "Case ID", "activity": "Activity", "timestamp": "Complete Timestamp",
        "resource": "Resource",
    }  # fmt: skip
    shares = {"by": "hash", "train": 0.6, "valid": 0.1, "calibration": 0.1, "test": 0.2}
    own = {"split": shares, "encode": {"category_min_rows": 20}}
    changes = {"orders": {"ingest": {"columns": names}}, **dict.fromkeys(PROBLEMS, own)}
    stages(project, folder / "helpdesk.csv", changes)
    found = read(project, "metrics/ingest/orders.json")
    assert found["orders_complete_share"] > 0.9
    figures = read(project, "metrics/order_completion.json")
    assert figures["mae_hours"] < 0.9 * figures["naive_mae_hours"]
    assert figures["mae_hours"] < figures["rule_mae_hours"]
    # Cases of the last weeks are in no window: only the fast ones of them are known.
    windows = [
        pd.read_parquet(project / f"data/features/order_completion/{name}.parquet")
        for name in ("train", "valid", "calibration", "test")
    ]
    orders = [set(window["order_id"]) for window in windows]
    assert all(not one & two for i, one in enumerate(orders) for two in orders[i + 1 :])
    rows = pd.read_parquet(project / "data/clean/orders.parquet")
    used = rows[rows["order_id"].isin(set.union(*orders))]
    assert rows["snapshot_at"].max() - used["started_at"].max() > pd.Timedelta(20, unit="D")


@pytest.mark.slow
def test_daily_snapshots_through_the_stages(project: Path) -> None:
    changes = {"orders": {"ingest": {"snapshots": "daily"}, "simulate": {"orders": 1000}}}
    change_params(project, {"orders": changes["orders"]})
    run_stages(project, "simulate@orders")
    stages(project, project / "data/raw/orders", changes)
    for name in PROBLEMS:
        figures = read(project, f"metrics/{name}.json")
        assert not any(key.startswith("oracle") for key in figures)  # it knows moments after events
    completion = read(project, "metrics/order_completion.json")
    assert completion["mae_hours"] < completion["rule_mae_hours"]
    stuck = read(project, "metrics/order_stuck.json")
    assert stuck["average_precision"] > stuck["rule_average_precision"]
