"""The weekly list that people triage by: what is open, and what became of last week's list.

Both weeks' lists are made by the same code, each of what was known then, so that nothing has to be
kept. One list as HTML to read, as CSV for programs and as XLSX to work in.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
import xlsxwriter

from monitoring.html import fill, shown
from problems.served import OpenCases
from retrace.base.tables import Column, Table

MOST_ROWS = 300  # of the page; the files have all
NEW, KEPT = "new", "kept open"
STATUS, WORK_ORDER, BEFORE, LOOK = "status", "work_order", "last_week", "look"
FIRST = {
    WORK_ORDER: Column("#", kind="count"),
    LOOK: Column("worth a look", kind="text"),
    STATUS: Column("since then", kind="text"),
    BEFORE: Column("# last week", kind="count"),
}
FORMATS = {"share": "0%", "money": "#,##0.00", "count": "#,##0", "number": "#,##0.##"}
WIDEST, NARROWEST = 60, 9  # of a sheet's columns, in letters


@dataclass(frozen=True)
class Weekly:
    """What is open now, and what became of what was open a week before; `counts` by status."""

    world: str
    at: pd.Timestamp
    before_at: pd.Timestamp
    now: Table
    before: Table
    counts: Mapping[str, int]
    n_look: int


def weekly(world: str, now: OpenCases, before: OpenCases | None) -> Weekly:
    """Hold two lists of a world against each other. Without one of before, nothing was open."""
    name = next(iter(now.table.columns))
    cases = now.table.frame[name].astype("str")
    old = before.table.frame[name].astype("str") if before else cases[:0]
    places = pd.Series(range(1, len(old) + 1), index=old)
    frame = now.table.frame.copy()
    frame[WORK_ORDER] = range(1, len(cases) + 1)
    frame[LOOK] = ["yes" if one else "no" for one in now.look]
    frame[STATUS] = [KEPT if case in places.index else NEW for case in cases]
    frame[BEFORE] = cases.map(places).astype("Int64")
    columns = {**FIRST, **now.table.columns}
    started = now.at - pd.DateOffset(days=7) if before is None else before.at
    was = _became(now, before, cases) if before else _nothing(name, now.table.columns[name])
    counts = {
        "open": len(frame),
        NEW: int((frame[STATUS] == NEW).sum()),
        KEPT: int((frame[STATUS] == KEPT).sum()),
        "on last week's list": len(was.frame),
        "of them over": int((was.frame["became"] != KEPT).sum()),
    }
    table = Table(frame[[*columns]], "What is open", columns)
    return Weekly(world, now.at, started, table, was, counts, int(now.look.sum()))


def _became(now: OpenCases, before: OpenCases, cases: pd.Series) -> Table:
    """Return last week's list with what became of each case."""
    name, old = next(iter(before.table.columns)), before.table.frame
    places = pd.Series(range(1, len(cases) + 1), index=cases)
    keys = old[name].astype("str")
    frame = pd.DataFrame(
        {
            WORK_ORDER: range(1, len(old) + 1),
            LOOK: ["yes" if one else "no" for one in before.look],
            name: keys,
            "became": [
                KEPT if key in places.index else now.ended.get(key, "no longer in the data")
                for key in keys
            ],
            "now": keys.map(places).astype("Int64"),
        }
    )
    return Table(
        frame, "What became of last week's list", _columns(name, before.table.columns[name])
    )


def _columns(name: str, column: Column) -> dict[str, Column]:
    return {
        WORK_ORDER: Column("# last week", kind="count"),
        LOOK: Column("was worth looking at", kind="text"),
        name: column,
        "became": Column("became", kind="text"),
        "now": Column("# now", kind="count"),
    }


def _nothing(name: str, column: Column) -> Table:
    columns = _columns(name, column)
    frame = pd.DataFrame({key: [] for key in columns}, dtype="object")
    return Table(frame, "What became of last week's list", columns)


# ---- three forms ---------------------------------------------------------------------------------


