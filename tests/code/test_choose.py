"""What the features leave open is settled by newer training rows."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from problems import parts
from problems.contract import Columns, Features, Problem
from retrace.base.arrays import Arrays
from retrace.base.params import AUTO, Params, Switch
from retrace.encode.encoders import EncodeParams
from retrace.encode.text.model import TextParams
from workflow.choose import Choice, dated, settle

PROBLEM = Problem(
    name="toy",
    world="toy",
    task="regression",
    target="y",
    unit="hours",
    metric="mae",
    key=("id",),
    time="at",
    columns=Columns(numeric=("size", "history_*", "load_*")),
)


class Groups(Params):
    history: Switch = AUTO
    load: Switch = AUTO


def features(rows: Arrays, known: Arrays, settings: Groups) -> Arrays:
    found = {"size": rows["size"]}
    found |= {"history_count": rows["count"]} if settings.history else {}
    return found | ({"load_queue": rows["queue"]} if settings.load else {})


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """Rows of which the queue tells something, and a count that grows nothing but the date: each
    season is over when the next rows come."""
    monkeypatch.setattr(parts, "features", lambda world: Features(features, Groups))
    rng = np.random.default_rng(1)
    n = 4000
    size, queue = rng.normal(0, 1, n), rng.normal(0, 1, n)
    season = np.where(np.arange(n) // 900 % 2 == 1, 2.0, 0.0)
    return pd.DataFrame(
        {
            "id": np.arange(n),
            "at": pd.date_range("2025-01-01", periods=n, freq="h", tz="UTC"),
            "size": size,
            "queue": queue,
            "count": np.arange(n) + rng.integers(0, 100, n),
            "y": 5 + size + queue + season + rng.normal(0, 0.5, n),
        }
    )


def settled(rows: pd.DataFrame, settings: Params, **changes: Any) -> tuple[Params, list[Choice]]:
    problem = replace(PROBLEM, **changes)
    training = (rows["id"] < 3600).to_numpy()
    target = rows["y"].to_numpy()
    return settle(problem, rows, training, target, settings, EncodeParams(), TextParams())


def test_what_helps_later_rows_stays_and_a_calendar_goes(rows: pd.DataFrame) -> None:
    settings, choices = settled(rows, Groups())
    assert settings == Groups(history=False, load=True)
    history, load = choices
    assert history.upper < 0.05 < load.lower
    assert "features.history is left out" in history.words
    assert "`features.history: true`" in history.words
    assert "features.load is used" in load.words


def test_rows_of_no_training_change_nothing(rows: pd.DataFrame) -> None:
    other = rows.assign(y=rows["y"].where(rows["id"] < 3600, 99.0))
    assert settled(other, Groups()) == settled(rows, Groups())


def test_what_is_said_by_hand_is_not_chosen(rows: pd.DataFrame) -> None:
    by_hand = Groups(history=True, load=False)
    assert settled(rows, by_hand) == (by_hand, [])
    assert settled(rows, Groups(), time=None) == (Groups(history=True, load=True), [])


def test_columns_that_tell_the_date_are_named(rows: pd.DataFrame) -> None:
    columns = {name: rows[name].to_numpy() for name in ("size", "queue", "count")}
    assert list(dated(rows, "at", columns, list(columns))) == ["count"]
    assert dated(rows, None, columns, list(columns)) == {}
