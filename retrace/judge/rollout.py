"""Should a challenger on live traffic be promoted, stopped, or given more time?

    main = Measure("absolute error", "minutes", now, before=a_week_ago)
    verdict = judge(main, [Measure("cost", "€", ...)], days=21, params=params, sizes=sizes)
    verdict.decision, verdict.sentence          "promote" | "stop" | "wait"

It may be asked every day: its intervals are those of `retrace.judge.sequential`, which hold at all
looks together.

    promote   the main measure is better, and no other one worse beyond its margin: each upper bound
              is below the measure's margin, and the least days, subjects and outcomes are there
    stop      a measure is worse beyond its margin (its lower bound is above it), or the arms' sizes
              cannot be chance, and then no figure can be trusted
    wait      anything else

Where there is no difference, half of `level` is the most with which "promote" is ever said; half of
it that of "stop" by the main measure; and half that of "stop" by any other, which share the level.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from retrace.base.params import Params
from retrace.judge.comparison import plain
from retrace.judge.sequential import Estimate, SampleRatio

NEVER = 365  # days; what takes longer is as good as never


class RolloutParams(Params):
    """What a verdict on live traffic asks for."""

    # Share of rollouts without a difference that may ever, at any look, seem to have one.
    level: float = Field(0.05, gt=0, lt=1)
    # The difference to tune the bounds for, as a share of mean loss: choose it before the rollout
    # and leave it; one that is much smaller or larger is found as surely, only later.
    expected: float = Field(0.05, gt=0)
    # How much worse the main measure may be, as a share of the champion's mean loss: 0 asks for a
    # better challenger, more for one that is no worse, where it has other merits.
    margin: float = Field(0.0, ge=0)
    # The same of every other measure; at 0 they would have to be better, too.
    further_margin: float = Field(0.05, ge=0)
    least_days: int = Field(7, ge=1)  # a whole week, before a promotion; harm is stopped earlier
    least_subjects: int = Field(50, ge=2)  # in each arm; below, an interval is not to be trusted
    least_blocks: int = Field(14, ge=2)  # the same in shadow, where requests are paired
    least_outcomes: int = Field(200, ge=2)  # in each arm
    # In shadow more: there a model that is mostly a little better and seldom much worse shows only
    # its good side at first, where between arms both have their disasters.
    least_requests: int = Field(500, ge=2)


@dataclass(frozen=True)
class Measure:
    """A measure of both arms; less is better.

    words : what it is, "absolute error" say; unit : "" for a rate
    now : at this look
    before : the same `days_before` days earlier, which gives the present rate of information
    """

    words: str
    unit: str
    now: Estimate
    before: Estimate | None = None
    days_before: int = 7


@dataclass(frozen=True)
class Measured:
    """A measure at this look, challenger minus champion, in its unit.

    lower, upper : hold at all looks together but with probability `level`
    margin : the difference up to which it is not worse
    days_left : until its interval is on one side of the margin, at the present rate and difference;
        0 where it is, None where that is never within a year
    """

    words: str
    unit: str
    difference: float
    lower: float
    upper: float
    level: float
    relative: float
    margin: float
    days_left: int | None
    n_subjects: tuple[int, int]
    n_outcomes: tuple[int, int]
    is_paired: bool

    @property
    def passes(self) -> bool:
        """Not worse, for sure."""
        return self.upper < self.margin or (self.difference == self.lower == self.upper == 0)

    @property
    def worse(self) -> bool:
        """Worse, for sure."""
        return self.lower > self.margin


@dataclass(frozen=True)
class RolloutVerdict:
    """The decision, why in one sentence, and its figures.

    lacking : why it waits though the bounds are clear or not even known: days, subjects, outcomes
    days_left : until a decision is likely, where it waits; None where that is never within a year
    """

    decision: Literal["promote", "stop", "wait"]
    sentence: str
    main: Measured
    further: tuple[Measured, ...]
    days: int
    days_left: int | None
    lacking: tuple[str, ...] = ()
    sizes: SampleRatio | None = None


def judge(
    main: Measure,
    further: Sequence[Measure] = (),
    *,
    days: int,
    params: RolloutParams,
    sizes: SampleRatio | None = None,
) -> RolloutVerdict:
    """Decide on a challenger.

    Parameters
    ----------
    main, further : what it is judged by, and what must not get worse
    days : how many whole days both arms have been there
    sizes : the test of the arms' sizes; None in shadow, where there are no arms
    """
    share = params.level / max(len(further), 1)
    first = find(main, days=days, margin=params.margin, level=params.level, params=params)
    others = tuple(
        find(one, days=days, margin=params.further_margin, level=share, params=params)
        for one in further
    )
    found = (first, *others)
    if sizes is not None and sizes.broken:
        return RolloutVerdict("stop", _sizes(sizes), first, others, days, None, sizes=sizes)
    few = [_few(first, params), *(_few(one, params, of=one.words) for one in others)]
    for one, lacks in zip(found, few, strict=True):
        if one.worse and not lacks:
            sentence = f"Stop: {_text(one, days)}."
            return RolloutVerdict("stop", sentence, first, others, days, None, sizes=sizes)
    lacking = tuple(one for lacks in few for one in lacks)
    if days < params.least_days:
        lacking = (*lacking, f"{days} of at least {params.least_days} days")
    if all(one.passes for one in found) and not lacking:
        tail = "".join(f"; {one.words} is not worse beyond its margin" for one in others)
        sentence = f"Promote: {_text(first, days)}{tail}."
        return RolloutVerdict("promote", sentence, first, others, days, None, sizes=sizes)
    left = _days_left(found, max(params.least_days - days, 0))
    sentence = _wait(found, days, left, lacking)
    return RolloutVerdict("wait", sentence, first, others, days, left, lacking, sizes)


def find(
    measure: Measure, *, days: int, margin: float, level: float, params: RolloutParams
) -> Measured:
    """Return what is known of one measure; margin is a share of the champion's mean loss."""
    now = measure.now
    lower, upper = now.interval(expected=params.expected, level=level)
    limit = margin * abs(now.champion) if margin else 0.0
    return Measured(
        measure.words,
        measure.unit,
        now.difference,
        lower,
        upper,
        level,
        now.relative,
        limit,
        _clear_in(measure, limit, days, level, params.expected),
        now.n_subjects,
        now.n_outcomes,
        now.is_paired,
    )


