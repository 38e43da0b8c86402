"""Find the parts of a world's package, each typed as `problems.contract` has it."""

import difflib
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from problems.contract import (
    Columns,
    Evaluation,
    Features,
    Problem,
    Reader,
    Rules,
    Simulator,
    World,
)
from retrace.base.errors import RetraceError
from retrace.base.params import Params, ProblemEntry, WorldEntry, read_params

if TYPE_CHECKING:  # stages serve nobody
    from problems.served import Arrivals, Page, Worklist

Part = TypeVar("Part")
Model = TypeVar("Model", bound=Params)


def world(name: str) -> World:
    return _part(name, "schema", "WORLD", World)


def simulator(world: str) -> Simulator:
    return _part(world, "simulate", "SIMULATOR", Simulator)


def reader(world: str) -> Reader:
    return _part(world, "ingest", "READER", Reader)


def features(world: str) -> Features:
    return _part(world, "features", "FEATURES", Features, Features())


def rules(world: str) -> Rules:
    return _part(world, "rules", "RULES", Rules, Rules())


def evaluation(world: str) -> Evaluation:
    return _part(world, "evaluation", "EVALUATION", Evaluation, Evaluation())


def worklist(world: str) -> "Worklist":
    from problems.served import Worklist

    return _part(world, "worklist", "WORKLIST", Worklist)


def page(world: str) -> "Page":
    from problems.served import Page

    return _part(world, "page", "PAGE", Page, Page())


def arrivals(world: str) -> "Arrivals":
    from problems.served import Arrivals

    return _part(world, "arrivals", "ARRIVALS", Arrivals, Arrivals())


def find_problem(name: str) -> Problem:
    """Return the problem that `params.yaml` lists under `problems`, without what it leaves out."""
    entry = read_params(ProblemEntry, f"problems.{name}")
    world = entry.world
    found: dict[str, Problem] = _part(world, "problem", "PROBLEMS", dict)
    if name not in found:
        raise RetraceError(
            f"problems/{world}/problem.py defines {', '.join(found)}; no problem '{name}'."
        )
    problem = found[name]
    known = _named(problem.columns)
    if unknown := [one for one in entry.left_out if one not in known]:
        close = difflib.get_close_matches(unknown[0], known, n=1, cutoff=0.5)
        raise RetraceError(
            f"params.yaml: `problems.{name}.left_out` names '{unknown[0]}', which is no column of "
            f"the problem{f'; did you mean {close[0]!r}?' if close else '.'}"
        )
    return problem.without(entry.left_out)


def _named(columns: Columns) -> set[str]:
    of_text = [name for block in columns.text for name in block.columns]
    of_targets = [name for group in columns.target_encoded for name in group]
    return {*columns.numeric, *columns.categorical, *of_targets, *of_text}


def settings(model: type[Model], problem: Problem, section: str) -> Model:
    """Read `<problem>.<section>` of params.yaml, laid over `<world>.<section>`, which the
    problems of one world share."""
    below = f"{problem.world}.{section}"
    return read_params(model, f"{problem.name}.{section}", below=below)


def source_of(world: str) -> Path:
    """Return the raw file or folder that `params.yaml` selects for a world."""
    return Path(read_params(WorldEntry, f"worlds.{world}").source)


def _part(world: str, part: str, name: str, kind: type[Part], default: Part | None = None) -> Part:
    """Return the object `name` of problems/<world>/<part>; the default where there is no module, or
    an empty one.

    Raises RetraceError where a part is missing that has no default, or is of another kind.
    """
    where = f"problems.{world}.{part}"
    try:
        module = importlib.import_module(where)
    except ModuleNotFoundError as error:
        if not where.startswith(error.name or "-"):
            raise
        if default is not None and error.name == where:
            return default
        raise RetraceError(
            f"problems/{world}/ has no part '{part}' ({error}). "
            "problems/contract.py lists what a world brings."
        ) from None
    if default is not None and not any(one for one in vars(module) if not one.startswith("__")):
        return default
    found = getattr(module, name, None)
    if not isinstance(found, kind):
        raise RetraceError(
            f"problems/{world}/{part} defines no {name}: {kind.__name__}, as problems/contract.py "
            f"asks; it has {type(found).__name__}."
        )
    return found
