"""How well found visits agree with known ones, such as the notes of drivers.

`problems.service_time.evaluation.visits` holds them against the truth, by grade. It has its own
lines, since the stages that judge models should not wait for a change of how raw data is read.
"""

import numpy as np
import pandas as pd


def agreement(
    clean: pd.DataFrame, known: pd.DataFrame, start: str = "started_at", end: str = "ended_at"
) -> dict[str, float]:
    """Compare visits with known ones by `stop_id`.

    clean: stop_id, arrived_at, departed_at, service_seconds. known: stop_id and the times `start`
    and `end` (UTC), one row per stop. Returns

    matched_share         share of the known stops that got a time
    median_error_seconds  of the absolute error of the service time, over those
    p90_error_seconds     likewise
    bias_seconds          mean of found minus known
    false_visit_share     share of those whose visit does not overlap the known one

    Without common stops only matched_share is there, and without known stops nothing.
    """
    if known.empty:
        return {}
    pairs = known[["stop_id", start, end]].merge(
        clean[["stop_id", "arrived_at", "departed_at", "service_seconds"]], on="stop_id"
    )
    found = {"matched_share": len(pairs) / len(known)}
    if pairs.empty:
        return found
    seconds = (pairs[end] - pairs[start]).dt.total_seconds().to_numpy()
    error = pairs["service_seconds"].to_numpy() - seconds
    apart = (pairs["arrived_at"] >= pairs[end]) | (pairs["departed_at"] <= pairs[start])
    return found | {
        "median_error_seconds": float(np.median(np.abs(error))),
        "p90_error_seconds": float(np.quantile(np.abs(error), 0.9)),
        "bias_seconds": float(error.mean()),
        "false_visit_share": float(apart.mean()),
    }
