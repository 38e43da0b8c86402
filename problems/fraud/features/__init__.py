"""A payment's columns: the payment, its customer and terminal until then, and what was known.

`features` makes one sorted pass over all rows: rows sorted by entity and time, running sums, and
two searches per window. `problems.fraud.live` gives the same numbers one payment at a time. Sums
are of whole numbers (cents, thousandths of log amounts), so that they are exact in any order.

A payment sees payments that are strictly earlier than itself, and labels that were known (known_at)
at its own time. The window of a known fraud is by the time at which it became known.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from problems.contract import Features, History
from problems.fraud.features.events import DAY_MS, Events, Floats, Frauds, Ints
from problems.fraud.problem import DAYS, HIGH_DAYS
from retrace.base.arrays import Arrays, from_frame, to_frame
from retrace.base.params import Params

HIGH_Z = 2.0  # an amount this far above the customer's own is high (assumed)
EPISODE_DAYS = 30  # a terminal or card is misused for weeks, so older frauds are another story


class Settings(Params):
    """`fraud.features`: local night, and how many payments the overall rate counts for."""

    time_zone: str
    night_from: int = Field(ge=0, le=23)
    night_until: int = Field(ge=0, le=23)
    prior_rows: float = Field(gt=0)
    prior_rate: float = Field(gt=0, lt=1)


def features(
    rows: pd.DataFrame, settings: Settings, past: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the feature frame of clean payments, one row each, with their index.

    `past` are clean rows with labels, by default `rows` themselves.
    """
    past = rows if past is None else past
    at, then = millis(rows["at"]), millis(past["at"])
    columns: dict[str, object] = payment_columns(rows, settings)
    codes = {}
    for entity in ("customer", "terminal"):
        here, there = codes[entity] = _codes(rows[f"{entity}_id"], past[f"{entity}_id"])
        order = np.lexsort((at, here))  # searches in the order of what is searched stay in cache
        found = _of_entity(entity, rows["amount"], past, (here, at, order), there, settings)
        while found:  # one by one, so that no column is there twice
            name = next(iter(found))
            columns[name] = _scattered(found.pop(name), order)
    columns["is_new_terminal"] = _is_new(codes, at, then)
    return pd.DataFrame(columns, index=rows.index, copy=False)


def _of_entity(
    entity: str,
    amount: pd.Series,
    past: pd.DataFrame,
    payments: tuple[Ints, Ints, Ints],
    there: Ints,
    settings: Settings,
) -> dict[str, object]:
    """Return the columns of one entity's past; `payments`: its codes, times and their order."""
    here, at, order = payments
    who, when = here[order], at[order]
    then, known = millis(past["at"]), millis(past["known_at"])
    fraud, log = past["is_fraud"].to_numpy(np.int64), to_log(past["amount"])
    stolen = fraud == 1
    paid = Events(there, then, {"cents": to_cents(past["amount"]), "log": log, "log2": log * log})
    labelled = Events(there, known, {"fraud": fraud})
    frauds = Frauds(there[stolen], known[stolen], then[stolen])
    found = _windows(entity, paid, labelled, who, when, settings)
    found |= _since_fraud(entity, frauds, labelled, who, when)
    if entity == "customer":
        high = _high_payments(paid, log, there, then)
        found |= _own(amount.iloc[order], paid, who, when, found)
        found |= _high(high, who, when)
    return found


def _scattered(values: object, order: Ints) -> object:
    """Put values that are in `order` back where they came from."""
    back = np.empty_like(values)
    back[order] = values
    return back


def payment_columns(rows: pd.DataFrame, settings: Settings) -> dict[str, object]:
    """Return what a payment shows by itself."""
    local = rows["at"].dt.tz_convert(settings.time_zone)
    hour = (local.dt.hour + local.dt.minute / 60).to_numpy(np.float32)
    return {
        "amount": rows["amount"].to_numpy(np.float32),
        "hour": hour,
        "is_night": is_night(local.dt.hour, settings).to_numpy(bool),
        "is_weekend": (local.dt.day_of_week >= 5).to_numpy(bool),
    }


