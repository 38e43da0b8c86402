"""What is kept of one customer or terminal: running sums of its last 30 days."""

from array import array
from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from problems.fraud.features.settings import DAY_MS, EPISODE_DAYS, HIGH_Z, amount_z
from problems.fraud.problem import DAYS, HIGH_DAYS
from retrace.base.errors import RetraceError
from retrace.past import waiting
from retrace.past.state import UTC, NotKept

NONE = -1  # milliseconds since, or labels since, what there was not
KEPT_MS = max(*DAYS, *HIGH_DAYS, EPISODE_DAYS) * DAY_MS  # before an entity's newest event


class Running:
    """Moments of one entity, in order, with running totals at the end of each.

    What is older than any question will ask for is forgotten, but for the last moment of it, which
    has the totals until there.
    """

    __slots__ = ("at", "totals")

    def __init__(self, names: int) -> None:
        self.at = array("q")
        self.totals = [array("q") for _ in range(names)]

    def add(self, at: int, values: Sequence[int]) -> None:
        if not self.at or at > self.at[-1]:
            self.at.append(at)
            for total, value in zip(self.totals, values, strict=True):
                total.append((total[-1] if total else 0) + value)
        elif at == self.at[-1]:
            for total, value in zip(self.totals, values, strict=True):
                total[-1] += value
        else:
            raise RetraceError(
                f"An event of {np.datetime64(at, 'ms')} comes after one of "
                f"{np.datetime64(self.at[-1], 'ms')}. Give events in the order in which they "
                "become known."
            )

    def before(self, at: int) -> int:
        """Return how many of the kept moments come before one."""
        return bisect_left(self.at, at)

    def total(self, name: int, place: int) -> int:
        """Return a total of the first `place` kept moments, and of all that is forgotten."""
        return self.totals[name][place - 1] if place else 0

    def part(self) -> list[bytes]:
        return [one.tobytes() for one in (self.at, *self.totals)]

    def put(self, part: Sequence[bytes]) -> None:
        self.at, *self.totals = (array("q", one) for one in part)

    def forget(self, until: int) -> None:
        gone = bisect_left(self.at, until) - 1
        if gone > 0:
            del self.at[:gone]
            for total in self.totals:
                del total[:gone]


PAID = ("count", "cents", "log", "log2", "high")
LABELS = ("known", "frauds")
STOLEN = ("paid_at", "known_before")  # the latest paid, and how many labels were known by then
ITEMS = {"payment": PAID, "label": LABELS, "fraud": STOLEN}
COLUMNS = {
    **waiting.COLUMNS,
    "at": UTC,
    **dict.fromkeys((*PAID, *LABELS, *STOLEN), "int64"),
}


class Memory:
    """What is kept of one customer or terminal; `first` has the first payment of each pair."""

    __slots__ = ("first", "frauds", "labels", "paid")

    def __init__(self) -> None:
        self.paid, self.labels, self.frauds = (Running(len(names)) for names in ITEMS.values())
        self.first: dict[str, int] = {}

    @property
    def lines(self) -> dict[str, Running]:
        return dict(zip(ITEMS, (self.paid, self.labels, self.frauds), strict=True))

    def pay(self, at: int, cents: int, log: int, *, habits: bool) -> None:
        """Add a payment; where `habits` count, also whether it was high when it was made."""
        count, total, squares = (self.paid.total(name, self.paid.before(at)) for name in (0, 2, 3))
        arrays = (np.array([number]) for number in (log, count, total, squares))
        high = int(habits and amount_z(*arrays).item() > HIGH_Z)
        self.paid.add(at, (1, cents, log, log * log, high))
        self._forget(at)

    def label(self, known: int, paid_at: int, fraud: int) -> None:
        self.labels.add(known, (1, fraud))
        so_far = self.labels.totals[0][-1]
        stolen = self.frauds
        if fraud:
            latest = max(paid_at, stolen.totals[0][-1]) if stolen.at else paid_at
            stolen.add(known, (0, 0))
            stolen.totals[0][-1] = latest
        if stolen.at and stolen.at[-1] == known:
            stolen.totals[1][-1] = so_far
        self._forget(known)

    def _forget(self, now: int) -> None:
        for line in (self.paid, self.labels, self.frauds):
            line.forget(now - KEPT_MS)

    def known(self, at: int) -> list[int]:
        """Return the columns of what was known at a moment, those of any entity."""
        paid, labels, frauds = self.paid, self.labels, self.frauds
        self._check_kept(at)
        end, known = paid.before(at), labels.before(at)
        lows = [paid.before(at - days * DAY_MS) for days in DAYS]
        known_lows = [labels.before(at - days * DAY_MS) for days in DAYS]
        found = [paid.total(name, end) - paid.total(name, low) for name in (0, 1) for low in lows]
        for name in (0, 1):
            found += [labels.total(name, known) - labels.total(name, low) for low in known_lows]
        found.append(labels.total(1, known))
        stolen = frauds.before(at)
        recent = frauds.before(at - EPISODE_DAYS * DAY_MS)
        if not stolen:
            return [*found, NONE, NONE, NONE]
        since_first = at - frauds.at[recent] if stolen > recent else NONE
        labels_since = labels.total(0, known) - frauds.total(1, stolen)
        return [*found, at - frauds.total(0, stolen), since_first, labels_since]

    def _check_kept(self, at: int) -> None:
        """Raise NotKept where something of the windows of a moment is no longer kept."""
        newest = max((line.at[-1] for line in self.lines.values() if line.at), default=at)
        if at >= newest:
            return
        for line in (self.paid, self.labels):
            gone = bool(line.at) and line.at[0] < newest - KEPT_MS and line.totals[0][0] > 1
            if gone and at - KEPT_MS <= line.at[0]:
                raise NotKept(
                    f"What was known at {np.datetime64(at, 'ms')} is no longer kept: there are "
                    f"events of {np.datetime64(newest, 'ms')}. Ask for a later moment, or look the "
                    "past up in one pass over the clean rows."
                )

    def habits(self, at: int, terminal: str) -> list[int]:
        """Return the further columns of a customer."""
        paid = self.paid
        end = paid.before(at)
        found = [
            paid.total(2, end) - paid.total(2, paid.before(at - days * DAY_MS)) for days in DAYS
        ]
        found += [paid.total(name, end) for name in (0, 2, 3)]
        found.append(at - paid.at[end - 1] if end else NONE)
        for days in HIGH_DAYS:
            found.append(paid.total(4, end) - paid.total(4, paid.before(at - days * DAY_MS)))
        return [*found, int(self.first.get(terminal, at) >= at)]


NOTHING = Memory()
