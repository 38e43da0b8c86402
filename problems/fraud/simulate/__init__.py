"""Card payments with fraudsters who change their ways. Every number is assumed unless it says not.

Customers pay at terminals near their home; amounts are their own. Fraudsters take over a card or a
terminal for some days, and in each era prefer other *ways* (`WAYS`, `MIXES`). Customers now and
then behave in just such a way themselves, so that a row made in a way is fraud with probability
`fraud_share` only; and some ordinary rows are fraud that nothing shows. The oracle knows which rows
were made in a way, and neither of the two draws: that noise nobody can know.
"""

import zlib
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from problems.contract import Change, Simulated, Simulator
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


class SimulateSettings(Params):
    """`fraud.simulate`. `transactions` are those of `months`; each of `more_months` adds a month
    after them and leaves every earlier row as it is."""

    transactions: int = Field(ge=500, le=400_000_000)
    months: float = Field(gt=0, le=60)
    more_months: int = Field(default=0, ge=0, le=60)
    first_era: int = Field(default=0, ge=0, lt=len(MIXES))  # of MIXES, at the start
    seed: int = Field(ge=0)
    start: date = Field(date(2025, 1, 1), strict=False)
    a_day: float = Field(gt=0)  # a customer's payments
    fraud_rate: float = Field(gt=0, lt=0.2)
    change_months: float = Field(gt=0)
    fraud_share: float = Field(gt=0, le=1)
    silent_share: float = Field(ge=0, lt=0.1)


@dataclass(frozen=True)
class Payments:
    """Payments before they have ids: arrays of one length. `way` is -1 for ordinary ones."""

    customer: Ints
    terminal: Ints
    seconds: Floats
    amount: Floats
    way: Ints


@dataclass(frozen=True)
class People:
    """Customers: usual amount, cumulated weight, and the terminal that is their home."""

    usual: Floats
    weight: Floats
    home: Ints
    terminals: int


@dataclass(frozen=True)
class Span:
    """A part of the course, in months from the start. `suffix` tells its random numbers apart."""

    begin: float
    months: float
    suffix: str = ""


def simulate(settings: SimulateSettings) -> Simulated:
    """Return transactions.parquet, and the truth: way and probability of each transaction."""
    patterned = round(settings.transactions * settings.fraud_rate / settings.fraud_share)
    ordinary = settings.transactions - patterned
    customers = max(
        10, round(settings.transactions / (settings.months * MONTH_DAYS * settings.a_day))
    )
    terminals = max(NEAR, round(1.2 * customers))
    usual = np.exp(_stream(settings, "usual").normal(3.4, 0.6, customers))  # 30 in the middle
    rng = _stream(settings, "ordinary")
    weight = np.cumsum(rng.gamma(2.0, 1.0, customers))
    customer = np.searchsorted(weight / weight[-1], rng.random(ordinary), side="right")
    home = rng.integers(0, terminals, customers)  # terminals in the order of a street
    people = People(usual, weight / weight[-1], home, terminals)
    whole = Span(0.0, settings.months)
    parts = [(whole, _ordinary(rng, whole, customer, people), patterned)]
    for number in range(settings.more_months):
        span = Span(settings.months + number, 1.0, f", further month {number + 1}")
        rng = _stream(settings, "ordinary" + span.suffix)
        luck = rng.random(round(ordinary / settings.months))
        customer = np.searchsorted(people.weight, luck, side="right")
        own = _ordinary(rng, span, customer, people)
        parts.append((span, own, round(patterned / settings.months)))
    first, tables = 0, []
    for span, own, count in parts:
        rows = _in_order(own, _attacks(settings, span, count, people))
        tables.append(_tables(settings, span, rows, first))
        first += len(rows.amount)
    raw, truth = (pd.concat(frames, ignore_index=True) for frames in zip(*tables, strict=True))
    return Simulated({"transactions.parquet": raw}, truth, _changes(settings))


