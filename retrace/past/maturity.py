"""Outcomes that come late: which groups are old enough that nearly all of their kind are known.

At the end of the data the outcomes of young groups (an order's rows) are known of the fast ones
only. To learn from those, or to be judged on them, would be to believe that everything is fast. So
a group counts by its age alone, known or not: the age by which a share of all groups is known.
"""

from collections.abc import Sequence
from copy import copy
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrace.base.errors import RetraceError

EVER_LEAST = 0.5  # of the groups (assumed): with fewer, an age says nothing of most

Mask = NDArray[np.bool_]


class Ages:
    """When each row's group began, when all of it was known, and the `age` at which a share is.

    start, known : datetime64[us], shape (n_rows,); known is NaT where an outcome is not known yet
    """

    def __init__(
        self, rows: pd.DataFrame, group: Sequence[str], time: str, known_at: str, share: float
    ) -> None:
        by_group = rows.groupby(list(group), sort=False, observed=True)
        self.start = by_group[time].transform("min").to_numpy("datetime64[us]")
        known = by_group[known_at].transform("max")
        all_known = rows[known_at].notna().groupby([rows[name] for name in group]).transform("all")
        self.known = known.where(all_known).to_numpy("datetime64[us]")
        self.end = np.nanmax(
            np.r_[rows[[time, known_at]].max().to_numpy("datetime64[us]")].astype(np.int64)
        ).astype("datetime64[us]")
        self._one_each = ~rows.duplicated(list(group)).to_numpy()
        self._set(share)

    def of_share(self, share: float) -> Self:
        """Return the same groups with the age by which another share is known."""
        other = copy(self)
        other._set(share)
        return other

    def _set(self, share: float) -> None:
        start, known = self.start[self._one_each], self.known[self._one_each]
        self.share, self.age = share, mature_age(start, known, self.end, share)

    @property
    def words(self) -> str:
        """Say what the age is, and of which time."""
        day = np.timedelta64(1, "D")
        return (
            f"{self.share:.0%} of the outcomes that ever become known are known after "
            f"{self.age / day:.1f} days (`split.mature_share: {self.share:g}`), of "
            f"{(self.end - self.start.min()) / day:.0f} days that the data has"
        )

    def old_at(self, moment: np.datetime64) -> Mask:
        """Mark rows whose group was old enough at a moment."""
        return np.asarray(self.start + self.age <= moment)

    def known_before(self, moment: np.datetime64) -> Mask:
        """Mark rows whose group was old enough at a moment, and known."""
        return np.asarray(self.old_at(moment) & (self.known < moment))


def mature_age(
    start: NDArray[np.datetime64],
    known: NDArray[np.datetime64],
    end: np.datetime64,
    share: float,
) -> np.timedelta64:
    """Return the age by which a share of the groups that are ever known is known.

    The quantile of the estimator of Kaplan & Meier, "Nonparametric estimation from incomplete
    observations", JASA 1958: a group that is not known yet counts until its age at the end. Some
    are never known, such as lost orders: what is known at the oldest ages counts as all.

    Raises RetraceError where less than half is ever known.
    """
    open_still = np.isnat(known)
    ages = (np.where(open_still, end, known) - start).astype(np.int64)
    order = np.lexsort((open_still, ages))
    ages, events = ages[order], ~open_still[order]
    at_risk = len(ages) - np.arange(len(ages))
    unknown = np.cumprod(1.0 - events / at_risk)
    ever = 1.0 - float(unknown.min())
    if ever < EVER_LEAST:
        raise RetraceError(
            f"At no age are more than {ever:.1%} of the outcomes known, within the "
            f"{ages.max() / 86_400e6:.1f} days of the data: nobody can tell how late they come. "
            "Bring data of a longer time, name more activities that end an order, or set "
            "`split.mature_share` to null, which takes whatever is known and favours the fast."
        )
    reached = np.flatnonzero(1.0 - unknown >= share * ever - 1e-12)
    return np.timedelta64(int(ages[reached[0]]), "us")
