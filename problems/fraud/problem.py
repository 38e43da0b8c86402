"""What is asked of a card payment: how probable is it that the card's owner did not make it."""

from problems.contract import Columns, Problem

DAYS = (1, 7, 30)
HIGH_DAYS = (7, 14)
HISTORY = tuple(
    f"{entity}_{what}_{days}"
    for entity in ("customer", "terminal")
    for days in DAYS
    for what in ("count", "mean", "known", "frauds", "fraud_rate")
)
SINCE = ("days_since_fraud", "days_since_first_known", "labels_since_fraud")

PROBLEMS = {
    "fraud": Problem(
        name="fraud",
        world="fraud",
        task="binary",
        target="is_fraud",
        unit="fraud",
        metric="average_precision",
        key=("transaction_id",),
        time="at",
        known_at="known_at",
        entities=("customer_id", "terminal_id"),
        columns=Columns(
            numeric=(
                "amount",
                "hour",
                "is_night",
                "is_weekend",
                *HISTORY,
                *(f"amount_over_customer_mean_{days}" for days in DAYS),
                *(f"customer_z_{days}" for days in DAYS),
                *(f"customer_high_{days}" for days in HIGH_DAYS),
                *(f"{entity}_{what}" for entity in ("customer", "terminal") for what in SINCE),
                "amount_z",
                "seconds_since_last",
                "customer_all_frauds",
                "terminal_all_frauds",
                "is_new_terminal",
            ),
        ),
        slices=("amount", "terminal_age", "customer_age", "night"),
    )
}
