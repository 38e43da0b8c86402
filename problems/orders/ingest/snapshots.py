"""The moments at which orders are looked at, and what was known of each then."""

from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from problems.orders.ingest.cases import Cases
from problems.orders.ingest.log import NEVER, Ints, Log, Numbers
from problems.orders.ingest.settings import DAY, IngestSettings
from retrace.past.timeline import Timeline, running
from retrace.raw.times import micros, moments

HOUR = 3.6e9  # microseconds
MOST_COUNT = np.iinfo(np.int16).max
NOTHING = np.iinfo(np.int64).min  # a time that is not known


def after_events(log: Log, cases: Cases) -> tuple[Ints, Ints]:
    """Return the moments after each instant of a case, until just before its end, and the event
    that was last then."""
    event = np.flatnonzero(log.last_of_instant & (log.at < cases.ended_at[log.case]))
    return log.at[event], event


def each_morning(log: Log, cases: Cases, zone: str, hour: int) -> tuple[Ints, Ints]:
    """Return each local morning of each open order, and its last event until then."""
    if not len(log.at):
        return log.at, log.at
    first, last = (pd.Timestamp(int(at), unit="us", tz="UTC") for at in (log.at.min(), log.ends_at))
    days = pd.date_range(first.tz_convert(zone).date(), last.tz_convert(zone).date(), freq="D")
    local = days.tz_localize(None) + pd.Timedelta(hour, unit="h")
    utc = local.tz_localize(ZoneInfo(zone), ambiguous=False, nonexistent="shift_forward")
    mornings = utc.tz_convert("UTC").as_unit("us").asi8
    ends = np.minimum(cases.ended_at, log.ends_at + 1)
    low = np.searchsorted(mornings, cases.started_at, side="left")
    count = np.maximum(np.searchsorted(mornings, ends, side="left") - low, 0)
    case = np.repeat(np.arange(len(low)), count)
    step = np.arange(len(case)) - np.repeat(np.cumsum(count) - count, count)
    at = mornings[low[case] + step]
    event = Timeline(log.case, log.at).position(case, at, "right") - 1
    return at, event


def known_at(at: Ints, event: Ints, log: Log, settings: IngestSettings) -> pd.DataFrame:
    """Return what was known of orders at moments, one row each, in the order given.

    at, event : microseconds, and the order's last event until then, shape (n_moments,)
    """
    first = log.starts[log.case[event]]
    steps = _steps(log)
    columns: dict[str, object] = {
        "order_id": log.case_ids[log.case[event]],
        "snapshot_at": moments(at),
        "started_at": moments(log.at[first]),
        "promised_at": moments(_latest_time(log, "promised_at", event, first)),
        "events": (event - first + 1).astype(np.int32),
        **_last_steps(log, event, first),
        "resource": _text(log.resource[event], log.resources),
        "waiting_hours": ((at - log.at[event]) / HOUR).astype(np.float32),
        **_last_waits(log, event, first),
        "activity_times": np.minimum(steps["times"][event], MOST_COUNT).astype(np.int16),
        "repeats": np.minimum(_since(steps["repeated"], event, first), MOST_COUNT).astype(np.int16),
        **_busy(at, event, log, settings),
        **_counts(log, event, first, settings),
    }
    for name in log.attributes.columns:
        if name != "promised_at":
            columns[name] = _latest(log.attributes[name], event, first)
    for name in log.kept.columns:
        columns[name] = log.kept[name].to_numpy()[log.case[event]]
    return pd.DataFrame(columns, copy=False)


def _last_steps(log: Log, event: Ints, first: Ints) -> dict[str, pd.Categorical]:
    """Return the last three activities, the latest first; "" before the first one."""
    found = {}
    for back, name in enumerate(("activity", "activity_before", "activity_before_that")):
        place = event - back
        there = place >= first
        codes = np.where(there, log.activity[np.maximum(place, 0)], -1)
        found[name] = _text(codes, log.activities)
    return found


def _text(codes: Numbers, names: pd.Index) -> pd.Categorical:
    """Return codes as categories; -1 is the empty text."""
    return pd.Categorical.from_codes(codes + 1, pd.Index(["", *names]))


def _last_waits(log: Log, event: Ints, first: Ints) -> dict[str, NDArray[Any]]:
    """Return the hours between the last two instants of the order, and between those before."""
    begins = np.flatnonzero(np.r_[True, log.last_of_instant[:-1]])
    instant = log.instant
    at = log.at[begins]
    here, start = instant[event], instant[first]
    found = {}
    for back, name in enumerate(("last_wait_hours", "wait_before_hours")):
        place = here - back
        there = place - 1 >= start
        hours = (at[np.maximum(place, 0)] - at[np.maximum(place - 1, 0)]) / HOUR
        found[name] = np.where(there, hours, np.nan).astype(np.float32)
    return found


