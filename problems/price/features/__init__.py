"""A listing's columns for the model. Nothing here is fitted: a row's features are its own."""

import pandas as pd

from retrace.params import Params


class Settings(Params):
    """`price.features`: nothing to set yet."""


def features(listings: pd.DataFrame, settings: Settings) -> pd.DataFrame:  # noqa: ARG001
    """Return the feature frame of clean listings, one row each, with their index."""
    name, description = listings["name"], listings["description"]
    path = listings["category_1"] + "/" + listings["category_2"] + "/" + listings["category_3"]
    return pd.DataFrame(
        {
            "condition": listings["condition"],
            "shipping_paid_by_seller": listings["shipping_paid_by_seller"],
            "has_brand": listings["brand"] != "",
            "has_description": description != "",
            "name_chars": name.str.len(),
            "name_words": name.str.count(" ") + 1,
            "description_chars": description.str.len(),
            "description_words": description.str.count(" ") + (description != ""),
            "masked_prices": description.str.count(r"\[rm\]"),
            "category_1": listings["category_1"],
            "category_2": listings["category_1"] + "/" + listings["category_2"],
            "category": path,
            "brand": listings["brand"],
            "name": name,
            "description": description,
        },
        index=listings.index,
    )
