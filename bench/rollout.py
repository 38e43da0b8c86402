"""False alarms, power and time to a decision of a rollout's verdict, in simulated traffic.

    python -m bench rollout         a few minutes on one core; into RESULTS.md

Every rollout is looked at on each of 90 days. Beside the always-valid interval stands what is
easily done instead: a test for a single look, asked every day.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.results import Rows
from bench.rollout_traffic import Cells, Floats, Tail, Traffic, draw, draw_pairs
from retrace.judge.ratio import Ratio, Sums, arm_sums, fitted, ratio, reach
from retrace.judge.rollout import RolloutParams
from retrace.judge.sequential import sample_ratio

N_TESTS, N_DAYS, BATCH = 2000, 90, 50
EXPECTED = (0.05, 0.2, 0.6)  # differences to tune for, as shares: narrow early, or late
SINGLE = 1.959964  # normal quantile of a test for one look
PARAMS = RolloutParams()
LEAST = (PARAMS.least_subjects, PARAMS.least_outcomes)  # in each arm
LEAST_PAIRED = (PARAMS.least_blocks, PARAMS.least_requests)
EFFECTS = (0.02, 0.05, 0.10)

USUAL = Traffic("all subjects from the first day, losses lognormal", visits=1.0)
KINDS = (
    USUAL,
    Traffic("losses with a Pareto tail (2.5)", visits=1.0, tail="pareto"),
    Traffic("losses squared Student's t(5)", visits=1.0, tail="squared"),
    Traffic("weekly season of visits and losses", visits=1.0, season=0.5),
    Traffic("subjects differ: losses and visits", visits=1.0, lasting=1.0, uneven=1.0),
    Traffic("slow start: few subjects at first", starts="slowly", lasting=0.5, uneven=1.0),
    Traffic("subjects with most visits come last", starts="large last", lasting=0.5, uneven=0.5),
    Traffic("few subjects (60 an arm), 3 visits a day", 120, 3.0, uneven=0.5, lasting=1.0),
    Traffic("a fifth of the subjects challenged", 600, ramp=((0, 0.2),)),
    Traffic("a tenth challenged, Pareto, subjects differ", 600, 0.2, 1.0, 0, 1.0, "at once",
            "pareto", ramp=((0, 0.1),)),
    Traffic("a twentieth challenged", 1200, ramp=((0, 0.05),)),
    Traffic("ramp 2-10-25-50 %, losses double, season", uneven=1.0, season=0.5, lasting=0.5,
            trend=1.0, ramp=((0, 0.02), (7, 0.1), (14, 0.25), (28, 0.5))),
)  # fmt: skip
PAIRS: tuple[tuple[str, int, float, Tail], ...] = (
    ("shadow: 300 blocks that come again, lognormal", 300, 0.2, "lognormal"),
    ("shadow: 60 blocks that come again, squared t(5)", 60, 1.0, "squared"),
    ("shadow: a day is a block, 200 requests, squared t(5)", 0, 200.0, "squared"),
)


@dataclass(frozen=True)
class Looks:
    """What each look knows, shape (n_tests, n_days); overall is the mean loss of both arms."""

    found: Ratio
    overall: Floats
    n_units: NDArray[np.int64]  # of the smaller arm
    n_outcomes: Floats  # likewise

    def enough(self, least: tuple[int, int]) -> NDArray[np.bool_]:
        return (self.n_units >= least[0]) & (self.n_outcomes >= least[1])

    def alarms(self, expected: float, least: tuple[int, int] = LEAST) -> NDArray[np.bool_]:
        """Whether zero is outside of the always-valid interval."""
        below, above = reach(self.found, effect=expected * self.overall)
        value = self.found.value
        return self.enough(least) & ((value > below) | (value < -above))

    def single(self, least: tuple[int, int] = LEAST) -> NDArray[np.bool_]:
        """Whether a test that is meant for one look sees a difference."""
        half = SINGLE * np.sqrt(self.found.variance)
        return self.enough(least) & (np.abs(self.found.value) > half)


def looks(cells: Cells) -> Looks:
    """Look at the outcomes up to each day, as `between_subjects` does at one look."""
    n_of_day = cells.n.sum(axis=2, keepdims=True)
    losses = cells.loss.sum(axis=2, keepdims=True)
    challengers = (cells.n * cells.arm).sum(axis=2, keepdims=True)
    used = ((challengers > 0) & (challengers < n_of_day))[..., 0]
    sums = arm_sums(cells.loss, cells.n, cells.arm, (losses, n_of_day, challengers))
    found = ratio(Sums(*(np.cumsum(one, axis=1) for one in sums if one is not None)))
    n = np.cumsum(n_of_day[..., 0] * used, axis=1)
    n_units = [
        (np.cumsum(cells.n * used[..., None] * arm, axis=1) > 0).sum(axis=2)
        for arm in (cells.arm, ~cells.arm)
    ]
    with np.errstate(invalid="ignore"):
        variance = found.variance * fitted(n, np.cumsum(used, axis=1))
    overall = np.cumsum(losses[..., 0] * used, axis=1) / np.maximum(n, 1.0)
    smaller = np.minimum(challengers, n_of_day - challengers)[..., 0] * used
    return Looks(
        found._replace(variance=variance),
        overall,
        np.minimum(*n_units),
        np.cumsum(smaller, axis=1),
    )


def looks_of_pairs(cells: Cells) -> Looks:
    """The same of differences on the same requests; a mean loss is 1."""
    b = np.cumsum(cells.n, axis=1)
    found = ratio(Sums(np.cumsum(cells.loss, axis=1), b))
    return Looks(found, np.ones(found.value.shape), (b > 0).sum(axis=2), b.sum(axis=2))


def of(traffic: Traffic, n_tests: int, seed: int, effect: float = 0.0) -> Iterator[Looks]:
    """Yield batches of simulated rollouts."""
    rng = np.random.default_rng(seed)
    for _ in range(n_tests // BATCH):
        yield looks(draw(traffic, BATCH, N_DAYS, rng, effect=effect))


def false_alarms(
    batches: Iterator[Looks], least: tuple[int, int] = LEAST
) -> tuple[Floats, float, float]:
    """Return the shares of rollouts without a difference in which one is seen: at any look, by
    EXPECTED; at any look of a test for one; and by that at the last look only."""
    any_look, repeated, last = [], [], []
    for seen in batches:
        any_look.append([seen.alarms(one, least).any(axis=1) for one in EXPECTED])
        single = seen.single(least)
        repeated.append(single.any(axis=1))
        last.append(single[:, -1])
    shares = np.concatenate(any_look, axis=1).mean(axis=1)
    return shares, float(np.concatenate(repeated).mean()), float(np.concatenate(last).mean())


def of_pairs(blocks: int, visits: float, tail: Tail, n_tests: int, seed: int) -> Iterator[Looks]:
    """Yield batches of simulated shadows."""
    rng = np.random.default_rng(seed)
    for _ in range(n_tests // BATCH):
        yield looks_of_pairs(draw_pairs(BATCH, N_DAYS, blocks, visits, tail, 0.3, rng))


def _false_alarm_rows() -> Rows:
    studies = [(kind.words, of(kind, N_TESTS, seed), LEAST) for seed, kind in enumerate(KINDS)]
    studies += [
        (words, of_pairs(blocks, visits, tail, N_TESTS, 50 + seed), LEAST_PAIRED)
        for seed, (words, blocks, visits, tail) in enumerate(PAIRS)
    ]
    rows: Rows = []
    for words, batches, least in studies:
        shares, repeated, last = false_alarms(batches, least)
        by = ", ".join(f"{share:.2%}" for share in shares)
        rows.append(
            (
                f"false alarms: {words}",
                f"{shares.max():.2%}",
                f"tuned for 5, 20, 60 %: {by}; a test for one look, every day {repeated:.0%}, "
                f"on the last day only {last:.1%}",
            )
        )
    return rows


def _power_rows() -> Rows:
    """Real effects, found by the interval that may be looked at and by a test on a planned day."""
    traffic = Traffic("", 1500, 0.6, uneven=2.0, tail="mild", lasting=0.1, season=0.3)
    expected, rows = PARAMS.expected, Rows()
    for seed, effect in enumerate(EFFECTS):
        batches = list(of(traffic, 1000, 100 + seed, effect=-effect))
        found = np.concatenate([seen.alarms(expected) for seen in batches])
        single = np.concatenate([seen.single() for seen in batches])
        known = np.maximum.accumulate(found, axis=1).mean(axis=0)
        planned = single.mean(axis=0)
        rows.append(
            (
                f"losses {effect:.0%} lower: found within {N_DAYS} days",
                f"{known[-1]:.0%}",
                f"by a test on day {N_DAYS} only {planned[-1]:.0%}; half are found by "
                f"{_day(known, 0.5)}, four in five by {_day(known, 0.8)}, where a single look "
                f"planned with the effect known needs {_day(planned, 0.8)}",
            )
        )
    return rows


def _day(share: Floats, wanted: float) -> str:
    days = np.flatnonzero(share >= wanted)
    return f"day {days[0] + 1}" if days.size else f"no day of {N_DAYS}"


RAMP = np.array([0.02, 0.1, 0.25, 0.5])  # the challenger's share, by week; the last stays


def _day_of_alarm(lost: float, rng: np.random.Generator) -> int:
    """The day on which the arms' sizes are seen to be no chance in one ramp; N_DAYS if on none."""
    counts, shares = np.zeros((4, 2), np.int64), np.column_stack([1 - RAMP, RAMP])
    for day in range(N_DAYS):
        epoch = min(day // 7, 3)
        new = rng.poisson(100)
        challengers = rng.binomial(new, RAMP[epoch])
        counts[epoch] += (new - challengers, rng.binomial(challengers, 1 - lost))
        if sample_ratio(counts, shares).broken:
            return day
    return N_DAYS


def _size_rows() -> Rows:
    """The test of the arms' sizes, at every look of a ramp, with and without subjects lost."""
    rng, rows = np.random.default_rng(7), Rows()
    for lost, n_tests in ((0.0, N_TESTS), (0.1, 200), (0.2, 200)):
        alarm = np.array([_day_of_alarm(lost, rng) for _ in range(n_tests)])
        known = np.array([(alarm <= day).mean() for day in range(N_DAYS)])
        detail = f"{n_tests:,} ramps of 100 new subjects a day, {N_DAYS} looks; level 0.1 %"
        what = "no subject lost"
        if lost:
            what = f"{lost:.0%} of the challenger's subjects lost"
            detail += f"; half by {_day(known, 0.5)}"
        rows.append((f"sizes of arms: {what}", f"{known[-1]:.2%}", detail))
    return rows


def measured() -> Rows:
    head = (
        "rollouts without a difference, looked at daily",
        f"{N_TESTS:,} a kind",
        f"{N_DAYS} looks each; an alarm at any look counts; at most 5 % are allowed",
    )
    return [head, *_false_alarm_rows(), *_power_rows(), *_size_rows()]
