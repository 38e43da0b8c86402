"""Raw listings, in the format of the Mercari Price Suggestion Challenge, to clean typed rows.

`ingest` reads files for training; `listings` gives the same columns without the price for rows
that are to be priced. Both read a value in the same way, so that a model never meets a row made
differently from those it was fitted on.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, field_validator

from problems.contract import Ingested, IngestParams, Reader
from retrace.base.errors import RetraceError
from retrace.raw import WRONG_FIELDS, fingerprint, pieces_mapped, read_mapped
from retrace.raw.hints import no_number
from retrace.raw.reasons import Reasons, also, first_reason, quarantine
from retrace.raw.values import as_integer, as_number, as_text, clean_text

LISTING = (  # a listing's raw columns, beside its id and price
    "name",
    "item_condition_id",
    "category_name",
    "brand_name",
    "shipping",
    "item_description",
)
RAW = ("train_id", *LISTING, "price")
CLEAN = (  # the clean columns; `problems.price.schema` has their types and ranges
    "listing_id",
    "name",
    "description",
    "condition",
    "category_1",
    "category_2",
    "category_3",
    "brand",
    "shipping_paid_by_seller",
    "price_usd",
)
IDS = ("train_id", "test_id", "listing_id")
OTHER_LEVELS = r"\w ?(?:>|»|→|\||::) ?\w"  # as in Women > Dresses
NO_DESCRIPTION = "No description yet"  # what the site shows where the seller wrote nothing
SHIPPING = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}
HINTS = {
    "price": "Listings without prices, such as Kaggle's test set, cannot be trained on: set "
    "`worlds.price.source` in params.yaml to the file with prices.",
}
REASONS = (  # in this order, the cause of no number first; the first that applies rejects a row
    WRONG_FIELDS,
    "id is not a whole number of at least 0",
    "name is empty",
    "condition is not a whole number from 1 to 5",
    "shipping is not 0 or 1",
    "price is missing",
    "price is not a number",
    "price is not finite",
    "price is negative",
    "price is 0",
    "id is that of an earlier row",
)


class IngestSettings(IngestParams):
    """`price.ingest` of params.yaml.

    columns: the names in the file of raw columns that have others there.
    keep: raw columns to carry into the clean table as text, such as a benchmark's own split.
    """

    columns: dict[str, str] = Field(default_factory=dict)
    keep: tuple[str, ...] = Field((), strict=False)

    @field_validator("keep")
    @classmethod
    def _is_extra(cls, keep: tuple[str, ...]) -> tuple[str, ...]:
        taken = {*keep} & {*RAW, *CLEAN, "file", "row"}
        if taken or len({*keep}) < len(keep):
            raise ValueError(f"taken or doubled: {', '.join(sorted(taken) or keep)}")
        return keep


def ingest(source: Path, settings: IngestSettings) -> Ingested:
    """Read the listings at `source`, a file or a folder, into clean rows sorted by `listing_id`.

    Clean: the columns of `problems.price.schema`, then those of `settings.keep`. Rejected: `file`,
    `row`, `listing_id` (text, as found) and `reason`, the first of `REASONS` that applies; of rows
    with the same id the first usable one is clean. All rows may be rejected.

    Raises RetraceError for files that cannot be read at all (see `retrace.raw.read_mapped`).
    """
    table = read_mapped(source, [*RAW, *settings.keep], columns=settings.columns, hints=HINTS)
    raw = table.rows
    clean, reasons = _read(raw, raw["train_id"])
    clean["price_usd"] = as_number(raw["price"])
    for column in settings.keep:
        clean[column] = as_text(raw[column])
    reasons += _price_reasons(raw["price"], clean["price_usd"].to_numpy())
    reason = first_reason(reasons, raw.index)
    again = clean.loc[reason == "", "listing_id"].duplicated()
    reason = also(reason, REASONS[-1], again.index[again])

    usable = np.flatnonzero((reason == "").to_numpy())
    order = usable[np.argsort(clean["listing_id"].to_numpy()[usable])]
    clean = clean.take(order).reset_index(drop=True)
    bad = raw.loc[reason != "", ["file", "row"]].assign(  # to no row pandas would add the others
        listing_id=as_text(raw.loc[reason != "", "train_id"]), reason=reason[reason != ""]
    )
    rejected = quarantine([bad, table.malformed], "listing_id")
    notes = _other_levels(raw["category_name"])
    return Ingested(clean, rejected, fingerprint(source), _figures(clean), notes=notes)


def listings(raw: pd.DataFrame, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Return the clean columns, without the price, of raw rows that are to be priced.

    `raw` has the columns of `LISTING` and an id (train_id, test_id or listing_id; without one the
    id is the number of the row, from 0), where `columns` does not give them other names, as
    `price.ingest.columns` does. The order of rows and the index stay.

    Rows that `ingest` would reject have the reason in a further column `refused`, "" in others;
    without such rows there is no such column.

    Raises RetraceError for a missing column.
    """
    raw = raw.rename(columns={theirs: ours for ours, theirs in (columns or {}).items()})
    missing = [column for column in LISTING if column not in raw]
    if missing:
        raise RetraceError(
            f"listings: no column {', '.join(missing)}; found {', '.join(map(str, raw))}. "
            f"Expected {', '.join(LISTING)}."
        )
    found = next((column for column in IDS if column in raw), None)
    identity = raw[found] if found else pd.Series(np.arange(len(raw)), raw.index)
    clean, reasons = _read(raw, identity)
    clean, refused = clean.set_axis(raw.index), first_reason(reasons, raw.index)
    return clean.assign(refused=refused) if refused.ne("").any() else clean


