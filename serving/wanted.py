"""What a server was asked to serve; small, since the process that only watches has it too."""

from pathlib import Path
from typing import NamedTuple

from store.log import CHAMPION as CHAMPION

PATH = Path("rollout.yaml")


class Wanted(NamedTuple):
    """What a server was asked to serve.

    stage, rev, models : where the champions come from; of a commit or a folder there is no rollout
    arm, called        : what answers are recorded under, and as which version where it is a folder
    address            : where it is asked, host:port
    seen               : what the plan that it began with was made from; empty where it is not whole
    """

    problems: tuple[str, ...]
    store: str = ""
    log: str = ""
    workers: int = 1
    stage: str = "prod"
    rev: str = ""
    models: str = ""
    arm: str = CHAMPION
    address: str = ""
    called: str = ""
    seen: str = ""

    @property
    def is_followed(self) -> bool:
        """Whether tags and `rollout.yaml` may change what is served."""
        return not self.rev and not self.models
