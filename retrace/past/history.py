"""What was known of an entity at a moment: decayed means of its earlier outcomes.

Two ways to the same numbers. `as_of` answers many questions in one sorted pass over a table;
`State` is fed outcome by outcome, as serving does, and answers one moment at a time. An outcome
counts from the moment when it became *known*, which is never before it happened. An entity's
numbers depend on its own outcomes only, so a table of state can be partitioned by entity.

The mean of an entity at time t weighs each outcome by 2^(-(t - known_at) / half-life). Levels back
off from wide (region) to narrow (customer): a level's effect is its mean of what the wider levels
left unexplained, drawn towards zero while little is known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrace.base.errors import RetraceError

STATE_COLUMNS = ("entity_type", "entity_id", "feature", "value", "weight", "count", "as_of")

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

    Uses outcomes with known_at < moment only: rows that are added later change nothing, and no row
    sees its own outcome.
    """
    known = outcomes.dropna(subset=["value", "known_at"])
    n_known = len(known)
    codes, _ = pd.factorize(pd.concat([known["entity"], entities], ignore_index=True))
    times = pd.concat([known["known_at"], moments], ignore_index=True).to_numpy("datetime64[us]")
    is_query = np.arange(len(codes)) >= n_known
    order = np.lexsort((~is_query, times, codes))  # at one instant, questions come first
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


@dataclass(frozen=True)
class Level:
    """One entity of the chain. `prior_weight` is the number of outcomes that zero counts for."""

    entity: str
    half_life_days: float
    prior_weight: float

    def effect(self, known: Known) -> Floats:
        """Return the mean, drawn towards zero; zero where nothing is known."""
        mean = np.where(known.weight > 0, known.mean, 0.0)
        return np.asarray(known.weight * mean / (known.weight + self.prior_weight))


def unexplained(
    rows: pd.DataFrame, value: pd.Series, moment: str, known_at: str, levels: Sequence[Level]
) -> list[pd.DataFrame]:
    """Return each level's outcomes (entity, value, known_at): what wider levels had not explained.

    `rows` has a column for each entity, the `moment` of prediction and the moment `known_at` when
    its `value` became known. Each row is explained by what was known at its own moment.
    """
    outcomes = []
    rest = value.to_numpy(np.float64).copy()
    for level in levels:
        table = pd.DataFrame(
            {"entity": rows[level.entity], "value": rest, "known_at": rows[known_at]}
        )
        outcomes.append(table)
        known = as_of(rows[level.entity], rows[moment], table, level.half_life_days)
        rest = rest - level.effect(known)
    return outcomes


def look_up(
    rows: pd.DataFrame, moment: str, outcomes: Sequence[pd.DataFrame], levels: Sequence[Level]
) -> pd.DataFrame:
    """Return <entity>_effect, _weight and _count of each row's entities, as known at `moment`."""
    found = [
        as_of(rows[level.entity], rows[moment], table, level.half_life_days)
        for level, table in zip(levels, outcomes, strict=True)
    ]
    return columns(found, levels, rows.index)


def columns(found: Sequence[Known], levels: Sequence[Level], index: pd.Index) -> pd.DataFrame:
    """Name the columns of what is known at each level."""
    parts: dict[str, Floats] = {}
    for level, known in zip(levels, found, strict=True):
        parts[f"{level.entity}_effect"] = level.effect(known)
        parts[f"{level.entity}_weight"] = known.weight
        parts[f"{level.entity}_count"] = known.count
    return pd.DataFrame(parts, index=index)


@dataclass
class Memory:
    """One entity's decayed mean, its weight at `at`, and how many outcomes it stands for."""

    mean: float
    weight: float
    count: int
    at: np.datetime64

    def add(self, value: float, known_at: np.datetime64, half_life_days: float) -> None:
        if known_at < self.at:
            raise ValueError(f"{known_at} comes after an outcome known at {self.at}")
        kept = self.weight * _decay(self.at, known_at, half_life_days)
        self.mean = (self.mean * kept + value) / (kept + 1.0)
        self.weight, self.count, self.at = kept + 1.0, self.count + 1, known_at


