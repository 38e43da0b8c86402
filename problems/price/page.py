"""What a seller sees beside a price: what would change it, what words are worth, what was sold."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from problems.contract import Problem
from problems.served import Ask, Page
from retrace.base import paths
from retrace.base.tables import Column, Table

CONDITIONS = {1: "new", 2: "like new", 3: "good", 4: "fair", 5: "poor"}
MOST_WORDS = 12
MOST_SIMILAR, LEAST_SIMILAR = 8, 3  # listings that are shown, and those without which none are
CATEGORY = ("category_1", "category_2", "category_3")
SEEN = ("name", "brand", "condition", "price_usd", *CATEGORY)
PRICE = Column("price", "USD", "money")


def beside(
    problem: Problem, row: Mapping[str, Any], answer: Mapping[str, Any], ask: Ask, top: Path
) -> Sequence[Table]:
    changes, words = _changes(row), _without_words(row)
    now = float(answer["prediction"])
    prices = [float(one["prediction"]) for one in ask([*changes.values(), *words.values()])]
    changed, without = prices[: len(changes)], prices[len(changes) :]
    found = [
        Table(
            pd.DataFrame(
                {
                    "what": [*changes],
                    "price": changed,
                    "difference": [price - now for price in changed],
                }
            ),
            "What would change the price",
            {
                "what": Column("if", kind="text"),
                "price": PRICE,
                "difference": Column("difference", "USD", "money"),
            },
        ),
        Table(
            pd.DataFrame(
                {"word": [*words], "worth": [now - price for price in without]}
            ).sort_values("worth", ascending=False, kind="stable"),
            "What the words of the name are worth",
            {
                "word": Column("word", kind="text"),
                "worth": Column("price with it, less without", "USD", "money"),
            },
        ),
    ]
    similar = _similar(row, top / paths.clean(problem.world))
    if similar is not None:
        found.append(
            Table(
                similar,
                f"Similar listings; half of them were sold for {similar['price_usd'].median():.2f} "
                "USD or less",
                {
                    "name": Column("name", kind="text"),
                    "brand": Column("brand", kind="text"),
                    "condition": Column("condition", kind="text"),
                    "price_usd": PRICE,
                },
            )
        )
    return [one for one in found if len(one.frame)]


def _changes(row: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the row with each other condition, and with the other way of shipping."""
    found: dict[str, Mapping[str, Any]] = {
        f"its condition was {words} ({number})": {**row, "condition": number}
        for number, words in CONDITIONS.items()
        if number != row["condition"]
    }
    paid = row["shipping_paid_by_seller"]
    words = "the buyer paid shipping" if paid else "you paid shipping"
    return {**found, words: {**row, "shipping_paid_by_seller": not paid}}


def _without_words(row: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the row without each word of its name, by the word."""
    words = row["name"].split()
    alone = [one for one in dict.fromkeys(words) if re.search(r"\w", one)][:MOST_WORDS]
    if len(words) < 2:
        return {}
    without = {one: " ".join(word for word in words if word != one) for one in alone}
    return {one: {**row, "name": name} for one, name in without.items() if name}


def _similar(row: Mapping[str, Any], path: Path) -> pd.DataFrame | None:
    """Return sold listings of the category that share most words, those of the brand first; None
    where there are none, or no data beside the model."""
    if not path.exists():
        return None
    filters = [(name, "==", row.get(name, "")) for name in CATEGORY]
    there = pd.read_parquet(path, columns=[*SEEN], filters=filters)
    words = set(re.findall(r"\w+", row["name"].lower()))
    shared = [len(words & set(re.findall(r"\w+", name.lower()))) for name in there["name"]]
    same_brand = (there["brand"].str.lower() == row.get("brand", "").lower()).astype(int)
    ranked = there.assign(score=2 * same_brand + pd.Series(shared, there.index))
    best = ranked.sort_values("score", ascending=False, kind="stable").head(MOST_SIMILAR)
    if len(best) < LEAST_SIMILAR:
        return None
    best["condition"] = best["condition"].map(CONDITIONS)
    return best[["name", "brand", "condition", "price_usd"]]


PAGE = Page(
    words={
        "listing_id": Column("listing"),
        "name": Column("name", kind="text"),
        "description": Column("description", kind="text"),
        "condition": Column("condition", kind="count"),
        "category_1": Column("department", kind="text"),
        "category_2": Column("category", kind="text"),
        "category_3": Column("kind of thing", kind="text"),
        "brand": Column("brand", kind="text"),
        "shipping_paid_by_seller": Column("you pay shipping", kind="flag"),
        "price_usd": Column("a price that sells", "USD", "money"),
        "text": Column("what name and description say", kind="text"),
        "has_brand": Column("whether a brand is named", kind="flag"),
        "has_description": Column("whether it is described", kind="flag"),
        "name_*": Column("how the name is written", kind="text"),
        "description_*": Column("how the description is written", kind="text"),
        "masked_prices": Column("prices in the text", kind="count"),
        "target_category*": Column("what its category sells for", kind="text"),
        "target_brand*": Column("what its brand sells for", kind="text"),
    },
    long=("description",),
    beside=beside,
    todo_title="Newest prices",
)
