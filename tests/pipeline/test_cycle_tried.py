"""A cycle whose gate asks for live traffic: the challenger is started, ramped, promoted, stopped.

What traffic shows is put into the store, with a truth that the test knows.
"""

import shutil
from pathlib import Path

import pytest
import yaml
from sqlalchemy import update

from problems.parts import find_problem
from store.database import Store
from store.tables import predictions
from tests.conftest import change_params, made_once, run
from tests.live import Live, rollout_of
from tests.pipeline.factory import NAME, Factory, in_prod, make_factory

pytestmark = pytest.mark.slow
AT = "2025-09-13"
LATER = "2027-01-20"  # rollouts begin by the clock


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Factory:
    """A factory whose cycle has begun to try v0.0.2 in shadow. Copy it; do not change it."""
    made = made_once(tmp_path_factory, "factory", make_factory)

    def make(folder: Path) -> None:
        factory = Factory(Path(shutil.copytree(made, folder, symlinks=True)))
        asked = {NAME: {"gate": {"evidence": "shadow"}}}
        factory.push(lambda project: change_params(project, asked), "Shadow first")
        factory.tell("2025-08")
        said = factory.cycle(AT, status=4)
        assert "v0.0.2 in shadow as 'cycle'; the gate passes, and live traffic is to speak" in said

    return Factory(made_once(tmp_path_factory, "factory_begun", make))


@pytest.fixture
def factory(begun: Factory, tmp_path: Path) -> Factory:
    return Factory(Path(shutil.copytree(begun.top, tmp_path / "factory", symlinks=True)))


def arms(factory: Factory) -> dict[str, dict[str, object]]:
    """Return the arms of origin's rollout.yaml."""
    found = yaml.safe_load(factory.git("show", "main:rollout.yaml")) or {}
    return dict((found.get(NAME) or {}).get("challengers", {}))


def show(factory: Factory, effect: float) -> None:
    """Let traffic of four weeks show how much larger the challenger's errors are."""
    since = str(arms(factory)["cycle"]["since"])
    live = Live(find_problem(NAME), rollout_of("shadow", since=since), Store(factory.store))
    live.answer(28, effect=effect)
    with live.store.writing() as connection:
        mine = predictions.c.arm == "b"
        connection.execute(update(predictions).where(mine).values(arm="cycle"))


def test_a_challenger_is_registered_and_tried_before_it_is_in_use(begun: Factory) -> None:
    assert arms(begun)["cycle"]["version"] == "v0.0.2"
    assert arms(begun)["cycle"]["mode"] == "shadow"
    assert f"refs/tags/{NAME}@v0.0.2" in begun.git("for-each-ref")
    assert "v0.0.1" in in_prod(begun)
    record = begun.git("show", f"main:experiments/promotions/{NAME}/v0.0.2.md")
    assert "- Registered, to be tried: the model of " in record


def test_it_waits_and_is_promoted_where_traffic_is_for_it(factory: Factory) -> None:
    before = factory.git("for-each-ref")
    assert f"{NAME} v0.0.2 is tried: " in factory.cycle(AT, status=4)
    assert factory.git("for-each-ref") == before
    show(factory, effect=-0.5)
    said = factory.cycle(LATER)
    assert f"{NAME} v0.0.2 is in prod: Promote: log loss is lower" in said
    assert "v0.0.2" in in_prod(factory)
    assert arms(factory) == {}
    record = factory.git("show", f"main:experiments/promotions/{NAME}/tried-2.md")
    assert "- On live traffic: Promote: log loss is lower" in record
    assert "nothing to do" in factory.cycle(AT)


def test_it_is_stopped_where_traffic_is_against_it(factory: Factory) -> None:
    show(factory, effect=1.5)
    said = factory.cycle(LATER, status=3)
    assert f"{NAME} v0.0.2 is stopped, and the model in use stays: Stop" in said
    assert "v0.0.1" in in_prod(factory)
    assert arms(factory) == {}
    assert "nothing to do" in factory.cycle(AT)  # neither tried nor judged again


def test_an_arm_grows_and_is_given_up_without_a_verdict(factory: Factory) -> None:
    run(factory.project, "git", "pull", "-q", "--tags", "origin", "main")
    run(factory.project, "retrace", "rollout", "stop", NAME, "cycle")
    run(factory.project, "retrace", "rollout", "start", NAME, "v0.0.2", "--mode", "ab", "--share",
        "0.1", "--arm", "cycle")  # fmt: skip
    run(factory.project, "git", "push", "-q", "origin", "main")
    said = factory.cycle("2026-12-15", status=4)
    assert "'cycle' from 10% to 25%" in said
    assert arms(factory)["cycle"]["share"] == 0.25
    said = factory.cycle("2026-12-16", status=4)  # it has had this share for a day
    assert arms(factory)["cycle"]["share"] == 0.25
    assert "no verdict in " in factory.cycle("2027-06-01", status=3)
    assert arms(factory) == {}