def is_night(hour: "pd.Series[int]", settings: Settings) -> "pd.Series[bool]":
    """Whether an hour of the day is night; the night may go over midnight."""
    start, end = settings.night_from, settings.night_until
    late, early = hour >= start, hour < end
    return late & early if start < end else late | early


def millis(times: pd.Series) -> Ints:
    return np.asarray(times.to_numpy("datetime64[ms]").astype(np.int64))


def to_cents(amount: pd.Series) -> Ints:
    return np.asarray(np.round(amount.to_numpy(np.float64) * 100), np.int64)


def to_log(amount: pd.Series) -> Ints:
    """Return 1000 · log(1 + amount), in whole numbers."""
    return np.asarray(np.round(1000 * np.log1p(amount.to_numpy(np.float64))), np.int64)


@dataclass(frozen=True)
class Window:
    """Whole-number sums of one window; `columns` names what the model sees of them."""

    count: Ints
    cents: Ints
    known: Ints
    frauds: Ints

    def columns(self, entity: str, days: int, settings: Settings) -> dict[str, object]:
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = np.where(self.count > 0, self.cents / (100.0 * self.count), np.nan)
        prior = settings.prior_rows
        rate = (self.frauds + prior * settings.prior_rate) / (self.known + prior)
        found = {
            "count": self.count,
            "mean": mean,
            "known": self.known,
            "frauds": self.frauds,
            "fraud_rate": rate,
        }
        return {f"{entity}_{name}_{days}": v.astype(np.float32) for name, v in found.items()}


def _windows(
    entity: str, paid: Events, labelled: Events, here: Ints, at: Ints, settings: Settings
) -> dict[str, object]:
    columns: dict[str, object] = {}
    end, known_end = paid.position(here, at, "left"), labelled.position(here, at, "right")
    for days in DAYS:
        low = paid.position(here, at - days * DAY_MS, "left")
        known_low = labelled.position(here, at - days * DAY_MS, "right")
        window = Window(
            end - low,
            paid.total("cents", low, end),
            known_end - known_low,
            labelled.total("fraud", known_low, known_end),
        )
        columns |= window.columns(entity, days, settings)
    first = labelled.position(here, np.full(len(at), labelled.start - 1), "right")
    everything = labelled.total("fraud", first, known_end)
    return columns | {f"{entity}_all_frauds": everything.astype(np.float32)}


def _since_fraud(
    entity: str, frauds: Frauds, labelled: Events, here: Ints, at: Ints
) -> dict[str, object]:
    """Return how long ago the known frauds were, and how many labels came after the last one.

    Misuse of a terminal or a card begins and ends: counts alone cannot tell its end.
    """
    end = frauds.known.position(here, at, "right")
    first = frauds.known.position(here, np.full(len(at), frauds.known.start - 1), "right")
    recent = frauds.known.position(here, at - EPISODE_DAYS * DAY_MS, "right")
    last = np.maximum(end - 1, 0)
    labels = labelled.position(here, at, "right")
    labels -= labelled.position(here, frauds.known_at(last), "right")
    return since_columns(
        entity,
        np.where(end > first, at - frauds.latest(last), np.nan),
        np.where(end > recent, at - frauds.known_at(recent), np.nan),
        np.where(end > first, labels, np.nan),
    )


def since_columns(
    entity: str, since: Floats, since_first: Floats, labels: Floats
) -> dict[str, object]:
    """Return the columns of milliseconds since the latest fraud and since the first one known."""
    return {
        f"{entity}_days_since_fraud": (since / DAY_MS).astype(np.float32),
        f"{entity}_days_since_first_known": (since_first / DAY_MS).astype(np.float32),
        f"{entity}_labels_since_fraud": labels.astype(np.float32),
    }


def _before(paid: Events, here: Ints, at: Ints) -> tuple[Ints, Ints, Ints]:
    """Return count, sum and sum of squares of the log amounts of all earlier payments."""
    end = paid.position(here, at, "left")
    first = paid.position(here, np.full(len(at), paid.start - 1), "right")
    return end - first, paid.total("log", first, end), paid.total("log2", first, end)


