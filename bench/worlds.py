"""The simulated worlds of the drift study: one in which nothing changes, and changed half-way.

A change is put where it is cheapest to have it whole: into the clean stops, between two simulations
of payments, into the raw event log of orders. Sizes are those of params.yaml.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from problems import parts
from retrace.base.params import read_params
from retrace.past.splits import unit_hash
from stages.simulate import write_raw

KINDS = ("slow", "sudden", "one region", "one feature's unit", "seasonal")
SLOW_DAYS, SEASON_DAYS = 180, 61
EUR_NOK, KG_LB = 11.5, 2.2046

Rows = pd.DataFrame
Edit = Callable[[Rows], Rows]


@dataclass(frozen=True)
class DriftWorld:
    """`changed` takes a kind, a seed and the moment `at` when it begins."""

    stationary: Callable[[int], Rows]
    changed: Callable[[str, int, pd.Timestamp], Rows]
    at: str
    kinds: tuple[str, ...]


def clean(world: str, seed: int, edit: Edit | None = None, **settings: object) -> Rows:
    """Simulate with some settings changed, edit each raw table, and ingest."""
    simulator, ingest = parts.simulator(world), parts.reader(world)
    chosen = read_params(simulator.settings, f"{world}.simulate")
    chosen = simulator.settings(**{**chosen.model_dump(), **settings, "seed": seed})
    with TemporaryDirectory() as folder:
        for file, frame in simulator.simulate(chosen).raw.items():
            write_raw(edit(frame) if edit else frame, Path(folder) / file)
        rows: Rows = ingest.ingest(
            Path(folder), read_params(ingest.settings, f"{world}.ingest")
        ).clean
    return rows


def share(kind: str, times: pd.Series, at: pd.Timestamp, region: np.ndarray) -> np.ndarray:
    """Return how much of a change is there at each time, 0 to 1; `region` marks rows of the one."""
    days = ((times - at).dt.total_seconds() / 86_400).to_numpy()
    after = (days >= 0).astype(float)
    return {
        "slow": np.clip(days / SLOW_DAYS, 0.0, 1.0),
        "sudden": after,
        "one region": after * region,
        "one feature's unit": after,
        "seasonal": after * (days < SEASON_DAYS),
    }[kind]


# ---- service_time --------------------------------------------------------------------------------


def stops(seed: int) -> Rows:
    months = read_params(parts.simulator("service_time").settings, "service_time.simulate").months
    return clean(
        "service_time", seed, drift_log_per_year=0.0, christmas=0.0, new_region_month=months + 1
    )


def changed_stops(kind: str, seed: int, at: pd.Timestamp) -> Rows:
    """Service takes a sixth longer; in one region a third; or weights come in pounds."""
    rows = stops(seed)
    there = share(kind, rows["planned_at"], at, (rows["region"] == "oslo_east").to_numpy())
    if kind == "one feature's unit":
        rows["weight_kg"] *= np.where(there > 0, KG_LB, 1.0)
    else:
        rows["service_seconds"] *= np.exp((0.3 if kind == "one region" else 0.15) * there)
    return rows


# ---- fraud: the frauds of a later era take the place of those of the second ----------------------


def payments(seed: int, era: int = 1) -> Rows:
    return clean("fraud", seed, change_months=100.0, first_era=era)


def changed_payments(kind: str, seed: int, at: pd.Timestamp) -> Rows:
    """Fraudsters go over to the last era's ways; a quarter of the customers' only, which no column
    tells; or amounts are in kroner."""
    before = payments(seed)
    if kind == "one feature's unit":
        there = share(kind, before["at"], at, np.ones(len(before)))
        before["amount"] = (before["amount"] * np.where(there > 0, EUR_NOK, 1.0)).round(2)
        return before
    both = []
    for rows, late in ((before, False), (payments(seed, 3), True)):
        luck = unit_hash(rows, ["customer_id"], 1)
        gone = luck < share(kind, rows["at"], at, luck < 0.25)
        suffix = "L" if late else "E"  # ordinary payments are the same ones in both
        both.append(
            rows[gone == late].assign(
                transaction_id=lambda kept, suffix=suffix: kept["transaction_id"] + suffix
            )
        )
    return pd.concat(both).sort_values(["at", "transaction_id"], ignore_index=True)


# ---- orders --------------------------------------------------------------------------------------

OWN = "one segment"  # the simulator's own change
NEVER = 100  # months


def orders(seed: int, edit: Edit | None = None, change_month: int = NEVER) -> Rows:
    return clean("orders", seed, edit, change_month=change_month, futures=0)


def changed_orders(kind: str, seed: int, at: pd.Timestamp) -> Rows:
    """Every wait takes a third longer; in one region two thirds; values are in kroner; or what the
    simulator does by itself: one segment's credit checks and three regions' picking take longer."""
    if kind == OWN:
        return orders(seed, change_month=14)
    return orders(seed, lambda log: _changed_log(log, kind, at))


def _changed_log(log: Rows, kind: str, at: pd.Timestamp) -> Rows:
    log = log.sort_values(["case_id", "timestamp"], kind="stable", ignore_index=True)
    end, region = log["timestamp"].max(), (log["region"] == "east").to_numpy()
    there = share(kind, log["timestamp"], at, region)
    if kind == "one feature's unit":
        value = log["order_value"] * np.where(there > 0, EUR_NOK, 1.0)
        first = value.groupby(log["case_id"]).transform("first")  # an order has one value
        return log.assign(order_value=first.round(2))
    start = log.groupby("case_id")["timestamp"].transform("min")
    wait = log["timestamp"].diff().dt.total_seconds().where(log["timestamp"] > start, 0.0)
    began = pd.Series(there).shift(fill_value=0.0)  # the change at the wait's beginning
    longer = wait * np.exp((0.5 if kind == "one region" else 0.3) * began)
    waited = longer.groupby(log["case_id"]).cumsum()
    log["timestamp"] = (start + pd.to_timedelta(waited, unit="s")).dt.floor("s")
    return log[log["timestamp"] <= end].sort_values("timestamp", kind="stable", ignore_index=True)


WORLDS = {
    "service_time": DriftWorld(stops, changed_stops, "2025-05-15", KINDS),
    "fraud": DriftWorld(payments, changed_payments, "2025-06-15", KINDS),
    "orders": DriftWorld(orders, changed_orders, "2025-05-15", (*KINDS, OWN)),
}
