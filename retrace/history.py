"""What was known of an entity at a moment: decayed means of its earlier outcomes.

Two ways to the same numbers. `as_of` answers many questions in one sorted pass over a table;
`State` is fed outcome by outcome, as serving does, and answers one moment at a time. An outcome
counts from the moment when it became *known*, which is never before it happened. An entity's
numbers depend on its own outcomes only, so a table of state can be partitioned by entity.

The mean of an entity at time t weighs each outcome by 2^(-(t - known_at) / half-life). With fewer
outcomes it is drawn towards its parent (a customer's area, say) by `backed_off`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrace.errors import RetraceError

Floats = NDArray[np.float64]
DAY = np.timedelta64(86_400_000_000, "us")
MOST_HALF_LIVES = 900  # of one entity's outcomes; more would overflow, and the oldest weigh nothing


@dataclass(frozen=True)
class Known:
    """What is known of each queried entity; all arrays have shape (n_queries,).

    mean is NaN and weight 0 where nothing is known. `weight` is decayed to the moment of the query,
    in outcomes; `count` is not decayed.
    """

    mean: Floats
    weight: Floats
    count: Floats


def as_of(
    entities: pd.Series,
    moments: pd.Series,
    outcomes: pd.DataFrame,
    half_life_days: float,
) -> Known:
    """Look up every (entity, moment) among `outcomes` (columns entity, value, known_at).

    Uses outcomes with known_at <= moment only: rows that are added later change nothing.
    """
    known = outcomes.dropna(subset=["value", "known_at"])
    n_known = len(known)
    codes, _ = pd.factorize(pd.concat([known["entity"], entities], ignore_index=True))
    times = pd.concat([known["known_at"], moments], ignore_index=True).to_numpy("datetime64[us]")
    is_query = np.arange(len(codes)) >= n_known
    order = np.lexsort((is_query, times, codes))  # at one instant, what becomes known comes first
    group = codes[order]
    days = _days_since_first(times[order], group)
    if len(days) and days.max() > MOST_HALF_LIVES * half_life_days:
        raise RetraceError(
            f"A half-life of {half_life_days:g} days is too short for outcomes over "
            f"{days.max():.0f} days; give at least {days.max() / MOST_HALF_LIVES:.3g}."
        )
    growth = np.exp2(days / half_life_days)
    value = np.append(known["value"].to_numpy(np.float64), np.zeros(len(entities)))[order]
    counted = (~is_query[order]).astype(np.float64)
    sums = pd.DataFrame(
        {"value": value * growth * counted, "weight": growth * counted, "count": counted}
    )
    sums = sums.groupby(group, sort=False).cumsum()
    at = np.empty(len(entities), dtype=np.int64)
    queried = is_query[order]
    at[order[queried] - n_known] = np.flatnonzero(queried)
    found = sums.to_numpy()[at]
    with np.errstate(invalid="ignore"):
        mean = found[:, 0] / found[:, 1]
    return Known(mean, found[:, 1] / growth[at], found[:, 2])


def _days_since_first(times: NDArray[np.datetime64], group: NDArray[np.int64]) -> Floats:
    """Days since the first row of each group, in rows that are sorted by group and time."""
    if len(group) == 0:
        return np.zeros(0)
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    first = np.repeat(times[starts], np.diff(np.r_[starts, len(group)]))
    return np.asarray((times - first) / DAY, dtype=np.float64)


def backed_off(levels: Sequence[Known], prior: float, prior_weight: float) -> Floats:
    """Combine levels from wide (all, area) to narrow (customer), each drawn to the one before.

    An estimate is (weight · mean + prior_weight · parent's estimate) / (weight + prior_weight);
    the widest level's parent is `prior`.
    """
    estimate = np.full(len(levels[0].mean), prior)
    for level in levels:
        mean = np.where(level.weight > 0, level.mean, 0.0)
        estimate = (level.weight * mean + prior_weight * estimate) / (level.weight + prior_weight)
    return estimate


@dataclass
class Memory:
    """One entity's decayed mean, its weight at `at`, and how many outcomes it stands for."""

    mean: float
    weight: float
    count: int
    at: np.datetime64


@dataclass
class State:
    """The history of every entity of some types, kept up to date outcome by outcome.

    half_life_days: by entity type. Outcomes must be given in the order in which they become known.
    """

    half_life_days: Mapping[str, float]
    memories: dict[tuple[str, str], Memory] = field(default_factory=dict)

    def update(self, entities: Mapping[str, str], value: float, known_at: np.datetime64) -> None:
        """Add one outcome to each of its entities ({type: id})."""
        for kind, name in entities.items():
            memory = self.memories.get((kind, name))
            if memory is None:
                self.memories[kind, name] = Memory(value, 1.0, 1, known_at)
                continue
            if known_at < memory.at:
                raise ValueError(f"{kind} {name}: {known_at} comes after {memory.at} was known")
            kept = memory.weight * self._decay(kind, memory.at, known_at)
            memory.mean = (memory.mean * kept + value) / (kept + 1.0)
            memory.weight, memory.count, memory.at = kept + 1.0, memory.count + 1, known_at

    def lookup(self, kind: str, names: Sequence[str], moment: np.datetime64) -> Known:
        """Return what is known of entities of one type at `moment`, not before the last update."""
        found = [self.memories.get((kind, name)) for name in names]
        return Known(
            np.array([m.mean if m else np.nan for m in found]),
            np.array([m.weight * self._decay(kind, m.at, moment) if m else 0.0 for m in found]),
            np.array([m.count if m else 0 for m in found], dtype=np.float64),
        )

    def to_table(self, feature: str) -> pd.DataFrame:
        """Return entity_type, entity_id, feature, value, weight, count, as_of; sorted by entity."""
        rows = [
            (*key, feature, m.mean, m.weight, m.count, m.at) for key, m in self.memories.items()
        ]
        names = ["entity_type", "entity_id", "feature", "value", "weight", "count", "as_of"]
        table = pd.DataFrame(rows, columns=names).sort_values(names[:2], ignore_index=True)
        return table.astype({"as_of": "datetime64[us]"}).assign(
            as_of=lambda t: t["as_of"].dt.tz_localize("UTC")
        )

    @classmethod
    def from_table(cls, table: pd.DataFrame, half_life_days: Mapping[str, float]) -> Self:
        keys = zip(table["entity_type"].tolist(), table["entity_id"].tolist(), strict=True)
        numbers = [table[name].tolist() for name in ("value", "weight", "count")]
        times = table["as_of"].to_numpy("datetime64[us]")
        memories = map(Memory, *numbers, times)
        return cls(half_life_days, dict(zip(keys, memories, strict=True)))

    def _decay(self, kind: str, since: np.datetime64, until: np.datetime64) -> float:
        return float(np.exp2(-((until - since) / DAY) / self.half_life_days[kind]))
