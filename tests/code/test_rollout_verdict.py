"""Verdicts on answers in a store whose truth is known: better, worse and equal, in each mode."""

from pathlib import Path
from typing import Any

import pytest

from experiments.rollout import shown
from experiments.rollout.verdict import LiveVerdict, verdict_on
from problems import parts
from problems.contract import Columns, Problem
from problems.parts import find_problem
from serving.explore import Explore
from serving.rollout import Rollout
from tests.code.small_world import small_world
from tests.live import SINCE, Live, rollout_of

DAYS = 28
WRONG = {"better": -0.3, "worse": 0.3}
FLOWERS = Problem(
    name="flowers", world="flowers", task="multiclass", target="colour", unit="flower",
    metric="log_loss", key=("flower_id",), columns=Columns(numeric=("height",)),
)  # fmt: skip


def verdict(live: Live, rollout: Rollout | None = None) -> LiveVerdict:
    return verdict_on(live.store, live.problem, rollout or live.rollout, "b")


@pytest.mark.parametrize(
    ("mode", "problem"),
    [("ab", "price"), ("shadow", "price"), ("ab", "order_stuck"), ("shadow", "service_time")],
)
@pytest.mark.parametrize("truth", ["better", "worse"])
def test_the_verdict_is_what_the_truth_says(
    tmp_path: Path, mode: str, problem: str, truth: str
) -> None:
    live = Live.at(tmp_path, find_problem(problem), rollout_of(mode))
    if live.problem.task == "binary":
        live.spread = 0.6
    live.answer(DAYS, effect=WRONG[truth], n_rows=8000)
    found = verdict(live)
    assert found.verdict.decision == {"better": "promote", "worse": "stop"}[truth]
    assert (found.verdict.main.difference < 0) == (truth == "better")
    assert len(found.by_day) == DAYS
    assert found.by_day["difference"].iloc[-1] == found.verdict.main.difference


@pytest.mark.parametrize(("mode", "effect"), [("ab", -0.3), ("shadow", 0.3)])
def test_of_several_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, effect: float
) -> None:
    import pandas as pd

    small_world(tmp_path, monkeypatch, FLOWERS, pd.DataFrame({"flower_id": [1]}))
    monkeypatch.setattr(parts, "world", lambda name: find_world())
    live = Live.at(tmp_path, FLOWERS, rollout_of(mode), spread=0.6)
    live.answer(DAYS, effect=effect, n_rows=8000)
    assert verdict(live).verdict.decision == ("promote" if effect < 0 else "stop")


def find_world() -> Any:
    from types import SimpleNamespace

    return SimpleNamespace(personal=())


@pytest.mark.parametrize("mode", ["ab", "shadow"])
def test_equals_wait_on_every_day(tmp_path: Path, mode: str) -> None:
    live = Live.at(tmp_path, find_problem("price"), rollout_of(mode))
    live.answer(DAYS, effect=0.0)
    found = verdict(live)
    assert found.verdict.decision == "wait"
    bounds = found.by_day.dropna()
    assert ((bounds["lower"] < 0) & (bounds["upper"] > 0)).all()
    tolerant = live.rollout.model_copy(
        update={
            "verdict": live.rollout.verdict.model_copy(
                update={"margin": 0.2, "further_margin": 0.2}
            )
        }
    )
    assert verdict(live, tolerant).verdict.decision == "promote"  # no worse is enough


def test_where_it_is_tried_decides_though_it_is_worse_elsewhere(tmp_path: Path) -> None:
    effect = {"north": -0.3, "south": 0.5}
    decided = {}
    for where in ("north", "south", "everywhere"):
        only = {} if where == "everywhere" else {"where": {"region": [where]}}
        folder = tmp_path / where
        folder.mkdir()
        live = Live.at(folder, find_problem("price"), rollout_of(**only))
        live.answer(DAYS, effect=effect, n_rows=10_000)
        decided[where] = verdict(live).verdict.decision
    assert decided == {"north": "promote", "south": "stop", "everywhere": "stop"}


def test_in_shadow_it_says_where_the_challenger_is_worse(tmp_path: Path) -> None:
    problem = find_problem("service_time")
    assert "region" in problem.columns.categorical
    live = Live.at(tmp_path, problem, rollout_of("shadow"))
    live.answer(DAYS, effect={"north": -0.4, "south": 0.4})
    worse = verdict(live).slices
    assert [(one.slice, one.value) for one in worse.itertuples()] == [("region", "south")]


def test_costs_are_judged_by_what_each_version_tells(tmp_path: Path) -> None:
    cost = {}
    for told in ("prediction", "upper"):
        folder = tmp_path / told
        folder.mkdir()
        live = Live.at(folder, find_problem("service_time"), rollout_of("shadow"), told=told)
        live.answer(DAYS, effect=-0.1)
        (cost[told],) = verdict(live).verdict.further
    assert cost["prediction"].words == "cost of what is told"
    assert cost["prediction"].difference < 0 < cost["upper"].difference


