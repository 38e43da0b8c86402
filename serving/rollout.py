"""`rollout.yaml`: which versions are tried beside the champion, on whom, and who is in which arm.

A subject, such as a customer, is always in the same arm: a hash of salt and subject places it
between 0 and 1, and an arm has the subjects of [begins_at, begins_at + share). So an arm that grows
takes from the champion and moves nobody back, and no other arm's subjects change. Servers share
nothing but this file.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from retrace.base.errors import RetraceError
from retrace.base.params import Params, parse_section, read_key
from retrace.judge.rollout import RolloutParams
from serving.explore import Explore
from serving.wanted import CHAMPION, PATH

CHALLENGER = "challenger"
SHADOW, AB = "shadow", "ab"
ENDS = 1 << 64


class Guard(Params):
    """When a challenger loses its subjects by itself.

    Of its answers of the last `minutes`, once there are `least_rows`; outcomes count from `since`.
    """

    minutes: float = Field(10.0, gt=0)
    least_rows: int = Field(50, ge=1)
    most_errors: float = Field(0.02, ge=0, le=1)  # share that the champion had to answer for it
    most_slower: float = Field(3.0, gt=0)  # median time of a row, in times of the champion's
    least_coverage: float = Field(0.75, ge=0, le=1)  # of the interval, where outcomes are known
    most_loss: float = Field(0.2, gt=0)  # mean loss above the champion's, as a share of it


class Challenger(Params):
    """An arm.

    version : of the registry (v0.0.2), else a commit, branch or tag, else a folder with models/
    share   : of the subjects; of an arm in shadow without meaning
    ramps   : shares that it had before, each by when it ended
    where   : column -> values; a row of other values is the champion's
    since   : when its evidence begins; until : when it ends by itself; both ISO 8601, UTC
    """

    version: str = Field(min_length=1)
    mode: Literal["shadow", "ab"]
    since: str
    share: float = Field(0.0, ge=0, le=1)
    begins_at: float = Field(0.0, ge=0, lt=1)
    ramps: dict[str, float] = Field(default_factory=dict)
    where: dict[str, list[str]] = Field(default_factory=dict)
    until: str = ""

    @field_validator("since", "until", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:  # what YAML takes for a moment
        return value.isoformat() if isinstance(value, date) else value

    @field_validator("where", mode="before")
    @classmethod
    def _as_lists(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        many = {name: one if isinstance(one, list) else [one] for name, one in value.items()}
        return {name: [str(one) for one in values] for name, values in many.items()}

    @field_validator("since", "until")
    @classmethod
    def _is_moment(cls, text: str, info: ValidationInfo) -> str:
        if text or info.field_name == "since":
            moment_of(text)
        return text

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.begins_at + self.share > 1 + 1e-9:
            raise ValueError(f"begins_at {self.begins_at} and share {self.share} are above 1")
        return self

    def takes(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is among those that the arm is for."""
        return all(str(row.get(name)) in values for name, values in self.where.items())

    def has_ended(self, now: datetime) -> bool:
        return bool(self.until) and moment_of(self.until) <= now


class Rollout(Params):
    """What is tried of one problem. `subject` is the column whose values are in one arm each.

    guard   : when a challenger loses its subjects by itself
    verdict : what a verdict asks for
    explore : a share of answers that are drawn, off by default
    """

    subject: str = Field(min_length=1)
    salt: str = Field(min_length=1)
    guard: Guard = Guard()
    verdict: RolloutParams = RolloutParams()
    explore: Explore | None = None
    challengers: dict[str, Challenger] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_disjoint(self) -> Self:
        if CHAMPION in self.challengers:
            raise ValueError(f"an arm may not be called '{CHAMPION}'")
        begun = sorted(
            (one.begins_at, one.begins_at + one.share, name)
            for name, one in self.challengers.items()
            if one.mode == AB and one.share
        )
        for (_, end, first), (start, _, second) in pairwise(begun):
            if start < end - 1e-9:
                raise ValueError(f"the arms '{first}' and '{second}' have subjects in common")
        return self

    @property
    def has_ab(self) -> bool:
        return any(one.mode == AB for one in self.challengers.values())

    def arm_of(self, row: Mapping[str, Any]) -> str | None:
        """Return the arm of a row; None where it has no subject."""
        subject = row.get(self.subject)
        if subject in (None, ""):
            return None
        place = place_of(self.salt, subject)
        for name, one in self.challengers.items():
            if one.mode == AB and one.begins_at <= place < one.begins_at + one.share:
                return name if one.takes(row) else CHAMPION
        return CHAMPION

    def without(self, arms: set[str]) -> "Rollout | None":
        """Return it without some arms; None where nothing is left of it."""
        left = {name: one for name, one in self.challengers.items() if name not in arms}
        return self.model_copy(update={"challengers": left}) if left or self.explore else None


def place_of(salt: str, subject: Any) -> float:
    """Return where a subject is, in [0, 1); of two salts the places are independent."""
    said = f"{salt}\x1f{subject}".encode()
    return int.from_bytes(hashlib.blake2b(said, digest_size=8).digest()) / ENDS


def read_rollouts(path: Path = PATH) -> dict[str, Rollout]:
    """Return the rollouts by problem; none where there is no file.

    Raises RetraceError that names key and value where the file breaks the schema.
    """
    if not path.exists():
        return {}
    found = read_key("", path) or {}
    if not isinstance(found, Mapping):
        raise RetraceError(f"{path}: expected problems with their rollouts, found {found!r:.60}.")
    return {name: parse_section(Rollout, block, name, path) for name, block in found.items()}


def moment_of(text: str) -> datetime:
    """Return an ISO 8601 moment, of UTC where it names no zone. ValueError for any other text."""
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
