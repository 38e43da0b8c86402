"""What goes wrong with raw listings."""

import pandas as pd

from tests.drills.mutations import (
    FEW,
    SOME,
    Change,
    FileMutation,
    Mutation,
    Rng,
    chosen,
    cut,
    decimal_comma,
    doubled,
    html,
    leaked,
    missing_where,
    mojibake,
    on,
    replaced,
    shifted,
    swapped,
    times,
    to,
    without,
)  # fmt: skip

SIZES = {"short": {"rows": 1500}, "drill": {"rows": 4000}, "full": {}}
TABLE = "train.tsv"
PRICE, CATEGORY = (
    ("price", "price_usd"),
    ("category", "category_name", "category_1", "category_2", "category_3"),
)
CONDITION, SHIPPING = ("condition", "item_condition_id"), ("shipping", "shipping_paid_by_seller")
DESCRIPTION, BRAND, NAME = ("description", "item_description"), ("brand", "brand_name"), ("name",)
ID = ("id", "train_id", "listing_id", "all but listing_id")


def _headers(frame: pd.DataFrame, strength: float, rng: Rng) -> pd.DataFrame:
    """Files that were put together with their headers: one row in 200 at strength 1."""
    rows = chosen(len(frame), strength / 200, rng, scattered=True)
    header = pd.DataFrame([dict.fromkeys(frame, "")] * len(rows), index=rows)
    header.loc[:, list(frame)] = list(frame)
    return pd.concat([frame.astype("str").fillna(""), header]).sort_index(kind="stable")


def _bands(frame: pd.DataFrame) -> pd.Series:
    """A price band, as a shop's own category: the answer under another name."""
    return "Women/Dresses/Band " + (frame["price"] // 2).astype(int).astype("str")


def _m(name: str, columns: tuple[str, ...], change: Change, strengths=None) -> Mutation:
    return Mutation(name, TABLE, columns, change, *([strengths] if strengths else []))


MUTATIONS = (
    _m("price in cents", PRICE, times("price", 100)),
    _m("price in another currency (x 10)", PRICE, times("price", 10)),
    _m("price in another currency (x 0.1)", PRICE, times("price", 0.1)),
    _m("price in cents, in scattered rows", PRICE, times("price", 100, scattered=True)),
    _m("price in thousands", PRICE, times("price", 0.001)),
    _m("price with a decimal comma", PRICE, on("price", decimal_comma, text=True)),
    _m("price with its currency", PRICE, on("price", lambda v: "$" + v, text=True)),
    _m("price with its sign flipped", PRICE, times("price", -1)),
    _m("price stuck at one value", PRICE, to("price", 14.0)),
    _m("price 0", PRICE, to("price", 0.0)),
    _m("price missing", PRICE, to("price", None)),
    _m("price of the row before", PRICE, shifted("price")),
    _m("price cut at 20", PRICE, on("price", lambda v: v.clip(upper=20.0))),
    _m("price with typing errors (x 100)", PRICE, times("price", 100, scattered=True), FEW),
    _m("name empty", NAME, to("name", "")),
    _m("name filled with a word", NAME, to("name", "item")),
    _m("name of the row before", NAME, shifted("name")),
    _m("name cut at 5 letters", NAME, on("name", lambda v: v.str[:5])),
    _m("name and description exchanged", (*NAME, *DESCRIPTION), swapped("name", "item_description")),
    _m("name in a wrong encoding", NAME, on("name", mojibake)),
    _m("category missing", CATEGORY, to("category_name", None)),
    _m("category of the row before", CATEGORY, shifted("category_name")),
    _m("category renamed", CATEGORY,
       on("category_name", lambda v: v.str.replace("Women/", "Ladies/", regex=False)), SOME),
    _m("category in another language", CATEGORY, on("category_name", lambda v: "X" + v), SOME),
    _m("category with > between its levels", CATEGORY,
       on("category_name", lambda v: v.str.replace("/", ">", regex=False))),
    _m("category with its levels reversed", CATEGORY,
       on("category_name", lambda v: v.str.split("/").str[::-1].str.join("/"))),
    _m("category and brand exchanged", (*CATEGORY, *BRAND), swapped("category_name", "brand_name")),
    _m("category tells the price", CATEGORY, leaked("category_name", _bands)),
    _m("brand missing", BRAND, to("brand_name", None)),
    _m("brand missing in one category", BRAND, missing_where("brand_name", lambda rows: rows["category_name"].str.split("/").str[0])),
    _m("brand stuck at one value", BRAND, to("brand_name", "Nike")),
    _m("brand in small letters", BRAND, on("brand_name", lambda v: v.str.lower()), SOME),
    _m("brand of the row before", BRAND, shifted("brand_name")),
    _m("condition reversed", CONDITION, on("item_condition_id", lambda v: 6 - v)),
    _m("condition counted from 0", CONDITION, on("item_condition_id", lambda v: v - 1)),
    _m("condition in words", CONDITION, on("item_condition_id", lambda v: "good" + v, text=True)),
    _m("condition stuck at one value", CONDITION, to("item_condition_id", 3)),
    _m("condition of the row before", CONDITION, shifted("item_condition_id")),
    _m("shipping reversed", SHIPPING, on("shipping", lambda v: 1 - v)),
    _m("shipping stuck at one value", SHIPPING, to("shipping", 1)),
    _m("shipping of the row before", SHIPPING, shifted("shipping")),
    _m("shipping in words", SHIPPING, on("shipping", lambda v: "paid" + v, text=True)),
    _m("price and shipping exchanged", (*PRICE, *SHIPPING), swapped("price", "shipping")),
    _m("description missing", DESCRIPTION, to("item_description", None)),
    _m("description in a wrong encoding", DESCRIPTION, on("item_description", mojibake)),
    _m("description with replacement characters", DESCRIPTION, on("item_description", replaced)),
    _m("description as HTML", DESCRIPTION, on("item_description", html)),
    _m("description cut at 10 letters", DESCRIPTION, on("item_description", lambda v: v.str[:10])),
    _m("description of the row before", DESCRIPTION, shifted("item_description")),
    _m("description tells the price", DESCRIPTION, leaked(
        "item_description", lambda rows: rows["item_description"].fillna("") + " "
        + rows["price"].map("{:g} dollars".format))),
    _m("rows doubled under new ids", ID, doubled(identity="train_id")),
    _m("ids doubled", ID, on("train_id", lambda v: v.iloc[0])),
    _m("headers among the rows", ID, _headers),
    _m("brand renamed in the header", BRAND, without("brand_name")),
    FileMutation("file cut off", TABLE, (TABLE,), cut),
    FileMutation("file in UTF-16", TABLE, (TABLE,), lambda data, share: data.decode().encode("utf-16")),
    FileMutation("file in another encoding", TABLE, (TABLE,), lambda data, share: (
        data.decode().replace("a", "å", max(1, int(1000 * share))).encode("cp1252", "replace"))),
    FileMutation("file separated by semicolons", TABLE, (TABLE,),
                 lambda data, share: data.replace(b"\t", b";")),
)  # fmt: skip
