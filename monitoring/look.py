"""One model in one window: from its answers to a summary."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from monitoring import causes, drifted
from monitoring.models import WatchedModel
from monitoring.performance import performance, slices
from monitoring.rows import AnsweredRows
from monitoring.scored import blocks_of, losses_of, scored_of
from monitoring.settings import MonitoringParams
from monitoring.summary import Cause, Summary
from monitoring.windows import TimeWindow
from retrace.judge.metrics import METRICS
from store.answered import OVERRULED


class WindowTraffic:
    """What is counted of a window, exactly: answers by hour and model, refused rows, errors."""

    def __init__(
        self,
        by_hour: Mapping[tuple[str, str], Counter[int]],
        earlier: np.ndarray,
        refused: dict[str, int],
        n_errors: int,
        shadows: frozenset[str] = frozenset(),
    ) -> None:
        self.by_hour, self.earlier = by_hour, earlier  # the same weekday's: (n_weeks, n_hours)
        self.refused, self.n_errors = refused, n_errors
        self.shadows = shadows  # arms whose answers nobody was given

    @property
    def usual(self) -> tuple[float, ...]:
        """The median of earlier weeks by hour; empty while too few are known."""
        return tuple(np.median(self.earlier, axis=0).tolist()) if len(self.earlier) else ()

    def n_of(self, key: tuple[str, str]) -> int:
        return sum(self.by_hour.get(key, Counter()).values())

    def hourly(self, n_hours: int) -> tuple[int, ...]:
        """Return the answers that people got by hour, of all models together."""
        given = [one for (_, arm), one in self.by_hour.items() if arm not in self.shadows]
        return tuple(sum(one[hour] for one in given) for hour in range(n_hours))


def look(
    model: WatchedModel,
    window: TimeWindow,
    traffic: WindowTraffic,
    found: AnsweredRows,
    now: int,
    params: MonitoringParams,
    longer: pd.DataFrame | None = None,
) -> Summary:
    """Summarise a window. `longer` are rows with outcomes of more weeks, where this one has too
    few for its losses to be held against others."""
    problem = model.problem
    metric = METRICS[problem.metric]
    said: dict[str, Any] = {
        "problem": problem.name,
        "version": found.version or model.version,
        "fingerprint": model.fingerprint,
        "role": found.role,
        "arm": model.arm,
        "kind": window.kind,
        "start": window.start,
        "end": window.end,
        "made_at": now,
        "unit": problem.unit,
        "metric": problem.metric,
        "metric_words": metric.words,
        "higher_is_better": metric.higher_is_better,
        "n_answers": traffic.n_of((model.fingerprint, model.arm)),
        "n_sampled": len(found.rows),
        "by_hour": traffic.hourly(window.n_hours),
        "usual": traffic.usual,
        "refused": traffic.refused,
        "n_errors": traffic.n_errors,
    }
    notes, why = [], list(_of_traffic(window, traffic, now, params))
    if found.rows.empty:
        return Summary(**said, causes=tuple(why))
    if model.bundle is None:
        notes.append("the files of this version are not here: no drift, no rule")
    before, before_why = _before_outcomes(model, found)
    scored = scored_of(model, found.rows)
    known, n_all = scored.rows, round(len(scored.rows) / found.share)
    said |= before | {"n_known": len(known), "n_all_known": n_all}
    if window.kind == "week":  # a day has one weekday, and hours that are not over
        why += before_why
    notes += scored.notes
    mature = causes.is_mature(len(known), len(found.rows), params)
    said["is_mature"] = mature
    if len(known):
        after = performance(model, known, n_all, with_interval=window.kind == "week")
        notes += after.pop("notes")
        said |= after | {"slices": slices(problem, known, model.alarm.slice_min_rows, params)}
        if window.kind == "week" and mature:
            why += causes.of_losses(model, known if longer is None else longer)
        elif not mature:
            notes.append(f"{len(known) / len(found.rows):.0%} of the outcomes are known yet")
    else:
        notes.append("no outcome is known yet")
    if found.rows[OVERRULED].notna().any():
        said["overruled"] = float(found.rows[OVERRULED].mean())
    return Summary(**said, causes=tuple(why), notes=tuple(dict.fromkeys(notes)))


def _of_traffic(
    window: TimeWindow, traffic: WindowTraffic, now: int, params: MonitoringParams
) -> list[Cause]:
    found: list[Cause] = []
    by_hour = traffic.hourly(window.n_hours)
    if window.kind == "day":
        if window.end <= now:
            found += causes.of_volume(by_hour, traffic.earlier, params)
        found += causes.of_refusals(traffic.refused, sum(by_hour), traffic.n_errors, params)
    return found


def _before_outcomes(
    model: WatchedModel, found: AnsweredRows
) -> tuple[dict[str, Any], list[Cause]]:
    """Return the fields that need no outcome, and what has moved."""
    rows, problem = found.rows, model.problem
    said: dict[str, Any] = {
        "latency_ms": tuple(np.quantile(rows["latency_us"].to_numpy() / 1000, [0.5, 0.99]).tolist())
    }
    n_blocks = len(np.unique(blocks_of(problem, rows)))
    ranked = drifted.columns_drift(model, found.columns, n_blocks)
    moved = drifted.predictions_drift(model, rows, n_blocks)
    if model.bundle is not None:
        said["drift"] = drifted.told_of(model.bundle, ranked, found.columns)
    if problem.task != "multiclass":
        said["prediction"] = drifted.quantiles(rows["prediction"])
    if "lower" in rows:
        said["width"] = float((rows["upper"] - rows["lower"]).mean())
    held = model.held
    increase = float("nan")
    if held is not None:
        said["loss_before"] = loss_before = float(losses_of(problem, held).mean())
        said["prediction_psi"] = float(moved["psi"].iloc[0])
        if problem.task != "multiclass":
            said["prediction_before"] = drifted.quantiles(held["prediction"])
        if "lower" in held:
            said["width_before"] = float((held["upper"] - held["lower"]).mean())
        increase = drifted.foreseen(model, rows)
        if np.isfinite(increase):
            loss = max(loss_before * (1.0 + increase), 0.0)
            said["foreseen_loss"] = loss
            said["foreseen_metric"] = drifted.expected_metric(problem.metric, rows, loss)
    return said, list(causes.of_drift(ranked, moved, increase, model.alarm))
