"""Intervals cover what they promise; a comparison knows what it cannot tell."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from problems import parts
from problems.contract import EvaluateParams, Rules
from retrace.fit.intervals import Interval, _quantile
from retrace.judge.comparison import paired_difference
from workflow.evaluate import beside_rule, compare_with_baselines


def draw(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.standard_t(3, n)


def test_a_band_that_is_wrong_is_widened_or_narrowed_to_cover_its_level() -> None:
    rng = np.random.default_rng(1)
    fit, new = draw(rng, 4000), draw(rng, 20_000)
    for half_width in (0.1, 10.0):
        band = np.full(4000, half_width)
        scores = {"point": np.zeros(4000), "lower": -band, "upper": band}
        interval = Interval.fit(fit, scores, 0.9)
        band = np.full(20_000, half_width)
        lower, upper = interval.apply(np.zeros(20_000), -band, band)
        assert ((new >= lower) & (new <= upper)).mean() == pytest.approx(0.9, abs=0.02)


@given(*[st.floats(-5, 5)] * 2, st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_an_interval_contains_its_point(down: float, up: float, values: list[float]) -> None:
    point, lower, upper = (np.array([value]) for value in values)
    low, high = Interval(0.9, [0.0], [down], [up], {}, 40).apply(point, lower, upper)
    assert low <= point <= high


def test_one_calibration_row_is_used_as_it_is() -> None:
    scores = {"point": np.zeros(1), "lower": np.zeros(1), "upper": np.ones(1)}
    found = Interval.fit(np.array([5.0]), scores, 0.9)
    assert (found.lower, found.upper) == ([5.0], [4.0])
    with pytest.raises(ValueError, match="at least one"):
        Interval.fit(np.array([]), {name: np.array([]) for name in scores}, 0.9)


@given(st.integers(1, 400), st.sampled_from([0.05, 0.5, 0.9, 0.95]))
def test_of_rows_of_one_weight_the_bound_is_the_conformal_one(n: int, share: float) -> None:
    errors = np.random.default_rng(n).normal(size=n)
    rank = (n + 1) * share
    rank = np.floor(rank + 1e-6) if share < 0.5 else np.ceil(rank - 1e-6)
    expected = np.sort(errors)[int(np.clip(rank, 1, n)) - 1]
    assert _quantile(errors, np.ones(n, bool), np.full(n, 0.7), share) == expected


def test_the_comparison_finds_a_difference_and_only_where_there_is_one() -> None:
    rng = np.random.default_rng(0)
    common = rng.normal(size=3000)
    better = paired_difference(common, common + 0.1 + rng.normal(scale=0.5, size=3000))
    assert better.certain
    assert better.lower < 0.1 < better.upper
    false_alarms = sum(
        paired_difference(common, common + rng.normal(size=3000), draws=400, seed=s).certain
        for s in range(60)
    )
    assert false_alarms <= 8  # 3 expected; more than 8 has a chance of 0.4 %


def test_blocks_widen_the_interval_of_dependent_rows() -> None:
    rng = np.random.default_rng(0)
    effect = np.repeat(rng.normal(size=50), 40)
    blocks = pd.Series(np.repeat(np.arange(50), 40))
    rows = paired_difference(np.zeros(2000), effect)
    whole = paired_difference(np.zeros(2000), effect, blocks=blocks)
    assert whole.upper - whole.lower > 4 * (rows.upper - rows.lower)
    assert (whole.n_rows, whole.n_blocks) == (2000, 50)


def test_a_share_varies_less_than_losses_that_rise_and_fall_together():
    rng = np.random.default_rng(2)
    theirs = rng.lognormal(0, 2, 200)
    found = paired_difference(0.2 * theirs, theirs)
    assert (found.share_lower, found.share_upper) == pytest.approx((0.8, 0.8))
    assert found.upper / found.lower > 1.5
    assert np.isnan(paired_difference(theirs, np.zeros(200)).share_lower)


def test_chance_of_coverage_counts_orders_where_rows_of_one_order_are_alike():
    rng = np.random.default_rng(1)
    inside = rng.random(200) < 0.9
    scored = pd.DataFrame(
        {
            "order_id": np.repeat(np.arange(200), 30),
            "outcome": np.repeat(np.where(inside, 1.0, 9.0), 30),
            "prediction": 1.0,
            "lower": 0.5,
            "upper": 1.5,
        }
    )
    found = compare_with_baselines(parts.find_problem("order_completion"), scored)["coverage"]
    assert found["share"] == pytest.approx(inside.mean())
    width = found["upper_95"] - found["lower_95"]
    binomial = 2 * 1.96 * np.sqrt(inside.mean() * (1 - inside.mean()))
    assert width == pytest.approx(binomial / np.sqrt(200), rel=0.15)  # not that of 6,000 rows


def test_on_validation_the_rule_is_made_without_the_rows_that_it_is_held_against(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A rule that has seen a row knows its price to the cent; of another one it knows the mean."""

    def remembers(problem: Any, train: pd.DataFrame, rows: pd.DataFrame, settings: Any) -> Any:
        seen = train.set_index("listing_id")["price"]
        return rows["listing_id"].map(seen).fillna(seen.mean())

    monkeypatch.setattr(parts, "rules", lambda world: Rules(remembers))
    price = np.exp(np.random.default_rng(3).normal(2, 0.5, 600))
    known = pd.DataFrame({"listing_id": np.arange(600), "price": price})
    held = known.iloc[:200].assign(outcome=known["price"])
    for shift, sign in ((0.2, 1), (2.0, -1)):
        guess = held.assign(prediction=held["price"] * np.exp(shift))
        found = beside_rule(parts.find_problem("price"), known, guess, EvaluateParams())
        found = found["valid_rule"]
        assert found["rows"] == 200
        assert sign * found["loss_difference"] > 0
        assert found["lower_95"] * found["upper_95"] > 0
