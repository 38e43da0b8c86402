"""What is doubted about a payment when it comes: another unit, by the customer's own payments."""

from collections.abc import Iterator

import numpy as np

from problems.arrivals import number
from problems.contract import Problem
from problems.served import ArrivalParams, Arrivals, Arriving, Suspicion

LEAST = 5  # payments of a customer that say what is usual (assumed)


def doubts(problem: Problem, fact: Arriving, settings: ArrivalParams) -> Iterator[Suspicion]:
    """Yield an amount that is far above all newest ones of its customer. Frauds are, too: what is
    doubted is beyond them."""
    most = settings.rows.improbable
    amounts = fact.newest.get("amount")
    if most is None or amounts is None:
        return
    undoubted = amounts[~fact.newest["held"]]
    if len(undoubted) < LEAST:
        return
    usual, amount = float(np.median(undoubted)), number(fact.told, "amount")
    if usual > 0 and amount > most * usual:
        words = f"amount is {amount:g}, {amount / usual:,.0f} times what the customer usually pays"
        yield Suspicion("improbable", amount / usual / most, words)


ARRIVALS = Arrivals(row_source="customer_id", row_newest=("amount",), rows=doubts)
