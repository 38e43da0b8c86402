"""What live traffic says of a challenger: promote, stop, or wait."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from experiments.rollout import drawn
from experiments.rollout.evidence import (
    answered,
    not_drawn,
    of_arms,
    pairs,
    with_losses,
)
from problems import parts
from problems.contract import Problem
from retrace.judge.gate import GateParams, worse_slices
from retrace.judge.metrics import METRICS
from retrace.judge.rollout import Measure, RolloutVerdict, judge
from retrace.judge.sequential import (
    Estimate,
    SampleRatio,
    between_subjects,
    first_seen,
    paired,
    sample_ratio,
)
from serving.rollout import AB, Rollout, moment_of
from serving.wanted import CHAMPION
from store.answered import OVERRULED
from store.database import Store
from workflow.blocks import blocks_of

DAY = pd.Timedelta(days=1)
WEEK = 7  # days, over which the present rate of information is taken
BETWEEN_SHARES = pd.Timedelta(seconds=10)  # servers take a new share within that
MOST_VALUES = 30  # of a column that is a slice
THEIRS = "champion_"
Estimating = Callable[[pd.DataFrame, str], Estimate]  # of the rows of a table, by a column


@dataclass(frozen=True)
class LiveVerdict:
    """The verdict on an arm, and what it rests on.

    by_day : index day, columns difference, lower, upper of the main measure, as each day's end had
        them
    slices : where the challenger is worse beyond noise; of a shadow
    n_unpaired : requests of the champion that the challenger in shadow has not answered
    """

    verdict: RolloutVerdict
    by_day: pd.DataFrame
    slices: pd.DataFrame
    n_unpaired: int = 0


def verdict_on(store: Store, problem: Problem, rollout: Rollout, arm: str) -> LiveVerdict:
    """Judge an arm by what the store has."""
    challenger = rollout.challengers[arm]
    table = answered(store, problem, moment_of(challenger.since))
    table["day"] = table["as_of" if problem.time else "predicted_at"].dt.floor("D")
    if challenger.mode == AB:
        return _between(problem, rollout, arm, table)
    return _paired(problem, rollout, arm, table)


def _between(problem: Problem, rollout: Rollout, arm: str, table: pd.DataFrame) -> LiveVerdict:
    personal = parts.world(problem.world).personal
    mine = of_arms(table, rollout, arm, personal[0] if personal else "")
    own = not_drawn(mine)
    scored = with_losses(own, problem)

    def estimate(rows: pd.DataFrame, of: str) -> Estimate:
        rows = rows[rows[of].notna()]
        return between_subjects(rows["subject"], rows["arm"] == arm, rows[of], day=rows["day"])

    main = _measure(problem, scored, estimate)
    said = own[own[OVERRULED].notna()]
    further = [
        *_costs(scored, estimate),
        *_measures("share of answers overruled", "", said, OVERRULED, estimate),
    ]
    days = _days(mine[mine["arm"] == arm])
    found = judge(
        main, further, days=days, params=rollout.verdict, sizes=_sizes(rollout, arm, mine)
    )
    by_day = _by_day(scored, rollout, estimate)
    return LiveVerdict(found, by_day, pd.DataFrame())


def _paired(problem: Problem, rollout: Rollout, arm: str, table: pd.DataFrame) -> LiveVerdict:
    both = pairs(table, arm, rollout.challengers[arm])
    ours = with_losses(both, problem)
    theirs = with_losses(_of_champion(both), problem).loc[ours.index]
    for name in {"loss", "cost"} & {*ours}:
        ours[THEIRS + name] = theirs[name]
    blocks, by_drawn = _blocks(problem, ours), rollout.explore is not None

    def estimate(rows: pd.DataFrame, of: str) -> Estimate:
        here = None if blocks is None else blocks.loc[rows.index]
        if by_drawn and len(rows):
            return drawn.compared(problem, rows, of, THEIRS, here)
        return paired(rows[of], rows[THEIRS + of], blocks=here)

    main, costs = _measure(problem, ours, estimate), _costs(ours, estimate)
    if by_drawn:
        main, *costs = (replace(one, words=f"{one.words} {drawn.WORDS}") for one in (main, *costs))
    found = judge(main, costs, days=_days(both), params=rollout.verdict)
    n_champion = int((table["arm"] == CHAMPION).sum())
    by_day = _by_day(ours, rollout, estimate)
    n_unpaired = max(n_champion - len(both), 0)
    return LiveVerdict(found, by_day, _worse(problem, ours, blocks), n_unpaired)


def _worse(problem: Problem, ours: pd.DataFrame, blocks: pd.Series | None) -> pd.DataFrame:
    """Return the slices where the challenger is worse beyond noise, by the gate's limits."""
    if ours.empty:
        return pd.DataFrame()
    gate = parts.settings(GateParams, problem, "gate")
    return worse_slices(
        ours[THEIRS + "loss"],
        ours["loss"],
        _labels(problem, ours),
        blocks=blocks,
        min_rows=gate.slice_min_rows,
        most=gate.slice_max_worse,
    )


