"""Raw events under any names to a log; what cannot be used is rejected with its reason."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from problems.orders.ingest.attributes import (
    ROW_NUMBER,
    Attributes,
    number_signs,
    type_attributes,
)
from problems.orders.ingest.leaks import Course
from problems.orders.ingest.log import Ints, Log
from problems.orders.ingest.names import KNOWN, find_columns
from problems.orders.ingest.olist import read_olist
from problems.orders.ingest.settings import DAY, IngestSettings
from retrace.base.errors import RetraceError
from retrace.raw import PLACE, RawTable, read_raw, say_hints
from retrace.raw.reasons import Mask, Reasons, also, first_reason, quarantine
from retrace.raw.times import Times, micros, read_times
from retrace.raw.values import as_id, as_text, raw_text

BEFORE_THE_LOG = "case began before the log"
SHOWN = 50_000  # every k-th event of a longer log says how numbers are written
STOPPED_LEAST = 20  # events; a few may well be of one instant


@dataclass(frozen=True)
class UsableLog:
    """A log that can be used, its rejected rows (file, row, case_id, reason), figures, and why
    columns are left out."""

    log: Log
    rejected: pd.DataFrame
    rows_in: int
    figures: dict[str, float]
    left_out: dict[str, str]


def read_log(source: Path, settings: IngestSettings) -> UsableLog:
    """Read events of any names into a log.

    Raises RetraceError for a mapping that names a missing column, and where no event can be used.
    """
    if settings.format == "olist":
        table, rejected = read_olist(source)
    else:
        table, rejected = _read_events(source, settings)
    raw = table.rows
    times = read_times(raw["timestamp"], settings.clock, raw)
    _refuse_stopped_clock(times.at, source)
    events = pd.DataFrame(
        {
            "case_id": _case_ids(raw["case_id"]),
            "activity": _activity(raw),
            "resource": as_id(raw["resource"]) if "resource" in raw else "",
            "at": micros(times.at),
            **{name: as_text(raw[name]) for name in settings.keep},
        }
    )
    reason = _reasons(events, times, raw, settings)
    good = np.flatnonzero((reason == "").to_numpy())
    if not len(good):
        raise RetraceError(f"{source}: none of {len(raw):,} events can be used: {_top(reason)}.")
    used = events.iloc[good].reset_index(drop=True)
    found = _attributes(raw.iloc[good].reset_index(drop=True), used, settings)
    bad = raw.loc[reason != "", [*PLACE]].assign(
        case_id=events.loc[reason != "", "case_id"], reason=reason[reason != ""]
    )
    figures = {
        "attributes": float(len(found.columns.columns)),
        "attribute_values_of_another_type": float(found.mistyped),
        **{f"left_out_{name}": 1.0 for name in found.left_out},
        "events_out_of_order_share": _unordered(used),
        "events_repeated": float(_again(raw.iloc[good]).sum()),
    }
    all_rejected = quarantine([bad, *rejected], "case_id")
    rows_in = len(raw) + len(all_rejected) - len(bad)
    log = Log.of(used, found.columns, settings.keep)
    if settings.snapshots == "each_event":
        log = log.one_by_one()
    return UsableLog(log, all_rejected, rows_in, figures, found.left_out)


def _read_events(source: Path, settings: IngestSettings) -> tuple[RawTable, list[pd.DataFrame]]:
    table = read_raw(source, [], rest=True, signs=None)
    names = find_columns(
        [str(name) for name in table.rows if name not in PLACE], settings.columns, source
    )
    about = table.rows.drop(columns=[*PLACE, names["case_id"]])  # a case may be called NA
    every = -(-len(about) // SHOWN) or 1
    texts: pd.DataFrame = about.select_dtypes("string").iloc[::every]
    written = {str(name): number_signs(as_text(texts[name])) for name in texts}
    say_hints(source, about, read={name: signs.words for name, signs in written.items() if signs})
    raw = table.rows.rename(columns={column: name for name, column in names.items()})
    others = [str(name) for name in raw if name not in (*KNOWN, *PLACE)]
    for key in ("attributes", "drop", "known", "keep"):
        known = [*others, "file"] if key == "keep" else others
        wrong = [name for name in getattr(settings, key) or [] if name not in known]
        if wrong:
            raise RetraceError(
                f"{source}: params.yaml names the column '{wrong[0]}' under `orders.ingest.{key}`, "
                f"which is not there. Besides the mapped ones the log has: {', '.join(others)}."
            )
    carried = others if settings.attributes is None else settings.attributes
    kept = [one for one in carried if one not in settings.drop and one not in settings.keep]
    wanted = [one for one in KNOWN if one in raw] + kept
    wanted += [one for one in settings.keep if one not in PLACE]
    return RawTable(raw[[*wanted, *PLACE]], table.malformed), [table.malformed]


def _case_ids(column: pd.Series) -> "pd.Series[str]":
    """Return the ids of cases. A log that counts in letters has a case `NA` among the others: such
    a word stands for no id only where it has more events than any case."""
    found = as_id(column)
    written = pd.Series(raw_text(column), column.index, found.dtype).str.strip()
    word = found.eq("") & written.ne("")
    events = written[word].value_counts()
    most = found[found != ""].value_counts().max() if found.ne("").any() else 0
    return found.mask(word & written.isin(events.index[events <= most]), written)


def _activity(raw: pd.DataFrame) -> "pd.Series[str]":
    """Return what happened; of an activity that was not completed by its event, what became of it:
    `check (start)`."""
    activity = as_text(raw["activity"]).str.strip()
    if "transition" not in raw:
        return activity
    step = as_text(raw["transition"]).str.strip().str.lower()
    whole = (activity == "") | step.isin(["", "complete"])
    return activity.where(whole, activity + " (" + step + ")")


def _attributes(raw: pd.DataFrame, used: pd.DataFrame, settings: IngestSettings) -> Attributes:
    """Return the typed attributes of the events that are used, the promise among them."""
    apart = (*(name for name in KNOWN if name != "promised_at"), *PLACE, *settings.keep)
    about = raw[[name for name in raw if name not in apart]]
    promised = {}
    if "promised_at" in about:
        promise = about.pop("promised_at")
        promised["promised_at"] = read_times(promise, settings.clock, raw, exact=False).at
    case = pd.factorize(used["case_id"], sort=True)[0].astype(np.int64)
    at = used["at"].to_numpy(np.int64)
    early = _early(case, at, settings.usual_share)
    course = Course(case, at, used["activity"])
    found = type_attributes(about, settings.clock, course, early, settings.known)
    return replace(found, columns=found.columns.assign(**promised))


def _reasons(
    events: pd.DataFrame, times: Times, raw: pd.DataFrame, settings: IngestSettings
) -> "pd.Series[str]":
    """Return why each event cannot be used, the first reason that applies; "" where it can."""
    early, late = _stray(times.at, settings.stray_gap_days)
    checks: Reasons = [
        ("case id is empty", events["case_id"].eq("").to_numpy(bool)),
        ("activity is empty", events["activity"].eq("").to_numpy(bool)),
        *times.reasons("time"),
        ("time is far before all others", early),
        ("time is far after all others", late),
        *([("the same as an earlier event", _again(raw))] if settings.repeated == "reject" else []),
    ]
    reason = first_reason(checks, raw.index)
    usable = events[reason == ""]
    return also(reason, BEFORE_THE_LOG, usable.index[_cut_by_the_start(usable, settings)])


def _again(raw: pd.DataFrame) -> Mask:
    """Mark events that repeat an earlier one in all columns."""
    columns = [name for name in raw if name not in PLACE and not ROW_NUMBER.match(str(name))]
    codes = np.zeros(len(raw), np.int64)
    for name in columns:
        found, values = pd.factorize(raw[name])
        codes, _ = pd.factorize(codes * (len(values) + 1) + found)
    return np.asarray(pd.Series(codes).duplicated())


def _stray(times: pd.Series, gap_days: float) -> tuple[Mask, Mask]:
    """Mark times that a gap of more than `gap_days` parts from most others: one wrong year would
    move the end of the log, and with it what is open."""
    known = np.sort(micros(times.dropna()))
    if not len(known):
        return np.zeros(len(times), bool), np.zeros(len(times), bool)
    edges = np.flatnonzero(np.diff(known) > gap_days * DAY) + 1
    starts, stops = np.r_[0, edges], np.r_[edges, len(known)]
    most = int(np.argmax(stops - starts))
    at = micros(times)
    late = at > known[stops[most] - 1]
    return (at < known[starts[most]]) & times.notna().to_numpy(), late


def _refuse_stopped_clock(times: pd.Series, source: Path) -> None:
    """Raise RetraceError where most events are of one instant: nothing took any time."""
    counts = times.value_counts()
    if len(counts) and counts.iloc[0] > max(len(times) / 2, STOPPED_LEAST):
        raise RetraceError(
            f"{source}: `timestamp` is {counts.index[0].isoformat()} for {counts.iloc[0]:,} of "
            f"{len(times):,} events, as of a clock that stood still, or of an export that wrote "
            "its own time. Expected: when each event happened. Name that column in params.yaml "
            "under `orders.ingest.columns`, as `timestamp: COLUMN`."
        )


def _cut_by_the_start(events: pd.DataFrame, settings: IngestSettings) -> Mask:
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
        wrong = ~late & ~first["activity"].isin(first.loc[late, "activity"])
        wrong &= bool(late.any())
    return np.asarray(events["case_id"].isin(first.loc[wrong, "case_id"]), bool)


def _early(case: Ints, at: Ints, share: float) -> Ints:
    """Return the rows of the first `share` of cases by their start."""
    start = pd.Series(at).groupby(case).transform("min").to_numpy()
    one_each = np.unique(case, return_index=True)[1]
    return np.flatnonzero(start <= np.quantile(start[one_each], share, method="lower"))


def _unordered(events: pd.DataFrame) -> float:
    """Return the share of events that are earlier than one of their order before them."""
    latest = events.groupby("case_id", sort=False)["at"].cummax()
    return float((events["at"] < latest).mean())


def _top(reason: "pd.Series[str]") -> str:
    counts = reason.value_counts()
    return ", ".join(f"{text} ({n:,})" for text, n in counts.items())
