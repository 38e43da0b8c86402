"""What earlier orders with the same attribute came to, as known at the beginning of the day.

An order enters when its outcome was known. Each attribute is held against the overall mean alone,
not against the others: which there are, and which is the wider one, is a matter of the log.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrace.history import Known, Level, State, as_of, end_state

ALL = "all"
OUTCOMES = {"days": "completed_known_at", "stuck": "stuck_known_at"}
Floats = NDArray[np.float64]


def history(
    rows: pd.DataFrame, past: pd.DataFrame, columns: Sequence[str], level: Level
) -> dict[str, NDArray[np.float32]]:
    """Return history_<value>_<days|stuck> and _orders of each row, by attribute and for all."""
    day = rows["snapshot_at"].dt.floor("D")
    found: dict[str, NDArray[np.float32]] = {}
    for outcome in OUTCOMES:
        orders, table = _overall(past, outcome)
        found[f"history_all_{outcome}"] = _looked_up(
            pd.Series(0, index=rows.index), day, table, level
        ).mean.astype(np.float32)
        rest = _unexplained(orders, table, level)
        for column in columns:
            there, here = _codes(orders[column], rows[column])
            known = _looked_up(here, day, rest.assign(entity=there), level)
            name = f"history_{column.removeprefix('text_')}"
            found[f"{name}_{outcome}"] = level.effect(known).astype(np.float32)
            if outcome == "days":
                found[f"{name}_orders"] = known.count.astype(np.float32)
    return found


def memory(rows: pd.DataFrame, columns: Sequence[str], level: Level) -> State:
    """Return the state after all outcomes of clean rows: of "all" the mean, of values the rest."""
    outcomes: list[pd.DataFrame] = []
    levels: list[Level] = []
    for outcome in OUTCOMES:
        orders, table = _overall(rows, outcome)
        rest = _unexplained(orders, table, level)
        tables = {ALL: table.assign(entity=ALL)}
        tables |= {name: rest.assign(entity=orders[name].astype("str")) for name in columns}
        outcomes += tables.values()
        levels += [
            Level(f"{name} {outcome}", level.half_life_days, level.prior_weight) for name in tables
        ]
    return end_state(outcomes, levels)


def _overall(rows: pd.DataFrame, outcome: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return one row per order, with what was known of it when its outcome was, and the outcomes.

    An order may get stuck long before it is complete, so there its first row counts.
    """
    if outcome == "days":
        orders = rows.drop_duplicates("order_id", keep="last")
        days = (orders["completed_at"] - orders["started_at"]).dt.total_seconds() / 86_400
        value = pd.Series(np.log1p(days))
    else:
        orders = rows.drop_duplicates("order_id")
        value = orders["gets_stuck"]
    known_at = orders[OUTCOMES[outcome]]
    return orders, pd.DataFrame({"entity": 0, "value": value, "known_at": known_at})


def _unexplained(orders: pd.DataFrame, table: pd.DataFrame, level: Level) -> pd.DataFrame:
    """Return the outcomes less the overall mean that was known when each order began."""
    overall = as_of(table["entity"], orders["started_at"], table, level.half_life_days)
    mean = np.where(overall.weight > 0, overall.mean, np.nan)
    return table.assign(value=table["value"] - mean)


def _looked_up(entity: pd.Series, day: pd.Series, outcomes: pd.DataFrame, level: Level) -> Known:
    """Look each (entity, day) up once, however many rows ask for it."""
    asked = pd.DataFrame({"entity": entity.to_numpy(), "day": day.to_numpy()})
    number = asked.groupby(["entity", "day"], sort=False).ngroup().to_numpy()
    once = asked.loc[np.unique(number, return_index=True)[1]]
    moments = once["day"]
    known = as_of(once["entity"], moments, outcomes, level.half_life_days)
    return Known(known.mean[number], known.weight[number], known.count[number])


def _codes(there: pd.Series, here: pd.Series) -> tuple[NDArray[np.int64], pd.Series]:
    """Number the values of two columns alike."""
    both = pd.concat([there.astype("str"), here.astype("str")], ignore_index=True)
    codes, _ = pd.factorize(both)
    return codes[: len(there)], pd.Series(codes[len(there) :], index=here.index)
