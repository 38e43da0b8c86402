"""What drawn answers tell of suggestions that were not made."""

import math

import numpy as np
import pytest

from bench.explored import play, verdicts
from retrace.judge.explored import compare_policies, effective, policy_weights, training_weights

N = 4000


def drawn(seed: int = 1):
    """Loss is told² + noise, of answers drawn unevenly from 0 to 1: twice as often from the first
    half."""
    rng = np.random.default_rng(seed)
    low = rng.random(N) < 2 / 3
    told = np.where(low, 0.5 * rng.random(N), 0.5 + 0.5 * rng.random(N))
    density = np.where(low, 4 / 3, 2 / 3)
    return told, density, np.square(told) + 0.1 * rng.standard_normal(N)


def test_drawn_answers_stand_for_what_another_model_would_have_told():
    told, density, loss = drawn()
    for wanted in (0.3, 0.5, 0.7):
        weight = policy_weights(told, density, np.full(N, wanted), bandwidth=0.1)
        assert float(weight.mean()) == pytest.approx(1)
        assert float((weight * loss).mean()) == pytest.approx(wanted**2, abs=0.015)
        assert 0.05 * N < effective(weight) < 0.4 * N
    assert abs(float(loss.mean()) - 0.7**2) > 0.1


def test_unevenly_drawn_answers_are_weighed_by_their_density():
    told, density, _ = drawn()
    wanted = np.full(N, 0.5)
    right = policy_weights(told, density, wanted, bandwidth=0.2)
    wrong = policy_weights(told, np.ones(N), wanted, bandwidth=0.2)
    assert float((right * told).mean()) == pytest.approx(0.5, abs=0.01)
    assert float((wrong * told).mean()) < 0.49


def test_no_answer_stands_for_too_many():
    told, density = np.full(200, 0.5), np.ones(200)
    density[0] = 1e-6
    for most in (5.0, 20.0):
        weight = policy_weights(told, density, told, bandwidth=0.1, most=most)
        assert weight[0] == pytest.approx(most * weight[1])
    assert policy_weights(told, density, told + 1, bandwidth=0.1).tolist() == [0] * 200


def test_the_interval_of_a_difference_has_the_truth_and_sees_it():
    found = []
    for seed in range(60):
        told, density, loss = drawn(seed)
        ours, theirs = np.full(N, 0.4), np.full(N, 0.6)
        estimate = compare_policies(loss, loss, told, density, ours, theirs, bandwidth=0.1)
        lower, upper = estimate.interval(expected=0.5)
        assert upper < 0
        found.append(lower <= 0.4**2 - 0.6**2 <= upper)
    assert np.mean(found) > 0.95
    assert estimate.champion == pytest.approx(0.6**2, abs=0.03)
    assert estimate.is_paired
    same = compare_policies(loss, loss, told, density, ours, ours, bandwidth=0.1)
    assert same.difference == 0


def test_blocks_widen_the_interval():
    told, density, loss = drawn()
    rng = np.random.default_rng(2)
    block = rng.integers(0, 40, N)
    loss = loss + rng.standard_normal(40)[block] * (told - 0.5)
    ask = {"our_loss": loss, "their_loss": loss, "told": told, "density": density, "bandwidth": 0.1}
    ours, theirs = np.full(N, 0.2), np.full(N, 0.8)
    one = compare_policies(ours=ours, theirs=theirs, **ask)
    other = compare_policies(ours=ours, theirs=theirs, blocks=block, **ask)
    assert other.variance > 2 * one.variance
    assert other.difference == pytest.approx(one.difference)
    assert other.n_subjects == (40, 40)


def test_no_answer_near_says_nothing():
    told, density, loss = drawn()
    far = compare_policies(loss, loss, told, density, told + 5, told, bandwidth=0.1)
    assert math.isnan(far.difference)
    assert far.interval(expected=0.1) == (-math.inf, math.inf)
    assert far.n_outcomes == (N, 0)


def test_drawn_answers_are_not_drowned_in_training():
    density = np.full(1000, np.nan)
    density[:20] = 0.02  # 2 % of the answers, from an interval of width 1
    weight = training_weights(density, 1.0)
    assert float(weight.mean()) == pytest.approx(1)
    assert float(weight[:20].sum()) == pytest.approx(weight[20:].sum())
    assert weight[0] / weight[-1] == pytest.approx(49)
    assert training_weights(density, 1.0, most_share=0.2)[:20].sum() == pytest.approx(200)
    wide = training_weights(density, np.where(np.arange(1000) < 10, 2.0, 1.0))
    assert wide[10] == pytest.approx(2 * wide[0])  # drawn from twice the width, half as dense
    assert training_weights(np.full(3, np.nan), 1.0).tolist() == [1, 1, 1]


def test_bad_input_is_told():
    with pytest.raises(ValueError, match=r"density is 0 in row 1 \(1 such rows\)"):
        policy_weights([1.0, 1.0], [1.0, 0.0], [1.0, 1.0], bandwidth=0.1)
    with pytest.raises(ValueError, match="bandwidth is 0"):
        policy_weights([1.0], [1.0], [1.0], bandwidth=0)


def test_a_model_that_sees_only_its_own_suggestions_drifts_and_a_few_drawn_ones_keep_it():
    brought = {
        share: np.array(
            [play(share, weighed=share > 0, seed=seed, n=1500, periods=12) for seed in range(3)]
        )
        for share in (0.0, 0.02)
    }
    assert brought[0.0][:, 0].min() > 0.95  # it begins right
    assert brought[0.0].min(axis=1).max() < 0.7  # and each run comes to a bad period
    assert brought[0.02].min() > 0.85
    assert brought[0.02].mean() > 0.97


def test_drawn_answers_judge_prices_that_were_never_asked():
    found = verdicts(20, 20_000, 0.05, 0.4)
    assert found.mean == pytest.approx(found.truth, abs=0.03)
    assert found.inside >= 0.95
