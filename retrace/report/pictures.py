"""Pictures of tables that declare one, by its kind.

Data goes in under field names of our own, so that no column name meets Vega's syntax.
"""

from collections.abc import Callable
from textwrap import wrap

from retrace.base.tables import Column, Picture
from retrace.report import marks
from retrace.report.inputs import ShownTable, TextRows
from retrace.report.marks import BAD, FILL, GREY, SOFT, WARM, Spec, Values
from retrace.report.numbers import month, number, percent, to_number

COLOURS = (FILL, WARM, SOFT, GREY)
FEW = 30  # a mean over fewer rows is mostly chance: its bar is faded
WIDTH, HEIGHT = 300, 190


def drawing(table: ShownTable) -> Spec | None:
    """Return a Vega-Lite specification, or None where the table has no picture or no numbers."""
    if table.picture is None:
        return None
    spec = KINDS[table.picture.kind](table.picture, table.columns, table.rows)
    return None if spec is None else spec | {"config": {"aria": False}}  # the page has the words


def curves(picture: Picture, columns: dict[str, Column], rows: TextRows) -> Spec | None:
    """Columns over the numbers of another; without `mark`, rows have their names above."""

    def dotted(row: dict[str, str]) -> bool:
        return not picture.mark or row[picture.mark] == "1"

    points: Values = [
        {"who": _name(row), "x": at, "y": value, "what": columns[column].words, "dot": dotted(row)}
        for column in picture.y
        for row in rows
        if (at := to_number(row[picture.x])) is not None
        and (value := to_number(row[column])) is not None
    ]
    if not points:
        return None
    kinds = dict(zip(dict.fromkeys(point["what"] for point in points), COLOURS, strict=False))
    scale: Spec = {"type": "log"} if picture.log else {"zero": False, "nice": False, "padding": 22}
    x = marks.amount_axis("x", _title(columns[picture.x]), scale, grid=False, tickCount=6)
    y = _value_axis(columns[picture.y[0]], kinds)
    named = {} if picture.mark else {point["who"]: point["x"] for point in points}
    flags, height = marks.flags([{"name": who, "x": at} for who, at in named.items()], x)
    both = {"x": x, "y": y, "color": marks.key("what", kinds, offset=height)}
    dots = [point for point in points if point["dot"]]
    dot = {"type": "point", "filled": True, "size": 70, "opacity": 1}
    if picture.mark:
        dot |= {"color": WARM}
    line = {"type": "line", "strokeWidth": 1.6}
    return marks.canvas(WIDTH, HEIGHT) | {
        "layer": [
            *flags,
            {"data": {"values": points}, "mark": line, "encoding": both},
            {
                "data": {"values": dots},
                "mark": dot,
                "encoding": {"x": x, "y": y} if picture.mark else both,
            },
        ]
    }


def lines(picture: Picture, columns: dict[str, Column], rows: TextRows) -> Spec | None:
    """Columns by month; months are as dark as their share `shade` is large."""
    points: Values = [
        {"month": month(row[picture.x]), "what": columns[column].words, "y": value}
        for column in picture.y
        for row in rows
        if row[picture.x] and (value := to_number(row[column])) is not None
    ]
    if not points:
        return None
    kinds = dict(zip(dict.fromkeys(point["what"] for point in points), COLOURS, strict=False))
    shades = _shades(picture, columns, rows) if picture.shade else []
    top = (1.22 if shades else 1.05) * max(point["y"] for point in points)
    scale = {"domain": [0, top or 1.0], "nice": True}
    y = marks.amount_axis("y", _title(columns[picture.y[0]], kinds), scale, tickCount=5)
    line = {
        "data": {"values": points},
        "mark": {"type": "line", "point": {"size": 46}, "strokeWidth": 2},
        "encoding": {"y": y, "color": marks.key("what", kinds)},
    }
    return marks.canvas(WIDTH, HEIGHT) | {
        "encoding": {"x": marks.month_axis("month", [point["month"] for point in points])},
        "layer": [*_shading(shades), line],
    }


def _shades(picture: Picture, columns: dict[str, Column], rows: TextRows) -> Values:
    """Months as dark as their share is large; a peak of 10 % and more is labelled."""
    shares = [to_number(row[picture.shade]) or 0.0 for row in rows]
    found = []
    for place, (row, share) in enumerate(zip(rows, shares, strict=True)):
        if share > 0 and row[picture.x]:
            peak = share >= 0.1 and share == max(shares[max(0, place - 1) : place + 2])
            text = [columns[picture.shade].words, percent(share, 0)] if peak else [""]
            shade = round(0.3 * min(share, 1.0), 4)
            found.append({"month": month(row[picture.x]), "shade": shade, "text": text})
    return found


def _shading(shades: Values) -> list[Spec]:
    if not shades:
        return []
    shade = {"field": "shade", "type": "quantitative", "scale": None}
    text = {"type": "text", "baseline": "top", "fontSize": 11, "lineHeight": 13}
    return [
        {
            "data": {"values": shades},
            "mark": {"type": "rect", "color": WARM},
            "encoding": {"opacity": shade},
        },
        {
            "data": {"values": shades},
            "mark": text,
            "encoding": {"y": {"value": 5}, "text": {"field": "text"}},
        },
    ]


