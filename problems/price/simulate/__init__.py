"""Listings of a marketplace for second-hand things, in the columns of the Mercari challenge.

A listing is drawn from a market of categories, brands, product lines and words, each with an effect
on the log-price; the price is drawn about the value that the listing tells, and written as sellers
write prices. Every number that this rests on is in `assumptions.py` and the vocabulary tables, with
its source.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic import Field

from problems.contract import Simulated, Simulator
from problems.price.simulate import assumptions as a
from problems.price.simulate.listings import draw_listings
from problems.price.simulate.market import market, to_log_price
from problems.price.simulate.prices import (
    draw_prices,
    expected_log_price,
    noise_level,
)
from problems.price.simulate.texts import write_descriptions, write_names
from retrace.base.params import Params


class SimulateSettings(Params):
    """`rows`: how many listings; `seed`: which ones. The market is the same for every seed."""

    rows: int = Field(ge=1)
    seed: int = Field(ge=0)


def simulate(settings: SimulateSettings) -> Simulated:
    """Return `train.tsv` as Kaggle published it, and what each listing was expected to cost.

    truth: train_id, expected_log_price = E[log1p(price in dollars)] given all that the listing
    says, if its price is not the site's 0.
    """
    raw, truth = zip(*_blocks(settings), strict=True)
    return Simulated(
        raw={"train.tsv": pa.concat_tables(raw).to_pandas()},
        truth=pd.concat(truth, ignore_index=True),
    )


def _blocks(settings: SimulateSettings) -> Iterator[tuple[pa.Table, pd.DataFrame]]:
    """Make the listings a block at a time."""
    starts = range(0, settings.rows, a.BLOCK_ROWS)
    seeds = np.random.SeedSequence(settings.seed).spawn(len(starts))
    first_id = 0
    for start, seed in zip(starts, seeds, strict=True):
        rng = np.random.default_rng(seed)
        rows = min(a.BLOCK_ROWS, settings.rows - start)
        train_id = first_id + np.cumsum(rng.geometric(1 - a.ID_GAP, size=rows)) - 1
        first_id = int(train_id[-1]) + 1
        yield _block(rng, train_id.astype(np.int64))


def _block(
    rng: np.random.Generator, train_id: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> tuple[pa.Table, pd.DataFrame]:
    """Make the listings with these ids."""
    goods, rows = market(), len(train_id)
    listings = draw_listings(rng, rows, goods)
    mean, level = to_log_price(listings.value), noise_level(listings.noise)
    price = draw_prices(rng, mean, level)
    price[rng.random(rows) < a.PRICE_ZERO] = 0.0
    brands = pa.array([goods.vocabulary.phrases[i] for i in goods.brand_words])
    raw = pa.table(
        {
            "train_id": train_id,
            "name": write_names(rng, listings),
            "item_condition_id": listings.condition,
            "category_name": pa.array(goods.paths).take(
                pa.array(listings.category, mask=listings.category < 0)
            ),
            "brand_name": brands.take(pa.array(listings.brand, mask=listings.brand < 0)),
            "price": price,
            "shipping": listings.seller_ships.astype(np.int64),
            "item_description": write_descriptions(rng, listings),
        }
    )
    truth = pd.DataFrame(
        {"train_id": train_id, "expected_log_price": expected_log_price(mean, level)}
    )
    return raw, truth


SIMULATOR = Simulator(SimulateSettings, simulate)
