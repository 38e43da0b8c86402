"""A listing's columns for the model. Nothing here is fitted: a row's features are its own."""

import pandas as pd

from problems.contract import Features
from retrace.base.params import Params

MASKED_PRICE = r"\[rm\]"  # the site replaces prices in texts by this


class Settings(Params):
    """`price.features`: nothing to set yet."""


def features(
    listings: pd.DataFrame,
    settings: Settings,
    past: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the feature frame of clean listings, one row each, with their index."""
    name, description = listings["name"], listings["description"]
    wide = listings["category_1"] + "/" + listings["category_2"]
    return pd.DataFrame(
        {
            "condition": listings["condition"],
            "shipping_paid_by_seller": listings["shipping_paid_by_seller"],
            "has_brand": listings["brand"] != "",
            "has_description": description != "",
            **_shape(name, "name"),
            **_shape(description, "description"),
            "description_exclamations": description.str.count("!"),
            "masked_prices": description.str.count(MASKED_PRICE),
            "category_1": listings["category_1"],
            "category_2": wide,
            "category_3": listings["category_3"],
            "category": wide + "/" + listings["category_3"],
            "brand": listings["brand"].str.lower(),
            "name": name,
            "description": description,
        },
        index=listings.index,
    )


def _shape(text: pd.Series, prefix: str) -> dict[str, pd.Series]:
    """How long a text is, and how loud."""
    return {
        f"{prefix}_chars": text.str.len(),
        f"{prefix}_words": text.str.count(" ") + (text != ""),
        f"{prefix}_capitals": text.str.count("[A-Z]"),
        f"{prefix}_numbers": text.str.count("[0-9]+"),
    }


FEATURES = Features(features, Settings)
