"""How long earlier orders with the same attribute took, as known at the beginning of the day.

An order enters when its completion was known. Each attribute is compared with the overall mean
alone, not against the others: which there are, and which is the wider one, is a matter of the log.
How many got stuck is no history: what is usual is only known when the usual orders are over.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrace.past.history import Known, Level, State, as_of, end_state

ALL = "all"


def history(
    rows: pd.DataFrame, past: pd.DataFrame, columns: Sequence[str], level: Level
) -> dict[str, NDArray[np.float32]]:
    """Return history_<attribute>_days and _orders of each row, and history_all_days."""
    orders = past.drop_duplicates("order_id", keep="last")
    day = rows["snapshot_at"].dt.floor("D")
    everyone = pd.Series(0, index=rows.index)
    overall = outcomes(orders)
    found = {"history_all_days": _looked_up(everyone, day, overall, level).mean.astype(np.float32)}
    rest = _unexplained(orders, overall, level)
    for column in columns:
        there, here = _codes(orders[column], rows[column])
        known = _looked_up(here, day, rest.assign(entity=there), level)
        name = f"history_{column.removeprefix('text_')}"
        found[f"{name}_days"] = level.effect(known).astype(np.float32)
        found[f"{name}_orders"] = known.count.astype(np.float32)
    return found


def memory(rows: pd.DataFrame, columns: Sequence[str], level: Level) -> State:
    """Return the state after all outcomes of clean rows: of "all" the mean, of values the rest."""
    orders = rows.drop_duplicates("order_id", keep="last")
    overall = outcomes(orders)
    rest = _unexplained(orders, overall, level)
    tables = {ALL: overall.assign(entity=ALL)}
    tables |= {name: rest.assign(entity=orders[name].astype("str")) for name in columns}
    levels = [Level(name, level.half_life_days, level.prior_weight) for name in tables]
    return end_state(list(tables.values()), levels)


def outcomes(orders: pd.DataFrame) -> pd.DataFrame:
    """Return the log of (1 + days) that orders took, and when that was known."""
    days = (orders["completed_at"] - orders["started_at"]).dt.total_seconds() / 86_400
    value = pd.Series(np.log1p(days))
    return pd.DataFrame({"entity": 0, "value": value, "known_at": orders["completed_known_at"]})


def _unexplained(orders: pd.DataFrame, overall: pd.DataFrame, level: Level) -> pd.DataFrame:
    """Return the outcomes less the overall mean that was known when each order began."""
    known = as_of(overall["entity"], orders["started_at"], overall, level.half_life_days)
    mean = np.where(known.weight > 0, known.mean, np.nan)
    return overall.assign(value=overall["value"] - mean)


def _looked_up(entity: pd.Series, day: pd.Series, outcomes: pd.DataFrame, level: Level) -> Known:
    """Look each (entity, day) up once, however many rows ask for it."""
    days = day.to_numpy("datetime64[D]").astype(np.int64)
    days -= days.min(initial=0)
    pair = entity.to_numpy(np.int64) * (int(days.max(initial=0)) + 1) + days
    _, first, number = np.unique(pair, return_index=True, return_inverse=True)
    known = as_of(entity.iloc[first], day.iloc[first], outcomes, level.half_life_days)
    return Known(known.mean[number], known.weight[number], known.count[number])


def _codes(there: pd.Series, here: pd.Series) -> tuple[NDArray[np.int64], pd.Series]:
    """Number the values of two columns of texts or categories alike."""
    there, here = (
        column if isinstance(column.dtype, pd.CategoricalDtype) else column.astype("category")
        for column in (there, here)
    )
    words = [pd.Series(column.cat.categories.astype("str")) for column in (there, here)]
    numbers, _ = pd.factorize(pd.concat(words, ignore_index=True))
    cut = len(words[0])
    old, new = numbers[:cut][there.cat.codes], numbers[cut:][here.cat.codes]
    return old.astype(np.int64), pd.Series(new.astype(np.int64), index=here.index)
