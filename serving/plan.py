"""What a server is to serve: one file, which is exchanged as a whole when that changes."""

import os
from pathlib import Path
from typing import Any

import msgspec

from serving.rollout import Rollout
from serving.wanted import CHAMPION

PLAN = "RETRACE_SERVING"  # in the environment: what each worker begins with
FILE = "plan.json"  # in the log's folder: what replaces it


class PlannedModel(msgspec.Struct, frozen=True):
    """A problem's version, and the folder that has its files where `dvc repro` puts them.

    arm : `champion`, or the challenger's name
    url : where a model answers whose feature code is not this process's
    """

    problem: str
    top: str = "."
    version: str = "working-tree"
    arm: str = CHAMPION
    url: str = ""


class ServingPlan(msgspec.Struct, frozen=True):
    """What is served, and where it is stored.

    models   : beside a champion that has a `url`, one of this code as well, which stands in for it
    rollouts : by problem, as `rollout.yaml` has them, without arms that have ended
    stopped  : by problem and arm, why it was stopped
    waits    : by problem, the champion whose own process is not ready
    address  : where it is asked, host:port
    arm      : what answers are recorded under; of a server that another one asks, a challenger's
    """

    models: tuple[PlannedModel, ...]
    store: str
    log: str
    workers: int = 1
    rollouts: dict[str, dict[str, Any]] = {}
    stopped: dict[str, dict[str, str]] = {}
    arm: str = CHAMPION
    address: str = ""
    waits: dict[str, str] = {}

    @property
    def in_use(self) -> tuple[PlannedModel, ...]:
        """The models without those that stand in for another one."""
        elsewhere = {one.problem for one in self.models if one.arm == CHAMPION and one.url}
        return tuple(
            one
            for one in self.models
            if one.url or one.arm != CHAMPION or one.problem not in elsewhere
        )

    @property
    def file(self) -> Path:
        return Path(self.log) / FILE

    def export(self) -> None:
        """Put it into the environment, where the workers find it."""
        os.environ[PLAN] = msgspec.json.encode(self).decode()

    def write(self) -> None:
        """Put it where running servers find it, whole at every moment."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        whole = self.file.with_suffix(f".{os.getpid()}")
        whole.touch(mode=0o600)  # it has the database's URL, perhaps with a password
        whole.write_bytes(msgspec.json.encode(self))
        whole.replace(self.file)

    def rollout(self, problem: str) -> Rollout | None:
        block = self.rollouts.get(problem)
        return None if block is None else Rollout.model_validate(block)


def exported() -> ServingPlan:
    """Return the plan of the environment."""
    return msgspec.json.decode(os.environ[PLAN], type=ServingPlan)


def read_plan(path: Path) -> ServingPlan:
    """Raises OSError where there is none, msgspec.MsgspecError where it is damaged."""
    return msgspec.json.decode(path.read_bytes(), type=ServingPlan)
