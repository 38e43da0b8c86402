"""Drift statistics and the alarm: effect and certainty both, and an order of causes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from retrace.judge.drift import (
    AlarmParams,
    categorical_psi,
    feature_drift,
    loss_changes,
    psi,
    q_values,
    raise_alarm,
    rank,
)

LIMITS = AlarmParams(
    false_discovery_rate=0.01,
    ignored_columns=["*_count"],
    importance_least=0.01,
    feature_psi=0.25,
    prediction_psi=0.25,
    outcomes="all",
    loss_increase=0.2,
    bias_sd=0.2,
    slice_min_rows=50,
    sustained_periods=3,
    sustained_loss_increase=None,
    sustained_bias_sd=0.1,
)
RNG = np.random.default_rng(1)
NUMBERS = arrays(
    np.float64,
    st.integers(1, 60),
    elements=st.floats(-1e6, 1e6) | st.just(float("nan")),
)


def sample(n: int = 2000, shift: float = 0.0, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {"weight": rng.normal(shift, 1, n), "region": rng.integers(0, 4, n).astype(float)}
    )


@given(NUMBERS, NUMBERS)
def test_psi_is_never_negative_and_zero_for_the_same_sample(one, other):
    assert psi(one, other) >= 0
    assert psi(one, one) == 0
    assert categorical_psi(one, other) >= 0
    assert categorical_psi(one, one) == 0


def test_psi_of_a_shift_is_that_of_the_formula():
    reference, current = RNG.normal(0, 1, 200_000), RNG.normal(0.5, 1, 200_000)
    expected = 0.25  # of two normals a distance d apart it is d², with infinitely many bins
    assert psi(reference, current) == pytest.approx(expected, rel=0.1)


def test_missing_values_are_drift():
    values = RNG.normal(0, 1, 1000)
    holes = np.where(np.arange(1000) % 3 == 0, np.nan, values)
    assert psi(values, holes) > 0.25
    table = feature_drift(pd.DataFrame({"a": values}), pd.DataFrame({"a": holes}))
    assert table["p_value"][0] < 1e-6


def test_a_column_without_any_value_and_a_constant_are_no_drift():
    nothing = pd.DataFrame({"empty": [np.nan] * 50, "constant": [1.0] * 50, "code": [2.0] * 50})
    table = feature_drift(nothing, nothing, ["code"])
    assert (table["psi"] == 0).all()
    assert (table["p_value"] == 1).all()


def test_only_the_column_that_moved_drifts():
    table = feature_drift(sample(), sample(shift=0.8, seed=2), ["region"]).set_index("column")
    assert table.loc["weight", "test"] == "ks"
    assert table.loc["region", "test"] == "chi2"
    assert table.loc["weight", "q_value"] < 1e-6
    assert table.loc["weight", "psi"] > 0.25
    assert table.loc["region", "psi"] < 0.05
    assert table.loc["region", "q_value"] > 0.01


def test_false_discoveries_are_held_over_many_columns():
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(40):
        one, other = (pd.DataFrame(rng.normal(0, 1, (300, 25))) for _ in range(2))
        found += int((feature_drift(one, other)["q_value"] <= 0.05).any())
    assert found <= 6  # 2 of 40 expected; without control it would be 29


def test_ranking_is_importance_times_drift():
    drift = feature_drift(sample(), sample(shift=0.8, seed=2), ["region"])
    ranked = rank(drift, pd.Series({"region": 0.999, "weight": 0.001}))
    assert ranked["weight"].is_monotonic_decreasing
    assert rank(drift, pd.Series({"weight": 1.0}))["column"][0] == "weight"


def losses(n: int, loss: float, residual: float, seed: int, region: str = "west") -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "loss": rng.exponential(loss, n),
            "residual": rng.normal(residual, 1, n),
            "block": rng.integers(0, n // 5, n),
            "region": region,
        }
    )


def test_a_loss_that_grew_is_measured_against_the_reference():
    table = loss_changes(losses(4000, 1.0, 0.0, 1), losses(4000, 1.3, 0.5, 2))
    assert table["loss_increase"][0] == pytest.approx(0.3, abs=0.08)
    assert table["bias_sd"][0] == pytest.approx(0.5, abs=0.08)
    assert table[["loss_q_value", "bias_q_value"]].to_numpy().max() < 1e-6


def test_one_slice_that_moved_is_named_and_small_ones_are_left_out():
    old = pd.concat([losses(2000, 1, 0, 1), losses(2000, 1, 0, 2, "east")], ignore_index=True)
    new = pd.concat(
        [losses(2000, 1, 0, 3), losses(2000, 1, 0.6, 4, "east"), losses(20, 9, 9, 5, "new")],
        ignore_index=True,
    )
    table = loss_changes(old, new, old[["region"]], new[["region"]], min_rows=100)
    assert table[["slice", "value"]].to_numpy().tolist() == [
        ["all", "all"],
        ["region", "east"],
        ["region", "west"],
    ]
    quiet = feature_drift(sample(), sample(seed=2))
    reasons = raise_alarm(rank(quiet, pd.Series(dtype=float)), quiet.head(0), table, LIMITS).reasons
    assert any("region east" in reason for reason in reasons)
    assert not any("region west" in reason for reason in reasons)


def test_rows_of_one_block_do_not_count_as_many():
    one = losses(4000, 1.0, 0.0, 1).assign(block=0)
    table = loss_changes(one, losses(4000, 1.0, 0.3, 2).assign(block=1))
    assert table["bias_q_value"][0] > 0.01 or table["bias_sd"][0] < 0.2


def test_what_lasts_for_periods_may_be_smaller():
    table = loss_changes(losses(9000, 1, 0, 1), losses(9000, 1, 0.15, 2))
    quiet = empty_features()
    assert not raise_alarm(quiet, quiet, table, LIMITS).raised
    reasons = raise_alarm(quiet, quiet, None, LIMITS, sustained=table).reasons
    assert len(reasons) == 1
    assert reasons[0].endswith("over 3 periods")


def test_losses_that_are_foreseen_ring_before_outcomes_are_known():
    quiet = empty_features()
    limits = LIMITS.model_copy(update={"foreseen_increase": 0.2})
    assert not raise_alarm(quiet, quiet, None, LIMITS, foreseen=0.3).raised
    assert not raise_alarm(quiet, quiet, None, limits, foreseen=0.1).raised
    assert not raise_alarm(quiet, quiet, None, limits).raised
    reasons = raise_alarm(quiet, quiet, None, limits, foreseen=0.3).reasons
    assert reasons == ("losses are expected to rise by 30%, outcomes not known yet",)


def test_no_recent_rows_are_no_reason():
    table = loss_changes(losses(100, 1, 0, 1), losses(100, 1, 0, 1).head(0))
    assert not raise_alarm(empty_features(), empty_features(), table, LIMITS).raised


def empty_features() -> pd.DataFrame:
    return rank(feature_drift(sample(50)[[]], sample(50)[[]]), pd.Series(dtype=float))


@pytest.mark.parametrize(
    ("column", "share", "moved", "raised"),
    [
        ("weight", 0.5, 0.25, True),
        ("weight", 0.001, 0.25, False),  # of no importance
        ("weight", 0.5, 0.05, False),  # beyond chance, but small
        ("visits_count", 0.5, 0.25, False),  # ignored
    ],
)
def test_the_alarm_needs_effect_certainty_and_importance(column, share, moved, raised):
    n = 200_000
    drift = feature_drift(
        pd.DataFrame({column: RNG.normal(0, 1, n)}),
        pd.DataFrame({column: RNG.normal(2.2 * moved, 1, n)}),
    )
    assert drift["q_value"][0] < 1e-6
    ranked = rank(drift, pd.Series({column: share}))
    assert raise_alarm(ranked, empty_features(), None, LIMITS).raised == raised


def test_a_large_effect_in_few_rows_does_not_ring():
    drift = feature_drift(sample(8), sample(8, shift=0.5, seed=2))
    assert drift["psi"].max() > 0.25
    ranked = rank(drift, pd.Series({"weight": 0.5, "region": 0.5}))
    assert not raise_alarm(ranked, ranked, None, LIMITS).raised


def test_q_values_are_those_of_benjamini_and_hochberg() -> None:
    p = np.random.default_rng(0).random(50) ** 3
    assert q_values(p).tolist() == stats.false_discovery_control(p).tolist()
    assert q_values(np.array([])).tolist() == []
    with pytest.raises(ValueError, match="missing"):
        q_values(np.array([0.001, np.nan]))


def test_categories_are_held_together_by_pearsons_chi_squared() -> None:
    rng = np.random.default_rng(3)
    old, new = (rng.integers(0, top, size).astype(float) for top, size in ((5, 300), (4, 200)))
    frames = (pd.DataFrame({"region": values}) for values in (old, new))
    table = feature_drift(*frames, categorical={"region"}).iloc[0]
    counts = [np.bincount(values.astype(int), minlength=5) for values in (old, new)]
    found = stats.chi2_contingency(counts, correction=False)
    assert table["statistic"] == pytest.approx(found.statistic, rel=1e-12)
    assert table["p_value"] == pytest.approx(found.pvalue, rel=1e-9)
