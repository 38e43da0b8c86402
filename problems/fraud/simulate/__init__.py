"""Card payments with fraudsters who change their ways. Every number is assumed unless it says not.

Customers pay at terminals near their home; amounts are their own. Fraudsters take over a card or a
terminal for some days, and in each era prefer other *ways* (`WAYS`, `MIXES`). Customers now and
then behave in just such a way themselves, so that a row made in a way is fraud with probability
`fraud_share` only; and some ordinary rows are fraud that nothing shows. The oracle knows which rows
were made in a way, and neither of the two draws: that noise nobody can know.
"""

import zlib
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from problems.contract import Simulated
from retrace.base.params import Params

DAY = 86_400
MONTH_DAYS = 30.4
NEAR = 12  # terminals that a customer uses
ELSEWHERE = 0.04  # share of payments at any other terminal
LABEL_DAYS = (2.0, 12.0)  # a fraud is reported by its owner within days to two weeks
CLEARED_DAYS = 7.0  # the Fraud Detection Handbook: labels are known after a week


@dataclass(frozen=True)
class Way:
    """How a fraudster works through one card or terminal.

    `times` the customer's usual amount, `rows` of payments within `days`; at night or by day.
    """

    name: str
    rows: int
    days: float
    times: float
    at_night: bool
    one_terminal: bool = False


