"""The decision on a challenger from what live traffic says."""

import dataclasses
import math

import pytest

from retrace.judge.rollout import Measure, RolloutParams, judge
from retrace.judge.sequential import Estimate, sample_ratio

PARAMS = RolloutParams()


def estimate(difference: float, se: float, **more) -> Estimate:
    """Of a champion whose mean loss is 1, from 400 subjects an arm."""
    found = Estimate(difference, se**2, 800.0, 0.0, 1.0, 1.0, (400, 400), (4000, 4000))
    return dataclasses.replace(found, **more)


def measure(difference: float, se: float, words: str = "absolute error", **more) -> Measure:
    return Measure(words, "€", estimate(difference, se, **more))


def ask(main: Measure, *further: Measure, days: int = 30, **more):
    return judge(main, further, days=days, **{"params": PARAMS, **more})


def test_better_for_sure_is_promoted():
    verdict = ask(measure(-0.1, 0.02), measure(0.0, 0.01, "cost"))
    assert verdict.decision == "promote"
    assert verdict.main.upper < 0
    assert verdict.sentence == (
        "Promote: absolute error is lower by 0.100 € (95 % interval 0.039 to 0.161, 10.0% of the "
        "champion's; 30 days, 400 and 400 subjects with 4,000 and 4,000 outcomes); cost is not "
        "worse beyond its margin."
    )


def test_worse_for_sure_is_stopped_even_in_the_first_days():
    verdict = ask(measure(0.1, 0.02), days=2)
    assert verdict.decision == "stop"
    assert verdict.sentence.startswith(
        "Stop: absolute error is higher by 0.100 € (95 % interval 0.0"
    )


def test_unclear_waits_for_as_long_as_is_likely():
    verdict = ask(measure(-0.1, 0.05))
    assert verdict.decision == "wait"
    assert verdict.days_left is not None
    grown = (30 + verdict.days_left) / 30
    assert estimate(-0.1, 0.05 / math.sqrt(grown)).interval(expected=0.05)[1] < 0
    grown = (30 + verdict.days_left - 1) / 30
    assert estimate(-0.1, 0.05 / math.sqrt(grown)).interval(expected=0.05)[1] > 0
    assert f"a decision is likely in {verdict.days_left} more days" in verdict.sentence
    never = ask(measure(-0.001, 0.05))
    assert never.days_left is None
    assert "no decision is likely within a year" in never.sentence


def test_the_rate_of_information_is_that_of_the_last_days():
    """Where the same subjects come again, a day soon tells less than the first ones did."""
    now = estimate(-0.1, 0.05)
    before = estimate(-0.1, 0.055)
    slower = ask(Measure("absolute error", "€", now, before))
    usual = ask(Measure("absolute error", "€", now))
    assert slower.days_left is not None
    assert usual.days_left is not None
    assert slower.days_left > 1.2 * usual.days_left


def test_another_measure_that_is_worse_or_not_known_keeps_a_better_one_back():
    better = measure(-0.1, 0.02)
    unknown = ask(better, measure(0.0, 0.05, "cost"))
    assert unknown.decision == "wait"
    assert "cost is higher by 0.0" in unknown.sentence
    stopped = ask(better, measure(0.2, 0.02, "cost"))
    assert stopped.decision == "stop"
    assert "cost is higher by 0.2" in stopped.sentence
    assert ask(better, measure(0.0, 0.01, "cost")).decision == "promote"
    strict = PARAMS.model_copy(update={"further_margin": 0.01})
    assert ask(better, measure(0.0, 0.01, "cost"), params=strict).decision == "wait"


def test_a_margin_asks_only_for_no_worse():
    main = measure(0.0, 0.01)
    assert ask(main).decision == "wait"
    params = PARAMS.model_copy(update={"margin": 0.05})
    assert ask(main, params=params).decision == "promote"
    assert ask(measure(0.04, 0.01), params=params).decision == "wait"


def test_several_further_measures_share_the_level():
    cost = measure(0.0, 0.0155, "cost")
    assert ask(measure(-0.1, 0.02), cost).decision == "promote"
    assert ask(measure(-0.1, 0.02), *[cost] * 4).decision == "wait"


def test_least_days_subjects_and_outcomes():
    assert ask(measure(-0.1, 0.02), days=6).lacking == ("6 of at least 7 days",)
    assert ask(measure(-0.1, 0.02), days=6).decision == "wait"
    assert ask(measure(-0.1, 0.02), days=6).days_left == 1
    few = ask(measure(0.1, 0.02, n_subjects=(400, 49)))
    assert few.decision == "wait"
    assert few.lacking == ("49 of at least 50 subjects of the challenger",)
    rare = ask(measure(-0.1, 0.02, n_outcomes=(199, 4000)))
    assert rare.lacking == ("199 of at least 200 outcomes of the champion",)
    shadow = ask(measure(-0.1, 0.02, n_subjects=(13, 13), is_paired=True))
    assert shadow.lacking == ("13 of at least 14 blocks",)
    rare = ask(measure(-0.1, 0.02, n_outcomes=(499, 499), is_paired=True))
    assert rare.lacking == ("499 of at least 500 requests with an outcome",)
    fed = ask(measure(-0.1, 0.02, n_subjects=(14, 14), is_paired=True))
    assert "4,000 requests in 14 blocks" in fed.sentence


def test_an_empty_arm_waits():
    nothing = Estimate(math.nan, math.inf, 0.0, 0.0, math.nan, math.nan, (0, 0), (0, 0))
    verdict = ask(Measure("absolute error", "€", nothing))
    assert verdict.decision == "wait"
    assert verdict.days_left is None
    assert verdict.sentence.startswith("Wait: 0 of at least 50 subjects of the champion")
    unknown = ask(measure(-0.1, 0.02), Measure("cost", "€", nothing))
    assert unknown.sentence.startswith("Wait: 0 of at least 50 subjects of the champion with cost")
    never = ask(measure(-0.1, 0.02), measure(math.nan, math.inf, "cost"))
    assert never.sentence == "Wait: nothing is known yet of cost."


def test_harm_by_a_measure_of_few_subjects_stops_nothing():
    cost = measure(0.5, 0.02, "cost", n_subjects=(49, 49), n_outcomes=(49, 49))
    few = ask(measure(-0.1, 0.02), cost)
    assert few.decision == "wait"
    assert few.lacking[0] == "49 of at least 50 subjects of the champion with cost"
    enough = dataclasses.replace(cost.now, n_subjects=(50, 50))
    assert ask(measure(-0.1, 0.02), Measure("cost", "€", enough)).decision == "stop"


def test_arms_that_are_not_as_large_as_meant_stop_everything():
    sizes = sample_ratio([[500, 350]], [[0.5, 0.5]])
    verdict = ask(measure(-0.1, 0.02), sizes=sizes)
    assert verdict.decision == "stop"
    assert verdict.sentence.startswith(
        "Stop: the arms' sizes cannot be chance: 500 and 350 subjects where 425 and 425 were "
    )
    fine = sample_ratio([[400, 400]], [[0.5, 0.5]])
    assert ask(measure(-0.1, 0.02), sizes=fine).decision == "promote"


def test_a_measure_in_which_nothing_ever_happens_is_no_reason_to_wait():
    never = measure(0.0, 0.0, "overruled answers", champion=0.0, overall=0.0)
    assert ask(measure(-0.1, 0.02), never).decision == "promote"


@pytest.mark.parametrize("name", ["level", "expected", "least_days"])
def test_limits_that_make_no_sense_are_refused(name):
    with pytest.raises(ValueError, match=name):
        RolloutParams(**{name: 0})
