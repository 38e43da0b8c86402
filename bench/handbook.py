"""Payments like those of the Fraud Detection Handbook, made from its published description.

    python -m bench.handbook FOLDER         writes FOLDER/payments.parquet, 1.75 million rows

5,000 customers and 10,000 terminals on a square of 100; a customer pays within a radius of 5, with
a mean of 5 to 100, half of it as deviation, 0 to 4 payments a day around noon, for 183 days.
Scenarios: amounts above 220; two terminals a day taken over for 28 days; three customers a day, a
third of whose payments of 14 days are five times as high. Own code: other random numbers.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

DAYS = 183
DAY = 86_400


def handbook(seed: int = 1, customers: int = 5000, terminals: int = 10_000) -> pd.DataFrame:
    """Return the table under the Handbook's names, sorted by time."""
    rng = np.random.default_rng(seed)
    home, place = rng.uniform(0, 100, (customers, 2)), rng.uniform(0, 100, (terminals, 2))
    mean, a_day = rng.uniform(5, 100, customers), rng.uniform(0, 4, customers)
    counts = rng.poisson(np.repeat(a_day[:, None], DAYS, axis=1))
    customer, day = (np.repeat(one.ravel(), counts.ravel()) for one in np.indices(counts.shape))
    second = rng.normal(DAY / 2, 20_000, len(day)).astype(np.int64)
    amount = rng.normal(mean[customer], mean[customer] / 2)
    amount = np.where(amount < 0, rng.uniform(0, 2 * mean[customer]), amount).round(2)
    terminal = np.full(len(day), -1)
    edges = np.searchsorted(customer, np.arange(customers + 1))
    for one in range(customers):
        near = np.flatnonzero(((place - home[one]) ** 2).sum(axis=1) < 25)
        if len(near):
            terminal[edges[one] : edges[one + 1]] = rng.choice(near, edges[one + 1] - edges[one])
    kept = (second > 0) & (second < DAY) & (terminal >= 0) & (amount > 0)
    seconds = day * DAY + second
    frame = pd.DataFrame({"c": customer, "t": terminal, "d": day, "s": seconds, "amount": amount})
    frame = frame[kept].sort_values(["s", "c"], ignore_index=True)
    scenario = (frame["amount"].to_numpy() > 220).astype(np.int64)
    day, customer, terminal = (frame[one].to_numpy() for one in ("d", "c", "t"))
    amount = frame["amount"].to_numpy(copy=True)
    for start in range(DAYS):
        taken = rng.choice(terminals, 2, replace=False)
        scenario[(day >= start) & (day < start + 28) & np.isin(terminal, taken)] = 2
    for start in range(DAYS):
        stolen = rng.choice(customers, 3, replace=False)
        rows = np.flatnonzero((day >= start) & (day < start + 14) & np.isin(customer, stolen))
        rows = rng.choice(rows, len(rows) // 3, replace=False)
        amount[rows] *= 5
        scenario[rows] = 3
    return pd.DataFrame(
        {
            "TRANSACTION_ID": np.arange(len(frame)),
            "TX_DATETIME": pd.Timestamp("2018-04-01") + pd.to_timedelta(frame["s"], unit="s"),
            "CUSTOMER_ID": customer,
            "TERMINAL_ID": terminal,
            "TX_AMOUNT": amount.round(2),
            "TX_TIME_SECONDS": frame["s"],
            "TX_TIME_DAYS": day,
            "TX_FRAUD": (scenario > 0).astype(np.int64),
            "TX_FRAUD_SCENARIO": scenario,
        }
    )


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    table = handbook()
    table.to_parquet(folder / "payments.parquet", index=False)
    print(f"{len(table):,} rows, {table['TX_FRAUD'].mean():.2%} fraud")
