"""What is asked of an open order: how many hours until it is complete, and will it get stuck."""

from dataclasses import replace

from problems.contract import Columns, Problem

COLUMNS = Columns(
    numeric=(
        "elapsed_hours",
        "waiting_hours",
        "last_wait_hours",
        "wait_before_hours",
        "events",
        "activity_times",
        "repeats",
        "promise_hours",
        "hour",
        "weekday",
        "week_hour",
        "start_hour",
        "start_weekday",
        "load_*",
        "count_*",
        "number_*",
        "hours_to_*",
        "history_*",
    ),
    categorical=("activity", "activity_before", "activity_before_that", "resource", "text_*"),
)

COMPLETION = Problem(
    name="order_completion",
    world="orders",
    task="regression",
    target="remaining_hours",
    unit="hours",
    metric="mae",
    scale="log",  # hours and weeks are in one table; the median is the same on any scale
    key=("order_id", "snapshot_at"),
    group=("order_id",),
    time="snapshot_at",
    known_at="completed_known_at",
    elapses=True,
    entities=("all*", "text_*"),
    columns=COLUMNS,
    slices=("activity", "elapsed", "rework", "promise", "season"),
)
STUCK = replace(
    COMPLETION,
    name="order_stuck",
    task="binary",
    target="gets_stuck",
    unit="orders",
    metric="average_precision",
    scale="identity",
    known_at="stuck_known_at",
    elapses=False,
)
PROBLEMS = {problem.name: problem for problem in (COMPLETION, STUCK)}
