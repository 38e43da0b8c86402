"""Figures with sensible digits, and names of metrics in words."""

import math
import re
from dataclasses import dataclass

THIN = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
BASELINES = ("rule", "naive", "oracle")

STEMS = {
    "rmsle": "RMSLE",
    "mae": "mean absolute error",
    "rmse": "root mean squared error",
    "cost": "cost per prediction",
    "log_loss": "log loss",
    "brier": "Brier score",
    "auc": "area under the ROC curve",
    "average_precision": "average precision",
}
SHORT = {"mae": "MAE", "rmse": "RMSE", "auc": "AUC"}
HIGHER_IS_BETTER = ("auc", "average_precision", "precision", "recall")
UNITS = {"usd": "USD", "eur": "EUR", "seconds": "seconds", "minutes": "minutes", "hours": "hours"}
MONEY = ("USD", "EUR")


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


@dataclass(frozen=True)
class Figure:
    """One metric in words: `label` is what it is, `text` the number with its unit."""

    key: str
    label: str
    text: str
    value: float


def figure(key: str, value: float) -> Figure:
    """Put one key of a metrics file into words; the unit is the end of its name."""
    if level := coverage_level(key):
        return Figure(
            key, f"outcomes inside the {percent(level)} interval", percent(value, 1), value
        )
    if key == "oracle_ratio":
        return Figure(key, "error as a multiple of the oracle's", f"{number(value)} times", value)
    owner, rest = split_baseline(key)
    stem, unit = split_unit(rest)
    name = in_words(stem)
    label = f"{name} of the {'naive average' if owner == 'naive' else owner}" if owner else name
    return Figure(key, label, with_unit(value, unit), value)


def in_words(stem: str) -> str:
    """Name a metric: `mae`, and `route_mae` as the same by route."""
    part, _, known = stem.rpartition("_")
    if part and stem not in STEMS and known in STEMS:
        return f"{STEMS[known]} by {part.replace('_', ' ')}"
    return STEMS.get(stem, stem.replace("_", " "))


def to_number(text: str | None) -> float | None:
    """Return the finite number that a text is, or None."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def with_unit(value: float, unit: str) -> str:
    """Write a number with its unit; money has two decimals."""
    if unit in MONEY and abs(value) < 1000:
        return f"{MINUS if value < 0 else ''}{abs(value):.2f} {unit}"
    return f"{number(value)} {unit}".strip()


def split_unit(key: str) -> tuple[str, str]:
    """Split `mae_usd` into "mae" and "USD"; without a unit the second is empty."""
    stem, _, last = key.rpartition("_")
    return (stem, UNITS[last]) if stem and last in UNITS else (key, "")


def split_baseline(key: str) -> tuple[str, str]:
    """Split `rule_rmsle` into "rule" and "rmsle"; the model's own figures have no owner."""
    owner, _, rest = key.partition("_")
    return (owner, rest) if owner in BASELINES and rest else ("", key)


def coverage_level(key: str) -> float | None:
    """Return 0.9 for `coverage_90`."""
    found = re.fullmatch(r"coverage_(\d{1,2})", key)
    return int(found[1]) / 100 if found else None


def in_plain_words(key: str, value: float) -> str:
    """Say by how much one prediction is off; empty where there is no plain way to say it."""
    stem, unit = split_unit(key)
    if stem == "rmsle":
        return f"typically off by a factor of {math.exp(value):.2f}"
    if stem == "mae":
        return f"off by {with_unit(value, unit)} on average"
    return ""
