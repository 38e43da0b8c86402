"""The features of a point of the search that changes how they are made.

A name of the space with a section before it, such as `text.alpha`, `encode.target_smoothing` or
`features.half_life_days.region`, is of a model in front of the boosters. The stage `featurize`
makes the features of such a point, with the code of the DAG, in a folder that goes afterwards.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from experiments.tune.space import Dimension, Point
from problems import parts
from problems.contract import Problem
from retrace.base.errors import RetraceError
from retrace.base.params import PATH, Params, merged, parse_section, read_key
from retrace.encode.encoders import EncodeParams
from retrace.encode.text.model import TextParams
from retrace.fit.boosters import BoosterParams
from workflow.train import TrainParams

TRAIN = "train"  # the section of a name without one
OF_BOOSTERS = tuple(one for one in BoosterParams.model_fields if one not in ("max_rounds", "seed"))


def setting(name: str) -> str:
    """Return a name of the space with its section before it."""
    return name if "." in name else f"{TRAIN}.{name}"


def of_boosters(point: Point) -> Point:
    return {name: value for name, value in point.items() if name in OF_BOOSTERS}


def of_features(point: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a point, or of a space, that the features depend on."""
    return {name: value for name, value in point.items() if setting(name) == name}


def check_space(problem: Problem, space: Mapping[str, Dimension]) -> None:
    """Raise RetraceError for a name that is no parameter of a model, or a value that is none."""
    models: dict[str, type[Params]] = {
        TRAIN: TrainParams,
        "text": TextParams,
        "encode": EncodeParams,
        "features": parts.features(problem.world).settings,
    }
    for name, item in space.items():
        section, _, key = setting(name).partition(".")
        if section not in models or (section == TRAIN and key not in OF_BOOSTERS):
            raise RetraceError(
                f"{PATH}: '{problem.name}.tune.space.{name}' is no parameter that a trial can "
                f"change; these are: {', '.join(OF_BOOSTERS)}, and those of the sections "
                f"{', '.join(list(models)[1:])} with the section before them, such as text.alpha."
            )
        own = parts.settings(models[section], problem, section).model_dump()
        for value in item.choices or (item.low, item.high):
            plain = int(value) if item.int and isinstance(value, float) else value
            changed = merged(own, _nested({key: plain}))
            parse_section(models[section], changed, f"{problem.name}.{section}")


@contextmanager
def features_at(problem: Problem, point: Point) -> Iterator[Path]:
    """Make the features of a point; yield the folder that has them as the top folder has its own.

    Raises RetraceError with the stage's words where it fails.
    """
    top = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="retrace-tune-") as name:
        folder = Path(name)
        (folder / "data").mkdir()
        for kept in ("clean", "splits"):
            (folder / "data" / kept).symlink_to(top / "data" / kept)
        with (folder / PATH).open("w", encoding="utf-8") as file:
            YAML().dump(merged(read_key(""), _nested({problem.name: _nested(point)})), file)
        done = subprocess.run(
            [sys.executable, "-m", "stages.featurize", problem.name],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(top)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RetraceError((done.stderr.strip().splitlines() or ["featurize failed"])[-1])
        yield folder


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a block of blocks from dotted names."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        first, _, rest = name.partition(".")
        found = merged(found, {first: _nested({rest: value}) if rest else value})
    return found