def _own(
    amount: pd.Series, paid: Events, here: Ints, at: Ints, columns: dict[str, object]
) -> dict[str, object]:
    """Return the payment, and the customer's last days, against the customer's own habits."""
    before = _before(paid, here, at)
    end = paid.position(here, at, "left")
    last = paid.key[np.maximum(end - 1, 0)] - here * paid.span + paid.start if len(paid.key) else at
    since = np.where(before[0] > 0, (at - last) / 1000.0, np.nan)
    recent = {}
    for days in DAYS:
        low = paid.position(here, at - days * DAY_MS, "left")
        recent[days] = (end - low, paid.total("log", low, end))
    return own_columns(amount, before, recent, since, columns)


def own_columns(
    amount: pd.Series,
    before: tuple[Ints, Ints, Ints],
    recent: dict[int, tuple[Ints, Ints]],
    since: Floats,
    columns: dict[str, object],
) -> dict[str, object]:
    """Return the columns of a customer's habits; `recent` has count and sum of logs of windows."""
    amounts = amount.to_numpy(np.float32)
    found: dict[str, object] = {}
    for days, (count, total) in recent.items():
        mean = np.asarray(columns[f"customer_mean_{days}"])
        found[f"amount_over_customer_mean_{days}"] = amounts / mean
        with np.errstate(divide="ignore", invalid="ignore"):
            found[f"customer_z_{days}"] = amount_z(total / count, *before)
    found["amount_z"] = amount_z(to_log(amount), *before)
    return found | {"seconds_since_last": since.astype(np.float32)}


def _high_payments(paid: Events, log: Ints, customer: Ints, at: Ints) -> Events:
    """Return the past payments, with whether each was high when it was made."""
    order = np.lexsort((at, customer))
    who, when, amounts = customer[order], at[order], log[order]
    z = amount_z(amounts, *_before(paid, who, when))
    return Events(who, when, {"high": (z > HIGH_Z).astype(np.int64)})


def _high(high: Events, here: Ints, at: Ints) -> dict[str, object]:
    """Return how many of the customer's last payments were high when they were made."""
    end = high.position(here, at, "left")
    return {
        f"customer_high_{days}": high.total(
            "high", high.position(here, at - days * DAY_MS, "left"), end
        ).astype(np.float32)
        for days in HIGH_DAYS
    }


def amount_z(log: Ints | Floats, count: Ints, total: Ints, squares: Ints) -> NDArray[np.float32]:
    """Return how many standard deviations the log amount is from the customer's mean.

    The spread of few payments is drawn towards 0.5, with the weight of five (assumed).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / count
        spread = np.maximum(squares - total * mean, 0.0)
    deviation = np.sqrt((np.where(count > 0, spread, 0.0) + 5 * 500.0**2) / (count + 5))
    return np.where(count > 0, (log - mean) / deviation, np.nan).astype(np.float32)


def _codes(here: pd.Series, there: pd.Series) -> tuple[Ints, Ints]:
    codes, _ = pd.factorize(pd.concat([here, there], ignore_index=True))
    return codes[: len(here)].astype(np.int64), codes[len(here) :].astype(np.int64)


def _is_new(codes: dict[str, tuple[Ints, Ints]], at: Ints, then: Ints) -> NDArray[np.bool_]:
    """Whether the customer never paid at this terminal before."""
    (customer, past_customer), (terminal, past_terminal) = codes["customer"], codes["terminal"]
    width = int(max(terminal.max(initial=0), past_terminal.max(initial=0))) + 1
    pair, past_pair = customer * width + terminal, past_customer * width + past_terminal
    order = np.lexsort((then, past_pair))
    ordered = past_pair[order]
    if not len(ordered):
        return np.ones(len(at), bool)
    first = np.searchsorted(ordered, pair, side="left")
    inside = np.minimum(first, len(ordered) - 1)
    return np.asarray(~((ordered[inside] == pair) & (then[order][inside] < at)))


def as_of(rows: Arrays, past: Arrays, settings: Settings) -> Arrays:
    """Return all columns of `rows`: they are still computed from frames."""
    return from_frame(features(to_frame(rows), settings, to_frame(past)))


def of_known(rows: Arrays, known: Arrays, settings: Settings) -> Arrays:
    return known


FEATURES = Features(of_known, Settings, History(as_of))