def _of_champion(both: pd.DataFrame) -> pd.DataFrame:
    """Return the champion's side of pairs, under the names of its own columns."""
    theirs = {name: name.removeprefix(THEIRS) for name in map(str, both) if name.startswith(THEIRS)}
    return both.drop(columns=[*theirs.values()], errors="ignore").rename(columns=theirs)


def _measure(problem: Problem, scored: pd.DataFrame, estimate: Estimating) -> Measure:
    metric = METRICS[problem.metric]
    unit = problem.unit if metric.in_unit else ""
    (found,) = _measures(metric.loss_words, unit, scored, "loss", estimate, always=True)
    return found


def _costs(scored: pd.DataFrame, estimate: Estimating) -> list[Measure]:
    if "cost" not in scored:
        return []
    return list(_measures("cost of what is told", "", scored, "cost", estimate))


def _measures(
    words: str,
    unit: str,
    rows: pd.DataFrame,
    of: str,
    estimate: Estimating,
    *,
    always: bool = False,
) -> Iterator[Measure]:
    """Yield the measure as it is now and as it was a week before; nothing without rows."""
    if rows.empty and not always:
        return
    before = None
    if not rows.empty:
        earlier = rows[rows["day"] <= rows["day"].max() - WEEK * DAY]
        before = estimate(earlier, of) if len(earlier) else None
    yield Measure(words, unit, estimate(rows, of), before, WEEK)


def _days(rows: pd.DataFrame) -> int:
    """Return on how many days rows were asked."""
    return int(rows["day"].nunique())


def _sizes(rollout: Rollout, arm: str, rows: pd.DataFrame) -> SampleRatio | None:
    """Test whether as many subjects came to the arm as its share says, in each time of a share."""
    one = rollout.challengers[arm]
    others = _share_of_others(rollout, arm)
    if others is None:
        return None
    ends = sorted((pd.Timestamp(moment_of(end)), share) for end, share in one.ramps.items())
    at = rows["predicted_at"]
    limits = [round(end.timestamp() * 1e6) for end, _ in ends]
    epoch = np.searchsorted(limits, at.dt.as_unit("us").astype("int64"), side="right")
    of_arm = at[rows["arm"] == arm]
    begun = of_arm.min() if len(of_arm) else pd.Timestamp(moment_of(one.since))
    settled = at > begun + BETWEEN_SHARES  # before, some servers did not know the arm
    for end, _ in ends:
        settled &= ~at.between(end, end + BETWEEN_SHARES)
    shares = [share / (1 - others) for share in [*(share for _, share in ends), one.share]]
    if not shares or not settled.any() or max(shares) <= 0:
        return None
    rows, epoch = rows[settled], epoch[settled.to_numpy()]
    order = np.argsort(rows["predicted_at"].to_numpy(), kind="stable")
    counts = first_seen(
        rows["subject"].to_numpy()[order],
        (rows["arm"] == arm).to_numpy().astype(int)[order],
        epoch[order],
        n_epochs=len(shares),
        n_arms=2,
    )
    return sample_ratio(counts, [[1 - share, share] for share in shares])


def _share_of_others(rollout: Rollout, arm: str) -> float | None:
    """Return which share of the arm's subjects are another one's; None where that differs from row
    to row, since only some of the rows are for both."""
    mine, found = rollout.challengers[arm], 0.0
    for name, other in rollout.challengers.items():
        if name == arm or other.mode != AB or not other.share:
            continue
        both = set(mine.where) & set(other.where)
        if any(not set(mine.where[column]) & set(other.where[column]) for column in both):
            continue  # no row is for both
        if other.where and other.where != mine.where:
            return None
        found += other.share
    return found


def _blocks(problem: Problem, rows: pd.DataFrame) -> pd.Series | None:
    """Return which pairs are drawn together."""
    if problem.time and problem.time not in rows:
        rows = rows.assign(**{problem.time: rows["as_of"]})
    elif problem.time:
        rows = rows.assign(**{problem.time: pd.to_datetime(rows[problem.time], utc=True)})
    return blocks_of(problem, rows)[1]


def _labels(problem: Problem, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of few values that the model has as categories."""
    names = [name for name in problem.columns.categorical if name in rows]
    few = [name for name in names if rows[name].astype("str").nunique() <= MOST_VALUES]
    return rows[few].astype("str")


def _by_day(rows: pd.DataFrame, rollout: Rollout, estimate: Estimating) -> pd.DataFrame:
    found = {}
    for day in sorted(rows["day"].unique()):
        one = estimate(rows[rows["day"] <= day], "loss")
        lower, upper = one.interval(expected=rollout.verdict.expected, level=rollout.verdict.level)
        found[day] = (one.difference, lower, upper)
    return pd.DataFrame.from_dict(found, orient="index", columns=["difference", "lower", "upper"])
