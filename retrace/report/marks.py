"""Pieces of Vega-Lite that the pictures share: axes, keys, bars with their numbers.

Colours are variables of the page's style, so that a picture follows its dark mode.
"""

import re
from collections.abc import Mapping
from typing import Any

Spec = dict[str, Any]
Values = list[dict[str, Any]]

FILL, GREY, SOFT, WARM, BAD = (f"var(--{name})" for name in ("fill", "grey", "soft", "warm", "bad"))
AXIS = "#8a9499"
LONG = 24  # letters of a name that needs a line of its own
QUARTERS = ("Jan", "Apr", "Jul", "Oct")  # the months with labels, where there are many


def canvas(width: int, height: int | Spec) -> Spec:
    return {"width": width, "height": height}


def amount_axis(field: str, title: str | list[str], scale: Spec | None = None, **axis: Any) -> Spec:
    """A quantitative axis."""
    found: Spec = {"field": field, "type": "quantitative", "title": title}
    found["axis"] = {"titlePadding": 8, **axis}
    return found | ({"scale": scale} if scale else {})


def names(field: str, values: Values, scale: Spec | None = None, **axis: Any) -> Spec:
    """An axis of names in the order of the rows."""
    return {
        "field": field,
        "type": "nominal",
        "sort": list(dict.fromkeys(value[field] for value in values)),
        "title": None,
        "axis": {"ticks": False, "domain": False, "labelPadding": 6, "labelLimit": 150, **axis},
        **({"scale": scale} if scale else {}),
    }


def key(field: str, colours: Mapping[str, str], offset: int = 6) -> Spec:
    """Colours of the kinds of something, named above the picture where there are several."""
    legend = {
        "orient": "top",
        "title": None,
        "offset": offset,
        "symbolType": "circle",
        "labelLimit": 280,
        "columns": 1 if any(len(name) > LONG for name in colours) else 3,
    }
    return {
        "field": field,
        "type": "nominal",
        "sort": list(colours),
        "scale": {"domain": list(colours), "range": list(colours.values())},
        "legend": legend if len(colours) > 1 else None,
    }


def bars(along: Spec, **encoding: Any) -> list[Spec]:
    """Horizontal bars, the field `text` of each behind its end."""
    return [
        {"mark": {"type": "bar", "cornerRadiusEnd": 1}, "encoding": {"x": along, **encoding}},
        {
            "mark": {"type": "text", "align": "left", "dx": 4, "fontSize": 11},
            "encoding": {"x": along, "text": {"field": "text"}},
        },
    ]


def month_axis(field: str, values: list[str]) -> Spec:
    """An axis of months; of "Oct 2025" the year stands below, for the first and each January."""
    months = list(dict.fromkeys(values))
    axis: Spec = {"labelAngle": 0, "labelOverlap": "greedy", "labelPadding": 6, "ticks": False}
    if all(re.fullmatch(r"[A-Z][a-z]{2} \d{4}", month) for month in months):
        short, year = "slice(datum.label, 0, 3)", "split(datum.label, ' ')"
        axis["labelExpr"] = f"datum.index == 0 || {short} == 'Jan' ? {year} : {short}"
        if len(months) > 8:
            axis["values"] = [month for month in months if month[:3] in QUARTERS]
    return {
        "field": field,
        "type": "ordinal",
        "sort": months,
        "title": None,
        "scale": {"type": "band"},
        "axis": axis,
    }


def flags(values: Values, x: Spec) -> tuple[list[Spec], int]:
    """A line at each value with its `name` above, and the height that the names take.

    A name too near its neighbour goes higher.
    """
    if not values:
        return [], 6
    span = (max(value["x"] for value in values) - min(value["x"] for value in values)) or 1.0
    placed: Values = []
    for value in sorted(values, key=lambda value: value["x"]):
        near = placed and value["x"] - placed[-1]["x"] < 0.13 * span
        level = (placed[-1]["level"] + 1) % 3 if near else 0
        placed.append({**value, "level": level, "y": -6 - 13 * level})
    height = {"field": "y", "type": "quantitative", "scale": None, "axis": None}
    layers: list[Spec] = [
        {
            "data": {"values": placed},
            "mark": {"type": "rule", "color": AXIS, "opacity": 0.35},
            "encoding": {"x": x},
        },
        {
            "data": {"values": placed},
            "mark": {"type": "text", "baseline": "bottom", "fontSize": 11},
            "encoding": {"x": x, "y": height, "text": {"field": "name"}},
        },
    ]
    return layers, 26 + 13 * max(value["level"] for value in placed)
