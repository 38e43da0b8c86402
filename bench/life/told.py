"""The figures of a life beside what is aimed at, in words."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from bench.life.fates import ALONE, FATES, LOOP, Happening
from retrace.report.numbers import number, percent

DAY = pd.Timedelta(days=1)


class FateLine(NamedTuple):
    """A line of the table: what, a text of each fate, and the aim."""

    what: str
    alone: str
    calendar: str
    loop: str
    aim: str = ""


def lines(months: pd.DataFrame, happened: Sequence[Happening], currency: str) -> list[FateLine]:
    """months : a row a fate and month, as `fates.by_period` has it."""
    by = {fate: months[months["fate"] == fate].set_index("at") for fate in FATES}
    score = {fate: one["balanced_accuracy"] for fate, one in by.items()}
    false = {
        fate: np.average(one["at_equal_recall"], weights=one["rows"]) for fate, one in by.items()
    }
    cost = {fate: one["cost"].sum() for fate, one in by.items()}
    later = score[LOOP].iloc[1:]
    return [
        FateLine("balanced accuracy, first month", *(percent(score[f].iloc[0], 1) for f in FATES)),
        FateLine("at worst", *(percent(score[f].min(), 1) for f in FATES),
             f"alone below 80 %: {_is(bool(score[ALONE].min() < 0.8))}"),
        FateLine("last month", *(percent(score[f].iloc[-1], 1) for f in FATES)),
        FateLine("from the second month on", *(_between(score[f].iloc[1:]) for f in FATES),
             f"loop at least 93 %: {_is(bool((later >= 0.93).all()))}"),
        FateLine("false positives at the recall of the model left alone",
             *(percent(false[f], 2) for f in FATES),
             f"40 % lower: {_is(bool(false[LOOP] <= 0.6 * false[ALONE]))}"),
        FateLine(f"cost, {currency}", *(number(round(cost[f])) for f in FATES)),
        FateLine("saved beside the model left alone",
             *(number(round(cost[ALONE] - cost[f])) for f in FATES)),
        FateLine("days from change to alarm", "", "", _waits(happened, "change", "alarm")),
        FateLine("days from alarm to another model in use", "", "",
                 _waits(happened, "alarm", "model"), "at most 7"),
    ]  # fmt: skip


def _between(values: pd.Series) -> str:
    return f"{percent(values.min(), 1)} to {percent(values.max(), 1)}"


def _is(reached: bool) -> str:
    return "reached" if reached else "not reached"


def _waits(happened: Sequence[Happening], first: str, then: str) -> str:
    """Return the days from each of the first kind to the next of the other."""
    found = []
    starts = [one.at for one in happened if one.kind == first]
    for start in starts:
        ends = [one.at for one in happened if one.kind == then and one.at >= start]
        found.append(f"{(ends[0] - start) / DAY:.0f}" if ends else "none")
    return ", ".join(found) or "none"
