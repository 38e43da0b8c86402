"""What a team that looks at payments sees: which to look at first, and what one would cost."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from problems import parts
from problems.contract import Problem
from problems.fraud.evaluation import EvaluateSettings
from problems.fraud.problem import DAYS
from problems.served import Answered, Ask, Page
from retrace.base.tables import Column, Kind, Table

MOST = 25


def beside(
    problem: Problem, row: Mapping[str, Any], answer: Mapping[str, Any], ask: Ask, top: Path
) -> Sequence[Table]:
    """Return what looking at the payment costs, and what leaving it is expected to cost."""
    costs = parts.settings(EvaluateSettings, problem, "evaluate")
    share = float(answer["prediction"])
    lost = costs.missed_share * row["amount"] + costs.missed_fee
    frame = pd.DataFrame(
        {
            "what": ["look at it", "let it pass", "let it pass, and it is fraud"],
            "cost": [costs.alert_cost, share * lost, lost],
        }
    )
    columns = {"what": Column("what", kind="text"), "cost": Column("expected cost", kind="money")}
    return [Table(frame, "What it costs, in the currency of amounts", columns)]


def todo(
    problem: Problem, answered: Sequence[Answered]
) -> Sequence[tuple[Answered, Mapping[str, Any]]]:
    """Return payments that nobody has judged yet, those first that are expected to cost most."""
    costs = parts.settings(EvaluateSettings, problem, "evaluate")
    found: list[tuple[float, Answered, Mapping[str, Any]]] = []
    for one in answered:
        if one.known or one.judged:
            continue
        share, amount = float(one.answer["prediction"]), float(one.row["amount"])
        loss = share * (costs.missed_share * amount + costs.missed_fee)
        cells = {
            "at": f"{one.as_of:%Y-%m-%d %H:%M}",
            "amount": amount,
            "terminal_id": str(one.row["terminal_id"]),
            "prediction": share,
            "loss": loss,
        }
        found.append((loss, one, cells))
    found.sort(key=lambda item: -item[0])
    return [(one, cells) for _, one, cells in found[:MOST]]


OF_WINDOW: dict[str, tuple[str, Kind]] = {
    "count": ("payments", "count"),
    "mean": ("mean payment", "money"),
    "known": ("labels known", "count"),
    "frauds": ("frauds known", "count"),
    "fraud_rate": ("share of fraud", "share"),
}


def _of_windows() -> dict[str, Column]:
    return {
        f"{who}_{what}_{days}": Column(
            f"{words} of the {who}, {'last day' if days == 1 else f'last {days} days'}", kind=kind
        )
        for who in ("customer", "terminal")
        for days in DAYS
        for what, (words, kind) in OF_WINDOW.items()
    }


PAGE = Page(
    words={
        "transaction_id": Column("payment", kind="text"),
        "at": Column("made at", kind="text"),
        "customer_id": Column("customer", kind="text"),
        "terminal_id": Column("terminal", kind="text"),
        "amount": Column("amount", kind="money"),
        "is_fraud": Column("fraud", kind="flag"),
        "hour": Column("hour of the day"),
        "is_night": Column("made at night", kind="flag"),
        "is_weekend": Column("made at a weekend", kind="flag"),
        **_of_windows(),
        "amount_over_customer_mean_*": Column("amount beside the customer's mean", "times"),
        "customer_z_*": Column("amount beside the customer's habit", "deviations"),
        "amount_z": Column("amount beside the customer's habit", "deviations"),
        "customer_high_*": Column("high payments of the customer of late", kind="count"),
        "customer_days_since_*": Column("what is known of the customer's past", kind="text"),
        "customer_labels_since_fraud": Column("what is known of the customer's past", kind="text"),
        "customer_all_frauds": Column("frauds known of the customer, ever", kind="count"),
        "terminal_days_since_*": Column("what is known of the terminal's past", kind="text"),
        "terminal_labels_since_fraud": Column("what is known of the terminal's past", kind="text"),
        "terminal_all_frauds": Column("frauds known of the terminal, ever", kind="count"),
        "seconds_since_last": Column("since the customer's payment before", "seconds"),
        "is_new_terminal": Column("the customer's first payment at this terminal", kind="flag"),
    },
    decisions=("look at it", "let it pass"),
    beside=beside,
    todo=todo,
    todo_title="Payments to look at",
    todo_columns={
        "at": Column("made at, UTC", kind="text"),
        "amount": Column("amount", kind="money"),
        "terminal_id": Column("terminal", kind="text"),
        "prediction": Column("probability", kind="share"),
        "loss": Column("expected loss", kind="money"),
    },
)
