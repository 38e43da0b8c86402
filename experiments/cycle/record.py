"""What a cycle has done, by step: <work>/record.json, for people and for the next run.

Nothing rests on it but what nobody else knows: whether the last run came to its end, what was not
told yet, and which files were set aside. Without it a cycle only looks again at what it knew.
"""

from pathlib import Path
from typing import Any

from pydantic import Field

from retrace.base.files import read_json, write_json
from retrace.base.params import Params, parse_section


class CycleOutcome(Params):
    """How a run ended: the exit status, what happened, and what is to be done, if anything."""

    status: int
    words: str
    to_do: str = ""
    weight: float = 0.0  # of the notice; below 0 nobody is told
    key: str = ""  # what is told once; "" is told each time


class CycleRecord(Params):
    """begun_at : when the run began, ISO 8601
    steps    : what each step came to, in their order
    outcome  : None while the run is at work, and of one that was killed
    is_told  : whether people were told of it
    set_aside: path and MD5 of files that failed the checks -> why
    """

    begun_at: str = ""
    steps: dict[str, str] = Field(default_factory=dict)
    outcome: CycleOutcome | None = None
    is_told: bool = True
    set_aside: dict[str, str] = Field(default_factory=dict)


class Recorder:
    """Keeps the record in its file: each change is there before the next step begins."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "record.json"
        self.record = CycleRecord()
        if self.file.exists():
            self.record = parse_section(CycleRecord, read_json(self.file), "record", self.file)

    def change(self, **fields: Any) -> None:
        self.record = self.record.model_copy(update=fields)
        write_json(self.record.model_dump(mode="json"), self.file)

    def step(self, name: str, words: str) -> None:
        """Note what a step came to."""
        self.change(steps={**self.record.steps, name: words})
