"""A listing's columns for the model. Nothing here is fitted: a row's features are its own."""

import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from problems.contract import Features
from retrace.base.arrays import Arrays, join, texts
from retrace.base.params import Params

MASKED_PRICE = "[rm]"  # the site replaces prices in texts by this
_CAPITAL, _DIGITS = re.compile("[A-Z]"), re.compile("[0-9]+")

Ints = NDArray[np.int64]


class FeatureSettings(Params):
    """`price.features`: nothing to set yet."""


def features(listings: Arrays, known: Arrays, settings: FeatureSettings) -> Arrays:
    """Return the features of clean listings, each of shape (n_rows,)."""
    name, description = listings["name"], listings["description"]
    wide = join([listings["category_1"], listings["category_2"]], "/")
    return {
        "condition": listings["condition"],
        "shipping_paid_by_seller": listings["shipping_paid_by_seller"],
        "has_brand": listings["brand"] != "",
        "has_description": description != "",
        **_shape(name, "name"),
        **_shape(description, "description"),
        "description_exclamations": _count(description, "!"),
        "masked_prices": _count(description, MASKED_PRICE),
        "category_1": listings["category_1"],
        "category_2": wide,
        "category_3": listings["category_3"],
        "category": join([wide, listings["category_3"]], "/"),
        "brand": texts(brand.lower() for brand in listings["brand"]),
        "name": name,
        "description": description,
    }


def _shape(text: NDArray[np.object_], prefix: str) -> dict[str, Ints]:
    """How long a text is, and how loud."""
    return {
        f"{prefix}_chars": _numbers(text, len),
        f"{prefix}_words": _count(text, " ") + (text != ""),
        f"{prefix}_capitals": _numbers(text, lambda one: len(_CAPITAL.findall(one))),
        f"{prefix}_numbers": _numbers(text, lambda one: len(_DIGITS.findall(one))),
    }


def _count(text: NDArray[np.object_], part: str) -> Ints:
    return _numbers(text, lambda one: one.count(part))


def _numbers(text: NDArray[np.object_], number: Callable[[str], int]) -> Ints:
    return np.array([number(one) for one in text.tolist()], np.int64)


FEATURES = Features(features, FeatureSettings)
