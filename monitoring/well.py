"""Are we well? A state and a sentence for each problem, what has changed, and what to do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import pandas as pd

from monitoring.summary import (
    ACKNOWLEDGED,
    CLOSED,
    MUTED,
    OPEN,
    PERFORMANCE,
    SYSTEM,
    VOLUME,
    Alarm,
    Summary,
)
from retrace.judge.metrics import METRICS
from retrace.report.numbers import count, number, percent
from store.log import CHAMPION

Mood = Literal["good", "open", "bad", "plain"]
WORDS: dict[Mood, str] = {"good": "well", "open": "look", "bad": "act", "plain": "no data"}
HARM = (PERFORMANCE, VOLUME, SYSTEM)  # people are hit by these today; others may become harm
SILENT_DAYS = 2
CHANGE_DAYS = 1


@dataclass(frozen=True)
class ProblemDay:
    """What watch knows of a problem: summaries of its days and weeks, of all versions and arms, and
    notes of what could not be looked at."""

    problem: str
    days: Sequence[Summary] = ()
    weeks: Sequence[Summary] = ()
    notes: Sequence[str] = ()

    @cached_property
    def served(self) -> list[list[Summary]]:
        """The champion's days in order of time; of a day with two versions both, the one that
        answered more first."""
        days: dict[int, list[Summary]] = {}
        for one in self.days:
            if one.role == CHAMPION:
                days.setdefault(one.start, []).append(one)
        return [sorted(days[start], key=lambda one: -one.n_answers) for start in sorted(days)]

    @cached_property
    def served_weeks(self) -> list[Summary]:
        """The champion's weeks in order of time, of each the version that answered more."""
        weeks: dict[tuple[int, int], Summary] = {}
        for one in self.weeks:
            known = weeks.get((one.end, one.start))
            if one.role == CHAMPION and (known is None or one.n_answers > known.n_answers):
                weeks[one.end, one.start] = one
        return [weeks[key] for key in sorted(weeks)]

    @property
    def known_week(self) -> Summary | None:
        """The newest week of which most outcomes are known."""
        known = [one for one in self.served_weeks if one.value is not None and one.is_mature]
        return known[-1] if known else None


class Health(NamedTuple):
    """How a problem does, and the sentence why."""

    mood: Mood
    why: str

    @property
    def word(self) -> str:
        return WORDS[self.mood]


class News(NamedTuple):
    """Something that was otherwise the day before."""

    problem: str
    words: str


class Action(NamedTuple):
    """What somebody should do, and why."""

    what: str
    why: str
    mood: Mood


def open_alarms(alarms: Sequence[Alarm], problem: str | None = None) -> list[Alarm]:
    """Return what needs somebody: open ones first, those that harm before others."""
    there = [
        one
        for one in alarms
        if one.state in (OPEN, ACKNOWLEDGED) and problem in (None, one.problem)
    ]
    return sorted(there, key=lambda one: (one.state != OPEN, one.kind not in HARM, -one.raised_at))


def mood_of(alarm: Alarm) -> Mood:
    """Return how much an alarm asks of people."""
    if alarm.state != OPEN:
        return "plain"
    return "bad" if alarm.kind in HARM else "open"


def state_of(one: ProblemDay, alarms: Sequence[Alarm], at: pd.Timestamp) -> Health:
    """Judge a problem at a moment."""
    there = open_alarms(alarms, one.problem)
    if there:
        first = there[0]
        more = f", and {len(there) - 1} more" if len(there) > 1 else ""
        who = f" ({first.by or 'somebody'} knows)" if first.state == ACKNOWLEDGED else ""
        return Health(
            "bad" if mood_of(first) == "bad" else "open", f"{_sentence(first.words)}{who}{more}."
        )
    if not one.served:
        return Health(
            "plain", one.notes[0] if one.notes else "Nothing was answered in these weeks."
        )
    newest = one.served[-1][0]
    silent = (micros(at) - newest.end) / 86_400e6
    if silent >= SILENT_DAYS - 1:
        return Health("open", f"No answer since {day_words(newest.start, at)}.")
    return Health("good", f"{_sentence(_performance(one, at))}.")


