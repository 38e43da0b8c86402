"""A listing's columns for the model. Nothing here is fitted: a row's features are its own."""

import numpy as np
from numpy.typing import NDArray

from problems.contract import Features
from retrace.base.arrays import Arrays, join, texts
from retrace.base.params import Params

MASKED_PRICE = "[rm]"  # the site replaces prices in texts by this
CHUNK_ROWS = 100_000  # bounds the memory for characters

Ints = NDArray[np.int64]


class Settings(Params):
    """`price.features`: nothing to set yet."""


def features(listings: Arrays, known: Arrays, settings: Settings) -> Arrays:
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
    capitals, numbers = np.concatenate(
        [_loudness(text[start : start + CHUNK_ROWS]) for start in range(0, len(text), CHUNK_ROWS)],
        axis=1,
    )
    return {
        f"{prefix}_chars": np.array([len(one) for one in text], np.int64),
        f"{prefix}_words": _count(text, " ") + (text != ""),
        f"{prefix}_capitals": capitals,
        f"{prefix}_numbers": numbers,
    }


def _count(text: NDArray[np.object_], part: str) -> Ints:
    return np.array([one.count(part) for one in text], np.int64)


def _loudness(text: NDArray[np.object_]) -> Ints:
    """Return how many capitals and how many runs of digits each text has, shape (2, n_rows)."""
    joined = "\n".join([*text, ""])
    letters = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    digit = (letters >= ord("0")) & (letters <= ord("9"))
    begins = digit.copy()
    begins[1:] &= ~digit[:-1]
    capital = (letters >= ord("A")) & (letters <= ord("Z"))
    ends = np.cumsum([len(one) + 1 for one in text])
    found = [np.cumsum(flags)[ends - 1] for flags in (capital, begins)]
    return np.diff(found, axis=1, prepend=0)


FEATURES = Features(features, Settings)