def _clear_in(
    measure: Measure, margin: float, days: int, level: float, expected: float
) -> int | None:
    """Days until the interval is on one side of the margin."""
    now, before = measure.now, measure.before
    if not math.isfinite(now.variance) or math.isnan(now.difference):
        return None
    if now.variance == 0:
        return 0
    growth = 1 / max(days, 1)  # of the information, a day, as a share of what there is
    if before is not None and math.isfinite(before.variance) and before.variance > 0:
        growth = (1 - now.variance / before.variance) / measure.days_before
    for ahead in range(NEVER + 1):
        grown = 1 + max(growth, 0.0) * ahead
        lower, upper = now.interval(expected=expected, level=level, grown=grown)
        if lower > margin or upper < margin:
            return ahead
    return None


def _days_left(found: Sequence[Measured], at_least: int) -> int | None:
    """Days until all measures pass, or the first is worse, if differences stay as they are."""
    stops = [one.days_left for one in found if one.difference > one.margin]
    if stops:
        known = [one for one in stops if one is not None]
        return max(min(known), 1) if known else None
    passes = [one.days_left for one in found]
    if any(one is None for one in passes):
        return None
    return max(at_least, 1, *(one for one in passes if one is not None))


def _few(found: Measured, params: RolloutParams, of: str = "") -> list[str]:
    """What a measure lacks for any verdict; of the main one also outcomes."""
    arms = ("champion", "challenger")
    if found.is_paired:
        wanted = [("blocks", found.n_subjects[0], params.least_blocks)]
        if not of:
            wanted += [("requests with an outcome", min(found.n_outcomes), params.least_requests)]
    else:
        wanted = [
            (f"subjects of the {arm}", n, params.least_subjects)
            for arm, n in zip(arms, found.n_subjects, strict=True)
        ]
        if not of:
            wanted += [
                (f"outcomes of the {arm}", n, params.least_outcomes)
                for arm, n in zip(arms, found.n_outcomes, strict=True)
            ]
    tail = f" with {of}" if of else ""
    return [f"{n:,} of at least {least:,} {what}{tail}" for what, n, least in wanted if n < least]


def _text(found: Measured, days: int) -> str:
    """The difference with its interval, relative, and what it rests on."""
    word, sign = ("lower", -1.0) if found.difference < 0 else ("higher", 1.0)
    mean, lower, upper = plain(
        abs(found.difference),
        *sorted(sign * bound for bound in (found.lower, found.upper)),
        digits=3,
    )
    unit = f" {found.unit}" if found.unit else ""
    share = "" if math.isnan(found.relative) else f", {abs(found.relative):.1%} of the champion's"
    subjects, outcomes = (
        " and ".join(f"{one:,}" for one in pair) for pair in (found.n_subjects, found.n_outcomes)
    )
    rests_on = f"{subjects} subjects with {outcomes} outcomes"
    if found.is_paired:
        rests_on = f"{min(found.n_outcomes):,} requests in {found.n_subjects[0]:,} blocks"
    interval = f"{100 * (1 - found.level):.3g} % interval {lower} to {upper}"
    return f"{found.words} is {word} by {mean}{unit} ({interval}{share}; {days} days, {rests_on})"


def _wait(found: Sequence[Measured], days: int, left: int | None, lacking: Sequence[str]) -> str:
    """Say what is not known yet, and for how long that is likely."""
    unknown = " and ".join(one.words for one in found if math.isinf(one.upper))
    if unknown:
        return f"Wait: {'; '.join(lacking) or f'nothing is known yet of {unknown}'}."
    ahead = "no decision is likely within a year at this rate"
    if left is not None:
        ahead = f"a decision is likely in {left} more day{'s' * (left > 1)} at this rate"
    unclear = next((one for one in found if not one.passes and not one.worse), found[0])
    return f"Wait: {'; '.join((*lacking, _text(unclear, days)))}; {ahead}."


def _sizes(sizes: SampleRatio) -> str:
    counts, expected = (
        " and ".join(f"{one:,.0f}" for one in arms) for arms in (sizes.counts, sizes.expected)
    )
    return (
        f"Stop: the arms' sizes cannot be chance: {counts} subjects where {expected} were "
        "expected; no figure can be trusted until the reason is known."
    )
