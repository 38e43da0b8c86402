"""An event log of any company, to one clean row per order and moment: what was known then.

    names, times, attributes    columns of any names to typed events
    olist                       Olist's tables to such a log
    log, cases                  events sorted by case; when each case was over, and stuck since when
    snapshots, load             the moments at which orders are looked at, and what was known then
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from problems.contract import Ingested
from problems.orders.ingest.attributes import read_attributes
from problems.orders.ingest.cases import Cases, end_cases, outcomes, usual_limits
from problems.orders.ingest.log import NEVER, Ints, Log
from problems.orders.ingest.names import KNOWN, NEEDED, find_columns
from problems.orders.ingest.olist import read_olist
from problems.orders.ingest.settings import DAY, Settings
from problems.orders.ingest.snapshots import after_events, each_morning, known_at
from problems.orders.ingest.times import as_utc, micros, moments
from retrace.base.errors import RetraceError
from retrace.raw import PLACE, RawTable, fingerprint, read_raw
from retrace.raw.values import as_text

__all__ = ["Read", "Settings", "ingest", "read_log", "snapshots"]

BEFORE_THE_LOG = "order began before the log"
BULK = 0.001  # the share of times at either end that may be stray

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Read:
    """A log that can be used, its rejected rows (file, row, case_id, reason), and figures."""

    log: Log
    rejected: pd.DataFrame
    rows_in: int
    figures: dict[str, float]


def ingest(source: Path, settings: Settings) -> Ingested:
    """Read the event log at `source` into clean snapshots, sorted by moment and order.

    Clean: as problems.orders.schema has them. Rejected: events, by `file`, `row`, `case_id` and
    `reason`, the first that applies.

    Raises RetraceError for tables that cannot be read, for a mapping that names a missing column,
    and for a log without any complete case.
    """
    read = read_log(source, settings)
    clean, figures = snapshots(read.log, settings)
    return Ingested(
        clean, read.rejected, fingerprint(source), read.figures | figures, rows_read=read.rows_in
    )


def snapshots(log: Log, settings: Settings) -> tuple[pd.DataFrame, dict[str, float]]:
    """Return the clean rows of a log with their outcomes, as far as the log tells, and figures."""
    log, cases, cut = end_cases(log, settings)
    if settings.snapshots == "daily":
        at, event = each_morning(log, cases, settings.time_zone, settings.daily_hour)
    else:
        at, event = after_events(log, cases)
    order = np.lexsort((log.case[event], at))
    at, event = at[order], event[order]
    found = outcomes(at, event, log, cases, usual_limits(log, settings), settings)
    known = known_at(at, event, log, settings)
    clean = known.assign(
        **{
            name: values if values.dtype == np.float64 else _moments(values)
            for name, values in found.items()
        }
    )
    return clean, _figures(log, cases, clean, cut)


def read_log(source: Path, settings: Settings) -> Read:
    """Read events of any names into a log; what cannot be used is rejected with its reason."""
    if settings.format == "olist":
        table, rejected = read_olist(source)
    else:
        table, rejected = _read_events(source, settings)
    raw = table.rows
    events = pd.DataFrame(
        {
            "case_id": _id(raw["case_id"]),
            "activity": as_text(raw["activity"]).str.strip(),
            "resource": _id(raw["resource"]) if "resource" in raw else "",
        }
    )
    times = as_utc(raw["timestamp"], settings.time_zone, settings.time_format)
    events["at"] = micros(times)
    missing = _without(raw, ["case_id", "activity", "timestamp", "resource", *PLACE, *settings.keep])
    events = events.assign(**{name: as_text(raw[name]) for name in settings.keep})
    reason = np.full(len(raw), "", dtype=object)
    for text, mask in _checks(events, times, raw, settings):
        reason[(reason == "") & mask] = text
    usable = reason == ""
    reason[usable] = np.where(
        _cut_by_the_start(events[usable], settings), BEFORE_THE_LOG, ""
    )
    good = np.flatnonzero(reason == "")
    if not len(good):
        raise RetraceError(f"{source}: none of {len(raw):,} events can be used: {_top(reason)}.")
    used = events.iloc[good]
    case, _ = pd.factorize(used["case_id"], sort=True)
    early = _early(case, used["at"].to_numpy(), settings.usual_share)
    about = raw[[*missing]].iloc[good].reset_index(drop=True)
    promised = {}
    if "promised_at" in about:
        promised["promised_at"] = as_utc(about.pop("promised_at"), settings.time_zone)
    found = read_attributes(about, settings.time_zone, case, used["at"].to_numpy(), early)
    columns = found.columns.assign(**promised)
    log = Log.of(used.reset_index(drop=True), columns, settings.keep)
    bad = raw.loc[reason != "", [*PLACE]].assign(
        case_id=events.loc[reason != "", "case_id"], reason=reason[reason != ""]
    )
    rejected = pd.concat([bad, *rejected], ignore_index=True)
    figures = {
        "attributes": float(len(found.columns.columns)),
        "attribute_values_of_another_type": float(found.mistyped),
        **{f"left_out_{name}": 1.0 for name in found.left_out},
        "events_out_of_order_share": _unordered(used),
    }
    return Read(log, _rejected(rejected), len(raw) + len(rejected) - len(bad), figures)


def _read_events(source: Path, settings: Settings) -> tuple[RawTable, list[pd.DataFrame]]:
    table = read_raw(source, [], rest=True)
    names = find_columns([str(name) for name in table.rows if name not in PLACE], settings.columns, source)
    raw = table.rows.rename(columns={column: name for name, column in names.items()})
    others = [str(name) for name in raw if name not in (*KNOWN, *PLACE)]
    for key in ("attributes", "drop", "keep"):
        wrong = [name for name in getattr(settings, key) or [] if name not in others]
        if wrong:
            raise RetraceError(
                f"{source}: params.yaml names the column '{wrong[0]}' under `orders.ingest.{key}`, "
                f"which is not there. Besides the mapped ones the log has: {', '.join(others)}."
            )
    carried = others if settings.attributes is None else settings.attributes
    kept = [one for one in carried if one not in settings.drop and one not in settings.keep]
    wanted = [one for one in KNOWN if one in raw] + kept + settings.keep
    malformed = table.malformed.assign(case_id="")
    return RawTable(raw[[*wanted, *PLACE]], table.malformed), [malformed]


def _checks(
    events: pd.DataFrame, times: pd.Series, raw: pd.DataFrame, settings: Settings
) -> list[tuple[str, Mask]]:
    early, late = _stray(times, settings.stray_gap_days)
    return [
        ("case id is empty", events["case_id"].eq("").to_numpy(bool)),
        ("activity is empty", events["activity"].eq("").to_numpy(bool)),
        ("time cannot be read", times.isna().to_numpy()),
        ("time is far before all others", early),
        ("time is far after all others", late),
        ("the same as an earlier event", _again(raw)),
    ]


def _again(raw: pd.DataFrame) -> Mask:
    """Mark events that repeat an earlier one in all columns."""
    columns = [name for name in raw if name not in PLACE]
    codes = np.zeros(len(raw), np.int64)
    for name in columns:
        found, values = pd.factorize(raw[name])
        codes, _ = pd.factorize(codes * (len(values) + 1) + found)
    return np.asarray(pd.Series(codes).duplicated())


def _stray(times: pd.Series, gap_days: float) -> tuple[Mask, Mask]:
    """Mark times that lie further from the bulk of the data than its own ends can: one wrong year
    would move the end of the log, and with it what is open."""
    low, high = (
        times.quantile(share, interpolation="nearest") for share in (BULK, 1 - BULK)
    )
    gap = pd.Timedelta(gap_days, unit="D")
    return np.asarray(times < low - gap, bool), np.asarray(times > high + gap, bool)


def _cut_by_the_start(events: pd.DataFrame, settings: Settings) -> Mask:
    """Mark events of orders whose beginning the log does not have.

    Their first activity is none of `starts`. Where none are named, it is one with which no order
    begins after the first tenth of all orders.
    """
    order = np.lexsort((events["at"], pd.factorize(events["case_id"])[0]))
    first = events.iloc[order].drop_duplicates("case_id")
    if settings.starts:
        wrong = ~first["activity"].isin(settings.starts)
    else:
        late = first["at"] > np.quantile(first["at"], 0.1) if len(first) else first["at"] > 0
        wrong = ~late & ~first["activity"].isin(first.loc[late, "activity"]) & late.any()
    return np.asarray(events["case_id"].isin(first.loc[wrong, "case_id"]), bool)


def _early(case: Ints, at: Ints, share: float) -> Ints:
    """Return the rows of the first `share` of cases by their start."""
    start = pd.Series(at).groupby(case).transform("min").to_numpy()
    one_each = np.unique(case, return_index=True)[1]
    return np.flatnonzero(start <= np.quantile(start[one_each], share, method="lower"))


def _figures(log: Log, cases: Cases, clean: pd.DataFrame, cut: int) -> dict[str, float]:
    n_cases, ended = len(log.case_ids), cases.ended_at != NEVER
    days = (cases.ended_at - cases.started_at)[cases.is_complete] / DAY
    stuck = clean.drop_duplicates("order_id")["gets_stuck"]
    return {
        "events": float(len(log.case)),
        "events_after_the_end": float(cut),
        "events_at_one_instant": float((~log.last_of_instant).sum()),
        "orders": float(n_cases),
        "orders_with_one_event": float((log.stops - log.starts == 1).sum()),
        "orders_complete_share": float(cases.is_complete.mean()),
        "orders_withdrawn_share": float((ended & ~cases.is_complete).mean()),
        "orders_open_share": float((~ended).mean()),
        "orders_stuck_share": float(stuck.mean()) if stuck.notna().any() else 0.0,
        "median_days": float(np.median(days)),
        "activities": float(len(log.activities)),
    }


def _moments(values: Ints) -> pd.Series:
    """Return UTC times; NEVER is NaT."""
    return moments(np.where(values == NEVER, np.iinfo(np.int64).min, values))


def _id(column: pd.Series) -> "pd.Series[str]":
    """Return ids as text; 7, 7.0 and "7" are one, as files of several systems have them."""
    return as_text(column).str.strip().str.replace(r"^(\d+)\.0+$", r"\1", regex=True)


def _without(raw: pd.DataFrame, names: list[str]) -> list[str]:
    return [str(name) for name in raw if name not in names]


def _unordered(events: pd.DataFrame) -> float:
    """Return the share of events that are earlier than one of their order before them."""
    latest = events.groupby("case_id", sort=False)["at"].cummax()
    return float((events["at"] < latest).mean())


def _top(reason: NDArray[np.object_]) -> str:
    counts = pd.Series(reason).value_counts()
    return ", ".join(f"{text} ({n:,})" for text, n in counts.items())


def _rejected(rows: pd.DataFrame) -> pd.DataFrame:
    columns = ["file", "row", "case_id", "reason"]
    found = rows.reindex(columns=columns).fillna({"case_id": ""})
    found = found.astype({"file": "str", "case_id": "str", "reason": "str", "row": "int64"})
    return found.sort_values(["file", "row"], ignore_index=True, kind="stable")
