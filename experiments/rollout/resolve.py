"""Which versions are served: stages and `rollout.yaml` to folders with models, a server's plan."""

import contextlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from experiments.git import git
from experiments.promotion.tags import was_assigned
from problems import parts
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.files import read_json
from retrace.base.params import parse_section
from serving.plan import PlannedModel, ServingPlan
from serving.rollout import Rollout, read_rollouts
from serving.wanted import CHAMPION, PATH, Wanted

MODELS = Path("served/models")
Stopped = Mapping[tuple[str, str, str], str]  # problem, arm and since -> why


def plan_of(
    wanted: Wanted,
    stopped: Stopped | None = None,
    tried: Mapping[str, Rollout] | None = None,
) -> ServingPlan:
    """Return the plan, with every model brought here; `tried` stands for what the file has.

    Raises RetraceError for a version that there is not, and for a file that breaks its schema.
    """
    models = [_champion(name, wanted) for name in wanted.problems]
    rollouts, why = {}, {}
    for name, rollout in _open(wanted, tried).items():
        ended = {arm for arm in rollout.challengers if _key(name, rollout, arm) in (stopped or {})}
        if ended:
            why[name] = {arm: (stopped or {})[_key(name, rollout, arm)] for arm in sorted(ended)}
        left = rollout.without(ended)
        if left is not None:
            rollouts[name] = left.model_dump(mode="json")
            models += _challengers(name, left)
    return ServingPlan(
        tuple(models),
        wanted.store,
        wanted.log,
        wanted.workers,
        rollouts,
        why,
        wanted.arm,
        wanted.address,
    )


@lru_cache(maxsize=64)
def has_own_code(model: PlannedModel) -> bool:
    """Whether a model was made by this checkout's feature code."""
    from problems.featurize import feature_fingerprint

    world = parts.find_problem(model.problem).world
    file = Path(model.top) / paths.bundle(model.problem) / "encoder.json"
    if not file.exists():
        return True  # nothing is there: who loads it says so
    said = read_json(file)  # the bundle itself takes a second to load
    kind = parts.features(world).settings
    try:
        own = parse_section(kind, said["feature_settings"], "feature_settings", file)
    except RetraceError:  # settings that this code does not know
        return False
    return bool(said["fingerprint"] == feature_fingerprint(world, own))


def stand_in(champion: PlannedModel, wanted: Wanted) -> PlannedModel:
    """Return the last champion before that was made by this checkout's feature code, or what the
    working tree has.

    Raises RetraceError where there is none.
    """
    from experiments.promotion.registry import assignments

    name = champion.problem
    if wanted.is_followed:
        for one in reversed(assignments(name, wanted.stage)):
            with contextlib.suppress(RetraceError):  # what is gone from the remote is passed over
                model = PlannedModel(name, str(fetched(name, one.commit, one.tag)), one.version)
                if has_own_code(model):
                    return model
        here = PlannedModel(name)
        if (paths.bundle(name) / "bundle.json").exists() and has_own_code(here):
            return here
    raise RetraceError(
        f"{name}: {champion.version} was made by other feature code than this checkout's, and "
        "nothing of this code is there to stand in while that is started. Serve it from a checkout "
        "of the commit that made it."
    )


def _open(wanted: Wanted, tried: Mapping[str, Rollout] | None) -> dict[str, Rollout]:
    """Return the rollouts of what is served, without arms that have ended by themselves."""
    if not wanted.is_followed:
        return {}
    now, found = datetime.now(UTC), {}
    for name, rollout in (read_rollouts() if tried is None else tried).items():
        problem = parts.find_problem(name)
        if rollout.explore is not None and problem.task != "regression":
            raise RetraceError(
                f"{PATH}: {name}.explore draws answers from an interval, and {name} has none: it "
                f"is a {problem.task} problem."
            )
        if name not in wanted.problems:
            continue
        ended = {arm for arm, one in rollout.challengers.items() if one.has_ended(now)}
        left = rollout.without(ended)
        if left is not None:
            found[name] = left
    return found


def _key(problem: str, rollout: Rollout, arm: str) -> tuple[str, str, str]:
    return problem, arm, rollout.challengers[arm].since


def _champion(name: str, wanted: Wanted) -> PlannedModel:
    parts.find_problem(name)
    if wanted.models:
        return PlannedModel(name, wanted.models, wanted.called or Path(wanted.models).name)
    if wanted.rev:
        return _of_revision(name, wanted.rev, CHAMPION)
    if was_assigned(name, wanted.stage):
        from experiments.promotion.registry import in_stages

        assigned = next((one for one in in_stages(name) if one.stage == wanted.stage), None)
        if assigned is not None:
            top = fetched(name, assigned.commit, assigned.tag)
            return PlannedModel(name, str(top), assigned.version)
    return PlannedModel(name)


def _challengers(name: str, rollout: Rollout) -> Iterator[PlannedModel]:
    for arm, one in rollout.challengers.items():
        if git("tag", "--list", f"{name}@{one.version}").strip():
            tag = f"{name}@{one.version}"
            yield PlannedModel(name, str(fetched(name, tag, tag)), one.version, arm)
        elif (Path(one.version) / paths.bundle(name)).is_dir():
            yield PlannedModel(name, str(Path(one.version).absolute()), one.version, arm)
        else:
            yield _of_revision(name, one.version, arm)


def _of_revision(name: str, revision: str, arm: str) -> PlannedModel:
    try:
        git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    except RetraceError:
        raise RetraceError(
            f"{name}: '{revision}' is no version of the registry (`git tag --list '{name}@*'` has "
            "them), no commit, branch or tag, and no folder with models/."
        ) from None
    top = fetched(name, revision, revision)
    is_tag = revision in git("tag", "--list").split()
    return PlannedModel(name, str(top), revision if is_tag else top.name[:12], arm)


def fetched(name: str, commit: str, called: str) -> Path:
    """Return a folder with a commit's model, state and decision, brought there once."""
    full = git("rev-parse", "--verify", f"{commit}^{{commit}}").strip()
    top = MODELS / full
    whole = top / f"{name}.whole"
    if whole.exists():
        return top
    from experiments.promotion.bundles import fetch, fetch_bundle, recorded_hash

    fetch_bundle(called, full, paths.bundle(name), top / paths.bundle(name))
    for path in (paths.state(name), paths.serving(name)):
        if recorded_hash(full, path) is not None:
            fetch(called, full, path, top / path)
    whole.touch()
    return top
