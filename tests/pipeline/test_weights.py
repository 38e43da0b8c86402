"""Rows that stand for many: from a raw table that says so to a model that heeds it."""

from pathlib import Path

import numpy as np
import pandas as pd

from retrace.base import paths
from retrace.base.files import read_table
from retrace.fit.bundle import Bundle
from tests.conftest import change_params, run


def predicted(project: Path) -> np.ndarray:
    """Return what the model says of its test rows."""
    bundle = Bundle.load(project / paths.bundle("price"))
    rows = read_table(project / paths.window("price", "test"))
    scores = bundle.scores(rows[bundle.encoding.columns].to_numpy(np.float32))
    return bundle.answers(scores)["prediction"]


def test_a_model_follows_the_weights_of_its_rows(prices: Path) -> None:
    before = predicted(prices)
    raw = pd.read_csv(prices / "data/raw/price/train.tsv", sep="\t", dtype="str")
    dear = raw["price"].astype(float) > raw["price"].astype(float).median()
    target = prices / "data/external/listings.tsv"
    target.parent.mkdir(exist_ok=True)
    raw.assign(row_weight=np.where(dear, "9", "1")).to_csv(target, sep="\t", index=False)
    source = {"worlds": {"price": {"source": str(target.relative_to(prices))}}}
    change_params(prices, {**source, "price": {"ingest": {"keep": ["row_weight"]}}})
    run(prices, "dvc", "repro", "train@price")
    for window in ("train", "valid", "judged/fitted", "shipped/fitted"):
        weights = read_table(prices / paths.window("price", window))["row_weight"]
        assert sorted(weights.unique()) == [1.0, 9.0]
    assert np.median(predicted(prices) / before) > 1.15