@dataclass
class State:
    """The chain's memory, kept up to date outcome by outcome.

    Plan with `look_up`, keep the effects it returned with the pending outcome, and give them back
    to `update` when the outcome is known. Updates come in the order in which outcomes are known.
    """

    levels: Sequence[Level]
    memories: dict[tuple[str, str], Memory] = field(default_factory=dict)

    def look_up(self, entities: Mapping[str, str], moment: np.datetime64) -> pd.DataFrame:
        """Return one row of `columns`: what is known of {entity: id} at `moment`."""
        found = [self._known(level, entities[level.entity], moment) for level in self.levels]
        return columns(found, self.levels, pd.RangeIndex(1))

    def update(
        self,
        entities: Mapping[str, str],
        value: float,
        known_at: np.datetime64,
        effects: Mapping[str, float],
    ) -> None:
        """Add one outcome; `effects` ({entity: effect}) are those known when it was predicted."""
        rest = value
        for level in self.levels:
            key = (level.entity, entities[level.entity])
            memory = self.memories.get(key)
            if memory is None:
                self.memories[key] = Memory(rest, 1.0, 1, known_at)
            else:
                memory.add(rest, known_at, level.half_life_days)
            rest -= effects[level.entity]

    def to_table(self) -> pd.DataFrame:
        """Return entity_type, entity_id, feature, value, weight, count, as_of; sorted by entity."""
        rows = [
            (*key, "effect", m.mean, m.weight, m.count, m.at) for key, m in self.memories.items()
        ]
        table = pd.DataFrame(rows, columns=list(STATE_COLUMNS))
        table = table.sort_values(["entity_type", "entity_id"], ignore_index=True)
        return table.astype({"as_of": "datetime64[us]"}).assign(
            as_of=lambda t: t["as_of"].dt.tz_localize("UTC")
        )

    @classmethod
    def from_table(cls, table: pd.DataFrame, levels: Sequence[Level]) -> Self:
        keys = zip(table["entity_type"].tolist(), table["entity_id"].tolist(), strict=True)
        numbers = [table[name].tolist() for name in ("value", "weight", "count")]
        times = table["as_of"].to_numpy("datetime64[us]")
        memories = map(Memory, *numbers, times)
        return cls(levels, dict(zip(keys, memories, strict=True)))

    def _known(self, level: Level, name: str, moment: np.datetime64) -> Known:
        memory = self.memories.get((level.entity, name))
        if memory is None:
            return Known(np.array([np.nan]), np.zeros(1), np.zeros(1))
        weight = memory.weight * _decay(memory.at, moment, level.half_life_days)
        return Known(np.array([memory.mean]), np.array([weight]), np.array([float(memory.count)]))


def end_state(outcomes: Sequence[pd.DataFrame], levels: Sequence[Level]) -> State:
    """Return the state after all of the outcomes of `unexplained`, each level in one pass."""
    memories: dict[tuple[str, str], Memory] = {}
    for level, table in zip(levels, outcomes, strict=True):
        known = table.dropna(subset=["value", "known_at"])
        last = known.groupby("entity", sort=True)["known_at"].max()
        after = last + pd.Timedelta(1, unit="us")
        found = as_of(last.index.to_series(), after, known, level.half_life_days)
        times = last.to_numpy("datetime64[us]")
        for name, mean, weight, count, at in zip(
            last.index, found.mean, found.weight, found.count, times, strict=True
        ):
            memories[level.entity, name] = Memory(float(mean), float(weight), int(count), at)
    return State(levels, memories)


def _decay(since: np.datetime64, until: np.datetime64, half_life_days: float) -> float:
    return float(np.exp2(-((until - since) / DAY) / half_life_days))
