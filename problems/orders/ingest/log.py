"""The event log in memory: arrays of events, sorted by case and time.

Text is held as codes. Events at one instant keep the order of the file. All sums are of whole
numbers, so that events that come later change no bit of what is known before.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Numbers = NDArray[np.signedinteger[Any]]
Codes = NDArray[np.int32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Log:
    """Events sorted by case and time; arrays have shape (n_events,).

    `case` numbers the cases in the order of `case_ids`, which are sorted. A resource code of -1 is
    none. `ends_at` is the last moment that the log knows of. `attributes` has columns number_*,
    text_* and time_*, `kept` raw text by case.
    """

    case: Codes
    at: Ints
    activity: Codes
    resource: Codes
    case_ids: pd.Index
    activities: pd.Index
    resources: pd.Index
    attributes: pd.DataFrame
    kept: pd.DataFrame
    ends_at: int

    @classmethod
    def of(cls, events: pd.DataFrame, attributes: pd.DataFrame, kept: list[str]) -> Self:
        """Sort events (case_id, activity, resource as text, at in microseconds) into a log."""
        case, case_ids = _codes(events["case_id"])
        activity, activities = _codes(events["activity"])
        resource, resources = _codes(events["resource"])
        at = events["at"].to_numpy(np.int64)
        order = np.lexsort((at, case))
        resource = resource - 1 if len(resources) and resources[0] == "" else resource
        first = (
            np.r_[True, case[order][1:] != case[order][:-1]] if len(order) else np.zeros(0, bool)
        )
        return cls(
            case[order],
            at[order],
            activity[order],
            resource[order],
            case_ids,
            activities,
            resources[resources != ""],
            attributes.take(order).reset_index(drop=True),
            events[kept].take(order[first]).reset_index(drop=True),
            int(at.max()) if len(at) else 0,
        )

    @property
    def starts(self) -> Ints:
        """Return where each case's events begin, shape (n_cases,)."""
        return np.flatnonzero(np.r_[True, self.case[1:] != self.case[:-1]])

    @property
    def stops(self) -> Ints:
        """Return where each case's events end (exclusive), shape (n_cases,)."""
        return np.asarray(np.r_[self.starts[1:], len(self.case)])

    @property
    def last_of_instant(self) -> Mask:
        """Mark events after which the case has no other at the same instant."""
        same = (self.case[1:] == self.case[:-1]) & (self.at[1:] == self.at[:-1])
        return np.asarray(np.r_[~same, True])

    @property
    def next_at(self) -> Ints:
        """Return when the case goes on after each event's instant; `NEVER` after the last."""
        found = np.full(len(self.at), NEVER)
        last = np.flatnonzero(self.last_of_instant)
        goes_on = self.case[last[:-1]] == self.case[last[1:]]
        found[last[:-1][goes_on]] = self.at[last[1:][goes_on]]
        return found[last][self.instant]

    @property
    def instant(self) -> Ints:
        """Number the instants of all cases, shape (n_events,)."""
        return np.cumsum(np.r_[0, self.last_of_instant[:-1]])

    def one_by_one(self) -> "Log":
        """Return the log with a moment for each event: those at one instant follow each other by a
        microsecond."""
        number = np.arange(len(self.at)) - self.starts[self.case] if len(self.at) else self.at
        latest = pd.Series(self.at - number).groupby(self.case).cummax().to_numpy(np.int64)
        at = np.asarray(latest + number)
        return replace(self, at=at, ends_at=int(max(at.max(initial=self.ends_at), self.ends_at)))

    def where(self, kept: Mask) -> "Log":
        """Return the log of the events that are kept; cases without any are gone."""
        case = self.case[kept]
        present, codes = np.unique(case, return_inverse=True)
        return replace(
            self,
            case=codes.astype(np.int32),
            at=self.at[kept],
            activity=self.activity[kept],
            resource=self.resource[kept],
            case_ids=self.case_ids[present],
            attributes=self.attributes[kept].reset_index(drop=True),
            kept=self.kept.iloc[present].reset_index(drop=True),
        )

    def until(self, moment: int) -> "Log":
        """Return the log as it was at a moment: events until then, and no more."""
        return replace(self.where(self.at <= moment), ends_at=moment)

    def is_one_of(self, names: list[str]) -> Mask:
        """Mark events whose activity is one of `names`."""
        return np.isin(self.activity, np.flatnonzero(self.activities.isin(names)))


NEVER = np.iinfo(np.int64).max


def _codes(text: pd.Series) -> tuple[Codes, pd.Index]:
    codes, values = pd.factorize(text, sort=True)
    return codes.astype(np.int32), pd.Index(values)
