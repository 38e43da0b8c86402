"""Rows that count more than others: from what was drawn on live traffic to what boosters learn."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments.exported import learnt_from
from problems.contract import WEIGHT
from problems.parts import find_problem
from retrace.base.errors import RetraceError
from retrace.fit.boosters import (
    BoosterParams,
    Layout,
    Weighted,
    Window,
    best_rounds,
    fit_booster,
    fit_rounds,
    rows_at,
    weight_of,
)
from serving.explore import Explore, drawn
from stages.windows import as_window
from store.database import Store
from store.facts import Fact, WorldEvents
from store.loader import insert_predictions, row_of
from store.log import LoggedPrediction
from workflow.featurize import weights_of

PRICE = find_problem("price")
PARAMS = BoosterParams(min_data_in_leaf=5, max_rounds=200, feature_fraction=1.0)
OBJECTIVE = {"objective": "regression", "metric": "rmse"}
MONTH = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)


def halves(weight: float) -> Window:
    """Rows of one kind, half of them 0 and half 1; those of 1 count `weight` times as much."""
    target = np.tile([0.0, 1.0], 200)
    return Weighted(np.zeros((400, 1), np.float32), target, np.where(target > 0, weight, 1.0))


@pytest.mark.parametrize("weight", [1.0, 9.0])
def test_boosters_and_early_stopping_weigh_rows(weight: float) -> None:
    layout, mean = Layout(["x"]), weight / (1 + weight)
    row = np.zeros((1, 1), np.float32)
    fit = fit_booster(halves(weight), halves(weight), layout, PARAMS, OBJECTIVE)
    assert fit.booster.predict(row)[0] == pytest.approx(mean)
    assert fit.curve["valid"].min() == pytest.approx(np.sqrt(mean * (1 - mean)))
    again = fit_rounds(halves(weight), layout, PARAMS, OBJECTIVE, 3)
    assert again.predict(row)[0] == pytest.approx(mean)
    _, (score,) = best_rounds([(halves(weight), halves(weight))], layout, PARAMS, OBJECTIVE)
    assert score[0] == pytest.approx(mean)


def test_some_rows_keep_their_weight() -> None:
    some = rows_at(halves(3.0), np.array([1, 2]))
    assert weight_of(some).tolist() == [3.0, 1.0]  # type: ignore[union-attr]
    assert weight_of(rows_at(halves(3.0)[:2], [0])) is None


def test_the_clean_table_may_have_weights() -> None:
    rows = pd.DataFrame({"listing_id": [1, 2], "row_weight": ["1", "25.5"]})
    assert weights_of(PRICE, rows).tolist() == [1.0, 25.5]  # type: ignore[union-attr]
    assert weights_of(PRICE, rows.drop(columns=WEIGHT)) is None
    for bad in ("", "heavy", "0", "-1", "inf"):
        with pytest.raises(RetraceError, match=f"'row_weight' is '{bad}' in row 1"):
            weights_of(PRICE, rows.assign(row_weight=["1", bad]))
    table = pd.DataFrame({"target": [1.0], "x": [2.0], WEIGHT: [3.0]})
    assert weight_of(as_window(table, ["x"])).tolist() == [3.0]  # type: ignore[union-attr]
    assert weight_of(as_window(table.drop(columns=WEIGHT), ["x"])) is None


def stored(
    store: Store, name: int, *, arm: str = "champion", at: datetime, known: bool = True,
    told: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """Store an answer to a listing, and what it was sold for."""
    moment = round(at.timestamp() * 1e6)
    line = LoggedPrediction(
        f"{arm}{name}{at}", f"r{name}", "price", "v", "f", arm, arm, "", str(name), moment, moment,
        1, {"listing_id": name, "name": "jacket"}, [], {"prediction": 9.0, **(told or {})}, {},
    )  # fmt: skip
    with store.writing() as connection:
        insert_predictions(store, connection, [row_of(line)])
    if known:
        body = json.dumps({"listing_id": name, "price_usd": 10.0 + name})
        sold = Fact("price", "price", str(name), 0, body, moment, 10.0 + name)
        WorldEvents(store, [], 7).add([sold])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    found = Store(f"sqlite:///{tmp_path / 'store.db'}")
    found.upgrade()
    return found


def test_what_was_drawn_weighs_as_if_all_had_been_drawn(store: Store) -> None:
    explore = Explore(share=0.1, least=1.0, most=100.0)
    answer = {"prediction": 9.0, "lower": 5.0, "upper": 20.0}
    for name in range(1, 201):
        found = drawn(explore, str(name), answer, "log")
        told = {**answer, **(found._asdict() if found else {})}
        stored(store, name, at=datetime(2026, 3, 5, tzinfo=UTC), told=told)
    rows = learnt_from(store, PRICE, *MONTH)
    assert len(rows) == 200
    assert rows[WEIGHT].mean() == pytest.approx(1)
    heavy = rows[WEIGHT] > rows[WEIGHT].min()
    assert 8 <= heavy.sum() <= 35  # of 20 on average
    ratio = min(10.0, (200 - heavy.sum()) / heavy.sum())  # half of all weight at most
    assert (rows[WEIGHT][heavy] / rows[WEIGHT].min()).to_list() == pytest.approx(
        [ratio] * heavy.sum()
    )
    assert rows["price_usd"].to_list() == [10.0 + name for name in rows["listing_id"]]


def test_rows_are_of_the_month_and_of_what_was_told(store: Store) -> None:
    inside = datetime(2026, 3, 31, 23, tzinfo=UTC)
    stored(store, 1, at=inside)
    stored(store, 1, at=inside, arm="dark", known=False)  # in shadow of it
    stored(store, 2, at=inside, arm="b")
    stored(store, 3, at=inside, known=False)
    stored(store, 4, at=MONTH[1])
    event = Fact("price", "", "1", 0, json.dumps({"listing_id": 1, "name": "coat", "brand": "x"}))
    WorldEvents(store, [], 7).add([event])
    rows = learnt_from(store, PRICE, *MONTH)
    assert rows["listing_id"].to_list() == [1, 2]
    assert rows["name"].to_list() == ["coat", "jacket"]  # as the newest that was told of it
    assert rows["brand"].iloc[0] == "x"
    assert rows[WEIGHT].to_list() == [1.0, 1.0]
    assert learnt_from(store, find_problem("fraud"), *MONTH).empty
