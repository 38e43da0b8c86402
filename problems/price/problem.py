"""What is asked of listings: a price that sells."""

from problems.contract import Columns, Problem
from retrace.encode.text.blocks import Block

TITLE = ("brand", "name")

# Weights were searched on real listings: see journal/JOURNAL.md.
BLOCKS = (
    Block("title_words", "words", 1.0, TITLE),
    Block("title_pairs", "pairs", 1.0, TITLE),
    Block("title_characters", "characters", 1.0, TITLE),
    Block("description_words", "words", 1.0, ("description",)),
    Block("description_pairs", "pairs", 1.0, ("description",)),
    Block("all_words", "words", 0.5, (*TITLE, "description")),
    Block(
        "category",
        "values",
        1.0,
        values=(("category_1",), ("category_2",), ("category_3",), ("category",)),
    ),
    Block("category_words", "words", 0.5, ("category",)),
    Block(
        "brand_category",
        "values",
        1.0,
        values=(
            ("brand", "category_1"),
            ("brand", "category_2"),
            ("brand", "category_3"),
            ("brand", "category"),
            ("brand", "condition"),
            ("brand", "shipping_paid_by_seller"),
        ),
    ),
    Block(
        "condition",
        "values",
        1.6,
        values=(
            ("condition",),
            ("shipping_paid_by_seller",),
            ("condition", "shipping_paid_by_seller"),
        ),
    ),
    Block(
        "condition_category",
        "values",
        0.62,
        values=(
            ("condition", "category_1"),
            ("condition", "category_2"),
            ("condition", "category"),
            ("shipping_paid_by_seller", "category_1"),
            ("shipping_paid_by_seller", "category_2"),
            ("shipping_paid_by_seller", "category_3"),
        ),
    ),
    Block("name_by_department", "crossed", 0.5, ("name",), values=(("category_1",),)),
    Block("name_by_category", "crossed", 0.5, ("name",), values=(("category_2", "category_3"),)),
)

PROBLEMS = {
    "price": Problem(
        name="price",
        world="price",
        task="regression",
        target="price_usd",
        unit="USD",
        metric="rmsle",
        scale="log",
        key=("listing_id",),
        columns=Columns(
            numeric=(
                "condition",
                "shipping_paid_by_seller",
                "has_brand",
                "has_description",
                "name_chars",
                "name_words",
                "name_capitals",
                "name_numbers",
                "description_chars",
                "description_words",
                "description_capitals",
                "description_numbers",
                "description_exclamations",
                "masked_prices",
            ),
            categorical=(),
            target_encoded=(
                ("category_1",),
                ("category_2",),
                ("category",),
                ("brand",),
                ("brand", "category_2"),
                ("brand", "category"),
            ),
            text=BLOCKS,
        ),
        slices=("category", "condition", "suggested_price", "brand"),
    )
}
