"""What people see beside an open order: when it will be there, and what looking at it saves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from problems import parts
from problems.contract import Problem
from problems.orders.evaluation import EvaluateSettings
from problems.served import MOST_TO_DO, Answered, Ask, Page
from retrace.base.tables import Column, Table

WHAT = Column("what", kind="text")


def beside(
    problem: Problem, row: Mapping[str, Any], answer: Mapping[str, Any], ask: Ask, top: Path
) -> Sequence[Table]:
    """Return the days of the forecast beside the promise; of the risk what looking saves."""
    costs = parts.settings(EvaluateSettings, problem, "evaluate")
    if problem.task == "binary":
        saved = costs.saved_share * float(answer["prediction"]) * costs.stuck_cost
        frame = pd.DataFrame(
            {
                "what": ["looking at it costs", "it is expected to save", "looking is worth"],
                "money": [costs.check_cost, saved, saved - costs.check_cost],
            }
        )
        columns = {"what": WHAT, "money": Column("money", "EUR", "money")}
        return [Table(frame, "What looking at it is worth", columns)]
    at = pd.Timestamp(row["snapshot_at"])
    days = {
        "forecast": _day(at, answer["prediction"], costs.time_zone),
        "earliest of nine in ten": _day(at, answer["lower"], costs.time_zone),
        "latest of nine in ten": _day(at, answer["upper"], costs.time_zone),
    }
    if row.get("promised_at"):
        promised = pd.Timestamp(row["promised_at"]).tz_convert(costs.time_zone)
        days["promised"] = f"{promised:%a %-d %b %Y, %H:%M}"
    frame = pd.DataFrame({"what": [*days], "day": [*days.values()]})
    columns = {"what": WHAT, "day": Column(f"in {costs.time_zone}", kind="text")}
    return [Table(frame, "When it will be complete", columns)]


def todo(
    problem: Problem, answered: Sequence[Answered]
) -> Sequence[tuple[Answered, Mapping[str, Any]]]:
    """Return the newest answer of each open order, those first that need the longest or are most
    at risk."""
    newest: dict[str, Answered] = {}
    for one in answered:
        order = str(one.row["order_id"])
        if order not in newest or one.as_of > newest[order].as_of:
            newest[order] = one
    found = [one for one in newest.values() if not one.known and not one.judged]
    found.sort(key=lambda one: -float(one.answer["prediction"]))
    return [
        (
            one,
            {
                "order_id": str(one.row["order_id"]),
                "activity": str(one.row["activity"]),
                "at": f"{one.as_of:%Y-%m-%d %H:%M}",
                "prediction": _written(problem, float(one.answer["prediction"])),
            },
        )
        for one in found[:MOST_TO_DO]
    ]


def _written(problem: Problem, value: float) -> str:
    return f"{value:.0%}" if problem.task == "binary" else f"{value:,.0f} {problem.unit}"


def _day(at: pd.Timestamp, hours: float, zone: str) -> str:
    local = (at + pd.Timedelta(float(hours), unit="h")).tz_convert(zone)
    return f"{local:%a %-d %b %Y, %H:%M}"


PAGE = Page(
    words={
        "order_id": Column("order", kind="text"),
        "snapshot_at": Column("looked at", kind="text"),
        "started_at": Column("first event", kind="text"),
        "promised_at": Column("promised", kind="text"),
        "events": Column("events so far", kind="count"),
        "activity": Column("step", kind="text"),
        "activity_before": Column("step before", kind="text"),
        "activity_before_that": Column("step before that", kind="text"),
        "resource": Column("last worked on by", kind="text"),
        "waiting_hours": Column("silent for", "hours"),
        "last_wait_hours": Column("last wait", "hours"),
        "wait_before_hours": Column("wait before that", "hours"),
        "activity_times": Column("times at this step", kind="count"),
        "repeats": Column("repeated events", kind="count"),
        "step_orders": Column("orders at the step", kind="count"),
        "step_arrivals": Column("latest arrivals at the step", kind="count"),
        "resource_orders": Column("orders with the same person", kind="count"),
        "step_wait_hours": Column("usual wait at the step", "hours"),
        "remaining_hours": Column("hours until it is complete", "hours"),
        "gets_stuck": Column("getting stuck", kind="flag"),
        "elapsed_hours": Column("age", "hours"),
        "promise_hours": Column("until the promise", "hours"),
        "hour": Column("time of its last event", kind="text"),
        "weekday": Column("time of its last event", kind="text"),
        "week_hour": Column("time of its last event", kind="text"),
        "start_*": Column("time of its first event", kind="text"),
        "count_*": Column("times at “*”", kind="count"),
        "number_*": Column("*"),
        "text_*": Column("*", kind="text"),
        "hours_to_*": Column("until *", "hours"),
        "load_*": Column("how busy the step is", kind="text"),
        "history_*": Column("what became of orders like it", kind="text"),
    },
    first=(
        "order_id", "snapshot_at", "started_at", "promised_at", "activity", "activity_before",
        "resource", "waiting_hours", "events",
    ),
    decisions=("look at it", "leave it"),
    beside=beside,
    todo=todo,
    todo_title="Open orders that were asked about",
    todo_columns={
        "order_id": Column("order", kind="text"),
        "activity": Column("step", kind="text"),
        "at": Column("looked at, UTC", kind="text"),
        "prediction": Column("forecast", kind="text"),
    },
)  # fmt: skip