def _read(raw: pd.DataFrame, identity: pd.Series) -> tuple[pd.DataFrame, Reasons]:
    """Return typed columns without the price, and what makes rows unusable (0 stands there)."""
    listing_id = as_integer(identity)
    name = clean_text(raw["name"])
    description = clean_text(raw["item_description"])
    condition = _by_value(raw["item_condition_id"], as_integer)
    shipping = _by_value(raw["shipping"], lambda text: text.str.strip().str.lower().map(SHIPPING))
    category = _by_value(raw["category_name"], clean_text)
    levels = [_by_value(category, lambda path, n=n: _level(path, n)) for n in range(3)]  # type: ignore[misc]
    clean = pd.DataFrame(
        {
            "listing_id": listing_id.fillna(0).to_numpy(np.int64),
            "name": name,
            "description": description.mask(description == NO_DESCRIPTION, ""),
            "condition": condition.where(condition.between(1, 5), 0).fillna(0).to_numpy(np.int8),
            "category_1": levels[0],
            "category_2": levels[1],
            "category_3": levels[2],
            "brand": _by_value(raw["brand_name"], clean_text),
            "shipping_paid_by_seller": shipping.eq(True).to_numpy(bool),
        }
    )
    return clean, [
        (REASONS[1], ~listing_id.ge(0).fillna(False).to_numpy(bool)),
        (REASONS[2], name.eq("").to_numpy(bool)),
        (REASONS[3], ~condition.between(1, 5).fillna(False).to_numpy(bool)),
        (REASONS[4], shipping.isna().to_numpy(bool)),
    ]


def _by_value(column: pd.Series, read: Callable[["pd.Series[str]"], pd.Series]) -> pd.Series:
    """Apply `read` to each distinct value once: the columns of a listing have few."""
    codes, values = pd.factorize(as_text(column))
    return read(pd.Series(values, dtype="str")).take(codes).set_axis(column.index)


def _level(paths: "pd.Series[str]", number: int) -> "pd.Series[str]":
    """Return one level of `Women/Dresses/Midi`; the third has whatever is below it as well."""
    levels = [[*path.split("/", 2), "", "", ""][number].strip() for path in paths]
    return pd.Series(levels, dtype="str")


def _other_levels(category: pd.Series) -> tuple[str, ...]:
    """Say where the levels of categories are not joined by a slash: each path is one level then."""
    paths = clean_text(category)
    other = paths.str.contains(OTHER_LEVELS, regex=True) & ~paths.str.contains("/", regex=False)
    if not other.mean() > 0.001:
        return ()
    return (
        f"column 'category_name': {other.mean():.2%} of the paths, such as "
        f"'{paths[other].iloc[0]}', are read as one level: levels are joined by a slash, as in "
        "Women/Dresses/Midi. Replace what joins them.",
    )


def _price_reasons(raw: pd.Series, price: NDArray[np.float64]) -> Reasons:
    missing = (as_text(raw).str.strip() == "").to_numpy(bool)
    masks = [missing, np.isnan(price), np.isinf(price), price < 0, price == 0]
    return [*no_number("price", raw), *zip(REASONS[5:10], masks, strict=True)]


def _figures(clean: pd.DataFrame) -> dict[str, float]:
    """Return the shares of clean rows that lack what a price depends on."""
    if clean.empty:
        return {}
    return {
        f"{column}_missing_share": float((clean[source] == "").mean())
        for column, source in [
            ("brand", "brand"),
            ("category", "category_1"),
            ("description", "description"),
        ]
    }


def asked(source: Path, settings: IngestSettings) -> Iterator[pd.DataFrame]:
    """Yield the raw listings of a file, without their prices, as `listings` returns them: those
    that have all fields in their order, then the others."""
    n_rows, n_malformed = 0, 0
    for table in pieces_mapped(source, LISTING, IDS, settings.columns):
        rows = table.rows
        if not {*IDS} & {*rows}:
            rows = rows.assign(listing_id=np.arange(n_rows, n_rows + len(rows)))
        n_rows, n_malformed = n_rows + len(rows), n_malformed + len(table.malformed)
        found = listings(rows).reset_index(drop=True)
        yield found
    if n_malformed:
        refused = pd.DataFrame({"refused": [WRONG_FIELDS] * n_malformed})
        yield pd.concat([found.head(0), refused])


READER = Reader(IngestSettings, ingest, asked)
