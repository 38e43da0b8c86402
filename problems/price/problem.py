"""What is asked of listings: a price that sells."""

from problems.contract import Columns, Problem

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
                "description_chars",
                "description_words",
                "masked_prices",
            ),
            categorical=("category_1", "category_2", "category", "brand"),
            target_encoded=(("brand",), ("category",), ("brand", "category_2")),
            text=("name", "description"),
        ),
        slices=("category", "condition", "price_band", "brand"),
    )
}
