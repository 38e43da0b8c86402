"""Drills: break the project on purpose, and count what is lost.

    python -m tests.drills                  all drills; writes tests/DRILLS.md
    python -m tests.drills bad_data         one of them; the others keep their rows
    python -m tests.drills --size full      on the default sizes, for a night

A drill is one module of this package with a `TITLE` and a function `run(size, folder)`. `folder`
is empty and removed afterwards. `size` says how much to try: `short` is what `make test` affords, a
few seconds; `drill` is `make drills`, some minutes; `full` is on the default sizes.
To add a drill, write its module and name it in `DRILLS`.
"""

from dataclasses import dataclass
from typing import Literal

Size = Literal["short", "drill", "full"]
SIZES: tuple[Size, ...] = ("short", "drill", "full")
# Modules of this package, in the order of DRILLS.md.
DRILLS: tuple[str, ...] = (
    "same_bytes",
    "only_changed",
    "killed",
    "storage",
    "bad_data",
    "hostile",
    "at_once",
    "skew",
    "lost",
    "away",
    "strangers",
    "rollout",
    "prometheus",
    "logs",
)


@dataclass(frozen=True)
class Row:
    """One thing that was tried `times` times; `lost` of them did not end as they must.

    allowed: how many may be lost, where a drill's target is not all of them.
    """

    tried: str
    times: int
    lost: int
    allowed: int = 0

    @property
    def survived(self) -> int:
        return self.times - self.lost

    @property
    def failed(self) -> bool:
        return self.lost > self.allowed


@dataclass(frozen=True)
class Outcome:
    """What a drill found.

    figure: one line that can be compared between versions. details: Markdown to stand below the
    table, such as what was lost, one by one.
    """

    rows: tuple[Row, ...]
    figure: str
    details: str = ""

    @property
    def failed(self) -> list[Row]:
        return [row for row in self.rows if row.failed]
