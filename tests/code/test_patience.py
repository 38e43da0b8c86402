"""When boosting stops, and fits beside each other."""

import threading

import numpy as np
import pytest

from retrace.fit.beside import BESIDE_ROWS, fit_beside
from retrace.fit.boosters import (
    BoosterParams,
    Layout,
    Patience,
    best_rounds,
    bin_rows,
    booster_to_text,
    fit_booster,
    fit_rounds,
)

OBJECTIVE = {"objective": "regression", "metric": "rmse"}
LAYOUT = Layout(["a", "b", "c", "d"])


def stopped(losses: list[float], **params: float) -> Patience:
    found = Patience(BoosterParams(early_stopping_rounds=3, **params))
    for loss in losses:
        found.after(loss)
    return found


def test_it_ends_after_rounds_in_which_the_loss_does_not_fall() -> None:
    found = stopped([5.0, 4.0, 4.5, 3.9, 4.0, 4.0, 4.0, 1.0])
    assert (found.ended, found.best, found.rounds) == (True, 4, 7)
    assert not stopped([5.0, 4.0, 4.5, 4.6]).ended


def test_a_fall_by_a_small_share_counts_only_with_what_follows() -> None:
    slow = [100.0, 99.96, 99.92, 99.88, 99.84]
    assert not stopped(slow).ended
    found = stopped(slow, early_stopping_gain=0.01)
    assert (found.ended, found.best, found.rounds) == (True, 4, 4)
    fast = [100.0, 99.5, 98.9, 98.3]  # together more than a hundredth, in fewer than three rounds
    assert not stopped(fast, early_stopping_gain=0.01).ended
    below_zero = [-1.0, -1.001, -1.002, -1.003]  # a Poisson deviance may be
    assert stopped(below_zero, early_stopping_gain=0.01).ended


def test_it_ends_with_the_last_round() -> None:
    found = stopped([3.0, 2.0, 1.0], max_rounds=2)
    assert (found.ended, found.best, found.rounds) == (True, 2, 2)


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    matrix = rng.normal(size=(600, 4)).astype(np.float32)
    return matrix, matrix[:, 0] + np.sin(3 * matrix[:, 1]) + rng.normal(0, 0.3, 600)


def test_a_booster_and_folds_stop_where_little_is_gained(rows) -> None:
    matrix, target = rows
    train, valid = (matrix[:400], target[:400]), (matrix[400:], target[400:])
    rounds = {}
    for gain in (None, 0.05):
        params = BoosterParams(min_data_in_leaf=5, early_stopping_gain=gain)
        fit = fit_booster(train, valid, LAYOUT, params, OBJECTIVE)
        best, scores = best_rounds([(train, valid)], LAYOUT, params, OBJECTIVE)
        assert best == fit.booster.best_iteration == fit.curve["valid"].idxmin() + 1
        again = fit_rounds(train, LAYOUT, params, OBJECTIVE, best)
        assert (
            booster_to_text(fit.booster).split("Tree=0")[1].split("parameters")[0]
            == (booster_to_text(again).split("Tree=0")[1].split("parameters")[0])
        )
        assert np.array_equal(scores[0], again.predict(valid[0], raw_score=True))
        rounds[gain] = best
    assert rounds[0.05] < rounds[None]


def test_few_rows_are_fitted_beside_each_other_and_many_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    met = threading.Barrier(2, timeout=10)  # both fits are under way, or it breaks

    def fit(name: str, threads: int) -> tuple[str, int]:
        met.wait()
        return name, threads

    names = ["b", "a"]
    fits = {name: lambda threads, name=name: fit(name, threads) for name in names}
    assert fit_beside(fits, 100) == {"b": ("b", 1), "a": ("a", 1)}
    alone = {name: lambda threads, name=name: (name, threads) for name in names}
    assert list(fit_beside(alone, BESIDE_ROWS + 1).values()) == [("b", 0), ("a", 0)]
    assert list(fit_beside(alone, 100, 3).values()) == [("b", 3), ("a", 3)]


def test_an_error_in_a_fit_is_raised() -> None:
    def fail(_: int) -> None:
        raise ValueError("of this fit")

    with pytest.raises(ValueError, match="of this fit"):
        fit_beside({"a": fail, "b": fail}, 100)


def test_trees_are_the_same_by_columns_and_by_rows(rows, monkeypatch: pytest.MonkeyPatch) -> None:
    params = BoosterParams(min_data_in_leaf=5, max_rounds=30)
    texts = []
    for few in (0, 5000):
        monkeypatch.setattr("retrace.fit.boosters.FEW_ROWS", few)
        booster = fit_rounds(rows, LAYOUT, params, OBJECTIVE, 30, num_threads=1)
        texts.append(booster_to_text(booster))
    assert [text.count("[force_col_wise: 1]") for text in texts] == [0, 1]
    assert texts[0].split("parameters:")[0] == texts[1].split("parameters:")[0]


def test_rows_that_are_binned_once_fit_boosters_by_columns_and_by_rows(rows) -> None:
    """As a search does, which tries other shares of the columns."""
    train, valid = (rows[0][:400], rows[1][:400]), (rows[0][400:], rows[1][400:])
    params = BoosterParams(min_data_in_leaf=5, max_rounds=30)
    binned = bin_rows(train, LAYOUT, params, OBJECTIVE, reusable=True)
    for share in (0.5, 0.8):
        tried = params.model_copy(update={"feature_fraction": share})
        again = fit_booster(train, valid, LAYOUT, tried, OBJECTIVE, binned=binned)
        alone = fit_booster(train, valid, LAYOUT, tried, OBJECTIVE)
        assert np.array_equal(again.curve["valid"], alone.curve["valid"])
