"""What a replay found, as tables: by period and policy, by retraining, by change of the world."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from problems.contract import Problem
from retrace.judge import metrics
from workflow.replay.replay import POLICIES, Step

FEW = 0.05  # of the median period's rows (assumed): a month that the data only touches
MOST_DRIFTED = 5  # columns a period that the drift table lists
RETRAINING_COLUMNS = [
    "period", "policy", "retrained", "by_gate", "false_alarm", "gain", "reasons", "gate_reasons"
]  # fmt: skip
CHANGE_COLUMNS = ["at", "until", "kind", "what", "alarm", "delay_days"]
DRIFT_COLUMNS = ["period", "policy", "column", "importance", "psi", "q_value", "weight"]

Changes = Sequence[dict[str, str | None]] | None


def periods(problem: Problem, steps: Sequence[Step], known: Changes) -> pd.DataFrame:
    """Return one row a period and policy: `score` is the balanced accuracy of a binary problem, the
    metric of any other; `measure` names it. `change` is what began in the period.

    `false_positives_at_recall` counts at the recall that the model left alone has in that period.
    """
    alone = {step.start: step for step in steps if step.policy == "never"}
    records = []
    for step in steps:
        if problem.task == "binary":
            found = _classifier(step, alone[step.start])
        else:
            found = _measured(problem, _known(step))
        watched = step.watched
        records.append(
            {
                "period": f"{step.start:%Y-%m-%d}",
                "policy": step.policy,
                **found,
                "rows": len(_known(step)),
                "alarm": int(watched is not None and watched.alarm.raised),
                "retrained": int(step.retrained),
                "by_gate": int(step.verdict is not None and step.verdict.passed),
                "prediction_psi": np.nan if watched is None else watched.prediction_psi,
                "loss_increase": np.nan if watched is None else watched.losses["loss_increase"][0],
                "foreseen_increase": np.nan if watched is None else watched.foreseen,
                "bias_sd": np.nan if watched is None else watched.losses["bias_sd"][0],
                "change": "; ".join(_begun(known, step.start, step.end)),
            }
        )
    return pd.DataFrame(records)


def _known(step: Step) -> pd.DataFrame:
    return step.scored.dropna(subset=["outcome"])


def _begun(known: Changes, start: pd.Timestamp, end: pd.Timestamp) -> list[str]:
    return [str(one["what"]) for one in known or () if start <= _utc(one["at"]) < end]


def _measured(problem: Problem, scored: pd.DataFrame) -> dict[str, Any]:
    found = {"score": metrics.metric_of(problem.metric, scored), "measure": problem.metric}
    if problem.task == "regression":
        return {**found, "bias": float((scored["prediction"] - scored["outcome"]).mean())}
    return {**found, "accuracy": metrics.metric_of("accuracy", scored)}


def _classifier(step: Step, alone: Step) -> dict[str, Any]:
    y, p = _known(step)["outcome"], _known(step)["prediction"]
    recall, false = metrics.rates_at(y, p, step.model.threshold)
    theirs = _known(alone)
    usual, _ = metrics.rates_at(theirs["outcome"], theirs["prediction"], alone.model.threshold)
    return {
        "score": (recall + 1 - false) / 2,
        "measure": "balanced_accuracy",
        "recall": recall,
        "false_positive_rate": false,
        "average_precision": metrics.average_precision(y, p),
        "false_positives_at_recall": metrics.false_positives_at(y, p, usual),
    }


def retrainings(steps: Sequence[Step], changes: Changes) -> pd.DataFrame:
    """Return each alarm and retraining. `false_alarm` is 1 where nothing had changed since the last
    training row of the model in use, and missing where nobody knows."""
    records = []
    models: dict[str, Any] = {}
    for step in steps:
        before = models.get(step.policy, step.model)
        models[step.policy] = step.model
        raised = step.watched is not None and step.watched.alarm.raised
        if not (raised or step.retrained):
            continue
        false = np.nan
        if raised and changes is not None:
            false = float(not _changed(changes, before.learnt_until, step.start))
        verdict = step.verdict
        records.append(
            {
                "period": f"{step.start:%Y-%m-%d}",
                "policy": step.policy,
                "retrained": int(step.retrained),
                "by_gate": np.nan if verdict is None else int(verdict.passed),
                "false_alarm": false,
                "gain": np.nan if verdict is None or verdict.gain is None else verdict.gain,
                "reasons": "; ".join(step.watched.alarm.reasons) if step.watched else "",
                "gate_reasons": "; ".join(verdict.reasons) if verdict else "",
            }
        )
    return pd.DataFrame(records, columns=RETRAINING_COLUMNS)


def _changed(
    known: Sequence[dict[str, str | None]], since: pd.Timestamp, now: pd.Timestamp
) -> bool:
    """Whether the world began or ended a change, or was in a slow one, between two moments."""
    for change in known:
        begin, end = _utc(change["at"]), _utc(change["until"])
        if change["kind"] == "slow" and begin < now and not end < since:
            return True
        if any(since <= at < now for at in (begin, end)):
            return True
    return False


def changes(steps: Sequence[Step], known: Changes) -> pd.DataFrame:
    """Return each change that the first model has not learnt, with the first alarm of the policy
    that listens, before the next change of that kind, and the days until then, from the change or
    the start of the replay on.
    """
    raised = [
        step.start
        for step in steps
        if step.policy == "alarm" and step.watched is not None and step.watched.alarm.raised
    ]
    known = known or ()
    start, last = steps[0].model.learnt_until, max(step.end for step in steps)
    records = []
    for change in known:
        begin, end = _utc(change["at"]), _utc(change["until"])
        others = [_utc(one["at"]) for one in known if one["kind"] == change["kind"]]
        following = min([at for at in others if at > begin], default=last)
        if begin < start and not end >= start:  # the first model has learnt it
            continue
        noticed = [at for at in raised if begin < at <= following]
        days = (noticed[0] - max(begin, steps[0].start)).days if noticed else np.nan
        alarm = f"{noticed[0]:%Y-%m-%d}" if noticed else ""
        records.append({**change, "alarm": alarm, "delay_days": days})
    return pd.DataFrame(records, columns=CHANGE_COLUMNS)


def drift(steps: Sequence[Step]) -> pd.DataFrame:
    """Return the columns that drifted most, by importance × PSI, of each watched period."""
    found = [
        step.watched.features.head(MOST_DRIFTED).assign(
            period=f"{step.start:%Y-%m-%d}", policy=step.policy
        )[DRIFT_COLUMNS]
        for step in steps
        if step.watched is not None
    ]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=DRIFT_COLUMNS)


def figures_of(problem: Problem, table: pd.DataFrame, alarms: pd.DataFrame) -> dict[str, float]:
    """Return the flat metrics: mean score by policy, in which a period counts by its rows, what the
    model left alone lost between its first and last period with enough rows, retrainings, false
    alarms, and of a classifier the share of false positives that listening to the alarm saves at
    equal recall."""
    scored = table.dropna(subset=["score"])
    means = (scored["score"] * scored["rows"]).groupby(scored["policy"]).sum()
    means /= scored.groupby("policy")["rows"].sum()
    enough = scored[~scored["period"].isin(small_periods(scored))]
    alone = enough.loc[enough["policy"] == "never", "score"]
    name = str(table["measure"].iloc[0])
    rising = problem.task == "binary" or metrics.METRICS[name].higher_is_better
    sign = 1 if rising else -1
    figures = {
        **{f"{name}_{policy}": float(means.get(policy, np.nan)) for policy in POLICIES},
        "lost_alone": sign * float(alone.iloc[0] - alone.iloc[-1]) if len(alone) else np.nan,
    }
    for policy in POLICIES[1:]:
        mine = table[table["policy"] == policy]
        figures[f"retrainings_{policy}"] = float(mine["retrained"].sum())
    false = alarms.loc[alarms["policy"] == "alarm", "false_alarm"]
    if false.notna().any() or not len(false):
        figures["false_alarms"] = float(false.sum())
    if problem.task == "binary":
        by = table.groupby("policy")["false_positives_at_recall"].sum()
        if by["never"]:  # else there is nothing to save
            figures["false_positives_saved"] = 1 - float(by["alarm"]) / float(by["never"])
    return {key: value for key, value in figures.items() if np.isfinite(value)}


def small_periods(table: pd.DataFrame) -> dict[str, int]:
    """Return the rows of each period that has too few for its score to say much: under a twentieth
    of the median period's."""
    rows = table[table["policy"] == "never"].set_index("period")["rows"]
    return {str(name): int(n) for name, n in rows[rows < FEW * rows.median()].items()}


def _utc(text: str | None) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC") if text else pd.NaT  # type: ignore[return-value]
