"""The clean table of listings: its columns, their types, units and ranges.

Text is never missing: "" stands for no description, category or brand, so that a model and a
reader need to know one convention only. Extra columns, kept on request, come last and are text.
"""

import pandas as pd
import pandera.pandas as pa

from problems.contract import World

COLUMNS = {
    "listing_id": pa.Column("int64", pa.Check.ge(0), unique=True),
    "name": pa.Column("str", pa.Check(lambda name: name != "", error="name is not empty")),
    "description": pa.Column("str", description='"" where the seller wrote none'),
    "condition": pa.Column("int8", pa.Check.in_range(1, 5), description="1 is new, 5 is poor"),
    "category_1": pa.Column("str", description='the widest; "" where there is none'),
    "category_2": pa.Column("str"),
    "category_3": pa.Column("str", description="the narrowest; deeper levels follow after a /"),
    "brand": pa.Column("str", description='"" where there is none'),
    "shipping_paid_by_seller": pa.Column("bool"),
    "price_usd": pa.Column(
        "float64", pa.Check(lambda price: (price > 0) & (price < float("inf")), error="0 < price")
    ),
}


def _others_are_text(listings: pd.DataFrame) -> bool:
    first, others = listings.columns[: len(COLUMNS)], listings.dtypes.iloc[len(COLUMNS) :]
    return list(first) == list(COLUMNS) and all(dtype == "str" for dtype in others)


CLEAN = pa.DataFrameSchema(
    COLUMNS,
    checks=pa.Check(
        _others_are_text, error="columns in the order of the schema, then others as text"
    ),
    unique_column_names=True,
)
WORLD = World(
    name="price",
    schema=CLEAN,
    key=("listing_id",),
    outcomes=("price_usd",),
    example={
        "listing_id": 1,
        "name": "Blue rain jacket, size M",
        "description": "Worn twice. No holes, zipper works.",
        "condition": 2,
        "category_1": "Women",
        "category_2": "Coats & Jackets",
        "category_3": "Raincoat",
        "brand": "",
        "shipping_paid_by_seller": True,
    },
    example_outcomes={"price_usd": 18.0},
    exempt={"missing_by": ("brand",)},  # nothing that is made by hand has one
)
