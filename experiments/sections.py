"""What is wrong in params.yaml and in checks.yaml: `faults` reads each section into its model."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from experiments.cycle.settings import CYCLE, CycleParams
from experiments.tune.space import TuneParams
from monitoring.settings import MONITORING, MonitoringParams
from problems import parts
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.params import PATH, ProblemEntry, WorldEntry, read_key, read_params
from retrace.checks import ValidateParams
from serving.settings import SERVING, ServingParams
from workflow import sections
from workflow.sections import WORLD, Models

PROBLEM: Models = {
    **sections.PROBLEM,
    "tune": lambda _: TuneParams,
    "arrivals": lambda world: parts.arrivals(world).settings,
    CYCLE: lambda _: CycleParams,
}
OPTIONAL = {
    "simulate",
    "tune",
    "gate",
    "backtest",
    "arrivals",
    CYCLE,
}  # needed where a list at the top names it
LISTS = {"simulators": "simulate", "backtests": "backtest"}
ONLINE: dict[str, type[BaseModel]] = {
    SERVING: ServingParams,
    MONITORING: MonitoringParams,
    CYCLE: CycleParams,
}


def faults() -> Iterator[str]:
    """Yield a message for every key of either file that is missing, unknown or wrong."""
    blocks, worlds, problems = _block(""), _block("worlds"), _block("problems")
    for name in blocks:
        if name not in {*LISTS, *ONLINE, "worlds", "problems", *worlds, *problems}:
            yield f"{PATH}: unknown key '{name}'; a block is named in worlds or in problems."
    for name in [one for one in ONLINE if one in blocks]:
        yield from _fault(ONLINE[name], name)
    for name in worlds:
        yield from _fault(WorldEntry, f"worlds.{name}")
        yield from _wrong(name, name, WORLD)
        yield from _fault(ValidateParams, "", paths.checks(name))
    for name, entry in problems.items():
        yield from _fault(ProblemEntry, f"problems.{name}")
        world = entry.get("world") if isinstance(entry, Mapping) else None
        if world in worlds:
            yield from _wrong(name, str(world), PROBLEM)
        elif world is not None:
            known = ", ".join(worlds)
            yield f"{PATH}: 'problems.{name}.world' is '{world}'; valid worlds: {known}."
    asked = {entry.get("world") for entry in problems.values() if isinstance(entry, Mapping)}
    for name in {**worlds, **problems}:
        valid = [
            *(WORLD if name in worlds else ()),
            *(PROBLEM if name in {*problems, *asked} else ()),
        ]
        for section in _block(name) if name in blocks else ():
            if section not in valid:
                yield f"{PATH}: unknown key '{name}.{section}'; valid keys: {', '.join(valid)}."


def _wrong(name: str, world: str, models: Models) -> Iterator[str]:
    """Yield what is wrong in the sections of one world, or of one problem and its world."""
    needed = {*models} - OPTIONAL | {*models} & {
        LISTS[key] for key in LISTS if name in read_key(key)
    }
    there: dict[str, Any] = {}
    for block in dict.fromkeys([world, name]):
        found = _block(block) if block in _block("") else {}
        for section in sorted(needed - {*found}):  # DVC runs no stage without its keys
            yield f"{PATH}: no section '{block}.{section}'; `{section}: {{}}` has all defaults."
        there |= found
    for section, model in models.items():
        if section in there:
            try:
                yield from _fault(model(world), f"{name}.{section}", below=f"{world}.{section}")
            except RetraceError as error:
                yield str(error)


def _fault(model: type[BaseModel], key: str, path: Path = PATH, **more: str) -> Iterator[str]:
    try:
        read_params(model, key, path, **more)
    except RetraceError as error:
        yield str(error)


def _block(key: str) -> dict[str, Any]:
    """Return a block of params.yaml with its keys, the whole of it for ''."""
    block = read_key(key)
    if not isinstance(block, Mapping):
        raise RetraceError(f"{PATH}: expected a block of keys at {key or 'the top'}.")
    return dict(block)