def to_html(found: Weekly) -> str:
    """Return the list as one file that opens without a network."""
    tables = [Table(one.frame.head(MOST_ROWS), one.title, one.columns)
              for one in (_in_short(found.now), found.before)]  # fmt: skip
    return fill(
        "weekly.html",
        {
            "found": found,
            "title": f"{found.world.replace('_', ' ').capitalize()}, the week's list",
            "lists": [shown(one, f"list-{place}") for place, one in enumerate(tables)],
            "left_out": [len(one.frame) - MOST_ROWS for one in (found.now, found.before)],
        },
    )


def _in_short(table: Table) -> Table:
    """Return what is open with one column for since when: new, or its place of last week."""
    frame, columns = table.frame.drop(columns=BEFORE), {**table.columns}
    places = table.frame[BEFORE]
    frame[STATUS] = [NEW if pd.isna(place) else f"was {place}" for place in places]
    columns.pop(BEFORE)
    return Table(frame, table.title, {**columns, STATUS: Column("last week", kind="text")})


def to_csv(found: Weekly) -> str:
    """Return what is open with all columns, moments with their offset; last week's cases that are
    over stand behind, without a place."""
    over = found.before.frame[found.before.frame["became"] != KEPT]
    name = next(
        key for key in found.before.columns if key in found.now.columns and key not in FIRST
    )
    gone = pd.DataFrame({name: over[name], STATUS: over["became"], BEFORE: over[WORK_ORDER]})
    frame = found.now.frame.copy()
    for key in frame.columns:
        if isinstance(frame[key].dtype, pd.DatetimeTZDtype):
            frame[key] = frame[key].map(_with_offset)
        elif pd.api.types.is_float_dtype(frame[key].dtype):
            frame[key] = frame[key].map(lambda one: "" if pd.isna(one) else f"{one:.6g}")
    both = [*frame.astype("object").to_dict("records"), *gone.astype("object").to_dict("records")]
    rows = pd.DataFrame(both, columns=frame.columns, dtype="object")
    text: str = rows.to_csv(index=False, lineterminator="\n")
    return text


def _with_offset(at: pd.Timestamp) -> str:
    return "" if pd.isna(at) else at.isoformat("T", "minutes")


def to_xlsx(found: Weekly) -> bytes:
    """Return a workbook: what is open, and what became of last week's list; the same bytes for the
    same lists."""
    file = io.BytesIO()
    options = {"in_memory": True, "remove_timezone": True}
    with xlsxwriter.Workbook(file, options) as book:
        book.set_properties({"created": _naive(found.at), "title": f"{found.world}: weekly list"})
        for name, table in (("Open", found.now), ("Last week", found.before)):
            _sheet(book, name, table)
    return file.getvalue()


def _sheet(book: Any, name: str, table: Table) -> None:
    sheet = book.add_worksheet(name)
    bold = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    for place, (key, column) in enumerate(table.columns.items()):
        head = f"{column.words}, {column.unit}" if column.unit else column.words
        sheet.write_string(0, place, head, bold)
        values = table.frame[key]
        is_time = isinstance(values.dtype, pd.DatetimeTZDtype)
        form = "yyyy-mm-dd hh:mm" if is_time else FORMATS.get(column.kind, "@")
        style = book.add_format({"num_format": form, "valign": "top"})
        longest = 16 if is_time else max([NARROWEST, *(len(str(one)) for one in values[:1000])])
        sheet.set_column(place, place, min(longest + 2, WIDEST), style)
        for row, value in enumerate(values, 1):
            if pd.isna(value):
                continue
            if is_time:
                sheet.write_datetime(row, place, _naive(value), style)
            elif column.kind == "text":
                sheet.write_string(row, place, str(value), style)  # “=1+1” is no formula here
            else:
                sheet.write_number(row, place, float(value), style)
    sheet.freeze_panes(1, 0)
    if len(table.frame):
        sheet.autofilter(0, 0, len(table.frame), len(table.columns) - 1)


def _naive(at: pd.Timestamp) -> datetime:
    """Return the local minute without its zone, as sheets have no zones."""
    minute: datetime = at.tz_localize(None).floor("min").to_pydatetime()
    return minute
