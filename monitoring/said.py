"""What a pass found, for a terminal: a few lines a problem."""

from collections.abc import Iterator, Sequence

import pandas as pd

from monitoring.models import WatchedModel
from monitoring.settings import MonitoringParams
from monitoring.summary import Alarm, Summary
from monitoring.watch import Pass, kept
from monitoring.windows import DAY, week_of
from store.database import Store

WEEKS = 5


def lines(
    store: Store,
    name: str,
    models: Sequence[WatchedModel],
    found: Pass,
    open_alarms: Sequence[Alarm],
    params: MonitoringParams,
) -> Iterator[str]:
    """Yield what is known of a problem: the newest week, the newest with outcomes, and alarms."""
    n_days = sum(one.kind == "day" for one in found.made)
    yield f"{name}: {n_days} days looked at anew in {found.seconds:.1f} s"
    now = max((one.made_at for one in found.made), default=0)
    since = week_of(now - params.days * DAY, params.zone).start if now else 0
    weeks = kept(store, name, "week", since)
    if not weeks:
        yield "  nothing was answered in these days" if models else "  no model is in use"
    for model in models:
        mine = [
            one for one in weeks if (one.fingerprint, one.arm) == (model.fingerprint, model.arm)
        ]
        if mine:
            yield f"  {model.arm} {mine[-1].version}, {_week(mine[-1], params)}"
            yield from (f"    {one}" for one in _figures(mine, params))
    for alarm in open_alarms:
        yield f"  ALARM {alarm.id} ({alarm.state}): {alarm.words}. {alarm.to_do}"


def _week(one: Summary, params: MonitoringParams) -> str:
    start = pd.Timestamp(one.start, unit="us", tz="UTC").tz_convert(params.zone)
    return f"week of {start:%F}: {one.n_answers:,} answers"


def _figures(weeks: Sequence[Summary], params: MonitoringParams) -> Iterator[str]:
    newest = weeks[-1]
    if newest.expected_metric is not None:
        yield f"{newest.metric_words} expected {newest.expected_metric:.4g}"
    known = [one for one in weeks if one.is_mature]
    if not known:
        yield "no week whose outcomes are known yet"
        return
    one = known[-1]
    value = "not known" if one.value is None else f"{one.value:.4g}"
    beside = "" if one.rule_value is None else f" (rule {one.rule_value:.4g})"
    yield f"{_week(one, params)}, outcomes known: {one.metric_words} {value}{beside}"
    if one.coverage is not None:
        yield (
            f"inside the interval {one.coverage.value:.1%} "
            f"({one.coverage.lower:.1%} to {one.coverage.upper:.1%})"
        )
    if one.benefit is not None:
        saved, each = one.benefit, one.benefit.between
        of = f" ({each.value:.3g} an answer, {each.lower:.3g} to {each.upper:.3g})" if each else ""
        yield f"saved against the rule {saved.saved_in_all:,.0f} {saved.currency}{of}"
    yield from one.notes


def of_alarm(one: Alarm) -> str:
    """Say an alarm in a line or two."""
    at = pd.Timestamp(one.raised_at, unit="us")
    was = "" if one.is_true is None else ", it was right" if one.is_true else ", it was false"
    state = f"{one.state}{was}{f', {one.by}' if one.by else ''}"
    said = f"{one.id}  {at:%F %H:%M}  {one.problem} {one.version}: {one.words} ({state})"
    return f"{said}\n          {one.note or one.to_do}"
