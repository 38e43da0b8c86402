"""Intervals hold when the world moves, by what was known at each prediction and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from problems.parts import find_problem
from retrace.fit.following import Predicted, Waiting, follow
from retrace.fit.intervals import Interval
from workflow.following import _waiting

DAY = np.timedelta64(1, "D").astype("timedelta64[us]")
START = np.datetime64("2025-01-01", "us")


def simulated(
    days: int, *, rise: float = 0.0, from_day: int = 0, a_day: int = 40, mean_days: float = 8.0
) -> tuple[Predicted, np.ndarray]:
    """Rows whose outcome is the hours until it is known, log-normal around a point that the model
    knows; from a day on all take longer by `rise` (log). Returns them and the day of each."""
    rng = np.random.default_rng(1)
    n = days * a_day
    day = np.repeat(np.arange(days), a_day)
    at = START + day * DAY + (rng.random(n) * 86_400e6).astype("timedelta64[us]")
    point = np.log1p(24 * mean_days) + rng.normal(0, 0.6, n)
    actual = point + rng.normal(0, 0.5, n) + rise * (day >= from_day)
    known_at = at + (np.expm1(actual) * 3.6e9).astype("timedelta64[us]")
    scores = {"point": point, "lower": point - 0.8, "upper": point + 0.8}
    return Predicted(at, known_at, actual, scores), day


WAITING = Waiting(np.timedelta64(1, "h"), "log")


def inside(rows: Predicted, asked: np.ndarray, waiting: Waiting | None) -> np.ndarray:
    old = np.flatnonzero(rows.at < rows.at[asked].min())
    scores = {name: score[old] for name, score in rows.scores.items()}
    first = Interval.fit(rows.actual[old], scores, 0.9, half_life=400)
    found = follow(first, rows, asked, "log", waiting)
    outcome = np.expm1(rows.actual[asked])
    return (found["lower"] <= outcome) & (outcome <= found["upper"])


def test_while_nothing_changes_the_level_is_kept() -> None:
    rows, day = simulated(200)
    asked = np.flatnonzero(day >= 100)
    assert inside(rows, asked, WAITING).mean() == pytest.approx(0.9, abs=0.012)


def test_a_slower_world_is_followed_before_its_outcomes_are_known() -> None:
    """Outcomes of the slow ones come after weeks; that they are still open is known at once."""
    rows, day = simulated(160, rise=0.6, from_day=110)
    asked = np.flatnonzero(day >= 100)
    slow = day[asked] >= 125  # two weeks after, which is less than most outcomes take
    followed = inside(rows, asked, WAITING)[slow].mean()
    scores = {name: score[day < 100] for name, score in rows.scores.items()}
    before = Interval.fit(rows.actual[day < 100], scores, 0.9)
    later = {name: score[asked] for name, score in rows.scores.items()}
    answers = before.answer(later, "log")
    outcome = np.expm1(rows.actual[asked])
    fixed = ((answers["lower"] <= outcome) & (outcome <= answers["upper"]))[slow].mean()
    assert fixed < 0.75
    assert 0.86 < followed < 0.94


def test_known_outcomes_alone_are_the_fast_ones() -> None:
    rows, day = simulated(200, mean_days=30.0)
    asked = np.flatnonzero(day >= 120)
    assert inside(rows, asked, None).mean() < inside(rows, asked, WAITING).mean() - 0.02


def test_what_comes_later_changes_no_interval() -> None:
    rows, day = simulated(120, rise=0.6, from_day=90)
    asked = np.flatnonzero(day == 100)
    moment = START + 100 * DAY
    scores = {name: score[day < 80] for name, score in rows.scores.items()}
    first = Interval.fit(rows.actual[day < 80], scores, 0.9, half_life=1000)
    whole = follow(first, rows, asked, "log", WAITING)
    known = rows.known_at < moment
    cut = Predicted(
        rows.at,
        np.where(known, rows.known_at, np.datetime64("NaT")),
        np.where(known, rows.actual, np.nan),
        rows.scores,
    ).take(np.flatnonzero(day <= 100))
    without = follow(first, cut, asked, "log", WAITING)
    assert all(np.array_equal(whole[name], without[name]) for name in whole)


def test_rows_of_one_band_do_not_pay_for_those_of_another() -> None:
    rng = np.random.default_rng(2)
    point = rng.normal(0, 1, 20_000)
    actual = point + rng.normal(0, 1, 20_000) * np.where(point > 0.8, 3.0, 0.5)
    scores = {"point": point, "lower": point - 1.0, "upper": point + 1.0}
    half = np.arange(20_000) < 10_000
    interval = Interval.fit(actual[half], {k: v[half] for k, v in scores.items()}, 0.9)
    lower, upper = interval.apply(*(scores[name][~half] for name in ("point", "lower", "upper")))
    held = (lower <= actual[~half]) & (actual[~half] <= upper)
    for low, high in ((-9, -0.8), (-0.8, 0.8), (1.2, 9)):
        band = (point[~half] > low) & (point[~half] < high)
        assert held[band].mean() == pytest.approx(0.9, abs=0.05)


def test_a_row_alone_has_the_bits_of_many() -> None:
    rows, _ = simulated(50)
    interval = Interval.fit(rows.actual, rows.scores, 0.9)
    many = interval.answer(rows.scores, "log")
    for place in range(0, 2000, 37):
        one = interval.answer({k: v[[place]] for k, v in rows.scores.items()}, "log")
        assert all(one[name][0] == many[name][place] for name in many)


def test_the_delay_of_knowing_shortens_what_waiting_says() -> None:
    waited = np.array([10, 50], "timedelta64[h]")
    late = Waiting(np.timedelta64(1, "h"), "identity", lag=24.0)
    assert late.least(waited).tolist() == [0.0, 26.0]


def test_a_delay_of_knowing_is_measured_on_known_rows() -> None:
    rows, _ = simulated(30)
    late = replace(rows, known_at=rows.known_at + np.timedelta64(100, "h"))
    waiting, usual = _waiting(find_problem("order_completion"), late)
    assert waiting.lag == pytest.approx(100.0, abs=0.01)
    assert usual == pytest.approx(np.median(np.expm1(rows.actual)))
    assert _waiting(find_problem("order_completion"), rows)[0].lag == pytest.approx(0.0, abs=0.01)
