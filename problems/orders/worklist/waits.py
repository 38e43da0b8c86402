"""What a silence already says: the model saw the order after its last event.

With snapshots after events the model knows nothing of the silence since. Two rules add it:

- the forecast: the model's median and interval stand for a distribution, normal on the log of the
  hours, with a spread of its own on either side. Of it is taken what is later than now.
- the risk: a share (1 - P95) of usual waits gets stuck; of those that last as long as this one
  does already, the share is larger. The chance of not getting stuck is lowered by the change of
  that share, to the power `WAIT_POWER`. A wait beyond the P95 is stuck.

The usual waits are those of all orders after the step, and the model knew more: that this one goes
to a slow region, say. So the whole change would count the same thing twice.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from problems.orders.worklist.moment import Moment

HOUR = pd.Timedelta(1, unit="h")
WAIT_POWER = 0.25  # lowest log loss on the mornings of the validation and calibration windows
Floats = NDArray[np.float64]


def after_waiting(then: Moment, hours: pd.DataFrame, risk: pd.Series, level: float) -> pd.DataFrame:
    """Return remaining, lower and upper (hours from the moment on), risk, stuck_since, waited and
    limit (hours), a row each. `level` is that of the interval."""
    rows = then.rows
    seen = (then.at - rows["snapshot_at"]).dt.total_seconds()
    silent = seen / 3600  # 0 where the model saw the moment itself
    waited = silent + rows["waiting_hours"].astype("float64")
    since = _stuck_since(then, waited)
    steps = zip(rows["activity"].astype("str"), silent, strict=True)
    longer = np.array([_share_longer(then.waits.get(step), wait) for step, wait in steps])
    rare = 1.0 - then.usual_quantile
    now_rare = np.minimum(rare / np.maximum(longer, rare), 1.0)
    raised = 1.0 - (1.0 - risk) * ((1.0 - now_rare) / (1.0 - rare)) ** WAIT_POWER
    return pd.DataFrame(
        {
            **later_than(hours, silent.to_numpy(np.float64), level),
            "risk": np.where(since.notna(), 1.0, raised),
            "stuck_since": since,
            "waited": waited,
            "limit": then.limits,
        },
        index=rows.index,
    )


def later_than(hours: pd.DataFrame, silent: Floats, level: float) -> dict[str, Floats]:
    """Return remaining, lower and upper of orders that are not complete after `silent` hours."""
    middle, low, high = (
        np.log1p(hours[name].to_numpy(np.float64)) for name in ("prediction", "lower", "upper")
    )
    reach = float(ndtri((1 + level) / 2))
    below, above = (np.maximum(width / reach, 1e-6) for width in (middle - low, high - middle))
    z = np.log1p(silent) - middle
    gone = np.where(silent > 0, ndtr(z / np.where(z > 0, above, below)), 0.0)
    found = {}
    for name, share in (("remaining", 0.5), ("lower", (1 - level) / 2), ("upper", (1 + level) / 2)):
        z = ndtri(np.clip(gone + (1.0 - gone) * share, 1e-9, 1 - 1e-9))
        at = np.expm1(middle + z * np.where(z > 0, above, below))
        found[name] = np.maximum(at - silent, 0.0)
    return found


def _share_longer(usual: Floats | None, waited: float) -> float:
    """Return the share of usual waits, sorted, that are longer."""
    if usual is None or not len(usual):
        return 1.0
    return 1.0 - int(np.searchsorted(usual, waited, side="right")) / len(usual)


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
