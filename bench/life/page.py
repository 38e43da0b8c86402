"""reports/life.html: three fates of a model in one picture, what happened when, and the table."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bench.life.fates import ALONE, CALENDAR, FATES, LOOP, Happening
from monitoring import drawing
from monitoring.drawing import Point, Trace
from monitoring.html import fill, shown
from retrace.base.tables import Column, Table

LOOKS = {LOOP: "truth", ALONE: "rule", CALENDAR: "estimate"}
TEMPLATES = Path(__file__).parent


def page(name: str, periods: pd.DataFrame, table: Table, months: Table,
         happened: Sequence[Happening], headline: str, notes: Sequence[str]) -> str:  # fmt: skip
    """Return the page of one problem's life.

    periods : a row a fate and fortnight, with `at`, as `bench.life.fates` has it
    """
    starts = sorted({*periods["at"]})
    said: dict[str, Any] = {
        "name": name,
        "headline": headline,
        "picture": _picture(periods, starts, happened),
        "looks": LOOKS,
        "table": shown(table),
        "months": shown(months),
        "happened": happened,
        "notes": notes,
    }
    return fill("life.html", said, TEMPLATES)


def _picture(
    periods: pd.DataFrame, starts: Sequence[pd.Timestamp], happened: Sequence[Happening]
) -> Any:
    length = starts[1] - starts[0]
    traces = []
    for fate in FATES:
        mine = periods[periods["fate"] == fate].sort_values("at")
        points = [Point(place, 100 * value)
                  for place, value in enumerate(mine["balanced_accuracy"])]  # fmt: skip
        traces.append(Trace(fate, LOOKS[fate], points))
    changed = [(one.at - starts[0]) / length - 0.5 for one in happened if one.kind == "change"]
    return drawing.curves(traces, [f"{one:%-d %b}" for one in starts], changed)


def summary(figures: Sequence[tuple[str, str, str, str, str]]) -> Table:
    """Return the table of the fates: what, left alone, by calendar, the full loop, and the aim."""
    columns = ["what", *FATES, "aim"]
    frame = pd.DataFrame(figures, columns=columns)
    return Table(frame, "What became of it", {one: Column(one, kind="text") for one in columns})
