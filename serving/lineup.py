"""The models of one process: the champions, and the challengers that answer in their place.

A change of the plan makes another lineup, which shares with the one before what has not changed.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from problems import parts
from problems.contract import Problem
from serving.elsewhere import ChampionElsewhere, Elsewhere
from serving.model import Served
from serving.plan import PlannedModel, ServingPlan
from serving.rollout import AB, CHALLENGER, Rollout
from serving.settings import ServingParams
from serving.wanted import CHAMPION
from store.database import Store, answering
from store.facts import WorldEvents
from store.judge import judges_of
from store.known import StoredState
from store.loader import Loader

Place = tuple[str, str]  # problem and arm


@dataclass(frozen=True)
class Lineup:
    """What is served, and since when in microseconds. Of a champion `elsewhere`, what is `here`
    stands in for it."""

    plan: ServingPlan
    here: dict[Place, Served]
    elsewhere: dict[Place, Elsewhere]
    rollouts: dict[str, Rollout]
    since: dict[Place, int]

    @property
    def champions(self) -> dict[str, Served]:
        return {name: one for (name, arm), one in self.here.items() if arm == CHAMPION}

    def challengers(self, problem: str) -> dict[str, Served | Elsewhere]:
        """Return those of a problem that answer, by arm."""
        both: list[tuple[Place, Served | Elsewhere]] = [
            *self.here.items(),
            *self.elsewhere.items(),
        ]
        return {arm: one for (name, arm), one in both if name == problem and arm != CHAMPION}

    @property
    def tops(self) -> dict[str, Path]:
        """Return the folder of each champion's files."""
        champions = [one for one in self.plan.models if one.arm == CHAMPION and not one.url]
        return {one.problem: Path(one.top) for one in champions}

    def champion_elsewhere(self, problem: str) -> ChampionElsewhere | None:
        found = self.elsewhere.get((problem, CHAMPION))
        return found if isinstance(found, ChampionElsewhere) else None

    def version(self, problem: str) -> str:
        """Return the version of a problem's champion."""
        found = self.champion_elsewhere(problem)
        return self.here[problem, CHAMPION].version if found is None else found.model.version

    @property
    def used(self) -> list[tuple[str, str, str, str, int]]:
        """Return problem, arm, version, fingerprint and since when, of each that answers here, and
        of champions that are asked elsewhere."""
        found = []
        for place, one in self.here.items():
            other = self.champion_elsewhere(place[0]) if place[1] == CHAMPION else None
            named = (one.version, one.bundle.fingerprint)
            if other is not None:
                named = (other.model.version, other.fingerprint)
            found.append((*place, *named, self.since[place]))
        return found

    def told(self, problem: str) -> list[dict[str, Any]]:
        """Return what is told of a problem's challengers."""
        rollout, stopped = self.rollouts.get(problem), self.plan.stopped.get(problem, {})
        versions = {one.arm: one.version for one in self.plan.models if one.problem == problem}
        found: list[dict[str, Any]] = [
            {
                "arm": arm,
                "version": versions.get(arm, one.version),
                "mode": one.mode,
                "share": one.share,
                "where": one.where,
                "since": one.since,
                "serves": arm in versions,
            }
            for arm, one in (rollout.challengers if rollout else {}).items()
        ]
        return found + [{"arm": arm, "stopped": reason} for arm, reason in stopped.items()]

    @property
    def states(self) -> list[StoredState]:
        return [one.known for one in self.here.values() if one.known is not None]

    def begin(self, before: "Lineup | None" = None) -> None:
        """Begin the states in the store, but for those that were there before.

        Raises StoreAway where it does not answer.
        """
        known = {one.known.basis for one in before.here.values() if one.known} if before else set()
        for one in self.here.values():
            if one.known is not None and one.known.basis not in known:
                with answering(one.known.store):
                    one.begin()

    def events(self, store: Store, late_days: float) -> dict[str, WorldEvents]:
        """Return, by world, what takes its events into the states of all models."""
        states: dict[str, list[StoredState]] = {}
        problems: dict[str, dict[str, Problem]] = {}
        for one in self.here.values():
            of_world = states.setdefault(one.problem.world, [])
            of_world += [one.known] if one.known else []
            problems.setdefault(one.problem.world, {})[one.problem.name] = one.problem
        return {
            world: WorldEvents(store, of_world, late_days, judges_of(problems[world].values()))
            for world, of_world in states.items()
        }


def lineup_of(
    plan: ServingPlan, store: Store, params: ServingParams, before: Lineup | None = None
) -> Lineup:
    """Load what is planned and was not there before; nothing is asked of the store.

    Raises RetraceError for a model that is missing.
    """
    loader, now = Loader(store, Path(plan.log)), time.time_ns() // 1000
    rollouts = {name: one for name in plan.rollouts if (one := plan.rollout(name)) is not None}
    here: dict[Place, Served] = {}
    elsewhere: dict[Place, Elsewhere] = {}
    since: dict[Place, int] = {}
    for model in _answering(plan.models, rollouts):
        place = model.problem, model.arm
        is_same = before is not None and model in before.plan.models
        if model.url and is_same and before is not None and place in before.elsewhere:
            elsewhere[place] = before.elsewhere[place]
        elif model.url:
            kind = ChampionElsewhere if model.arm == CHAMPION else Elsewhere
            elsewhere[place] = kind(model)
        elif before is not None and is_same and place in before.here:
            here[place] = before.here[place]
        else:
            is_champion = model.arm == plan.arm == CHAMPION
            role = CHAMPION if is_champion else CHALLENGER
            here[place] = load(model, store, loader, params, role)
        rollout = rollouts.get(model.problem)
        explore = rollout.explore if rollout else None
        if place in here and here[place].explore != explore:
            here[place] = replace(here[place], explore=explore)
        same = before is not None and is_same and place in before.since
        since[place] = before.since[place] if before is not None and same else now
    return Lineup(plan, here, elsewhere, rollouts, since)


def load(
    model: PlannedModel, store: Store, loader: Loader, params: ServingParams, role: str
) -> Served:
    """Load a model; its state must begin in the store before it answers."""
    return Served.load(
        parts.find_problem(model.problem),
        store,
        loader,
        top=Path(model.top),
        version=model.version,
        params=params,
        role=role,
    )


def _answering(
    models: Iterable[PlannedModel], rollouts: dict[str, Rollout]
) -> Iterable[PlannedModel]:
    """Yield the champions, and of the challengers those that are not in shadow."""
    for model in models:
        rollout = rollouts.get(model.problem)
        if model.arm == CHAMPION or (rollout and rollout.challengers[model.arm].mode == AB):
            yield model
