"""The daily page: are we well, what changed, what to do, on one screen; the rest folds.

One HTML file without scripts that needs no network, in the style of the report. It says only what
watch has found: `ProblemDay` are its summaries, `Fold` what others know, as of rollouts.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from monitoring import drawing, well
from monitoring.drawing import Point, Trace
from monitoring.html import fill, shown
from monitoring.summary import ACKNOWLEDGED, CLOSED, MUTED, OPEN, Alarm, Summary
from monitoring.well import Action, ProblemDay
from retrace.base.tables import Table
from retrace.judge.metrics import METRICS
from retrace.report import numbers, tables
from store.log import CHAMPION

DAYS = 35  # of the curves
SAVED_DAYS = 28
MOST_COLUMNS, MOST_SLICES, MOST_LINES, MOST_TO_DO = 8, 6, 8, 6
CLOSED_DAYS = 7  # for which a closed alarm is still listed


@dataclass(frozen=True)
class Fold:
    """What somebody else knows, such as of rollouts or of what is open: lines and tables.

    to_do : what it asks for, on the first screen
    """

    title: str
    words: str = ""  # beside the title, where it is folded
    lines: Sequence[str] = ()
    tables: Sequence[Table] = ()
    to_do: Sequence[Action] = ()


def page(
    problems: Sequence[ProblemDay],
    alarms: Sequence[Alarm],
    sections: Sequence[Fold],
    at: pd.Timestamp,
) -> str:
    """Return the page of a moment, whose time zone is that of its days."""
    asked = [one for section in sections for one in section.to_do]
    found = sorted([*well.to_do(alarms), *asked], key=lambda one: one.mood != "bad")
    changed = well.changes(problems, alarms, at)
    said = {
        "at": at,
        "rows": [_row(one, alarms, at) for one in problems],
        "headline": _headline([well.state_of(one, alarms, at) for one in problems]),
        "to_do": found[:MOST_TO_DO],
        "more_to_do": len(found) - MOST_TO_DO,
        "changes": changed[:MOST_LINES],
        "more_changes": len(changed) - MOST_LINES,
        "details": [_details(one, at) for one in problems],
        "alarms": _alarms(alarms, at),
        "sections": [(one, [shown(table) for table in one.tables]) for one in sections],
        "system": [_system(one) for one in problems if one.served],
    }
    return fill("daily.html", said)


# ---- the first screen ----------------------------------------------------------------------------


def _headline(states: Sequence[well.Health]) -> str:
    if not states:
        return "There is no problem to watch."
    number_of = {mood: sum(one.mood == mood for one in states) for mood in well.WORDS}
    if number_of["good"] == len(states):
        return "All is well." if len(states) > 1 else "It is well."
    told = [
        (number_of["bad"], "must be acted on today", "must be acted on today"),
        (number_of["open"], "should be looked at", "should be looked at"),
        (number_of["good"], "is well", "are well"),
        (number_of["plain"], "has no data", "have no data"),
    ]
    texts = [f"{n} {one if n == 1 else several}" for n, one, several in told if n]
    of = f" of {len(states)} problems " if len(states) > 1 else " problem "
    return f"{texts[0].replace(' ', of, 1)}{''.join(f', {text}' for text in texts[1:])}."


def _row(one: ProblemDay, alarms: Sequence[Alarm], at: pd.Timestamp) -> dict[str, Any]:
    """Return a line of the first screen."""
    state = well.state_of(one, alarms, at)
    over = [day for day in one.served if day[0].end <= well.micros(at)]
    yesterday = over[-1][0] if over and _is_yesterday(over[-1][0], at) else None
    known = one.known_week
    since = well.micros(at - pd.Timedelta(SAVED_DAYS, unit="D"))
    benefits = [
        summary.benefit
        for day in one.served
        for summary in day
        if summary.benefit and summary.start >= since
    ]
    saved = sum(benefit.saved_in_all for benefit in benefits)
    return {
        "problem": one.problem,
        "state": state,
        "value": "" if known is None else well.figure(known, known.value),
        "spark": drawing.spark([_value(day[0]) for day in one.served]),
        "answers": well.answers_words(yesterday) if yesterday else "none" if one.served else "",
        "saved": f"{numbers.number(round(saved))} {benefits[0].currency}" if benefits else "",
    }


def _is_yesterday(one: Summary, at: pd.Timestamp) -> bool:
    return well.moment(one.end - 1, at).date() >= (at - pd.Timedelta(1, unit="D")).date()


def _value(one: Summary) -> float | None:
    """Return the metric of a day of which most outcomes are known."""
    return one.value if one.is_mature else None


# ---- a problem -----------------------------------------------------------------------------------


def _details(one: ProblemDay, at: pd.Timestamp) -> dict[str, Any]:
    week = one.served_weeks[-1] if one.served_weeks else None
    known = one.known_week
    slices = known.slices[:MOST_SLICES] if known else ()
    ends = [0.0, *(end for s in slices for end in (s.difference.lower, s.difference.upper))]
    span = (max(ends) - min(ends)) or 1.0
    return {
        "problem": one.problem,
        "facts": _facts(one, at),
        "pictures": [*_performance(one, at), *_savings(one, at)],
        "drift_week": "" if week is None else well.day_words(week.end - 1, at),
        "drift": [
            (column, drawing.bins(column.before, column.now))
            for column in (week.drift[:MOST_COLUMNS] if week else ())
        ],
        "predictions": week if week and week.prediction and week.prediction_before else None,
        "slices": [
            (
                part,
                tables.Whisker(
                    *(
                        (value - min(ends)) / span * 0.94 + 0.03
                        for value in (
                            0.0, part.difference.lower, part.difference.value,
                            part.difference.upper,
                        )
                    )
                ),
            )
            for part in slices
        ],
        "loss_words": METRICS[known.metric].loss_words if known else "",
        "slices_week": "" if known is None else well.day_words(known.end - 1, at),
        "challengers": _challengers(one),
        "notes": list(dict.fromkeys([*one.notes, *(week.notes if week else ())])),
    }  # fmt: skip


def _facts(one: ProblemDay, at: pd.Timestamp) -> list[tuple[str, str]]:
    """Return the figures of the newest week as (words, value)."""
    if not one.served_weeks:
        return []
    week, known, found = one.served_weeks[-1], one.known_week, []
    over = [day[0] for day in one.served if day[0].end <= well.micros(at)]
    if over:
        words = "answers on " + well.day_words(over[-1].start, at)
        found.append((words, well.answers_words(over[-1])))
    found.append(("version", ", ".join(dict.fromkeys(day.version for day in one.served[-1]))))
    if week.expected_metric is not None:
        words = f"{week.metric_words} expected before outcomes, week until "
        found.append((words + well.day_words(week.end - 1, at),
                      well.figure(week, week.expected_metric)))  # fmt: skip
    if known is not None:
        until = well.day_words(known.end - 1, at)
        found.append((f"{known.metric_words}, week until {until}", well.figure(known, known.value)))
        if known.rule_value is not None:
            found.append(("the same by the rule", well.figure(known, known.rule_value)))
        if known.coverage is not None:
            c = known.coverage
            between = f"{numbers.percent(c.lower, 0)} to {numbers.percent(c.upper, 0)}"
            found.append((f"inside the interval ({between})", numbers.percent(c.value, 1)))
        if known.calibration is not None:
            found.append(("promised over observed", numbers.number(known.calibration)))
        if known.overruled is not None:
            found.append(("of judged answers overruled", numbers.percent(known.overruled)))
        if known.delay_days:
            days = numbers.number(known.delay_days[len(known.delay_days) // 2])
            found.append(("until half of the outcomes are known", f"{days} days"))
    found.append(("of the newest week's outcomes known", _share(week.n_known, week.n_sampled)))
    return found


def _share(part: float, whole: float) -> str:
    return numbers.percent(part / whole, 0) if whole else ""


def _axis(one: ProblemDay, at: pd.Timestamp) -> tuple[dict[int, int], list[str]]:
    """Return the place of each day on the axis, by its start, and the axis' labels; days that are
    missing have places too."""
    first = well.moment(one.served[0][0].start, at).normalize()
    first = max(first, at.normalize() - pd.Timedelta(DAYS, unit="D"))
    dates = pd.date_range(first, at.normalize(), freq="D")
    place = {day.date(): number for number, day in enumerate(dates)}
    starts = [day[0].start for day in one.served]
    found = {
        start: place[day] for start in starts if (day := well.moment(start, at).date()) in place
    }
    return found, [f"{day:%-d %b}" for day in dates]


def _performance(one: ProblemDay, at: pd.Timestamp) -> list[dict[str, Any]]:
    """Draw the metric by day: as it turned out, as it was thought to be, and the rule's."""
    if not one.served:
        return []
    place, labels = _axis(one, at)
    days = [(place[day[0].start], day[0]) for day in one.served if day[0].start in place]
    truth, rule, estimate = [], [], []
    for x, day in days:
        if day.value is not None:
            truth.append(_point(x, day, day.value))
        if day.rule_value is not None:
            rule.append(Point(x, day.rule_value))
        if day.expected_metric is not None:
            estimate.append(Point(x, day.expected_metric))
    newest = days[-1][1] if days else one.served[-1][0]
    half = [x for x, day in days if day.value is not None and not day.is_mature]
    found = [
        Trace("rule", "rule", rule),
        Trace("expected before outcomes", "estimate", estimate),
        Trace("as it turned out", "truth", truth),
    ]
    begun = _begun(one, place)
    drawn = drawing.curves(found, labels, [*begun])
    if not drawn:
        return []
    unit = newest.unit if METRICS[newest.metric].in_unit else ""
    better = "higher is better" if newest.higher_is_better else "lower is better"
    notes = []
    if not truth:
        notes.append("No outcome is known yet.")
    elif half:
        notes.append("Of the last days some outcomes are still open.")
    if any(one.lower is not None for one in truth):
        notes.append("Shaded: 95 % interval.")
    if begun:
        versions = ", ".join(f"{version} from {labels[x]}" for x, version in begun.items())
        notes.append(f"Upright: version {versions}.")
    title = f"{newest.metric_words}{f', {unit}' if unit else ''}, by day ({better})"
    return [{"title": title, "drawn": drawn, "note": " ".join(notes),
             "keys": [(curve.look, curve.words) for curve in found if curve.points]}]  # fmt: skip


