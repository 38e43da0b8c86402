"""What is told of listings, as raw rows."""

import pandas as pd

from problems.served import Arrivals

NAMES = {
    "listing_id": "train_id",
    "name": "name",
    "condition": "item_condition_id",
    "brand": "brand_name",
    "shipping_paid_by_seller": "shipping",
    "price_usd": "price",
    "description": "item_description",
}
LEVELS = ["category_1", "category_2", "category_3"]


def as_raw(rows: pd.DataFrame) -> pd.DataFrame:
    """Return listings as the site's own file has them; a column that was not told is empty."""
    rows = rows.reindex(columns=list(dict.fromkeys([*NAMES, *LEVELS, *map(str, rows)])))
    levels = rows[LEVELS].fillna("").astype("str")
    path = levels[LEVELS[0]].str.cat(levels[LEVELS[1:]], sep="/").str.rstrip("/")
    shipping = rows["shipping_paid_by_seller"].map({True: "1", False: "0"})
    rows = rows.assign(shipping_paid_by_seller=shipping)
    others = [name for name in rows if name not in (*NAMES, *LEVELS)]
    return rows[[*NAMES, *others]].rename(columns=NAMES).assign(category_name=path)


ARRIVALS = Arrivals(as_raw=as_raw)
