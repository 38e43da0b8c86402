"""Which rows a final fit may see: that of the model which is judged, and of the one which ships.

The windows choose; after that every row teaches whose outcome was known in time, the newest too.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrace.past.maturity import Ages
from retrace.past.splits import WINDOWS, SplitParams

Mask = NDArray[np.bool_]


def final_rows(
    rows: pd.DataFrame,
    windows: pd.Series,
    params: SplitParams,
    group: Sequence[str],
    time: str | None = None,
    *,
    target: str,
    known_at: str | None = None,
) -> dict[str, Mask]:
    """Return the rows of both fits, shape (n_rows,): `judged`, what was known when the test began,
    and `shipped`, what is known at the end of the data. `windows` are those of `split`.

    Where outcomes come late, rows count from the age by which nearly all are known, as in `split`:
    of younger ones only the quick are known. So the rows of gaps between windows count as well.
    Rows that have a window always count: in a short log `split` asks for a lower age.
    """
    test = (windows == "test").to_numpy()
    before = windows.isin(WINDOWS[:3]).to_numpy()
    found = {"judged": before, "shipped": before | test}
    if time is not None and params.in_time(time):
        found = _in_time(rows, before, test, params, group, time, known_at)
    return {name: mask & rows[target].notna().to_numpy() for name, mask in found.items()}


def _in_time(
    rows: pd.DataFrame,
    before: Mask,
    test: Mask,
    params: SplitParams,
    group: Sequence[str],
    time: str,
    known_at: str | None,
) -> dict[str, Mask]:
    at = rows[time]
    judged, shipped = before, np.ones(len(rows), bool)
    if known_at is not None and params.mature_share is not None:
        ages = Ages(rows, group, time, known_at, params.mature_share)
        judged = before | (ages.known_before(ages.start[test].min()) & ~test)
        shipped = before | test | (ages.old_at(ages.end) & ~np.isnat(ages.known))
    elif params.days is not None:
        last = at.max().floor("D") + pd.Timedelta(1 - params.days.delay, unit="D")
        shipped = ((at >= at[before].min()) & (at < last)).to_numpy()
    if known_at is not None:
        judged = judged & (rows[known_at] < at[test].min()).to_numpy(bool)
    return {"judged": judged, "shipped": shipped}