def _point(x: float, day: Summary, value: float) -> Point:
    """Return the metric with its interval, where it is made of losses that have one."""
    of_losses = METRICS[day.metric].of_losses
    if day.loss is None or of_losses is None or day.higher_is_better:
        return Point(x, value)
    lower, upper = (max(end, 0.0) for end in (day.loss.lower, day.loss.upper))
    if of_losses == "root":
        lower, upper = math.sqrt(lower), math.sqrt(upper)
    return Point(x, value, lower, upper)


def _savings(one: ProblemDay, at: pd.Timestamp) -> list[dict[str, Any]]:
    """Draw what was saved against the rule since the first of these days."""
    if not any(summary.benefit for day in one.served for summary in day):
        return []
    place, labels = _axis(one, at)
    points, total, currency = [], 0.0, ""
    for day in one.served:
        if day[0].start not in place:
            continue
        for summary in day:
            if summary.benefit:
                total += summary.benefit.saved_in_all
                currency = summary.benefit.currency
        points.append(Point(place[day[0].start], total))
    if not points:
        return []
    title = f"Saved against the rule, {currency or 'money'}, running sum"
    amount = f"{numbers.number(round(total))} {currency}".rstrip()
    words = f"{amount} in {len(points)} days; answers whose "
    drawn = drawing.curves([Trace("saved", "truth", points)], labels, from_zero=True)
    return [{"title": title, "drawn": drawn, "note": words + "outcome is open are not in it.",
             "keys": []}]  # fmt: skip


