"""The guard: harm stops an arm at the next look, is recorded once, and another start is judged by
its own answers."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from experiments.rollout import guard, resolve
from experiments.rollout.guard import GuardedArms
from problems.parts import find_problem
from serving.plan import PlannedModel, ServingPlan
from serving.wanted import Wanted
from store.stops import stops_in
from tests.live import Live, rollout_of

MINUTES = 8
DAYS = MINUTES / 1440


@pytest.fixture(autouse=True)
def planned_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "FOLLOWED_SECONDS", -3600.0)
    monkeypatch.setattr(guard, "REST", 0.0)


def ago(minutes: float) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()


def live(folder: Path, name: str = "price", since: str = "", **limits: Any) -> Live:
    rollout = rollout_of(since=since or ago(MINUTES), guard=limits)
    return Live.at(folder, find_problem(name), rollout)


def plan_of(one: Live, *, answers: bool = True) -> ServingPlan:
    name = one.problem.name
    models = (PlannedModel(name, arm="b"),) if answers else ()
    blocks = {name: one.rollout.model_dump(mode="json")}
    return ServingPlan(models, "", "", rollouts=blocks)


def look(one: Live, arms: GuardedArms | None = None, **more: Any) -> list[str]:
    return list((arms or GuardedArms(one.store)).look(plan_of(one, **more)))


def some(of: str, place: int = 12) -> NDArray[np.str_]:
    """Return for 600 answers a role that each so many of them have."""
    return np.where(np.arange(600) % place == 0, of, "challenger")


@pytest.mark.parametrize(
    ("words", "limits", "given"),
    [
        ("share of failures is 0.1", {}, {"role": "some"}),
        ("median time, in times of the champion's, is 5", {}, {"latency_us": 5000}),
        ("coverage is 0.", {}, {"effect": 1.0}),
        ("loss above the champion's, as a share of it, is", {"least_coverage": 0.0},
         {"effect": 1.0}),
    ],
)  # fmt: skip
def test_harm_stops_an_arm_at_the_next_look_and_is_recorded_once(
    tmp_path: Path, words: str, limits: dict[str, Any], given: dict[str, Any]
) -> None:
    one = live(tmp_path, **limits)
    if "role" in given:
        given = {"role": some("champion")}
    arms = GuardedArms(one.store)
    assert look(one, arms) == []
    one.answer(DAYS, n_rows=600, **given)
    (said,) = look(one, arms)
    assert said.startswith(f"price: the challenger 'b' is stopped: {words}")
    assert look(one, arms) == []
    assert look(one) == []  # nor by another server's guard
    since = one.rollout.challengers["b"].since
    assert list(stops_in(one.store)) == [("price", "b", since)]


@pytest.mark.parametrize(
    "given", [{}, {"role": "one"}, {"latency_us": 2000}, {"effect": 0.1}, {"effect": -0.5}]
)
def test_what_is_within_the_limits_goes_on(tmp_path: Path, given: dict[str, Any]) -> None:
    one = live(tmp_path)
    if "role" in given:
        given = {"role": some("champion", 300)}
    one.answer(DAYS, n_rows=600, **given)
    assert look(one) == []


def test_below_the_least_rows_it_does_not_judge(tmp_path: Path) -> None:
    one = live(tmp_path)
    one.answer(DAYS, n_rows=80, latency_us=9000, effect=3.0)
    assert look(one) == []


def test_answers_of_the_champion_while_the_challenger_is_loaded_are_no_failures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = live(tmp_path)
    one.answer(DAYS, n_rows=600, role="champion")
    assert look(one, answers=False) == []
    monkeypatch.setattr(guard, "FOLLOWED_SECONDS", 5.0)
    assert look(one) == []  # planned only now
    monkeypatch.setattr(guard, "FOLLOWED_SECONDS", -3600.0)
    assert "share of failures is 1," in look(one)[0]  # planned long ago, and never answered


def test_failures_of_long_ago_do_not_count(tmp_path: Path) -> None:
    one = live(tmp_path, since=ago(120))
    one.answer(30 / 1440, n_rows=600, role=some("champion"))
    assert look(one) == []


def test_another_start_of_the_arm_is_not_stopped_by_the_old_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = live(tmp_path)
    one.answer(DAYS, n_rows=600, effect=1.0)
    assert len(look(one)) == 1
    before = one.rollout
    one.rollout = rollout_of(since=ago(0))
    assert look(one) == []
    monkeypatch.setattr(resolve, "_champion", lambda name, wanted: PlannedModel(name))
    monkeypatch.setattr(
        resolve, "_challengers", lambda name, left: [PlannedModel(name, arm=arm) for arm in
                                                     left.challengers]
    )  # fmt: skip
    wanted = Wanted(("price",))
    for rollout, arms in ((before, ["champion"]), (one.rollout, ["champion", "b"])):
        plan = resolve.plan_of(wanted, stops_in(one.store), {"price": rollout})
        assert [model.arm for model in plan.models] == arms
        assert ("b" in plan.stopped.get("price", {})) == (arms == ["champion"])


def test_a_long_look_at_outcomes_is_followed_by_a_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, looked = live(tmp_path), []

    def slow(*_: Any) -> None:
        looked.append(1)
        time.sleep(0.05)

    monkeypatch.setattr(guard, "harmful", slow)
    monkeypatch.setattr(guard, "REST", 9.0)
    arms = GuardedArms(one.store)
    for _ in range(3):
        one.answer(DAYS, n_rows=20)
        look(one, arms)
    assert len(looked) == 1
    until = time.monotonic() + 30  # the rest is as long as the look took, which a load makes longer
    while len(looked) == 1 and time.monotonic() < until:
        time.sleep(0.1)
        look(one, arms)  # nothing is new, but not all of it was looked at
    assert len(looked) == 2
