"""The open orders at a moment, by what looking at them is worth, with forecast and reasons.

    ranking.py   the list: forecast, risk, saving, in the order of work
    moment.py    the log as it was then, and the orders that were open
    waits.py     what a wait that lasts already says of forecast and risk
    reasons.py   why the model warns, in words
    page.py      the list as one HTML file, and as CSV
    cases.py     the list as rows, what became of others, and how many will be complete when

Only what was known at the moment is used: the log is cut there before anything is made of it.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pandas as pd

from problems.orders.evaluation import EvaluateSettings
from problems.orders.ingest import IngestSettings, read_log
from problems.orders.ingest.log import Log
from problems.orders.worklist.cases import as_table, completions, ended_by
from problems.orders.worklist.page import render, to_csv
from problems.orders.worklist.ranking import COMPLETION, STUCK, Ranking, make_worklist
from problems.parts import find_problem
from problems.served import NO_TOPS, Listed, OpenCases, Worklist
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.params import read_params
from retrace.fit.bundle import Bundle
from retrace.raw.times import moments


def make(source: Path, at: str | None, tops: Mapping[str, Path] = NO_TOPS) -> Listed:
    """Return the open orders at a moment; without one, at the end of the log."""
    ranking, costs, _ = _ranked(source, at, tops)
    orders = ranking.orders
    look = (orders["look"] == "yes").sum()
    return Listed(
        moment=ranking.at.tz_convert(ranking.time_zone).strftime("%Y-%m-%dT%H%M"),
        page=render(ranking, costs, str(source)),
        table=to_csv(ranking),
        summary=f"{len(orders):,} open orders, {look:,} worth looking at",
    )


def cases(source: Path, at: str | None, tops: Mapping[str, Path] = NO_TOPS) -> OpenCases:
    """Return the same list as rows."""
    ranking, _, log = _ranked(source, at, tops)
    settings = read_params(IngestSettings, "orders.ingest")
    return OpenCases(
        at=ranking.at.tz_convert(ranking.time_zone),
        table=as_table(ranking),
        look=(ranking.orders["look"] == "yes").to_numpy(),
        ended=ended_by(log, settings, ranking.at),
        forecast=completions(ranking),
    )


def _ranked(
    source: Path, at: str | None, tops: Mapping[str, Path]
) -> tuple[Ranking, EvaluateSettings, Log]:
    settings = read_params(IngestSettings, "orders.ingest")
    costs = read_params(EvaluateSettings, f"{STUCK}.evaluate", below="orders.evaluate")
    models = {
        name: (find_problem(name), Bundle.load(tops.get(name, Path()) / paths.bundle(name)))
        for name in (COMPLETION, STUCK)
    }
    log = read_log(source, settings).log
    when = moment(at, settings) if at else moments(log.at[log.at.argmax() :][:1]).iloc[0]
    return make_worklist(log, settings, when, models, costs), costs, log


def moment(text: str, settings: IngestSettings) -> pd.Timestamp:
    """Read a date or a time, local where it has no offset; a date alone is its morning, at
    `orders.ingest.daily_hour`."""
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


WORKLIST = Worklist(make, cases)
