"""The features of one payment at a time, for serving: the same numbers as the sorted pass."""

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from problems.fraud.features import (
    DAY_MS,
    Settings,
    Window,
    amount_z,
    millis,
    payment_columns,
    to_cents,
    to_log,
)
from problems.fraud.problem import DAYS


@dataclass
class _Memory:
    """What is kept of one customer or terminal; both lists are sorted by time."""

    paid: list[tuple[int, int, int]] = field(default_factory=list)  # ms, cents, log
    labels: list[tuple[int, int]] = field(default_factory=list)  # ms when known, fraud


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
            insort(self.memories.setdefault(one, _Memory()).labels, known)

    def features(self, payment: pd.DataFrame) -> pd.DataFrame:
        """Return the feature row of one payment; it needs no label."""
        at = int(millis(payment["at"])[0])
        columns = payment_columns(payment, self.settings)
        ids = {entity: str(payment[f"{entity}_id"].iloc[0]) for entity in ("customer", "terminal")}
        for entity, name in ids.items():
            memory = self.memories.get((entity, name), _Memory())
            columns |= self._windows(entity, memory, at)
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


def _own(
    payment: pd.DataFrame, memory: _Memory, at: int, columns: dict[str, object]
) -> dict[str, object]:
    before = memory.paid[: bisect_left(memory.paid, (at,))]
    logs = [one[2] for one in before]
    sums = (np.array([v]) for v in (len(logs), sum(logs), sum(log * log for log in logs)))
    since = (at - before[-1][0]) / 1000.0 if before else np.nan
    amount = payment["amount"].to_numpy(np.float32)
    ratios = {
        f"amount_over_customer_mean_{days}": amount / np.asarray(columns[f"customer_mean_{days}"])
        for days in DAYS
    }
    z = amount_z(to_log(payment["amount"]), *sums)
    return {**ratios, "amount_z": z, "seconds_since_last": np.array([since], np.float32)}
