"""The rows of the Fraud Detection Handbook, made by its published procedure and seeds.

    python -m bench.handbook FOLDER         writes FOLDER/payments.parquet, 1,754,155 rows

Own code that draws the same random numbers in the same order: 5,000 customers and 10,000 terminals
on a square of 100, 183 days. Scenarios: amounts above 220; two terminals a day taken over for 28
days; three customers a day, a third of whose payments of 14 days are five times as high. The number
of payments is the published one; 14,682 frauds, one more than published: payments of one second
have no stated order.
"""

# ruff: noqa: NPY002, S311 -- the published rows need the generators that drew them

import random
import sys
from pathlib import Path

import numpy as np
import pandas as pd

CUSTOMERS, TERMINALS, DAYS, DAY = 5_000, 10_000, 183, 86_400
START = pd.Timestamp("2018-04-01")


def payments() -> pd.DataFrame:
    """Return second, customer, terminal, amount and day of every payment, in time order."""
    np.random.seed(0)
    profile = np.random.uniform(size=(CUSTOMERS, 4))
    home, mean, a_day = profile[:, :2] * 100, 5 + profile[:, 2] * 95, profile[:, 3] * 4
    np.random.seed(1)
    place = np.random.uniform(size=(TERMINALS, 2)) * 100
    rows = []
    for customer in range(CUSTOMERS):
        near = np.flatnonzero(np.sqrt(((place - home[customer]) ** 2).sum(axis=1)) < 5).tolist()
        random.seed(customer)
        np.random.seed(customer)
        for day in range(DAYS):
            for _ in range(np.random.poisson(a_day[customer])):
                second = int(np.random.normal(DAY / 2, 20_000))
                if not 0 < second < DAY:
                    continue
                amount = np.random.normal(mean[customer], mean[customer] / 2)
                if amount < 0:
                    amount = np.random.uniform(0, 2 * mean[customer])
                if near:
                    terminal = random.choice(near)
                    rows.append((day * DAY + second, customer, terminal, round(amount, 2), day))
    table = pd.DataFrame(rows, columns=["second", "customer", "terminal", "amount", "day"])
    return table.sort_values("second", kind="stable", ignore_index=True)


def handbook() -> pd.DataFrame:
    """Return the table under the Handbook's names, sorted by time."""
    table = payments()
    day, customer, terminal = (table[one].to_numpy() for one in ("day", "customer", "terminal"))
    amount = table["amount"].to_numpy(copy=True)
    scenario = (amount > 220).astype(np.int64)
    for start in range(DAYS):
        taken = pd.Series(range(TERMINALS)).sample(n=2, random_state=start)
        scenario[(day >= start) & (day < start + 28) & np.isin(terminal, taken)] = 2
    for start in range(DAYS):
        stolen = pd.Series(range(CUSTOMERS)).sample(n=3, random_state=start)
        rows = np.flatnonzero((day >= start) & (day < start + 14) & np.isin(customer, stolen))
        random.seed(start)
        high = np.array(random.sample(rows.tolist(), k=len(rows) // 3), dtype=np.int64)
        amount[high] *= 5
        scenario[high] = 3
    return pd.DataFrame(
        {
            "TRANSACTION_ID": np.arange(len(table)),
            "TX_DATETIME": START + pd.to_timedelta(table["second"], unit="s"),
            "CUSTOMER_ID": customer,
            "TERMINAL_ID": terminal,
            "TX_AMOUNT": amount.round(2),
            "TX_TIME_SECONDS": table["second"],
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
    print(f"{len(table):,} rows, {table['TX_FRAUD'].sum():,} frauds")
