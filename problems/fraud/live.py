"""The features of one payment at a time, for serving: the same numbers as the sorted pass."""

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from problems.fraud.features import (
    EPISODE_DAYS,
    HIGH_Z,
    Settings,
    Window,
    amount_z,
    millis,
    own_columns,
    payment_columns,
    since_columns,
    to_cents,
    to_log,
)
from problems.fraud.features.events import DAY_MS
from problems.fraud.problem import DAYS, HIGH_DAYS


@dataclass
class _Memory:
    """What is kept of one customer or terminal; both lists are sorted by time."""

    paid: list[tuple[int, int, int]] = field(default_factory=list)  # ms, cents, log
    labels: list[tuple[int, int]] = field(default_factory=list)  # ms when known, fraud
    frauds: list[tuple[int, int]] = field(default_factory=list)  # ms when known, ms when paid


@dataclass
class Live:
    """Memory of payments and labels, which may come in any order."""

    settings: Settings
    memories: dict[tuple[str, str], _Memory] = field(default_factory=dict)
    first_paid: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, payment: pd.DataFrame) -> None:
        """Remember one payment (a frame of one clean row; its label is not looked at)."""
        at, cents, log = (
            int(f(payment[c])[0])
            for f, c in ((millis, "at"), (to_cents, "amount"), (to_log, "amount"))
        )
        ids = {entity: str(payment[f"{entity}_id"].iloc[0]) for entity in ("customer", "terminal")}
        for one in ids.items():
            insort(self.memories.setdefault(one, _Memory()).paid, (at, cents, log))
        pair = (ids["customer"], ids["terminal"])
        self.first_paid[pair] = min(at, self.first_paid.get(pair, at))

    def label(self, payment: pd.DataFrame) -> None:
        """Remember the label of one payment, as of its known_at."""
        known = (int(millis(payment["known_at"])[0]), int(payment["is_fraud"].iloc[0]))
        for entity in ("customer", "terminal"):
            one = (entity, str(payment[f"{entity}_id"].iloc[0]))
            memory = self.memories.setdefault(one, _Memory())
            insort(memory.labels, known)
            if known[1]:
                insort(memory.frauds, (known[0], int(millis(payment["at"])[0])))

    def features(self, payment: pd.DataFrame) -> pd.DataFrame:
        """Return the feature row of one payment; it needs no label."""
        at = int(millis(payment["at"])[0])
        columns = payment_columns(payment, self.settings)
        ids = {entity: str(payment[f"{entity}_id"].iloc[0]) for entity in ("customer", "terminal")}
        for entity, name in ids.items():
            memory = self.memories.get((entity, name), _Memory())
            columns |= self._windows(entity, memory, at) | _since_fraud(entity, memory, at)
            if entity == "customer":
                columns |= _own(payment, memory, at, columns)
        first = self.first_paid.get((ids["customer"], ids["terminal"]), at)
        columns["is_new_terminal"] = np.array([first >= at])
        return pd.DataFrame(columns, index=payment.index)

    def _windows(self, entity: str, memory: _Memory, at: int) -> dict[str, object]:
        columns: dict[str, object] = {}
        known = memory.labels[: bisect_right(memory.labels, (at, 2))]
        for days in DAYS:
            low = bisect_left(memory.paid, (at - days * DAY_MS,))
            inside = memory.paid[low : bisect_left(memory.paid, (at,))]
            recent = known[bisect_right(known, (at - days * DAY_MS, 2)) :]
            numbers = (
                len(inside),
                sum(one[1] for one in inside),
                len(recent),
                sum(one[1] for one in recent),
            )
            window = Window(*(np.array([number]) for number in numbers))
            columns |= window.columns(entity, days, self.settings)
        frauds = np.array([sum(one[1] for one in known)], np.float32)
        return columns | {f"{entity}_all_frauds": frauds}


def _since_fraud(entity: str, memory: _Memory, at: int) -> dict[str, object]:
    known = [one for one in memory.frauds if one[0] <= at]
    recent = [one for one in known if one[0] > at - EPISODE_DAYS * DAY_MS]
    labels = bisect_right(memory.labels, (at, 2))
    numbers = (
        at - max(paid for _, paid in known) if known else np.nan,
        at - recent[0][0] if recent else np.nan,
        labels - bisect_right(memory.labels, (known[-1][0], 2)) if known else np.nan,
    )
    return since_columns(entity, *(np.array([number], np.float64) for number in numbers))


def _own(
    payment: pd.DataFrame, memory: _Memory, at: int, columns: dict[str, object]
) -> dict[str, object]:
    paid = np.array(memory.paid[: bisect_left(memory.paid, (at,))], np.int64).reshape(-1, 3)
    then, log = paid[:, 0], paid[:, 2]
    sums = np.concatenate([[[0, 0]], np.cumsum(np.column_stack([log, log * log]), axis=0)])
    since = (at - then[-1]) / 1000.0 if len(then) else np.nan
    before = (np.array([len(log)]), sums[-1:, 0], sums[-1:, 1])
    earlier = np.searchsorted(then, then, side="left")
    high = amount_z(log, earlier, sums[earlier, 0], sums[earlier, 1]) > HIGH_Z
    recent = {}
    for days in DAYS:
        inside = then >= at - days * DAY_MS
        recent[days] = (np.array([inside.sum()]), np.array([log[inside].sum()]))
    counts = {
        f"customer_high_{days}": np.array([high[then >= at - days * DAY_MS].sum()], np.float32)
        for days in HIGH_DAYS
    }
    return own_columns(payment["amount"], before, recent, np.array([since]), columns) | counts
