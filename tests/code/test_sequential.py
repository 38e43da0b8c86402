"""Intervals that may be looked at every day, and the test of the arms' sizes."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, t

from bench.rollout import BATCH, N_DAYS, Looks, false_alarms, looks, looks_of_pairs, of
from bench.rollout_traffic import Cells, Traffic, draw, draw_pairs
from retrace.judge.ratio import Ratio, reach
from retrace.judge.sequential import between_subjects, first_seen, paired, sample_ratio

RAMP = Traffic(
    "ramp", 80, 0.5, uneven=1.0, season=0.5, trend=1.0, ramp=((0, 0.1), (20, 0.5)), lasting=0.5
)


def table_of(cells: Cells, n_days: int) -> pd.DataFrame:
    """The outcomes of the first test up to a day, one row a subject and day."""
    day, subject = np.nonzero(cells.n[0, :n_days])
    place = (0, day, subject)
    arm = np.broadcast_to(cells.arm, cells.n.shape)[place]
    return pd.DataFrame(
        {"subject": subject, "day": day, "arm": arm, "loss": cells.loss[place], "n": cells.n[place]}
    )


def between(table: pd.DataFrame, **more):
    columns = (table["subject"], table["arm"], table["loss"])
    return between_subjects(*columns, n_outcomes=table["n"], **{"day": table["day"], **more})


def test_the_difference_is_the_coefficient_of_the_arm_beside_days():
    table = table_of(draw(RAMP, 1, 40, np.random.default_rng(1), effect=0.3), 40)
    days = pd.get_dummies(table["day"]).to_numpy(float)
    design = np.column_stack([table["arm"].to_numpy(float), days])
    weight = np.sqrt(table["n"].to_numpy())[:, None]
    target = (table["loss"] / table["n"]).to_numpy() * weight[:, 0]
    expected = np.linalg.lstsq(design * weight, target, rcond=None)[0][0]
    assert between(table).difference == pytest.approx(expected)


def test_without_days_it_is_the_delta_method_of_means_over_subjects():
    table = table_of(draw(Traffic("", 400), 1, 40, np.random.default_rng(1)), 40)
    found = between(table, day=None)
    arms = table.groupby(["arm", "subject"])[["loss", "n"]].sum()
    variance, means = 0.0, {}
    for arm in (False, True):
        one = arms.loc[arm]
        means[arm] = one["loss"].sum() / one["n"].sum()
        variance += (
            float(np.square(one["loss"] - means[arm] * one["n"]).sum()) / one["n"].sum() ** 2
        )
    assert found.difference == pytest.approx(means[True] - means[False])
    assert found.champion == pytest.approx(means[False])
    assert found.variance == pytest.approx(variance, rel=0.05)
    assert found.n_subjects == (len(arms.loc[False]), len(arms.loc[True]))
    assert found.relative == pytest.approx(found.difference / means[False])


def test_rows_may_be_outcomes_or_their_sums():
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"subject": rng.integers(0, 60, 900), "day": rng.integers(0, 9, 900)})
    rows["arm"], rows["loss"], rows["n"] = rows["subject"] % 2 == 1, rng.random(900), 1
    sums = rows.groupby(["subject", "day", "arm"], as_index=False).sum()
    assert len(sums) < len(rows)
    one, other = between(rows), between(sums)
    assert one.interval(expected=0.1) == pytest.approx(other.interval(expected=0.1))
    assert one.n_outcomes == other.n_outcomes


def test_a_ramp_in_a_worse_time_is_no_difference():
    days = np.repeat(np.arange(20), 100)
    arm = np.tile(np.arange(100), 20) < np.where(days < 10, 10, 50)
    loss = np.where(days < 10, 1.0, 2.0) + np.tile([-0.1, 0.1], 1000)
    subject = np.tile(np.arange(100), 20)  # some go from champion to challenger
    naive = between_subjects(subject, arm, loss)
    assert naive.difference > 0.3
    assert between_subjects(subject, arm, loss, day=days).difference == pytest.approx(0, abs=1e-12)


def test_one_look_is_what_the_simulated_rollouts_see():
    """So the false alarms that are counted are those of `between_subjects` and `paired`."""
    cells = draw(RAMP, 2, 40, np.random.default_rng(4))
    seen = looks(cells)
    for day in (5, 25, 39):
        here = between(table_of(cells, day + 1))
        whole = [float(one[0, day]) for one in seen.found]
        assert whole == pytest.approx([here.difference, here.variance, here.dof, here.skew])
        assert min(here.n_subjects) == seen.n_units[0, day]
        below, above = reach(seen.found, effect=0.1 * seen.overall)
        found = here.difference - below[0, day], here.difference + above[0, day]
        assert found == pytest.approx(here.interval(expected=0.1))
    pairs = draw_pairs(1, 40, 30, 0.5, "lognormal", 0.3, np.random.default_rng(5))
    table = table_of(pairs, 40).query("n == 1")
    here = paired(table["loss"], np.zeros(len(table)), blocks=table["subject"])
    there = looks_of_pairs(Cells(pairs.n * (pairs.n == 1), pairs.loss * (pairs.n == 1), pairs.arm))
    assert [float(one[0, -1]) for one in there.found] == pytest.approx(
        [here.difference, here.variance, here.dof, here.skew]
    )


def check_false_alarms(share: float) -> None:
    """Of 200 rollouts without a difference: 5 % are allowed, and 3 % more may be luck."""
    assert share <= 0.08


@pytest.mark.parametrize(
    "traffic",
    [
        Traffic("subjects come back and differ", 200, 0.5, uneven=1.0, lasting=0.7, season=0.3),
        Traffic("slow start", 200, 0.5, starts="slowly", tail="pareto"),
        Traffic("a tenth challenged", 300, 0.2, ramp=((0, 0.1),), tail="squared"),
    ],
    ids=lambda one: one.words,
)
def test_looking_every_day_gives_no_more_false_alarms_than_promised(traffic):
    shares, repeated, _ = false_alarms(of(traffic, 200, seed=1), least=(20, 100))
    check_false_alarms(shares.max())
    if traffic.ramp == Traffic("").ramp:  # with a small arm the variance alone is cautious
        with pytest.raises(AssertionError):
            check_false_alarms(repeated)


def test_rare_disasters_of_a_shadow_are_not_taken_for_luck():
    rng = np.random.default_rng(2)
    shares, repeated, _ = false_alarms(
        (
            looks_of_pairs(draw_pairs(BATCH, N_DAYS, 100, 0.5, "lognormal", 0.3, rng))
            for _ in range(4)
        ),
        least=(14, 200),
    )
    check_false_alarms(shares.max())
    with pytest.raises(AssertionError):
        check_false_alarms(repeated)


def test_outcomes_of_one_subject_are_not_so_many_subjects():
    """As independent outcomes, those of subjects who differ would look like a difference."""
    rng, n_tests = np.random.default_rng(6), 100
    wrong = right = 0
    for _ in range(n_tests):
        subject = np.repeat(np.arange(60), 50)
        loss = rng.gamma(1.0, 1.0, 60)[subject] + 0.1 * rng.random(3000)
        arm = rng.permutation(60)[subject] < 30
        for who in (subject, np.arange(3000)):
            lower, upper = between_subjects(who, arm, loss).interval(expected=0.2)
            alarm = not lower <= 0 <= upper
            right, wrong = right + alarm * (who is subject), wrong + alarm * (who is not subject)
    check_false_alarms(right / n_tests)
    with pytest.raises(AssertionError):
        check_false_alarms(wrong / n_tests)


def test_a_difference_is_found():
    batches = list(of(Traffic("", 400, 1.0, tail="mild"), 100, seed=3, effect=-0.1))
    found = np.concatenate([seen.alarms(0.05).any(axis=1) for seen in batches])
    assert found.mean() > 0.9


def test_the_bound_is_robbins_mixture_and_students_for_few():
    one = np.ones(1)
    many = Ratio(0 * one, 0.01 * one, 1e9 * one, 0 * one)
    below, above = reach(many, effect=0.3 * one)
    x = 0.3**2 / 0.01
    robbins = math.sqrt((1 + 1 / x) * (math.log(1 + x) + 2 * math.log(20))) * 0.1
    assert (below[0], above[0]) == pytest.approx((robbins, robbins), rel=1e-5)
    few, _ = reach(many._replace(dof=10 * one), effect=0.3 * one)
    # the same probability in both tails: 3.0 by the normal distribution, 3.9 by Student's
    assert few[0] / 0.1 == pytest.approx(t.isf(norm.sf(robbins / 0.1), 10), rel=0.01)
    low, high = reach(many._replace(skew=0.3 * one), effect=0.3 * one)
    assert low[0] == pytest.approx(robbins, rel=1e-5)
    assert high[0] > 1.2 * robbins


@pytest.mark.parametrize(
    ("arms", "n"), [([], 0), ([True] * 4, 4), ([False] * 4, 4)], ids=["nobody", "one", "other"]
)
def test_an_empty_arm_says_nothing(arms, n):
    found = between_subjects(np.arange(n), np.array(arms, bool), np.ones(n))
    assert math.isnan(found.difference)
    assert math.isnan(found.relative)
    assert found.interval(expected=0.1) == (-math.inf, math.inf)
    assert 0 in found.n_outcomes
    assert paired([], []).interval(expected=0.1) == (-math.inf, math.inf)


def test_equal_losses_have_no_difference_and_no_doubt():
    assert paired(np.ones(30), np.ones(30)).interval(expected=0.1) == (0, 0)


def test_bad_input_is_told():
    with pytest.raises(ValueError, match=r"loss has nan in row 1 \(1 such rows\)"):
        between_subjects([1, 2], [True, False], [1.0, math.nan])
    with pytest.raises(ValueError, match=r"different lengths: .*'subject': 1"):
        between_subjects([1], [True, False], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"subject is missing in row 1 \(1 such rows\)"):
        between_subjects(["a", None], [True, False], [1.0, 2.0])
    with pytest.raises(ValueError, match="n_outcomes has 0"):
        between_subjects([1, 2], [True, False], [1.0, 0.0], n_outcomes=[1, 0])
    with pytest.raises(ValueError, match="different lengths"):
        paired([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="must sum to 1"):
        sample_ratio([[5, 5]], [[0.5, 0.6]])
    with pytest.raises(ValueError, match="a row an epoch"):
        sample_ratio([[5, 5]], [[0.5, 0.3, 0.2]])


def test_sizes_of_arms_that_chance_gives_and_does_not():
    rng = np.random.default_rng(8)
    shares = np.array([[0.9, 0.1], [0.5, 0.5]])
    alarms = 0
    for _ in range(150):
        counts = np.zeros((2, 2), int)
        seen = []
        for day in range(30):
            epoch = int(day >= 10)
            counts[epoch] += rng.multinomial(40, shares[epoch])
            seen.append(sample_ratio(counts, shares).broken)
        alarms += any(seen)
    assert alarms <= 1
    lost = sample_ratio([[1800, 120], [1000, 750]], shares)
    assert lost.broken
    assert lost.counts == (2800, 870)
    assert lost.expected == pytest.approx((0.9 * 1920 + 875, 192 + 875))
    assert not sample_ratio([[900, 100], [500, 500]], shares).broken
    assert sample_ratio([[1400, 600]], shares[1:]).broken  # all by the share of now
    assert sample_ratio([[10, 1]], [[1.0, 0.0]]).broken


def test_evidence_about_sizes_is_a_martingale_where_they_are_right():
    """Its mean over what may come next is what it is now."""
    shares = np.array([[0.7, 0.3]])
    now = math.exp(sample_ratio([[20, 15]], shares).log_e)
    then = [math.exp(sample_ratio([counts], shares).log_e) for counts in ([21, 15], [20, 16])]
    assert np.dot(shares[0], then) == pytest.approx(now)


def test_a_subject_counts_once_where_it_was_first_seen():
    counts = first_seen(
        ["a", "b", "a", "b", "c", "a"],
        [0, 1, 0, 1, 1, 1],
        [0, 0, 0, 1, 1, 1],
        n_epochs=2,
        n_arms=2,
    )
    assert counts.tolist() == [[1, 1], [0, 1]]


def test_looks_have_the_shape_of_tests_and_days():
    seen = next(of(Traffic("", 20, 1.0), BATCH, seed=0))
    assert isinstance(seen, Looks)
    assert seen.alarms(0.1, least=(2, 2)).shape == (BATCH, N_DAYS)


def test_a_small_arm_without_a_large_loss_is_not_thought_sure():
    """Its variance is that over all arms which might have been drawn, not that of its luck."""
    rng = np.random.default_rng(9)
    loss = np.where(np.arange(400) % 20 == 0, 20.0, 1.0) + 0.1 * rng.random(400)
    lucky = np.isin(np.arange(400), rng.choice(np.flatnonzero(loss < 2), 40, replace=False))
    means = []
    for _ in range(2000):
        arm = rng.permutation(lucky)
        means.append(loss[arm].mean() - loss[~arm].mean())
    found = between_subjects(np.arange(400), lucky, loss)
    assert found.variance == pytest.approx(np.var(means), rel=0.1)
    own = loss[lucky].var() / 40 + loss[~lucky].var() / 360
    assert own < 0.2 * found.variance


def test_degrees_of_freedom_are_those_of_subjects_of_one_size():
    even = paired(np.arange(40) % 3, np.zeros(40), blocks=np.arange(40) % 10)
    assert even.dof == pytest.approx(9)
    one_large = np.append(np.arange(10), np.zeros(30, int))
    uneven = paired(np.arange(40) % 3, np.zeros(40), blocks=one_large)
    assert uneven.dof == pytest.approx(40**2 / (31**2 + 9) - 1)
    assert uneven.interval(expected=0.1)[1] > 10 * even.interval(expected=0.1)[1]
