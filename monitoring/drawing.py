"""Small drawings of the daily page as SVG: curves by day, and bins before and now.

The report's pictures are drawn by Vega-Lite, which takes a quarter of a second each and DVC's
libraries with it; watch makes this page after every pass. Colours are classes of the page's style.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from retrace.report.numbers import MINUS

WIDTH, HEIGHT = 360, 168
LEFT, RIGHT, TOP, BOTTOM = 46, 8, 8, 20  # of the frame that the curves are drawn in


@dataclass(frozen=True)
class Point:
    """A value on a day (0 is the first), with its interval where there is one."""

    day: float
    value: float
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class Trace:
    """A curve; `look` is a class of the style: truth, estimate, rule or held."""

    words: str
    look: str
    points: Sequence[Point]


def curves(
    found: Sequence[Trace],
    days: Sequence[str],
    flags: Sequence[float] = (),
    *,
    from_zero: bool = False,
) -> Markup:
    """Return curves over days; empty where no curve has a point.

    days : the label of each, in order
    flags : days on which something began, as a version
    """  # fmt: skip
    values = [
        value
        for curve in found
        for one in curve.points
        for value in (one.value, one.lower, one.upper)
        if value is not None and math.isfinite(value)
    ]
    if not values:
        return Markup()
    steps = _ticks(*((min(0.0, min(values)), max(0.0, max(values))) if from_zero
                     else (min(values), max(values))))  # fmt: skip
    low, high, last = steps[0], steps[-1], max(len(days) - 1, 1)

    def x(day: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * day / last, 1)

    def y(value: float) -> float:
        share = (value - low) / (high - low)
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share, 1)

    parts = [f'<svg class="curves" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">']
    for step in steps:
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(step)}" '
                     f'y2="{y(step)}"/><text class="end" x="{LEFT - 6}" y="{y(step) + 4}">'
                     f"{escape(_short(step, steps))}</text>")  # fmt: skip
    for place in dict.fromkeys((0, last // 2, last)):
        if place < len(days):
            side = "start" if place == 0 else "end" if place == last else "middle"
            parts.append(f'<text class="{side}" x="{x(place)}" y="{HEIGHT - 4}">'
                         f"{escape(days[place])}</text>")  # fmt: skip
    for day in flags:
        parts.append(f'<line class="flag" x1="{x(day)}" x2="{x(day)}" y1="{TOP}" '
                     f'y2="{HEIGHT - BOTTOM}"/>')  # fmt: skip
    for curve in found:
        parts += _curve(curve, x, y)
    return Markup("".join(parts) + "</svg>")  # noqa: S704  (numbers, and escaped texts)


def _curve(curve: Trace, x: Callable[[float], float], y: Callable[[float], float]) -> list[str]:
    known = [one for one in curve.points if math.isfinite(one.value)]
    found = []
    for run in _runs(known):
        band = [
            (x(one.day), y(one.lower), y(one.upper))
            for one in run
            if one.lower is not None and one.upper is not None
        ]
        if len(band) > 1:
            above = [f"{day},{upper}" for day, _, upper in band]
            below = [f"{day},{lower}" for day, lower, _ in reversed(band)]
            found.append(f'<polygon class="{curve.look}" points="{" ".join(above + below)}"/>')
        if len(run) > 1:
            line = " ".join(f"{x(one.day)},{y(one.value)}" for one in run)
            found.append(f'<polyline class="{curve.look}" points="{line}"/>')
        else:
            (one,) = run
            for day, lower, upper in band:
                found.append(f'<line class="{curve.look}" x1="{day}" x2="{day}" y1="{lower}" '
                             f'y2="{upper}"/>')  # fmt: skip
            found.append(
                f'<circle class="{curve.look}" cx="{x(one.day)}" cy="{y(one.value)}" r="2.5"/>'
            )
    return found


def _runs(points: Sequence[Point]) -> list[list[Point]]:
    """Part points where days are missing: a line over them would say what nobody knows."""
    runs: list[list[Point]] = []
    for one in points:
        if runs and one.day - runs[-1][-1].day <= 1.5:
            runs[-1].append(one)
        else:
            runs.append([one])
    return runs


def spark(values: Sequence[float | None]) -> Markup:
    """Return a line without axes, from zero where values may be so read; empty for fewer than
    two."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if len(known) < 2:
        return Markup()
    low, high = min(known), max(known)
    span = (high - low) or 1.0
    last, runs = len(values) - 1, [""]
    for place, value in enumerate(values):
        if value is None or not math.isfinite(value):
            runs.append("")
        else:
            at = f"{100 * place / last:.1f},{21 - 18 * (value - low) / span:.1f}"
            runs[-1] = f"{runs[-1]} {at}".strip()
    lines = "".join(f'<polyline points="{run}"/>' for run in runs if run)
    box = 'class="line" viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true"'
    return Markup(f"<svg {box}>{lines}</svg>")  # noqa: S704  (numbers)


def bins(before: Sequence[float], now: Sequence[float]) -> Markup:
    """Return shares of rows by bin: those of before as steps in grey, those of now as bars."""
    high = max([*before, *now], default=0.0) or 1.0
    parts = [
        f'<svg class="bins" viewBox="0 0 {10 * len(now)} 40" preserveAspectRatio="none" '
        'aria-hidden="true">'
    ]
    for place, (old, new) in enumerate(zip(before, now, strict=True)):
        for look, share, left, width in (("was", old, 0.6, 8.8), ("is", new, 2.6, 4.8)):
            height = round(40 * share / high, 1)
            parts.append(f'<rect class="{look}" x="{10 * place + left:.1f}" y="{40 - height:.1f}" '
                         f'width="{width}" height="{height}"/>')  # fmt: skip
    return Markup("".join(parts) + "</svg>")  # noqa: S704  (numbers)


def _ticks(low: float, high: float) -> list[float]:
    """Return three to five round numbers that have a range between them."""
    span = (high - low) or abs(high) or 1.0
    rough = span / 3
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(one * size for one in (1, 2, 2.5, 5, 10) if one * size >= rough)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [place * step for place in range(first, max(last, first + 1) + 1)]


def _short(value: float, steps: Sequence[float]) -> str:
    """Write a tick in few letters."""
    if value and steps[-1] - steps[0] >= 10_000:
        return f"{value / 1000:,.0f}k".replace("-", MINUS)
    return f"{round(value, 10):,.6g}".replace("-", MINUS)
