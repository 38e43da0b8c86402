"""A champion of other code: who answers, and what a server's plan has of it."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from experiments.rollout import children
from experiments.rollout.children import Child, Children
from serving.elsewhere import Failed, WithStandIn
from serving.model import Answer, Asked
from serving.plan import PlannedModel, ServingPlan
from serving.wanted import CHAMPION, Wanted

OWN = PlannedModel("price", "own", "v1")
OTHERS = [PlannedModel("price", f"other{number}", f"v{number}") for number in (2, 3)]


class Model:
    """Answers with its name, or fails."""

    def __init__(self, name: str, error: Exception | None = None) -> None:
        self.name, self.error = name, error

    async def answer(self, asked: Asked) -> list[Answer]:
        if self.error:
            raise self.error
        return [Answer({"version": self.name}, b"", row, asked.request) for row in asked.rows]


@pytest.mark.parametrize(
    ("error", "arm", "wanted"),
    [
        (None, CHAMPION, ("elsewhere", 1, 0)),
        (Failed("away"), CHAMPION, ("stand-in", 0, 1)),
        (None, "b", ("stand-in", 0, 0)),  # elsewhere it would be recorded as the champion's
    ],
)
def test_the_stand_in_answers_what_the_champion_elsewhere_does_not(
    error: Exception | None, arm: str, wanted: tuple[str, int, int]
) -> None:
    answered: list[Any] = []
    failed: list[Any] = []
    one: Any = Model("elsewhere", error)
    both = WithStandIn(one, Model("stand-in"), answered.append, failed.append)
    (found,) = asyncio.run(both.answer(Asked([{}], "r", arm=arm)))
    assert (found.said["version"], len(answered), len(failed)) == wanted


def test_rows_that_are_at_fault_are_no_failure_of_the_champion() -> None:
    failed: list[Any] = []
    one: Any = Model("elsewhere", Failed("422"))
    both = WithStandIn(one, Model("", ValueError("a bad row")), failed.append, failed.append)
    with pytest.raises(ValueError, match="a bad row"):
        asyncio.run(both.answer(Asked([{}], "r")))
    assert failed == []


def test_a_plan_names_a_champion_elsewhere_beside_what_stands_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(children, "has_own_code", lambda model: model.top == "own")
    monkeypatch.setattr(children, "stand_in", lambda *_: OWN)
    ended: list[int] = []
    monkeypatch.setattr(children, "_end", lambda child: ended.append(child.port))
    ports = iter((1, 2))
    process: Any = SimpleNamespace(poll=lambda: None)
    monkeypatch.setattr(Children, "_start", lambda *_: Child(process, next(ports)))
    mine = Children(Wanted(("price",)))

    def planned(model: PlannedModel) -> tuple[list[tuple[str, str]], dict[str, str]]:
        plan = mine.started(ServingPlan((model,), "", ""))
        assert [one.version for one in plan.in_use] == [plan.models[-1].version]
        return [(one.version, one.url) for one in plan.models], plan.waits

    def ready(model: PlannedModel) -> None:
        mine._children[model].ready_at = 0.0

    first, second = OTHERS
    assert planned(OWN) == ([("v1", "")], {})
    assert planned(first) == ([("v1", "")], {"price": "v2"})  # what was served is served on
    ready(first)
    at_first = ("v2", "http://127.0.0.1:1")
    assert planned(first) == ([("v1", ""), at_first], {})
    assert planned(second) == ([("v1", ""), at_first], {"price": "v3"})
    ready(second)
    assert ended == []
    assert planned(second) == ([("v1", ""), ("v3", "http://127.0.0.1:2")], {})
    assert ended == [1]
    assert planned(OWN) == ([("v1", "")], {})
    assert ended == [1, 2]
