"""Which model reads which section of params.yaml."""

from collections.abc import Callable, Mapping

from pydantic import BaseModel

from problems import parts
from problems.contract import Problem
from retrace.base.params import merged, parse_section, read_key
from retrace.encode.encoders import EncodeParams
from retrace.encode.text.model import TextParams
from retrace.judge.gate import GateParams
from retrace.past.splits import SplitParams
from workflow.replay.models import BacktestParams
from workflow.train import TrainParams

Models = Mapping[str, Callable[[str], type[BaseModel]]]  # of a section, given the world

WORLD: Models = {
    "simulate": lambda world: parts.simulator(world).settings,
    "ingest": lambda world: parts.reader(world).settings,
}
PROBLEM: Models = {
    "split": lambda _: SplitParams,
    "features": lambda world: parts.features(world).settings,
    "encode": lambda _: EncodeParams,
    "text": lambda _: TextParams,
    "train": lambda _: TrainParams,
    "evaluate": lambda world: parts.evaluation(world).settings,
    "gate": lambda _: GateParams,
    "backtest": lambda _: BacktestParams,
}


def read_sections(problem: Problem) -> dict[str, BaseModel]:
    """Return what params.yaml says of a problem, by section: its own block laid over its world's.

    Raises RetraceError where a section does not fit its model.
    """
    both = merged(read_key(problem.world), read_key(problem.name))
    models = {"ingest": WORLD["ingest"], **PROBLEM}
    return {
        name: parse_section(model(problem.world), both[name], f"{problem.name}.{name}")
        for name, model in models.items()
        if name in both
    }
