"""A small share of answers that are drawn from the interval, so that what a suggestion does can be
learnt.

Where the outcome depends on what is suggested (a price, and whether it sells), a model that only
ever sees its own suggestions cannot know what others would have done. An answer is drawn by a hash
of its id, so that the same question has the same answer everywhere; the density that it was drawn
with is logged, and `retrace.judge.explored` weighs by it.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from retrace.base.params import Params
from store.log import EXPLORED as EXPLORED
from store.log import TOLD as TOLD

ENDS = 1 << 64


class Explore(Params):
    """`explore` of a problem in rollout.yaml: share of the answers, and limits in the problem's
    unit that no drawn one passes."""

    share: float = Field(0.02, gt=0, le=0.5)
    least: float
    most: float

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.least >= self.most:
            raise ValueError(f"least {self.least:g} is not below most {self.most:g}")
        return self


class Drawn(NamedTuple):
    """What is told instead, in the problem's unit; its density on the fitted scale, of all answers
    to this question, the drawn ones included; and the share of them that is drawn."""

    explored: float
    density: float
    explored_share: float


def drawn(explore: Explore, name: str, answer: Mapping[str, Any], scale: str) -> Drawn | None:
    """Return what a row is told instead of the prediction; None where it is not drawn.

    It is uniform on the fitted scale over the part of the interval that the limits leave.

    name : of the prediction; scale : `log` or `identity`
    """
    lower, upper = answer.get("lower"), answer.get("upper")
    if lower is None or upper is None:
        return None
    digest = hashlib.blake2b(f"explore\x1f{name}".encode(), digest_size=16).digest()
    chosen, place = (int.from_bytes(part) / ENDS for part in (digest[:8], digest[8:]))
    low, high = max(lower, explore.least), min(upper, explore.most)
    if chosen >= explore.share or not low < high:
        return None
    ends = (np.log1p(low), np.log1p(high)) if scale == "log" else (low, high)
    found = ends[0] + place * (ends[1] - ends[0])
    value = float(np.expm1(found)) if scale == "log" else float(found)
    value = min(max(value, low), high)
    return Drawn(value, explore.share / float(ends[1] - ends[0]), explore.share)