def _performance(one: ProblemDay, at: pd.Timestamp) -> str:
    """Say how good the answers are, or are thought to be."""
    known = one.known_week
    if known is not None and known.value is not None:
        rule = known.rule_value
        beside = "" if rule is None else f", where the rule has {number(rule)}"
        text = f"{known.metric_words} {figure(known, known.value)}{beside}"
        return f"{text}, in the week until {day_words(known.end - 1, at)}"
    newest = one.served_weeks[-1] if one.served_weeks else one.served[-1][0]
    started = any(summary.n_known for summary in (*one.days, *one.weeks))
    text = "Too few outcomes are known yet" if started else "No outcome is known yet"
    if newest.expected_metric is not None:
        text += f"; {newest.metric_words} {figure(newest, newest.expected_metric)} is expected"
    return text


def changes(
    problems: Sequence[ProblemDay], alarms: Sequence[Alarm], at: pd.Timestamp
) -> list[News]:
    """Return what is new since the morning before."""
    since = micros(at - pd.Timedelta(CHANGE_DAYS, unit="D"))
    found = [
        News(one.problem, f"New: {one.words}.")
        for one in alarms
        if one.raised_at >= since and one.state != CLOSED
    ]
    for alarm in alarms:
        if alarm.state == CLOSED and (alarm.closed_at or 0) >= since:
            found.append(News(alarm.problem, f"Over: {alarm.words} ({alarm.by or 'closed'})."))
        if alarm.state == MUTED and alarm.seen_at >= since and alarm.raised_at >= since:
            found.append(News(alarm.problem, f"Muted by {alarm.by or 'somebody'}: {alarm.words}."))
    for one in problems:
        found += [News(one.problem, words) for words in _new_versions(one, since)]
    return found


def _new_versions(one: ProblemDay, since: int) -> Iterator[str]:
    """Yield versions that answered for the first time since a moment."""
    first: dict[tuple[str, str], Summary] = {}
    for summary in sorted(one.days, key=lambda day: day.start):
        first.setdefault((summary.version, summary.role), summary)
    if not one.days:
        return
    begun = min(summary.start for summary in one.days)
    for (version, role), summary in first.items():
        if summary.end > since and summary.start > begun:
            what = "is in use now" if role == CHAMPION else f"is tried as {summary.arm}"
            yield f"Version {version} {what}."


def to_do(alarms: Sequence[Alarm]) -> list[Action]:
    """Return what the alarms ask for, once each, the heaviest first."""
    found: dict[tuple[str, str], Action] = {}
    for one in open_alarms(alarms):
        if one.state == OPEN:
            asked = Action(one.to_do, f"{one.problem}: {one.words}", mood_of(one))
            found.setdefault((one.problem, one.to_do), asked)
    return [*found.values()]


# ---- words and figures ---------------------------------------------------------------------------


def figure(one: Summary, value: float | None) -> str:
    """Write a value of the metric with its unit; nothing where it is not known."""
    if value is None:
        return ""
    metric = METRICS.get(one.metric)
    unit = one.unit if metric is not None and metric.in_unit else ""
    return f"{number(value)} {unit}".rstrip()


def answers_words(one: Summary) -> str:
    """Say how many answers a day had, beside what is usual of its hours."""
    usual = sum(one.usual)
    if not one.usual:
        return count(one.n_answers)
    return f"{count(sum(one.by_hour))} (usual {count(usual)})"


def known_words(one: Summary) -> str:
    return f"{percent(one.n_known / one.n_sampled, 0)} of outcomes known" if one.n_sampled else ""


def micros(at: pd.Timestamp) -> int:
    return int(at.tz_convert("UTC").value // 1000)


def moment(at: int, zone_of: pd.Timestamp | None = None) -> pd.Timestamp:
    """Return microseconds since 1970 as a moment in the zone of another, by default UTC."""
    found = pd.Timestamp(at, unit="us", tz="UTC")
    return found if zone_of is None else found.tz_convert(zone_of.tz)


def day_words(at: int, zone_of: pd.Timestamp) -> str:
    """Write a day: 30 Nov."""
    return f"{moment(at, zone_of):%-d %b}"


def _sentence(text: str) -> str:
    text = text.rstrip(".")
    is_word = text.partition(" ")[0].isalpha()  # and no column's name
    return text[:1].upper() + text[1:] if is_word else text
