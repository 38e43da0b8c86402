"""LightGBM's single-row path gives the bits of its path for many rows, from any thread."""

from concurrent.futures import ThreadPoolExecutor

import lightgbm as lgb
import numpy as np
import pytest

from retrace.fit import single_row
from retrace.fit.boosters import booster_from_text, booster_to_text
from retrace.fit.single_row import SingleRow

RNG = np.random.default_rng(3)
MATRIX = RNG.normal(size=(400, 6)).astype(np.float32)
MATRIX[:, 5] = RNG.integers(0, 9, 400)
MATRIX[::7, 1] = np.nan


def booster(objective: str, **more: int) -> lgb.Booster:
    score = MATRIX[:, 0] + np.nan_to_num(MATRIX[:, 1]) + MATRIX[:, 5] % 3
    target = np.digitize(score, [0, 2]) if more else (score > 1).astype(float)
    data = lgb.Dataset(MATRIX, target, categorical_feature=[5])
    params = {"objective": objective, "verbosity": -1, "min_data_in_leaf": 5, **more}
    trained = lgb.train(params, data, 20)
    return booster_from_text(booster_to_text(trained), "point.txt", 6, more.get("num_class", 1))


@pytest.mark.parametrize(
    ("objective", "more"), [("regression", {}), ("binary", {}), ("multiclass", {"num_class": 3})]
)
@pytest.mark.parametrize("available", [single_row.AVAILABLE, False])
def test_one_row_has_the_bits_of_many(
    objective: str, more: dict[str, int], available: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_row, "AVAILABLE", available)
    model = booster(objective, **more)
    rows = SingleRow(model, 6)
    expected = model.predict(MATRIX, raw_score=True)
    alone = np.concatenate([rows.predict(MATRIX[i : i + 1]) for i in range(len(MATRIX))])
    assert np.array_equal(alone, expected)
    assert np.array_equal(rows.predict(MATRIX[:40]), expected[:40])


def test_lightgbm_has_the_path() -> None:
    assert single_row.AVAILABLE


def test_threads_do_not_disturb_each_other() -> None:
    model = booster("regression")
    rows, expected = SingleRow(model, 6), model.predict(MATRIX, raw_score=True)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda i: rows.predict(MATRIX[i : i + 1])[0], [*range(400)] * 5))
    assert np.array_equal(found, np.tile(expected, 5))


def test_a_row_of_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match="5 columns; the booster has 6"):
        SingleRow(booster("regression"), 6).predict(MATRIX[:1, :5])