WAYS = (
    Way("loud", 5, 3.0, 6.0, at_night=False),  # empty the card before it is blocked
    Way("terminal", 14, 28.0, 1.6, at_night=False, one_terminal=True),  # 28 days: the Handbook
    Way("burst", 8, 0.08, 0.3, at_night=False),  # many small ones in two hours
    Way("night", 5, 8.0, 0.9, at_night=True),  # while the owner sleeps
    Way("patient", 5, 14.0, 2.2, at_night=False),  # 14 days: the Handbook's stolen cards
)
MIXES = (  # shares of attacks by era, in the order of WAYS: each era learns a little
    (0.75, 0.25, 0.0, 0.0, 0.0),
    (0.65, 0.20, 0.15, 0.0, 0.0),
    (0.50, 0.15, 0.20, 0.15, 0.0),
    (0.35, 0.15, 0.20, 0.20, 0.10),
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Settings(Params):
    """`fraud.simulate`."""

    transactions: int = Field(ge=500, le=400_000_000)
    months: float = Field(gt=0, le=60)
    seed: int = Field(ge=0)
    start: date
    a_day: float = Field(gt=0)  # a customer's payments
    fraud_rate: float = Field(gt=0, lt=0.2)
    change_months: float = Field(gt=0)
    fraud_share: float = Field(gt=0, le=1)
    silent_share: float = Field(ge=0, lt=0.1)


@dataclass(frozen=True)
class Rows:
    """Payments before they have ids: arrays of one length. `way` is -1 for ordinary ones."""

    customer: Ints
    terminal: Ints
    seconds: Floats
    amount: Floats
    way: Ints


def simulate(settings: Settings) -> Simulated:
    """Return transactions.parquet, and the truth: way and probability of each transaction."""
    patterned = round(settings.transactions * settings.fraud_rate / settings.fraud_share)
    customers = max(
        10, round(settings.transactions / (settings.months * MONTH_DAYS * settings.a_day))
    )
    terminals = max(NEAR, round(1.2 * customers))
    usual = np.exp(_stream(settings, "usual").normal(3.4, 0.6, customers))  # 30 in the middle
    own = _ordinary(settings, settings.transactions - patterned, usual, terminals)
    odd = _attacks(settings, patterned, usual, terminals)
    both = [
        np.concatenate(pair) for pair in zip(vars(own).values(), vars(odd).values(), strict=True)
    ]
    order = np.argsort(both[2], kind="stable")
    rows = Rows(*(column[order] for column in both))
    return _tables(settings, rows)


def _ordinary(settings: Settings, count: int, usual: Floats, terminals: int) -> Rows:
    rng = _stream(settings, "ordinary")
    weight = np.cumsum(rng.gamma(2.0, 1.0, len(usual)))
    customer = np.searchsorted(weight / weight[-1], rng.random(count), side="right")
    home = rng.integers(0, terminals, len(usual))  # terminals in the order of a street
    step = np.minimum(rng.geometric(0.25, count) - 1, NEAR - 1)
    terminal = (home[customer] + step) % terminals
    far = rng.random(count) < ELSEWHERE
    terminal[far] = rng.integers(0, terminals, int(far.sum()))
    days = np.floor(rng.random(count) * settings.months * MONTH_DAYS)
    seconds = days * DAY + np.mod(rng.normal(14.0, 4.0, count), 24.0) * 3600  # the Handbook: noon
    amount = usual[customer] * np.exp(rng.normal(0.0, 0.5, count))
    return Rows(customer, terminal, seconds, amount, np.full(count, -1))


def _attacks(settings: Settings, count: int, usual: Floats, terminals: int) -> Rows:
    """Make about `count` rows (exactly, cut at the end) in the ways of their era."""
    rng = _stream(settings, "attacks")
    end = settings.months * MONTH_DAYS * DAY
    sizes = np.array([way.rows for way in WAYS])
    n = int(count / sizes.min()) + 2
    start = rng.random(n) * end
    era = np.minimum(
        (start / (settings.change_months * MONTH_DAYS * DAY)).astype(int), len(MIXES) - 1
    )
    edges = np.cumsum(np.array(MIXES), axis=1)[era]
    way = np.minimum((rng.random(n)[:, None] > edges).sum(axis=1), len(WAYS) - 1)
    attack = np.repeat(np.arange(n), sizes[way])[:count]
    kind = way[attack]
    rows = len(attack)
    columns = {
        name: np.array([getattr(one, name) for one in WAYS], float)[kind]
        for name in ("days", "times", "at_night", "one_terminal")
    }
    owner, place = rng.integers(0, len(usual), n)[attack], rng.integers(0, terminals, n)[attack]
    single = columns["one_terminal"] > 0
    customer = np.where(single, rng.integers(0, len(usual), rows), owner)
    terminal = np.where(single, place, rng.integers(0, terminals, rows))
    seconds = start[attack] + rng.random(rows) * columns["days"] * DAY
    night = np.floor(seconds / DAY) * DAY + rng.uniform(1.0, 5.0, rows) * 3600
    seconds = np.where(columns["at_night"] > 0, night, seconds)
    amount = usual[customer] * columns["times"] * np.exp(rng.normal(0.0, 0.25, rows))
    return Rows(customer, terminal, np.minimum(seconds, end - 1), amount, kind)


def _tables(settings: Settings, rows: Rows) -> Simulated:
    rng = _stream(settings, "labels")
    n = len(rows.amount)
    probability = np.where(rows.way >= 0, settings.fraud_share, settings.silent_share)
    fraud = rng.random(n) < probability
    wait = np.where(fraud, rng.uniform(*LABEL_DAYS, n), CLEARED_DAYS)
    begin = np.datetime64(settings.start.isoformat(), "us")
    at = begin + np.floor(rows.seconds).astype("timedelta64[s]")
    known = at + np.floor(wait * DAY).astype("timedelta64[s]")
    ids = _ids("T", np.arange(n))
    raw = pd.DataFrame(
        {
            "transaction_id": ids,
            "at": pd.DatetimeIndex(at).tz_localize("UTC"),
            "customer_id": _ids("C", rows.customer),
            "terminal_id": _ids("M", rows.terminal),
            "amount": np.maximum(np.round(rows.amount, 2), 0.01),
            "currency": pd.Series("EUR", index=range(n), dtype="str"),
            "is_fraud": fraud.astype(np.int8),
            "known_at": pd.DatetimeIndex(known).tz_localize("UTC"),
        }
    )
    names = np.array([*(way.name for way in WAYS), "ordinary"])
    truth = pd.DataFrame(
        {
            "transaction_id": ids,
            "way": pd.Series(names[rows.way], dtype="str"),  # -1 is the last one
            "probability": probability,
        }
    )
    return Simulated({"transactions.parquet": raw}, truth)


def _ids(letter: str, numbers: Ints) -> "pd.Series[str]":
    return letter + pd.Series(numbers).astype("str").str.zfill(7)


def _stream(settings: Settings, name: str) -> np.random.Generator:
    """Return the random numbers of one part: a change in one part leaves the others' alone."""
    return np.random.default_rng([settings.seed, zlib.crc32(name.encode())])
