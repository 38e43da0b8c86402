"""What an answer says to do, and what the log has of it."""

from collections.abc import Mapping
from typing import Any

from serving.explore import EXPLORED, TOLD, Explore, drawn


def decide(decision: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return what costs least to do: the forecast to tell, or whether to act; of an answer that was
    drawn, what was told.

    decision : as `evaluate` chose it on validation, with a `threshold`, a forecast `told`, or none
    """
    if EXPLORED in answer:
        return {"tell": answer[EXPLORED], "by": EXPLORED, "density": answer["density"]}
    threshold, told = decision.get("threshold"), decision.get("told", "prediction")
    if threshold is not None:
        return {"act": answer["prediction"] >= threshold, "threshold": threshold}
    by = told if told in answer else "prediction"
    return {"tell": answer[by], "by": by}


def told_beside(
    decision: Mapping[str, Any],
    explore: Explore | None,
    name: str,
    answer: Mapping[str, Any],
    scale: str,
) -> dict[str, Any]:
    """Return what the log has of what is told beside the answer: the forecast that costs least,
    where it is not the prediction, and what was drawn instead.

    name : of the prediction; scale : `log` or `identity`
    """
    found: dict[str, Any] = {}
    own = decide(decision, answer)
    if own.get("by", "prediction") != "prediction":
        found[TOLD] = own["tell"]
    if explore is not None:
        other = drawn(explore, name, answer, scale)
        found |= {} if other is None else other._asdict()
    return found
