"""Values as people read them: sensible digits, units, per cent, months."""

import math
import re
from collections.abc import Callable
from functools import partial

from retrace.base.tables import Column

THIN = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LEAST_CHANCE = 0.001


def number(value: float | None) -> str:
    """Write about three significant digits: 0.650, 10.9, 1,234."""
    if value is None:
        return "none"
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if float(value).is_integer() or size >= 100:
        text = f"{size:,.0f}"
    else:
        text = f"{size:#.3g}" if size >= 1e-4 else f"{size:.1e}"
    return MINUS + text if value < 0 else text


def interval(lower: float, upper: float) -> str:
    """Write two bounds with the same decimals: 0.086 to 0.147."""
    size = max(abs(lower), abs(upper))
    decimals = 2 - math.floor(math.log10(size)) if size else 0
    texts = [f"{value:,.{max(0, min(decimals, 9))}f}" for value in (lower, upper)]
    return " to ".join(text.replace("-", MINUS) for text in texts)


def percent(share: float, digits: int | None = None) -> str:
    """Write a share as per cent: 18 %, 4.7 %, 0.09 %; only the whole is 100 %."""
    value = 100 * share
    if digits is None:
        size = abs(value)
        digits = 0 if size >= 10 or size == 0 else 1 if size >= 1 else 2
        if 99.5 <= size < 100:
            digits = 1 if size < 99.95 else 2
    text = f"{abs(value):.{digits}f}"
    if not float(text):
        text = "0" if not value else "under " + f"{10**-digits:g}"
    return (MINUS if value < 0 and text[0].isdigit() and float(text) else "") + text + THIN + "%"


def count(rows: float) -> str:
    """Write a number of rows: 7,972."""
    return f"{int(rows):,}"


def money(value: float) -> str:
    """Write an amount of money: two decimals below 1,000."""
    if abs(value) >= 1000:
        return number(value)
    return f"{MINUS if value < 0 else ''}{abs(value):.2f}"


def chance(value: float) -> str:
    """Write a probability under which little can be told: < 0.001."""
    return f"<{THIN}{LEAST_CHANCE}" if value < LEAST_CHANCE else f"{value:.3f}"


def month(text: str) -> str:
    """Write 2025-10 and 2025-10-01 as Oct 2025; anything else stays as it is."""
    found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])(-01)?", text)
    return f"{MONTHS[int(found[2]) - 1]} {found[1]}" if found else text


def yes_or_no(value: float) -> str:
    return "yes" if value else "no"


WRITE: dict[str, Callable[[float], str]] = {
    "share": percent, "money": money, "count": count, "chance": chance, "flag": yes_or_no
}  # fmt: skip


def to_number(text: str | None) -> float | None:
    """Return the finite number that a text is, or None."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def amount(column: Column, value: float) -> str:
    """Write one figure of a kind, with its unit."""
    write = partial(percent, digits=1) if column.kind == "share" else WRITE.get(column.kind, number)
    return f"{write(value)} {column.unit}".rstrip()


def cells(column: Column, texts: list[str]) -> list[str]:
    """Write the values of a table's column alike; what is no number stays as it is."""
    if column.kind == "month":
        return [month(text) for text in texts]
    if column.kind == "text":
        return texts
    values = [to_number(text) for text in texts]
    write = WRITE.get(column.kind, number)
    known = [value for value in values if value is not None]
    if column.kind == "number" and (decimals := _decimals(known)) is not None:
        write = partial(_fixed, decimals=decimals)
    return [
        text if value is None else write(value) for value, text in zip(values, texts, strict=True)
    ]


def _decimals(values: list[float]) -> int | None:
    """Return the decimals that give the largest three digits, None where the least would vanish."""
    sizes = [abs(value) for value in values if value]
    if not sizes or all(size.is_integer() for size in sizes):
        return 0
    decimals = max(0, 2 - math.floor(math.log10(max(sizes))))
    return decimals if min(sizes) >= 0.5 * 10**-decimals else None


def _fixed(value: float, decimals: int) -> str:
    text = f"{abs(value):,.{decimals}f}"
    return MINUS + text if value < 0 else text
