"""What a wait that lasts already says: the model saw the order after its last event.

With snapshots after events the model knows nothing of the silence since. Here is what the usual
waits after the step add, in three rules:

- the forecast: what the model expected of this wait, its median, makes room for the median of those
  waits that were at least as long, and the order cannot be complete before its wait is over;
- a wait longer than any before lasts as long again;
- the risk: a share (1 - P95) of usual waits gets stuck; of those that last as long as this one
  does, the share is larger by as much as they are fewer. A wait beyond the P95 is stuck.
"""

import numpy as np
import pandas as pd

from problems.orders.worklist.moment import Moment

HOUR = pd.Timedelta(1, unit="h")


def after_waiting(then: Moment, hours: pd.DataFrame, risk: pd.Series) -> pd.DataFrame:
    """Return remaining, lower and upper (hours from the moment on), risk, stuck_since, waited and
    limit (hours), a row each."""
    rows = then.rows
    seen = (then.at - rows["snapshot_at"]).dt.total_seconds()
    silent = seen / 3600  # 0 where the model saw the moment itself
    waited = silent + rows["waiting_hours"].astype("float64")
    found = [
        _of_wait(then.waits.get(step, np.zeros(0)), hours_waited)
        for step, hours_waited in zip(rows["activity"].astype("str"), silent, strict=True)
    ]
    usual, left, longer = (np.array(part) for part in zip(*found, strict=True))
    extra = np.where(silent > 0, left - usual, 0.0)
    least = np.where(silent > 0, left, 0.0)
    remaining = np.maximum(hours["prediction"] + extra, least)
    rare = 1.0 - then.usual_quantile
    now_rare = np.minimum(rare / np.maximum(longer, rare), 1.0)
    raised = 1.0 - (1.0 - risk) * np.where(silent > 0, (1.0 - now_rare) / (1.0 - rare), 1.0)
    since = _stuck_since(then, waited)
    return pd.DataFrame(
        {
            "remaining": remaining,
            "lower": np.minimum((hours["lower"] - silent).clip(lower=0.0), remaining),
            "upper": np.maximum(hours["upper"] + np.maximum(extra, 0.0), remaining),
            "risk": np.where(since.notna(), 1.0, np.maximum(raised, 0.0)),
            "stuck_since": since,
            "waited": waited,
            "limit": then.limits,
        },
        index=rows.index,
    )


def _of_wait(usual: np.ndarray, waited: float) -> tuple[float, float, float]:
    """Return the median of usual waits, the hours that are left of one that lasts already, and the
    share of waits that last longer."""
    if not len(usual):
        return 0.0, 0.0, 1.0
    place = int(np.searchsorted(usual, waited, side="right"))
    rest = usual[place:]
    left = float(np.median(rest)) - waited if len(rest) else waited
    return float(np.median(usual)), left, len(rest) / len(usual)


def _stuck_since(then: Moment, waited: pd.Series) -> pd.Series:
    """Return since when an order has been stuck; NaT where it is not."""
    rows = then.rows
    last_event = then.at - waited * HOUR
    by_wait = (last_event + then.limits * HOUR).where(waited > then.limits)
    if then.sla_days is None:
        return by_wait
    due = rows["started_at"] + pd.Timedelta(then.sla_days, unit="D")
    by_sla = due.where(due < then.at)
    return by_wait.fillna(by_sla).where(by_sla.isna() | (by_wait < by_sla), by_sla)