def _steps(log: Log) -> dict[str, Ints]:
    """Return, by event, how often its case had its activity, this one included, and running
    repeats."""
    width = max(len(log.activities), 1)
    pair = log.case.astype(np.int64) * width + log.activity
    order = np.argsort(pair, kind="stable")
    ordered = pair[order]
    begins = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    times = np.empty(len(pair), np.int64)
    nth = np.arange(len(pair)) - np.repeat(begins, np.diff(np.r_[begins, len(pair)]))
    times[order] = nth + 1
    return {"times": times, "repeated": np.cumsum(times > 1)}


def _since(running_sum: Numbers, event: Ints, first: Ints) -> Ints:
    before = np.where(first > 0, running_sum[np.maximum(first - 1, 0)], 0)
    return np.asarray(running_sum[event] - before)


def _busy(at: Ints, event: Ints, log: Log, settings: IngestSettings) -> dict[str, NDArray[Any]]:
    """Return the load of the step and of the resource, and how long waits were of late.

    An order is at a step from its event until its next one, for `load_days` at most: where
    completions have no name, orders that are over would stay at their last step for ever.
    """
    longest, recent = round(settings.load_days * DAY), round(settings.recent_days * DAY)
    leaves = np.minimum(log.next_at, log.at + longest)
    activity, resource = log.activity[event], log.resource[event]
    arrived = Timeline(log.activity, log.at)
    now, ago = (arrived.position(activity, moment, "right") for moment in (at, at - recent))
    found = {
        "step_orders": running(log.activity, log.at, leaves, activity, at),
        "step_arrivals": now - ago,
    }
    known = log.resource >= 0
    found["resource_orders"] = np.where(
        resource >= 0, running(log.resource[known], log.at[known], leaves[known], resource, at), -1
    )
    over = log.last_of_instant & (log.next_at != NEVER)
    seconds = (log.next_at[over] - log.at[over]) // 1_000_000
    waits = Timeline(log.activity[over], log.next_at[over], {"seconds": seconds})
    high, low = (waits.position(activity, moment, "right") for moment in (at, at - recent))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = waits.total("seconds", low, high) / (high - low) / 3600
    columns: dict[str, NDArray[Any]] = {k: v.astype(np.int32) for k, v in found.items()}
    return {**columns, "step_wait_hours": mean.astype(np.float32)}


def _counts(
    log: Log, event: Ints, first: Ints, settings: IngestSettings
) -> dict[str, NDArray[Any]]:
    """Return how often each of the most frequent activities has happened to the order.

    The activities are chosen, and named, by the usual cases.
    """
    found: dict[str, NDArray[np.int16]] = {}
    for code in _frequent(log, settings):
        so_far = np.cumsum(log.activity == code, dtype=np.int32)
        times = _since(so_far, event, first)
        name = f"count_{_plain(str(log.activities[code]))}"
        times = times + found.get(name, 0)  # names that differ in signs only
        found[name] = np.minimum(times, MOST_COUNT).astype(np.int16)
    return dict(sorted(found.items()))


def _frequent(log: Log, settings: IngestSettings) -> Ints:
    latest = np.quantile(log.at[log.starts], settings.usual_share, method="lower")
    usual = log.activity[(log.at[log.starts] <= latest)[log.case]]
    counts = np.bincount(usual, minlength=len(log.activities))
    order = np.argsort(-counts, kind="stable")[: settings.most_activities]
    return order[counts[order] > 0]


def _plain(name: str) -> str:
    return "".join(one if one.isalnum() else "_" for one in name.lower())


def _latest(values: pd.Series, event: Ints, first: Ints) -> pd.Series | pd.Categorical:
    """Return the last filled value of each order until its event."""
    filled = values.notna().to_numpy()
    place = np.maximum.accumulate(np.where(filled, np.arange(len(filled)), -1))[event]
    there = place >= first
    place = np.maximum(place, 0)
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes = values.cat.codes.to_numpy()[place]
        return _text(np.where(there, codes, -1), values.cat.categories)
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return moments(np.where(there, micros(values)[place], NOTHING))
    return pd.Series(np.where(there, values.to_numpy(np.float64)[place], np.nan).astype(np.float32))


def _latest_time(log: Log, name: str, event: Ints, first: Ints) -> Ints:
    if name not in log.attributes:
        return np.full(len(event), NOTHING)
    return micros(pd.Series(_latest(log.attributes[name], event, first)))
