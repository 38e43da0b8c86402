"""A payment's columns: the payment, its customer and terminal until then, and what was known."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from problems.contract import Features, History
from problems.fraud.features import history as past
from problems.fraud.features.memory import NONE
from problems.fraud.features.settings import DAY_MS, FeatureSettings, amount_z, to_log
from problems.fraud.problem import DAYS, HIGH_DAYS
from retrace.base.arrays import Arrays
from retrace.base.clock import hour_of_day, local_time, weekday
from retrace.past.timeline import Ints

Columns = dict[str, NDArray[Any]]


def features(rows: Arrays, known: Arrays, settings: FeatureSettings) -> Arrays:
    """Return the features of clean payments, one row each; `known` is what History counted."""
    if not settings.history:
        known = past.nothing(known)
    amount, customer = rows["amount"].astype(np.float32), known["customer"]
    both = np.stack([known[entity][:, : past.SHARED] for entity in past.ENTITIES], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        windows = _windows(both, settings)
        over = amount[:, None] / windows["mean"][:, 0]
        columns = {
            "amount": amount,
            **_clock(rows, settings),
            **_named("amount_over_customer_mean", DAYS, over),
            **_habits(rows["amount"], customer),
        }
        for name, values in (windows | _frauds(both)).items():
            for place, entity in enumerate(past.ENTITIES):
                of_entity = values[:, place]
                if of_entity.ndim == 1:
                    columns[f"{entity}_{name}"] = of_entity
                else:
                    columns |= _named(f"{entity}_{name}", DAYS, of_entity)
    return columns


def _clock(rows: Arrays, settings: FeatureSettings) -> Columns:
    local = local_time(rows["at"], settings.time_zone)
    hour = hour_of_day(local)
    return {
        "hour": hour.astype(np.float32),
        "is_night": is_night(hour, settings),
        "is_weekend": weekday(local) >= 5,
    }


def is_night(hour: NDArray[Any], settings: FeatureSettings) -> NDArray[np.bool_]:
    """Whether a moment of the day is in the night; the night may go over midnight."""
    start, end = settings.night_from, settings.night_until
    late, early = hour >= start, hour < end
    return np.asarray(late & early if start < end else late | early)


def _windows(numbers: Ints, settings: FeatureSettings) -> Columns:
    """Return what the model sees of the windows of both entities, each of shape (n_rows, 2,
    n_windows)."""
    count, cents, labels, frauds = (
        numbers[..., place] for place in (past.COUNT, past.CENTS, past.KNOWN, past.FRAUDS)
    )
    prior = settings.prior_rows
    found = {
        "count": count,
        "mean": np.where(count > 0, cents / (100.0 * count), np.nan),
        "known": labels,
        "frauds": frauds,
        "fraud_rate": (frauds + prior * settings.prior_rate) / (labels + prior),
    }
    return {name: values.astype(np.float32) for name, values in found.items()}


def _frauds(numbers: Ints) -> Columns:
    """Return how long ago the known frauds were, and how many labels came after the last one, of
    both entities, (n_rows, 2)."""
    since = numbers[..., past.SINCE_FRAUD : past.LABELS_SINCE + 1].astype(np.float64)
    since = np.where(since == NONE, np.nan, since)
    days = (since[..., :2] / DAY_MS).astype(np.float32)
    return {
        "all_frauds": numbers[..., past.ALL_FRAUDS].astype(np.float32),
        "days_since_fraud": days[..., 0],
        "days_since_first_known": days[..., 1],
        "labels_since_fraud": since[..., 2].astype(np.float32),
    }


def _habits(amount: NDArray[np.float64], numbers: Ints) -> Columns:
    """Return the payment, and the customer's last days, against the customer's own habits."""
    before = numbers[:, past.BEFORE]
    count, total, squares = before[:, :1], before[:, 1:2], before[:, 2:]
    windows = numbers[:, past.LOG] / numbers[:, past.COUNT]
    logs = np.concatenate([windows, to_log(amount)[:, None]], axis=1)
    z = amount_z(logs, count, total, squares)
    last = numbers[:, past.SINCE_LAST]
    since = np.where(last == NONE, np.nan, last / 1000.0)
    return {
        **_named("customer_z", DAYS, z[:, :3]),
        "amount_z": z[:, 3],
        "seconds_since_last": since.astype(np.float32),
        **_named("customer_high", HIGH_DAYS, numbers[:, past.HIGH].astype(np.float32)),
        "is_new_terminal": numbers[:, past.IS_NEW] == 1,
    }


def _named(name: str, days: tuple[int, ...], values: NDArray[Any]) -> Columns:
    return {f"{name}_{one}": values[:, place] for place, one in enumerate(days)}


FEATURES = Features(
    features, FeatureSettings, History(past.as_of, past.events, past.State, past.at_end)
)

__all__ = ["FEATURES", "FeatureSettings", "features"]
