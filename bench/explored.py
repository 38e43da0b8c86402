"""A model that is fitted to the outcomes of its own suggestions, with and without a few drawn ones.

    python -m bench explored

A seller asks what to ask for a thing. It sells if a buyer is willing to pay as much, which depends
on three attributes, on a market that rises, and on chance. The model learns the probability of a
sale by attributes and price asked, and suggests the price that brings most on average. Each period
it is fitted again, to the last period's outcomes. With `share` some answers are drawn from an
interval around the suggestion.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

from bench.results import Rows
from retrace.judge.explored import compare_policies, training_weights

Floats = NDArray[np.float64]
SLOPES = np.array([0.5, -0.3, 0.2])
NOISE, RISE = 0.3, 0.03  # of log willingness, and of the market in a period
HALF = 0.5  # answers are drawn from the suggestion's logarithm ± this
WINDOW = 3  # periods that a model is fitted to
LIMITS = (-3.0, 3.0)  # of log suggestions around the first market's


@dataclass(frozen=True)
class Period:
    """What was asked in a period, and what sold; density is NaN where nothing was drawn."""

    x: Floats
    own: Floats
    told: Floats
    density: Floats
    sold: NDArray[np.bool_]

    @property
    def revenue(self) -> Floats:
        return np.asarray(np.exp(self.told) * self.sold)


@dataclass(frozen=True)
class Demand:
    """log-odds of a sale: level + x · slopes - steep · log price."""

    level: float
    slopes: Floats
    steep: float

    @classmethod
    def fit(cls, seen: list[Period], *, weighed: bool) -> "Demand":
        x, told, density, sold = (
            np.concatenate([getattr(one, name) for one in seen])
            for name in ("x", "told", "density", "sold")
        )
        weight = training_weights(density, 2 * HALF) if weighed else None
        found = LogisticRegression().fit(np.column_stack([x, told]), sold, sample_weight=weight)
        *slopes, price = found.coef_[0]
        return cls(float(found.intercept_[0]), np.array(slopes), -float(price))

    def suggest(self, x: Floats) -> Floats:
        """Return the logarithm of the price with the highest mean revenue."""
        if self.steep <= 1:  # a higher price always brings more, it thinks
            return np.full(len(x), LIMITS[1])
        at_best = logit(1 - 1 / self.steep)
        return np.asarray(np.clip((self.level + x @ self.slopes - at_best) / self.steep, *LIMITS))


def best_price(market: float, x: Floats) -> Floats:
    """The logarithm of the price that in truth brings most."""
    steps = np.linspace(-1.5, 1.5, 601)
    best = steps[np.argmax(steps + norm.logsf(steps / NOISE))]
    return np.asarray(market + x @ SLOPES + best)


def mean_revenue(log_price: Floats, market: float, x: Floats) -> float:
    """What prices bring on average, without the buyers' chance."""
    gap = (log_price - market - x @ SLOPES) / NOISE
    return float((np.exp(log_price) * norm.sf(gap)).mean())


def ask(own: Floats, x: Floats, market: float, share: float, rng: np.random.Generator) -> Period:
    drawn = rng.random(len(x)) < share
    told = np.where(drawn, own + rng.uniform(-HALF, HALF, len(x)), own)
    willing = market + x @ SLOPES + NOISE * rng.standard_normal(len(x))
    density = np.where(drawn, share / (2 * HALF), np.nan)
    return Period(x, own, told, density, told <= willing)


def play(share: float, *, weighed: bool, seed: int, n: int, periods: int) -> list[float]:
    """Return by period what was asked brought, the drawn answers included, as a share of what the
    best prices bring."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 3))
    history = ask(best_price(0.0, x), x, 0.0, 1.0, rng)  # people asked what they liked
    model, found, seen = Demand.fit([history], weighed=weighed), [], [history]
    for number in range(1, periods + 1):
        market, x = RISE * number, rng.standard_normal((n, 3))
        period = ask(model.suggest(x), x, market, share, rng)
        found.append(
            mean_revenue(period.told, market, x) / mean_revenue(best_price(market, x), market, x)
        )
        seen = [*seen, period][-WINDOW:]
        model = Demand.fit(seen, weighed=weighed)
    return found


@dataclass(frozen=True)
class Verdicts:
    """Suggestions judged from drawn answers, in many repetitions: of the difference of mean revenue
    the truth, the mean of the estimates, the share of intervals that have the truth, their mean
    half width, and the share in which it is seen which is better."""

    truth: float
    mean: float
    inside: float
    half: float
    seen: float


def verdicts(n_tests: int, n: int, share: float, raised: float) -> Verdicts:
    """Compare suggestions whose logarithm is raised with those of a champion that asks too little,
    by answers that the champion's server has drawn."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(n_tests):
        x = rng.standard_normal((n, 3))
        own = best_price(0.0, x) - 0.4
        period = ask(own, x, 0.0, share, rng)
        ours, loss = own + raised, -period.revenue
        estimate = compare_policies(
            loss, loss, period.told, period.density, ours, own, bandwidth=0.1
        )
        truth = mean_revenue(own, 0.0, x) - mean_revenue(ours, 0.0, x)
        lower, upper = estimate.interval(expected=0.2)
        has = lower <= truth <= upper
        found.append((truth, estimate.difference, has, (upper - lower) / 2, upper < 0))
    return Verdicts(*(float(one) for one in np.mean(np.array(found, float), axis=0)))


def measured() -> Rows:
    seeds, n, periods = range(20), 5000, 24
    rows: Rows = []
    for share, weighed, words in (
        (0.0, False, "none drawn"),
        (0.02, True, "2 % drawn, weighed"),
        (0.02, False, "2 % drawn, each counts as one"),
        (0.1, True, "10 % drawn, weighed"),
    ):
        brought = np.array(
            [play(share, weighed=weighed, seed=seed, n=n, periods=periods) for seed in seeds]
        )
        rows.append(
            (
                f"fitted again {periods} times, {words}",
                f"{brought.mean():.1%}",
                f"of the best prices' revenue; in the worst period of {periods} "
                f"{brought.min(axis=1).mean():.0%}; below 90 % in {(brought < 0.9).mean():.0%} of "
                f"periods; {len(seeds)} runs, {n:,} questions a period",
            )
        )
    found = verdicts(200, 100_000, 0.02, 0.4)
    rows.append(
        (
            "prices 49 % higher, judged by 2 % of 100,000 answers",
            f"{-found.mean:+.3f}",
            f"in truth {-found.truth:+.3f} a question; always-valid interval ± {found.half:.3f}, "
            f"has it in {found.inside:.1%} and sees which is better in {found.seen:.0%} of 200",
        )
    )
    return rows
