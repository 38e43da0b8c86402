"""Who is in which arm: always the same, nobody back by a ramp, problems apart; and the schema."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from scipy.stats import chi2_contingency

from experiments.rollout import edit
from problems.parts import find_problem
from retrace.base.errors import RetraceError
from serving.rollout import Rollout, read_rollouts
from serving.wanted import CHAMPION

SINCE = "2026-01-01T00:00:00+00:00"
N = 100_000


def rollout(salt: str = "price-1", **arms: dict[str, Any]) -> Rollout:
    usual = {"version": "v1", "mode": "ab", "since": SINCE}
    found = {name: {**usual, **one} for name, one in arms.items()}
    return Rollout.model_validate({"subject": "seller", "salt": salt, "challengers": found})


def arms_of(one: Rollout, n: int = N) -> np.ndarray:
    return np.array([one.arm_of({"seller": f"S{number}"}) for number in range(n)])


def chance(first: np.ndarray, second: np.ndarray) -> float:
    """Return how probable such a table of two assignments is where they are independent."""
    sides = ("a", CHAMPION)
    table = [[((first == x) & (second == y)).sum() for x in sides] for y in sides]
    return float(chi2_contingency(table).pvalue)


def test_shares_are_those_asked_for_and_a_ramp_moves_nobody_back() -> None:
    before = arms_of(rollout(a={"share": 0.1}, b={"begins_at": 0.5, "share": 0.2}))
    after = arms_of(rollout(a={"share": 0.3}, b={"begins_at": 0.5, "share": 0.2}))
    for name, share in (("a", 0.1), ("b", 0.2)):
        assert abs((before == name).mean() - share) < 0.005
    assert abs((after == "a").mean() - 0.3) < 0.005
    assert set(after[before == "a"]) == {"a"}
    assert (after == "b").tolist() == (before == "b").tolist()


def test_two_problems_are_assigned_independently() -> None:
    price = arms_of(rollout("price-1", a={"share": 0.5}))
    fraud = arms_of(rollout("fraud-1", a={"share": 0.5}))
    assert chance(price, fraud) > 0.001
    assert chance(price, arms_of(rollout("price-1", a={"share": 0.5}))) < 1e-9  # it would notice


def test_rows_of_elsewhere_and_without_a_subject_are_the_champions() -> None:
    one = rollout(a={"share": 1.0, "where": {"region": ["Sandvika"]}})
    assert one.arm_of({"seller": "S1", "region": "Sandvika"}) == "a"
    assert one.arm_of({"seller": "S1", "region": "Oslo"}) == CHAMPION
    assert one.arm_of({"seller": "S1"}) == CHAMPION
    assert one.arm_of({"region": "Sandvika"}) is None
    assert one.arm_of({"seller": None, "region": "Sandvika"}) is None


def test_an_arm_in_shadow_answers_nobody() -> None:
    assert set(arms_of(rollout(a={"mode": "shadow", "share": 1.0}), 1000)) == {CHAMPION}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("share: 1.2", "less than or equal to 1"),
        ("{share: 0.6, begins_at: 0.5}", "above 1"),
        ("shares: 0.1", "did you mean 'share'"),
        ("since: soon", "Invalid isoformat"),
        ("mode: canary", "'shadow' or 'ab'"),
    ],
)
def test_a_slip_in_the_file_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "rollout.yaml"
    arm = {"version": "v1", "mode": "ab", "since": SINCE, "share": 0.1, **yaml.safe_load(text)}
    whole = {"subject": "seller", "salt": "s", "challengers": {"a": arm}}
    path.write_text(yaml.safe_dump({"price": whole}))
    with pytest.raises(RetraceError, match=words) as error:
        read_rollouts(path)
    assert "price.challengers.a" in str(error.value)


def test_arms_may_not_share_subjects(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'a' and 'b' have subjects in common"):
        rollout(a={"share": 0.2}, b={"begins_at": 0.1, "share": 0.2})


def test_a_moment_and_a_single_value_may_be_written_plainly(tmp_path: Path) -> None:
    path = tmp_path / "rollout.yaml"
    path.write_text(
        "price:\n  subject: seller\n  salt: s\n  challengers:\n    a:\n      version: v1\n"
        "      mode: ab\n      since: 2026-01-01\n      where: {condition: 3}\n"
    )
    one = read_rollouts(path)["price"].challengers["a"]
    assert one.since == "2026-01-01"
    assert one.takes({"condition": 3})
    assert read_rollouts(tmp_path / "none.yaml") == {}


def test_rows_that_are_answered_together_are_assigned_together() -> None:
    problem = find_problem("service_time")
    assert edit._usual_subject(problem) == "route_id"
    edit._check_columns(problem, "route_id", {"region": ["a"]})
    with pytest.raises(RetraceError, match="rows of one route_id are answered together"):
        edit._check_columns(problem, "customer_id", {})
    assert edit._usual_subject(find_problem("fraud")) == "customer_id"
    edit._check_columns(find_problem("fraud"), "customer_id", {})


def test_a_column_that_the_log_has_for_itself_is_refused() -> None:
    with pytest.raises(RetraceError, match="something else under 'name'"):
        edit._check_columns(find_problem("price"), "listing_id", {"name": ["lamp"]})


def test_an_arm_starts_again_where_only_what_was_chosen_for_the_problem_was_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, problem = tmp_path / "rollout.yaml", find_problem("price")
    monkeypatch.setattr(edit, "PATH", path)
    monkeypatch.setattr(edit, "read_rollouts", lambda: read_rollouts(path))
    monkeypatch.setattr(edit, "plan_of", lambda *_: None)
    monkeypatch.setattr(edit, "_commit", lambda words: words)
    guard = {"most_slower": 9.0}
    path.write_text(
        yaml.safe_dump({"price": {"subject": "listing_id", "salt": "s", "guard": guard}})
    )
    for _ in range(2):
        edit.start(problem, "a", "v0.0.1", mode="shadow", share=0.0)
        assert [*read_rollouts(path)["price"].challengers] == ["a"]
        edit.stop(problem, "a")
        left = read_rollouts(path)["price"]
        assert (left.challengers, left.salt, left.guard.most_slower) == ({}, "s", 9.0)