def _changes(settings: SimulateSettings) -> tuple[Change, ...]:
    """Return where each era ends and the next begins, and the ways that are new in it."""
    found = []
    for number in range(1, len(MIXES) - settings.first_era):
        after = number * settings.change_months
        if after < settings.months + settings.more_months:
            day = settings.start + timedelta(days=after * MONTH_DAYS)
            era = settings.first_era + number
            new = ", ".join(sorted(_used(MIXES[era]) - _used(MIXES[era - 1])))
            found.append(Change(day.isoformat(), "sudden", f"new attacks: {new}"))
    return tuple(found)


def _used(mix: tuple[float, ...]) -> set[str]:
    return {way.name for way, share in zip(WAYS, mix, strict=True) if share > 0}


def _in_order(own: Payments, odd: Payments) -> Payments:
    both = [
        np.concatenate(pair) for pair in zip(vars(own).values(), vars(odd).values(), strict=True)
    ]
    order = np.argsort(both[2], kind="stable")
    return Payments(*(column[order] for column in both))


def _ordinary(rng: np.random.Generator, span: Span, customer: Ints, people: People) -> Payments:
    count, usual, terminals = len(customer), people.usual, people.terminals
    step = np.minimum(rng.geometric(0.25, count) - 1, NEAR - 1)
    terminal = (people.home[customer] + step) % terminals
    far = rng.random(count) < ELSEWHERE
    terminal[far] = rng.integers(0, terminals, int(far.sum()))
    days = np.floor(span.begin * MONTH_DAYS + rng.random(count) * span.months * MONTH_DAYS)
    seconds = days * DAY + np.mod(rng.normal(14.0, 4.0, count), 24.0) * 3600  # the Handbook: noon
    amount = usual[customer] * np.exp(rng.normal(0.0, 0.5, count))
    return Payments(customer, terminal, seconds, amount, np.full(count, -1))


def _attacks(settings: SimulateSettings, span: Span, count: int, people: People) -> Payments:
    """Make about `count` rows (exactly, cut at the end) in the ways of their era."""
    rng = _stream(settings, "attacks" + span.suffix)
    usual, terminals = people.usual, people.terminals
    begin, length = span.begin * MONTH_DAYS * DAY, span.months * MONTH_DAYS * DAY
    end = begin + length
    sizes = np.array([way.rows for way in WAYS])
    n = int(count / sizes.min()) + 2
    start = begin + rng.random(n) * length
    passed = (start / (settings.change_months * MONTH_DAYS * DAY)).astype(int)
    era = np.minimum(settings.first_era + passed, len(MIXES) - 1)
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
    return Payments(customer, terminal, np.minimum(seconds, end - 1), amount, kind)


def _tables(
    settings: SimulateSettings, span: Span, rows: Payments, first: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return raw rows, whose ids count from `first`, and their truth."""
    rng = _stream(settings, "labels" + span.suffix)
    n = len(rows.amount)
    probability = np.where(rows.way >= 0, settings.fraud_share, settings.silent_share)
    fraud = rng.random(n) < probability
    wait = np.where(fraud, rng.uniform(*LABEL_DAYS, n), CLEARED_DAYS)
    begin = np.datetime64(settings.start.isoformat(), "us")
    at = begin + np.floor(rows.seconds).astype("timedelta64[s]")
    known = at + np.floor(wait * DAY).astype("timedelta64[s]")
    ids = _ids("T", first + np.arange(n))
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
    return raw, truth


def _ids(letter: str, numbers: Ints) -> "pd.Series[str]":
    return letter + pd.Series(numbers).astype("str").str.zfill(7)


def _stream(settings: SimulateSettings, name: str) -> np.random.Generator:
    """Return the random numbers of one part: a change in one part leaves the others' alone."""
    return np.random.default_rng([settings.seed, zlib.crc32(name.encode())])


SIMULATOR = Simulator(SimulateSettings, simulate)