def _begun(one: ProblemDay, place: Mapping[int, int]) -> dict[int, str]:
    """Return the places of the days on which another version began to answer, and which."""
    found, before = {}, None
    for day in one.served:
        versions = {summary.version for summary in day}
        if before is not None and (new := versions - before) and day[0].start in place:
            found[place[day[0].start]] = ", ".join(sorted(new))
        before = versions
    return found


def _challengers(one: ProblemDay) -> list[dict[str, str]]:
    newest: dict[tuple[str, str], Summary] = {}
    for week in sorted(one.weeks, key=lambda week: week.end):
        if week.role != CHAMPION:
            newest[week.version, week.arm] = week
    return [
        {
            "arm": week.arm,
            "version": week.version,
            "answers": numbers.count(week.n_answers),
            "metric": well.figure(week, week.value) or "not known",
            "known": _share(week.n_known, week.n_sampled),
        }
        for week in newest.values()
    ]


# ---- alarms, system, tables ----------------------------------------------------------------------


def _alarms(alarms: Sequence[Alarm], at: pd.Timestamp) -> list[dict[str, Any]]:
    since = well.micros(at - pd.Timedelta(CLOSED_DAYS, unit="D"))
    there = [one for one in alarms if one.state != CLOSED or (one.closed_at or 0) >= since]
    order = {OPEN: 0, ACKNOWLEDGED: 1, MUTED: 2, CLOSED: 3}
    there.sort(key=lambda one: (order.get(one.state, 3), -one.raised_at))
    return [
        {
            "alarm": one,
            "since": well.day_words(one.raised_at, at),
            "state": _alarm_state(one, at),
            "mood": well.mood_of(one),
        }
        for one in there
    ]  # fmt: skip


def _alarm_state(one: Alarm, at: pd.Timestamp) -> str:
    said = one.state
    if one.state == MUTED and one.muted_until:
        said += f" until {well.day_words(one.muted_until, at)}"
    if one.by and one.state != OPEN:
        said += f" by {one.by}"
    if one.is_true is not None:
        said += ", it was right" if one.is_true else ", it was false"
    return said


def _system(one: ProblemDay) -> dict[str, str]:
    day = one.served[-1][0]
    refused = ", ".join(f"{name} {numbers.count(n)}" for name, n in day.refused.items())
    return {
        "problem": one.problem,
        "answers": numbers.count(sum(summary.n_answers for summary in one.served[-1])),
        "refused": refused or "none",
        "errors": numbers.count(day.n_errors),
        "latency": " and ".join(f"{numbers.number(ms)} ms" for ms in day.latency_ms),
    }
