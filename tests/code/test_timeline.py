"""Positions, totals and intervals of a timeline equal counting one by one."""

import numpy as np
import pytest

from retrace.past.timeline import Timeline, running

SPANS = [40, 2**61]  # moments as they are, and moments that only fit as numbers of moments


@pytest.fixture(params=SPANS)
def events(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    entity = rng.integers(0, 7, 300)
    at = rng.integers(-20, 21, 300) * (request.param // 40)
    return entity, at, rng.integers(-5, 50, 300)


def test_positions_and_totals(events: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    entity, at, value = events
    timeline = Timeline(entity, at, {"value": value})
    step = int(np.abs(at).max()) // 20
    who = np.repeat(np.arange(-1, 9), 47)
    when = np.tile(np.arange(-23, 24) * step + np.arange(47) % 2, 10)
    for side, before in (("left", np.less), ("right", np.less_equal)):
        counts = np.array([
            (entity < one).sum() + ((entity == one) & before(at, moment)).sum()
            for one, moment in zip(who, when, strict=True)
        ])  # fmt: skip
        assert (timeline.position(who, when, side) == counts).all()
        totals = [
            value[(entity == one) & before(at, moment)].sum()
            for one, moment in zip(who, when, strict=True)
        ]
        assert (timeline.total("value", timeline.first(who), counts) == totals).all()
    order = np.lexsort((at, entity))
    assert (timeline.moment(entity[order], np.arange(300)) == at[order]).all()


def test_running(events: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    key, at, length = events
    ends = at + np.abs(length)
    when = np.tile(np.unique(at)[::5], 7)
    who = np.repeat(np.arange(7), len(when) // 7)
    found = [
        ((key == one) & (at <= moment) & (moment < ends)).sum()
        for one, moment in zip(who, when, strict=True)
    ]
    assert (running(key, at, ends, who, when) == found).all()


def test_without_events() -> None:
    nothing = np.zeros(0, np.int64)
    timeline = Timeline(nothing, nothing, {"value": nothing})
    place = timeline.position(np.array([0, 3]), np.array([-5, 5]), "right")
    assert place.tolist() == [0, 0]
    assert timeline.total("value", place, place).tolist() == [0, 0]
