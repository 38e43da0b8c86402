"""Known corruptions of the clean table of listings are caught."""

import pandas as pd
import pytest

from problems.price.schema import WORLD
from retrace.base.errors import RetraceError
from tests.data.clean import LISTINGS, corrupted
from workflow.validate import check_schema


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return LISTINGS.make(tmp_path_factory.mktemp("raw"), seed=1)


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("price_usd", lambda rows: rows["price_usd"] * 100),  # cents
        ("price_usd", lambda rows: rows["price_usd"] / 100),
        ("price_usd", lambda rows: 10.0),
    ],
)
def test_prices_that_are_none_stop_the_pipeline(
    clean: pd.DataFrame, column: str, change: object
) -> None:
    rows = corrupted(clean, **{column: change})
    with pytest.raises(RetraceError, match=f"price/checks.yaml:\ncolumn '{column}': "):
        LISTINGS.stop_on_hard(rows)


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("condition", lambda rows: 6 - rows["condition"]),
        ("brand", lambda rows: ""),
        ("brand", lambda rows: "Nike"),
        ("category_1", lambda rows: ""),
        ("category_1", lambda rows: rows["name"]),
        ("category_2", lambda rows: rows["category_1"].str[:1]),
        ("description", lambda rows: ""),
        ("name", lambda rows: rows["name"].where(rows.index % 10 > 0, "item")),
        ("shipping_paid_by_seller", lambda rows: False),
        ("price_usd", lambda rows: rows["price_usd"].where(rows.index % 100 > 0, 1900.0)),
    ],
)
def test_a_corrupted_column_fails_a_check_of_its_own(
    clean: pd.DataFrame, column: str, change: object
) -> None:
    assert column in LISTINGS.failed(corrupted(clean, **{column: change}))


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("listing_id", lambda rows: rows["listing_id"].where(rows.index > 0, 1_000_000)),
        ("listing_id", lambda rows: 5),
        ("condition", lambda rows: rows["condition"] + 4),
        ("price_usd", lambda rows: -rows["price_usd"]),
        ("price_usd", lambda rows: float("inf")),
        ("name", lambda rows: ""),
    ],
)
def test_impossible_values_break_the_schema(
    clean: pd.DataFrame, column: str, change: object
) -> None:
    rows = corrupted(clean, **{column: change})
    if column == "listing_id" and rows["listing_id"].is_unique:
        rows.loc[1, "listing_id"] = 1_000_000  # the same id twice
    with pytest.raises(RetraceError, match=f"column '{column}': "):
        check_schema(WORLD, rows, 3)


def test_a_missing_column_is_named(clean: pd.DataFrame) -> None:
    with pytest.raises(RetraceError, match="column 'brand': column_in_dataframe"):
        check_schema(WORLD, clean.drop(columns="brand"), 3)


def test_another_type_or_order_of_columns_breaks_the_schema(clean: pd.DataFrame) -> None:
    with pytest.raises(RetraceError, match="column 'condition': dtype"):
        check_schema(WORLD, clean.astype({"condition": "int64"}), 3)
    with pytest.raises(RetraceError, match="in the order of the schema"):
        check_schema(WORLD, clean[clean.columns[::-1]], 3)
