"""The worklist as one HTML file that opens without a network, and as CSV."""

from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from problems.orders.evaluation.costs import Costs
from problems.orders.worklist.ranking import Ranking

TEMPLATES = Path(__file__).parent / "templates"
MOST_ROWS = 500  # of the page; the CSV has all
NARROW = "\N{NARROW NO-BREAK SPACE}"


def render(worklist: Ranking, costs: Costs, source: str) -> str:
    """Return the page. Autoescape is on: ids, steps and reasons come from users."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    orders, zone = worklist.orders, worklist.time_zone
    rows = [_row(row, worklist.at, zone) for _, row in orders.head(MOST_ROWS).iterrows()]
    looked = orders[orders["look"] == "yes"]
    promised = orders["promised_at"].notna()
    return environment.get_template("list.html").render(
        at=worklist.at.tz_convert(zone).strftime("%A %-d %B %Y, %H:%M"),
        zone=zone,
        source=source,
        rows=rows,
        left_out=len(orders) - len(rows),
        open=len(orders),
        look=len(looked),
        stuck=int(orders["stuck_since"].notna().sum()),
        late=int((orders["expected_at"] > orders["promised_at"]).sum()) if promised.any() else None,
        saving=f"{looked['saving_eur'].sum():,.0f}",
        costs=costs,
        has_resource=bool((orders["resource"] != "").any()),
        has_promise=bool(promised.any()),
    )


def to_csv(worklist: Ranking) -> str:
    """Return all rows; times are local, with their offset."""
    local = worklist.orders.copy()
    for name in local.columns:
        if isinstance(local[name].dtype, pd.DatetimeTZDtype):
            minute = local[name].dt.floor("min")  # of UTC: local hours may be there twice
            there = minute.dt.tz_convert(worklist.time_zone)
            local[name] = there.map(lambda one: "" if pd.isna(one) else one.isoformat())
    text: str = local.to_csv(index=False, float_format="%.4g", lineterminator="\n")
    return text


def _row(row: pd.Series, at: pd.Timestamp, zone: str) -> dict[str, object]:
    reasons = [row[name] for name in ("reason_1", "reason_2", "reason_3") if row[name]]
    return {
        "number": int(row["work_order"]),
        "order": row["order_id"],
        "look": row["look"] == "yes",
        "is_stuck": not pd.isna(row["stuck_since"]),
        "risk": f"{row['risk']:.0%}".replace("%", f"{NARROW}%"),
        "width": round(100 * row["risk"]),
        "saving": f"{row['saving_eur']:.2f}",
        "expected": _day(row["expected_at"], zone),
        "between": f"{_day(row['earliest_at'], zone)} to {_day(row['latest_at'], zone)}",
        "promised": _day(row["promised_at"], zone),
        "is_late": bool(row["expected_at"] > row["promised_at"]),
        "past_promise": bool(row["promised_at"] < at),
        "step": row["step"],
        "waited": _span(row["waited_hours"]),
        "limit": _span(row["usual_limit_hours"]),
        "resource": row["resource"],
        "reasons": reasons,
    }


def _day(moment: pd.Timestamp, zone: str) -> str:
    return "" if pd.isna(moment) else moment.tz_convert(zone).strftime("%a %-d %b")


def _span(hours: float) -> str:
    return f"{hours:.0f}{NARROW}h" if hours < 48 else f"{hours / 24:.1f}{NARROW}d"
