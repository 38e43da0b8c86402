"""Pictures of the problems' own tables, chosen by the columns that a table has.

A table that no picture fits stays a table. Data goes in under field names of our own, so that no
column name meets Vega's syntax.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from retrace.report import marks
from retrace.report.marks import BAD, FILL, GREY, SOFT, WARM, Spec, Values
from retrace.report.numbers import (
    SHORT,
    STEMS,
    in_words,
    number,
    percent,
    split_baseline,
    split_unit,
    to_number,
    with_unit,
)
from retrace.report.verdicts import NAMES

Rows = list[dict[str, str]]

COLOURS = {"model": FILL, "rule": SOFT, "naive": WARM, "oracle": GREY}
FEW = 30  # a mean over fewer rows is mostly chance: its bar is faded
WIDTH = 300
HEIGHT = 190
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Drawing:
    """A Vega-Lite specification, and one sentence that says what to see."""

    spec: Spec
    caption: str


def drawing(rows: Rows) -> Drawing | None:
    """Return the picture of a table, or None where none fits."""
    if not rows:
        return None
    found = next((found for make in PICTURES if (found := make(rows))), None)
    if found:  # the page has the words for those who do not see it
        found.spec["config"] = {"aria": False}
    return found


def on_time(rows: Rows) -> Drawing | None:
    """What planned time buys: columns *_on_time over planned_minutes_a_stop."""
    cost = _find(rows, r"planned_(minutes|hours|seconds)_.+")
    shares = [column for column in rows[0] if column.endswith("_on_time")]
    points: Values = [
        {"plan": _name(row), "x": at, "y": share, "what": _words(column.removesuffix("_on_time"))}
        for column in shares
        for row in rows
        if (at := to_number(row.get(cost))) is not None
        and (share := to_number(row[column])) is not None
    ]
    if not points:
        return None
    kinds = dict.fromkeys(point["what"] for point in points)
    x = marks.amount(
        "x", _words(cost), {"zero": False, "nice": False, "padding": 22}, grid=False, tickCount=6
    )
    plans = {point["plan"]: point["x"] for point in points}
    flags, height = marks.flags([{"name": plan, "x": at} for plan, at in plans.items()], x)
    colours = dict(zip(kinds, (FILL, WARM, SOFT, GREY), strict=False))
    colour = marks.key("what", colours, offset=height)
    quarters = [0, 0.25, 0.5, 0.75, 1]
    y = marks.amount("y", "on time", {"domain": [0, 1]}, format=".0%", values=quarters)
    curve = [point for point in points if point["plan"] not in COLOURS]
    shape: Spec = {"test": f"indexof({list(COLOURS)}, datum.plan) >= 0", "value": "diamond"}
    dot: Spec = {"shape": {"condition": shape, "value": "circle"}}
    spec = marks.canvas(WIDTH, HEIGHT) | {
        "layer": [
            *flags,
            *(
                {
                    "data": {"values": values},
                    "mark": mark,
                    "encoding": {"x": x, "y": y, "color": colour, **more},
                }
                for values, mark, more in (
                    (curve, {"type": "line", "strokeWidth": 1.6}, {}),
                    (points, {"type": "point", "filled": True, "size": 70, "opacity": 1}, dot),
                )
            ),
        ]
    }
    return Drawing(spec, _on_time_caption(points, _words(cost.removeprefix("planned_"))))


def _on_time_caption(points: Values, unit: str) -> str:
    """Say what P80 and the rule bring, or the first plan."""
    plans = [point["plan"] for point in points]
    told = [plan for plan in ("p80", "rule") if plan in plans] or plans[:1]
    phrases = []
    for plan in told:
        mine = [point for point in points if point["plan"] == plan]
        shares = " and ".join(f"{percent(point['y'])} of {point['what']}" for point in mine)
        name = f"the {plan}" if plan in COLOURS else plan
        phrases.append(f"planned with {name}, {number(mine[0]['x'])} {unit}, {shares} are on time")
    text = "; ".join(phrases)
    return f"{text[0].upper()}{text[1:]}."


def cancelling(rows: Rows) -> Drawing | None:
    """Error of a route's sum beside the sum of its stops' errors."""
    rest_column = _find(rows, r"mean_error_of_sum(_.+)?")
    added_column = _find(rows, r"mean_sum_of_errors(_.+)?")
    kinds = {"errors of its stops, added up": GREY, "error of the route's sum": FILL}
    bars: Values = []
    for row in rows:
        added, rest = to_number(row.get(added_column)), to_number(row.get(rest_column))
        if added is None or rest is None:
            continue
        away = f"  ({percent(1 - rest / added)} cancels)" if 0 < rest < added else ""
        for kind, value, text in zip(kinds, (added, rest), ("", away), strict=True):
            bars.append({"who": _name(row), "what": kind, "x": value, "text": number(value) + text})
    if not bars:
        return None
    unit = split_unit(rest_column)[1]
    along = marks.amount("x", f"mean {unit} a route".replace("  ", " "), tickCount=5)
    spec = marks.canvas(WIDTH - 40, {"step": 21}) | {
        "data": {"values": bars},
        "encoding": {
            "y": marks.names("who", bars, {"paddingInner": 0.28}),
            "yOffset": {"field": "what", "sort": list(kinds), "scale": {"paddingInner": 0.08}},
        },
        "layer": marks.bars(along, color=marks.key("what", kinds)),
    }
    first, second = (with_unit(bar["x"], unit) for bar in bars[:2])
    caption = f"On a route late and early stops cancel: planned with the {bars[0]['who']}, errors"
    return Drawing(spec, f"{caption} that add up to {first} leave {second} on its sum.")


def by_month(rows: Rows) -> Drawing | None:
    """Error by month, of the model and its baselines; months shaded by a column *_share."""
    stems = {column: split_unit(split_baseline(column)[1])[0] for column in rows[0]}
    stem = next((stem for stem in stems.values() if stem in STEMS), None)
    errors = [column for column in stems if stems[column] == stem]
    points: Values = [
        {"month": month_name(row["month"]), "who": split_baseline(column)[0] or "model", "y": error}
        for column in errors
        for row in rows
        if row.get("month") and (error := to_number(row[column])) is not None
    ]
    if not points or stem is None:
        return None
    shades, shaded = _shades(rows)
    who = dict.fromkeys(point["who"] for point in points)
    unit = split_unit(errors[0])[1]
    title = SHORT.get(stem, in_words(stem)) + (f", {unit}" if unit else "")
    top = (1.22 if shades else 1.05) * max(point["y"] for point in points)
    y = marks.amount("y", title, {"domain": [0, top or 1.0], "nice": True}, tickCount=5)
    lines = {
        "data": {"values": points},
        "mark": {"type": "line", "point": {"size": 46}, "strokeWidth": 2},
        "encoding": {"y": y, "color": marks.key("who", {name: COLOURS[name] for name in who})},
    }
    spec = marks.canvas(WIDTH, HEIGHT) | {
        "encoding": {"x": marks.months("month", [point["month"] for point in points])},
        "layer": [*_shading(shades), lines],
    }
    *others, last = (NAMES.get(name, f"the {name}") for name in who)
    whose = f"{', '.join(others)} and {last}" if others else last
    shaded = f"; the darker a month, the larger its {shaded} share" if shades else ""
    return Drawing(spec, f"Error of {whose} by month{shaded}.")


def _shades(rows: Rows) -> tuple[Values, str]:
    """Months as dark as their share is large; a peak of 10 % and more is labelled."""
    column = _find(rows, r".+_share")
    shares = [to_number(row.get(column)) or 0.0 for row in rows]
    what = _words(column.removesuffix("_share")).capitalize()
    found = []
    for place, (row, share) in enumerate(zip(rows, shares, strict=True)):
        if share > 0 and row.get("month"):
            peak = share >= 0.1 and share == max(shares[max(0, place - 1) : place + 2])
            text = [what, percent(share, 0)] if peak else [""]
            shade = round(0.3 * min(share, 1.0), 4)
            found.append({"month": month_name(row["month"]), "shade": shade, "text": text})
    return found, what


def _shading(shades: Values) -> list[Spec]:
    if not shades:
        return []
    shade = {"field": "shade", "type": "quantitative", "scale": None}
    return [
        {
            "data": {"values": shades},
            "mark": {"type": "rect", "color": WARM},
            "encoding": {"opacity": shade},
        },
        {
            "data": {"values": shades},
            "mark": {"type": "text", "baseline": "top", "fontSize": 11, "lineHeight": 13},
            "encoding": {"y": {"value": 5}, "text": {"field": "text"}},
        },
    ]


def bias_by_group(rows: Rows) -> Drawing | None:
    """Bias by group with its interval, around zero: columns *bias*, lower_95, upper_95."""
    middle = _find(rows, r"relative_bias(_.+)?") or _find(rows, r"bias(_.+)?")
    groups: Values = []
    for row in rows:
        low, at, high = (to_number(row.get(name)) for name in ("lower_95", middle, "upper_95"))
        if low is None or at is None or high is None:
            continue
        short = (to_number(row.get("planned_shorter")) or 0) > 0 or high < 0
        who = ": ".join(_words(row[name]) for name in ("slice", "value") if row.get(name))
        groups.append({"who": who or _name(row), "x": at, "x2": high, "low": low, "short": short})
    if not groups:
        return None
    unit = split_unit(middle)[1]
    title = f"← planned shorter · {unit or 'bias'} · longer →"
    y, colour = marks.names("who", groups), {"test": "datum.short", "value": BAD}
    both = {"y": y, "color": {"condition": colour, "value": FILL}}
    across = {"x": {"field": "low", "type": "quantitative"}, "x2": {"field": "x2"}}
    no_sign = "datum.value ? datum.label : '0'"
    x = marks.amount("x", title, tickCount=5, format="+~r", labelExpr=no_sign)
    spec = marks.canvas(WIDTH - 70, {"step": 24}) | {
        "data": {"values": groups},
        "layer": [
            {
                "data": {"values": [{"x": 0}]},
                "mark": {"type": "rule", "color": "currentColor"},
                "encoding": {"x": {"field": "x", "type": "quantitative"}},
            },
            {
                "mark": {"type": "rule", "strokeWidth": 2.5, "strokeCap": "round"},
                "encoding": across | both,
            },
            {
                "mark": {"type": "point", "filled": True, "size": 64, "opacity": 1},
                "encoding": {"x": x, **both},
            },
        ],
    }
    n = sum(group["short"] for group in groups)
    if not n:
        none = "No group is planned shorter than others with certainty"
        return Drawing(spec, f"{none}: no bar lies wholly left of zero.")
    said = f"In red, planned shorter than others with certainty: {n} of {len(groups)} groups"
    return Drawing(spec, f"{said}, whose bars lie wholly left of zero.")


def cost_by_band(rows: Rows) -> Drawing | None:
    """Mean cost and median interval width by band, side by side."""
    panels: list[Spec] = []
    said: list[str] = []
    names: dict[str, None] = {}
    every = {"domain": [_name(row) for row in rows]}
    for kind, colour in (("mean cost", FILL), ("median interval", WARM)):
        column = _find(rows, kind.replace(" ", "_") + r"(_.+)?")
        values: Values = [
            {"who": _name(row), "x": x, "text": number(x), "few": _few(row)}
            for row in rows
            if (x := to_number(row.get(column))) is not None
        ]
        if not values:
            continue
        unit = split_unit(column)[1]
        fade: Spec = {"condition": {"test": "datum.few", "value": 0.4}, "value": 1}
        along = marks.amount("x", f"{kind}, {unit}" if unit else kind, tickCount=3)
        panel = {
            "data": {"values": values},
            "encoding": {"y": marks.names("who", values, every, labels=not panels)},
            "layer": marks.bars(along, color={"value": colour}, opacity=fade),
        }
        panels.append(marks.canvas(98, {"step": 24}) | panel)
        sure = [value for value in values if not value["few"]] or values
        low, high = sure[0], sure[-1]
        ends = dict.fromkeys((low["text"], high["text"]))
        said.append(f"{kind} {' to '.join(ends)} {unit}".rstrip())
        names = dict.fromkeys((low["who"], high["who"]))
    if not panels:
        return None
    where = "From " * (len(names) > 1) + " to ".join(f"“{name}”" for name in names)
    faded = f"; faded bars have fewer than {FEW} rows" if any(map(_few, rows)) else ""
    return Drawing({"hconcat": panels, "spacing": 34}, f"{where}: {', '.join(said)}{faded}.")


def cost_curve(rows: Rows) -> Drawing | None:
    """Cost over the threshold: columns threshold, cost_per_1000 and chosen (1 where it is)."""
    points: Values = [
        {"threshold": at, "cost": cost, "chosen": row.get("chosen") == "1"}
        for row in rows
        if (at := to_number(row.get("threshold"))) is not None
        and (cost := to_number(row.get("cost_per_1000"))) is not None
    ]
    chosen = [point for point in points if point["chosen"]]
    if not points or not chosen:
        return None
    best = min(points, key=lambda point: float(point["cost"]))
    along: Spec = {
        "x": {"field": "threshold", "type": "quantitative", "scale": {"type": "log"}},
        "y": {"field": "cost", "type": "quantitative", "title": "cost per 1,000"},
    }
    spec = marks.canvas(WIDTH, HEIGHT) | {
        "encoding": along,
        "layer": [
            {"data": {"values": points}, "mark": {"type": "line", "color": FILL}},
            {
                "data": {"values": chosen},
                "mark": {"type": "point", "filled": True, "size": 70, "color": WARM, "opacity": 1},
            },
        ],
    }
    return Drawing(
        spec,
        f"The threshold chosen on validation, {number(chosen[0]['threshold'])}, costs "
        f"{number(chosen[0]['cost'])} per 1,000 here; the cheapest of these, "
        f"{number(best['threshold'])}, would cost {number(best['cost'])}.",
    )


def _few(row: dict[str, str]) -> bool:
    rows = to_number(row.get("rows"))
    return rows is not None and rows < FEW


PICTURES: tuple[Callable[[Rows], Drawing | None], ...] = (
    on_time, cancelling, by_month, bias_by_group, cost_by_band, cost_curve,
)  # fmt: skip


def _find(rows: Rows, pattern: str) -> str:
    """Return the first column that a pattern fits, or "", which no row has."""
    return next((column for column in rows[0] if re.fullmatch(pattern, column)), "")


def _name(row: dict[str, str]) -> str:
    return next(iter(row.values()), "")


def _words(name: str) -> str:
    return name.replace("_", " ")


def month_name(text: str) -> str:
    """Write 2025-10 and 2025-10-01 as Oct 2025; anything else stays as it is."""
    found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])(-01)?", text)
    return f"{MONTHS[int(found[2]) - 1]} {found[1]}" if found else text
