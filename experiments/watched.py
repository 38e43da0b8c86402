"""Which models monitoring looks at: those that servers answer with, and those that are tried."""

from collections.abc import Sequence
from pathlib import Path

from experiments.rollout.resolve import plan_of
from monitoring.models import WatchedModel
from problems.parts import find_problem
from retrace.base import paths
from retrace.base.files import read_json
from serving.plan import ServingPlan
from serving.rollout import SHADOW
from serving.wanted import Wanted
from store.database import Store
from store.stops import stops_in


def models_in_use(
    store: Store, problems: Sequence[str], models: str = ""
) -> dict[str, list[WatchedModel]]:
    """Return by problem what is in use, champion first; `models` is a folder that is served instead
    of what is in prod. A problem without any model has none."""
    there = [name for name in problems if models or _has_model(name)]
    plan = plan_of(Wanted(tuple(there), models=models), stops_in(store))
    found: dict[str, list[WatchedModel]] = {name: [] for name in problems}
    for model in plan.models:
        about = Path(model.top) / paths.bundle(model.problem) / "bundle.json"
        if about.exists():
            found[model.problem].append(
                WatchedModel(
                    find_problem(model.problem),
                    model.version,
                    str(read_json(about)["fingerprint"]),
                    model.arm,
                    Path(model.top),
                    _is_in_shadow(plan, model.problem, model.arm),
                )
            )
    return found


def _has_model(name: str) -> bool:
    from experiments.promotion.tags import was_assigned

    return was_assigned(name, "prod") or (paths.bundle(name) / "bundle.json").exists()


def _is_in_shadow(plan: ServingPlan, problem: str, arm: str) -> bool:
    arms = plan.rollouts.get(problem, {}).get("challengers", {})
    return arm in arms and arms[arm]["mode"] == SHADOW