def test_what_was_drawn_decides_where_outcomes_follow_what_was_told(tmp_path: Path) -> None:
    """The champion's answers fulfil themselves: beside its outcomes a better challenger is worse.
    Drawn answers near the challenger's show what its own would have brought."""
    drawing = rollout_of("shadow").model_copy(
        update={"explore": Explore(share=0.3, least=1.0, most=10_000.0)}
    )
    live = Live.at(tmp_path, find_problem("price"), drawing, pull=0.6)
    live.answer(DAYS, effect=-0.5, n_rows=20_000)
    assert verdict(live, rollout_of("shadow")).verdict.decision == "stop"
    found = verdict(live).verdict
    assert found.decision == "promote"
    assert "squared log error by answers that were drawn is lower by" in found.sentence
    assert [one.words for one in found.further] == [
        "cost of what is told by answers that were drawn"
    ]
    assert 500 < min(found.main.n_outcomes) < 0.3 * 20_000


def test_where_nothing_was_drawn_yet_it_waits(tmp_path: Path) -> None:
    live = Live.at(tmp_path, find_problem("price"), rollout_of("shadow"))
    live.answer(DAYS, effect=-0.5)
    drawing = live.rollout.model_copy(update={"explore": Explore(share=0.3, least=1.0, most=9e3)})
    found = verdict(live, drawing).verdict
    assert found.decision == "wait"
    assert "0 of at least 500 requests with an outcome" in found.sentence


def test_between_arms_drawn_answers_are_left_out(tmp_path: Path) -> None:
    """Drawn answers that are far worse, of the challenger alone, change nothing."""
    drawing = rollout_of().model_copy(update={"explore": Explore(share=0.3, least=1, most=9e3)})
    live = Live.at(tmp_path, find_problem("price"), drawing)
    live.answer(DAYS, effect=-0.3, n_rows=8000)
    n = verdict(live).verdict.main.n_outcomes
    assert sum(n) == pytest.approx(0.7 * 0.9 * 8000, rel=0.05)


def test_a_challenger_that_people_overrule_is_kept_back(tmp_path: Path) -> None:
    live = Live.at(tmp_path, find_problem("price"), rollout_of())
    live.answer(DAYS, effect=-0.3)
    assert verdict(live).verdict.decision == "promote"
    live.overrule({"champion": 0.1, "b": 0.3})
    found = verdict(live).verdict
    assert found.decision == "stop"
    assert "share of answers overruled is higher by 0.2" in found.sentence


def test_sizes_hold_after_a_ramp_and_are_tested_in_each_part(tmp_path: Path) -> None:
    ramp = "2026-01-15T00:00:00+00:00"
    before = rollout_of(share=0.1)
    live = Live.at(tmp_path, find_problem("price"), before)
    live.answer(10, n_subjects=3000)
    after = rollout_of(share=0.5, ramps={ramp: 0.1})
    live.rollout = after
    live.answer(18, since=ramp, n_subjects=6000)
    sizes = verdict(live).verdict.sizes
    assert sizes is not None
    assert not sizes.broken
    assert sum(sizes.counts) > 4000
    wrong = rollout_of(share=0.5)  # as if it had had half of them from the beginning
    found = verdict(live, wrong).verdict
    assert found.decision == "stop"
    assert "sizes cannot be chance" in found.sentence


def test_those_who_came_before_servers_knew_the_arm_are_no_reason_to_stop(tmp_path: Path) -> None:
    live = Live.at(tmp_path, find_problem("price"), rollout_of())
    live.rollout = rollout_of(share=0.0)
    live.answer(1, n_rows=300, n_subjects=2000)  # all are the champion's
    live.rollout = rollout_of()
    live.answer(20, since="2026-01-06T00:00:00+00:00", n_subjects=2000)
    sizes = verdict(live).verdict.sizes
    assert sizes is not None
    assert not sizes.broken


def test_without_outcomes_and_without_answers_it_waits(tmp_path: Path) -> None:
    for mode in ("ab", "shadow"):
        folder = tmp_path / mode
        folder.mkdir()
        live = Live.at(folder, find_problem("price"), rollout_of(mode))
        nothing = verdict(live)
        assert nothing.verdict.decision == "wait"
        assert nothing.by_day.empty
        live.answer(DAYS, n_rows=500, known=0.0)
        found = verdict(live)
        assert found.verdict.decision == "wait"
        assert "0 of at least" in found.verdict.sentence
        assert found.by_day.empty


def test_what_is_printed_and_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live = Live.at(tmp_path, find_problem("service_time"), rollout_of("shadow"))
    live.answer(DAYS, effect={"north": -0.4, "south": 0.1})
    monkeypatch.setattr(shown, "PICTURES", tmp_path / "pictures")
    monkeypatch.setattr(shown, "read_rollouts", lambda: {"service_time": live.rollout})
    text = shown.verdicts(live.problem, None, str(live.store.engine.url))
    assert text.startswith("b: Promote: absolute error is lower by ")
    assert "\n  worse where region is south: by " in text
    picture = tmp_path / "pictures/service_time-b.svg"
    assert f"drawn: {picture}" in text
    assert "service_time: b beside champion" in picture.read_text() or picture.stat().st_size > 5000


def test_since_is_when_evidence_begins(tmp_path: Path) -> None:
    live = Live.at(tmp_path, find_problem("price"), rollout_of())
    live.answer(DAYS, effect=0.5)
    assert verdict(live).verdict.decision == "stop"
    later = rollout_of(since="2026-02-10T00:00:00+00:00")
    assert verdict(live, later).verdict.decision == "wait"
    assert later.challengers["b"].since > SINCE