def side_by_side(picture: Picture, columns: dict[str, Column], rows: TextRows) -> Spec | None:
    """The bars of several columns together, a group a row."""
    bars: Values = [
        {"who": _name(row), "what": columns[column].words, "x": x, "text": number(x)}
        for row in rows
        for column in picture.y
        if (x := to_number(row[column])) is not None
    ]
    if not bars:
        return None
    kinds = dict(zip((columns[column].words for column in picture.y), (GREY, FILL), strict=False))
    along = marks.amount_axis("x", columns[picture.y[0]].unit, tickCount=5)
    offset = {"field": "what", "sort": list(kinds), "scale": {"paddingInner": 0.08}}
    return marks.canvas(WIDTH - 40, {"step": 21}) | {
        "data": {"values": bars},
        "encoding": {"y": marks.names("who", bars, {"paddingInner": 0.28}), "yOffset": offset},
        "layer": marks.bars(along, color=marks.key("what", kinds)),
    }


def intervals(picture: Picture, columns: dict[str, Column], rows: TextRows) -> Spec | None:
    """A column with its bounds around zero, in red where it is marked."""
    groups: Values = []
    for row in rows:
        ends = (to_number(row[name]) for name in (picture.lower, picture.y[0], picture.upper))
        low, at, high = ends
        if low is None or at is None or high is None:
            continue
        texts = [row[name].replace("_", " ") for name, one in columns.items() if one.kind == "text"]
        marked = row[picture.mark] == "1" if picture.mark else False
        groups.append({"who": ": ".join(texts), "x": at, "x2": high, "low": low, "bad": marked})
    if not groups:
        return None
    y, colour = marks.names("who", groups), {"test": "datum.bad", "value": BAD}
    both = {"y": y, "color": {"condition": colour, "value": FILL}}
    across = {"x": {"field": "low", "type": "quantitative"}, "x2": {"field": "x2"}}
    no_sign = "datum.value ? datum.label : '0'"
    title = _title(columns[picture.y[0]])
    x = marks.amount_axis("x", title, tickCount=5, format="+~r", labelExpr=no_sign)
    zero = {"mark": {"type": "rule", "color": "currentColor"}, "data": {"values": [{"x": 0}]}}
    rule = {"type": "rule", "strokeWidth": 2.5, "strokeCap": "round"}
    return marks.canvas(WIDTH - 70, {"step": 24}) | {
        "data": {"values": groups},
        "layer": [
            zero | {"encoding": {"x": {"field": "x", "type": "quantitative"}}},
            {"mark": rule, "encoding": across | both},
            {
                "mark": {"type": "point", "filled": True, "size": 64, "opacity": 1},
                "encoding": {"x": x, **both},
            },
        ],
    }


def panels(picture: Picture, columns: dict[str, Column], rows: TextRows) -> Spec | None:
    """A panel of bars for each column, side by side."""
    found: list[Spec] = []
    every = {"domain": [_name(row) for row in rows]}
    for column, colour in zip(picture.y, COLOURS, strict=False):
        values: Values = [
            {"who": _name(row), "x": x, "text": number(x), "few": _few(row, picture.rows)}
            for row in rows
            if (x := to_number(row[column])) is not None
        ]
        if not values:
            continue
        fade: Spec = {"condition": {"test": "datum.few", "value": 0.4}, "value": 1}
        along = marks.amount_axis("x", wrap(_title(columns[column]), 20), tickCount=3)
        panel = {
            "data": {"values": values},
            "encoding": {"y": marks.names("who", values, every, labels=not found)},
            "layer": marks.bars(along, color={"value": colour}, opacity=fade),
        }
        found.append(marks.canvas(98, {"step": 24}) | panel)
    return {"hconcat": found, "spacing": 34} if found else None


def _few(row: dict[str, str], column: str) -> bool:
    rows = to_number(row.get(column))
    return rows is not None and rows < FEW


KINDS: dict[str, Callable[[Picture, dict[str, Column], TextRows], Spec | None]] = {
    "curves": curves,
    "lines": lines,
    "bars": panels,
    "side by side": side_by_side,
    "intervals": intervals,
}


def _name(row: dict[str, str]) -> str:
    return next(iter(row.values()), "")


def _title(column: Column, kinds: dict[str, str] | None = None) -> str:
    """Name an axis; where a key names several curves, only what they share: the unit."""
    if kinds is not None and len(kinds) > 1:
        return column.unit
    return f"{column.words}, {column.unit}" if column.unit else column.words


def _value_axis(column: Column, kinds: dict[str, str]) -> Spec:
    if column.kind == "share":
        quarters = [0, 0.25, 0.5, 0.75, 1]
        return marks.amount_axis("y", "", {"domain": [0, 1]}, format=".0%", values=quarters)
    return marks.amount_axis("y", _title(column, kinds))
