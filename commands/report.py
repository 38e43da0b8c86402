"""The open orders at a moment, as a list that people work off: HTML and CSV.

    retrace report orders                          at the end of the log
    retrace report orders --at 2025-03-03          that morning, at orders.ingest.daily_hour
    retrace report orders --at 2025-03-03T14:30    local time, or with an offset

Reads the log that `worlds.orders.source` names, cut at the moment, and the models of `dvc repro`.
Writes reports/orders/<moment>.html and .csv.
"""

import argparse
from datetime import datetime
from pathlib import Path

import pandas as pd

from problems import parts
from problems.orders.evaluation import Settings as EvaluateSettings
from problems.orders.ingest import Settings, read_log
from problems.orders.ingest.times import moments
from problems.orders.worklist import COMPLETION, STUCK, make_worklist
from problems.orders.worklist.page import render, to_csv
from problems.parts import find_problem
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.files import replacing
from retrace.base.params import read_params
from retrace.fit.bundle import Bundle

FOLDER = Path("reports/orders")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("world", choices=["orders"], help="the world that has open cases")
    parser.add_argument(
        "--at",
        metavar="DATE",
        help="the moment, local time: 2025-06-02T14:30, or a day for its morning; "
        "without it the end of the log",
    )


def run(args: argparse.Namespace) -> int:
    settings = read_params(Settings, f"{args.world}.ingest")
    costs = read_params(EvaluateSettings, f"{STUCK}.evaluate")
    models = {
        name: (find_problem(name), Bundle.load(paths.bundle(name))) for name in (COMPLETION, STUCK)
    }
    source = parts.source_of(args.world)
    log = read_log(source, settings).log
    at = moment(args.at, settings) if args.at else moments(log.at[log.at.argmax() :][:1]).iloc[0]
    worklist = make_worklist(log, settings, at, models, costs)
    stem = worklist.at.tz_convert(settings.time_zone).strftime("%Y-%m-%dT%H%M")
    written = {
        FOLDER / f"{stem}.html": render(worklist, costs, str(source)),
        FOLDER / f"{stem}.csv": to_csv(worklist),
    }
    for path, text in written.items():
        with replacing(path) as partial:
            partial.write_text(text, encoding="utf-8", newline="\n")
        print(path)
    orders = worklist.orders
    look = (orders["look"] == "yes").sum()
    print(f"{len(orders):,} open orders, {look:,} worth looking at")
    return 0


def moment(text: str, settings: Settings) -> pd.Timestamp:
    """Read a date or a time, local where it has no offset; a date alone is its morning."""
    try:
        found = pd.Timestamp(datetime.fromisoformat(text))
    except ValueError:
        raise RetraceError(
            f"--at {text!r} is no time; expected a date as 2025-03-03, or 2025-03-03T14:30."
        ) from None
    if found.tz is not None:
        return found.tz_convert("UTC")
    if len(text) <= len("2025-03-03"):
        found = found + pd.Timedelta(settings.daily_hour, unit="h")
    local = found.tz_localize(settings.time_zone, ambiguous=False, nonexistent="shift_forward")
    return local.tz_convert("UTC")
