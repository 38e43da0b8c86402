"""What goes wrong with raw listings."""

import pandas as pd

from tests.drills import mutations as ways

SIZES = {"short": {"rows": 1500}, "drill": {"rows": 4000}, "full": {}}
TABLE = "train.tsv"
PRICE, CATEGORY = (
    ("price", "price_usd"),
    ("category", "category_name", "category_1", "category_2", "category_3"),
)
CONDITION, SHIPPING = ("condition", "item_condition_id"), ("shipping", "shipping_paid_by_seller")
DESCRIPTION, BRAND, NAME = ("description", "item_description"), ("brand", "brand_name"), ("name",)
ID = ("id", "train_id", "listing_id", "all but listing_id")


def _headers(frame: pd.DataFrame, strength: float, rng: ways.Rng) -> pd.DataFrame:
    """Files that were put together with their headers: one row in 200 at strength 1."""
    rows = ways.chosen(len(frame), strength / 200, rng, scattered=True)
    header = pd.DataFrame([dict.fromkeys(frame, "")] * len(rows), index=rows)
    header.loc[:, list(frame)] = list(frame)
    return pd.concat([frame.astype("str").fillna(""), header]).sort_index(kind="stable")


def _bands(frame: pd.DataFrame) -> pd.Series:
    """A price band, as a shop's own category: the answer under another name."""
    return "Women/Dresses/Band " + (frame["price"] // 2).astype(int).astype("str")


_m = ways.of_table(TABLE)
MUTATIONS = (
    _m("price in cents", PRICE, ways.times("price", 100)),
    _m("price in another currency (x 10)", PRICE, ways.times("price", 10)),
    _m("price in another currency (x 0.1)", PRICE, ways.times("price", 0.1)),
    _m("price in cents, in scattered rows", PRICE, ways.times("price", 100, scattered=True)),
    _m("price in thousands", PRICE, ways.times("price", 0.001)),
    _m("price with a decimal comma", PRICE, ways.on("price", ways.decimal_comma, text=True)),
    _m("price with its currency", PRICE, ways.on("price", lambda v: "$" + v, text=True)),
    _m("price with a dot between thousands", PRICE, ways.on("price", ways.with_thousands, text=True)),
    _m("price times 0.9", PRICE, ways.times("price", 0.9)),
    _m("price in the name", NAME, ways.leaked("name", lambda rows: rows["name"] + rows["price"].map(" {:g}".format))),
    _m("price with its sign flipped", PRICE, ways.times("price", -1)),
    _m("price stuck at one value", PRICE, ways.to("price", 14.0)),
    _m("price 0", PRICE, ways.to("price", 0.0)),
    _m("price missing", PRICE, ways.to("price", None)),
    _m("price of the row before", PRICE, ways.shifted("price")),
    _m("price cut at 20", PRICE, ways.on("price", lambda v: v.clip(upper=20.0))),
    _m("price with typing errors (x 100)", PRICE, ways.times("price", 100, scattered=True), ways.FEW),
    _m("name empty", NAME, ways.to("name", "")),
    _m("name filled with a word", NAME, ways.to("name", "item")),
    _m("name of the row before", NAME, ways.shifted("name")),
    _m("name cut at 5 letters", NAME, ways.on("name", lambda v: v.str[:5])),
    _m("name and description exchanged", (*NAME, *DESCRIPTION), ways.swapped("name", "item_description")),
    _m("name in a wrong encoding", NAME, ways.on("name", ways.mojibake)),
    _m("category missing", CATEGORY, ways.to("category_name", None)),
    _m("category of the row before", CATEGORY, ways.shifted("category_name")),
    _m("category renamed", CATEGORY,
       ways.on("category_name", lambda v: v.str.replace("Women/", "Ladies/", regex=False)), ways.SOME),
    _m("category in another language", CATEGORY, ways.on("category_name", lambda v: "X" + v), ways.SOME),
    _m("category with > between its levels", CATEGORY,
       ways.on("category_name", lambda v: v.str.replace("/", ">", regex=False))),
    _m("category with > and spaces between its levels", CATEGORY,
       ways.on("category_name", lambda v: v.str.replace("/", " > ", regex=False))),
    _m("category with its levels reversed", CATEGORY,
       ways.on("category_name", lambda v: v.str.split("/").str[::-1].str.join("/"))),
    _m("category and brand exchanged", (*CATEGORY, *BRAND), ways.swapped("category_name", "brand_name")),
    _m("category tells the price", CATEGORY, ways.leaked("category_name", _bands)),
    _m("brand missing", BRAND, ways.to("brand_name", None)),
    _m("brand missing, in words", BRAND, ways.on("brand_name", ways.null_words)),
    _m("brand as HTML", BRAND, ways.on("brand_name", ways.html)),
    _m("brand missing in one category", BRAND, ways.missing_where("brand_name", lambda rows: rows["category_name"].str.split("/").str[0])),
    _m("brand stuck at one value", BRAND, ways.to("brand_name", "Nike")),
    _m("brand in small letters", BRAND, ways.on("brand_name", lambda v: v.str.lower()), ways.SOME),
    _m("brand of the row before", BRAND, ways.shifted("brand_name")),
    _m("condition reversed", CONDITION, ways.on("item_condition_id", lambda v: 6 - v)),
    _m("condition counted from 0", CONDITION, ways.on("item_condition_id", lambda v: v - 1)),
    _m("condition in words", CONDITION, ways.on("item_condition_id", lambda v: "good" + v, text=True)),
    _m("condition stuck at one value", CONDITION, ways.to("item_condition_id", 3)),
    _m("condition of the row before", CONDITION, ways.shifted("item_condition_id")),
    _m("shipping reversed", SHIPPING, ways.on("shipping", lambda v: 1 - v)),
    _m("shipping stuck at one value", SHIPPING, ways.to("shipping", 1)),
    _m("shipping of the row before", SHIPPING, ways.shifted("shipping")),
    _m("shipping in words", SHIPPING, ways.on("shipping", lambda v: "paid" + v, text=True)),
    _m("price and shipping exchanged", (*PRICE, *SHIPPING), ways.swapped("price", "shipping")),
    _m("description missing", DESCRIPTION, ways.to("item_description", None)),
    _m("description in a wrong encoding", DESCRIPTION, ways.on("item_description", ways.mojibake)),
    _m("description with replacement characters", DESCRIPTION, ways.on("item_description", ways.replaced)),
    _m("description as HTML", DESCRIPTION, ways.on("item_description", ways.html)),
    _m("description cut at 10 letters", DESCRIPTION, ways.on("item_description", lambda v: v.str[:10])),
    _m("description cut at 50 letters", DESCRIPTION, ways.on("item_description", lambda v: v.str[:50])),
    _m("description missing, in words", DESCRIPTION, ways.on("item_description", ways.null_words)),
    _m("description of the row before", DESCRIPTION, ways.shifted("item_description")),
    _m("description tells the price", DESCRIPTION, ways.leaked(
        "item_description", lambda rows: rows["item_description"].fillna("") + " "
        + rows["price"].map("{:g} dollars".format))),
    _m("rows doubled under new ids", ID, ways.doubled(identity="train_id")),
    _m("ids doubled", ID, ways.on("train_id", lambda v: v.iloc[0])),
    _m("headers among the rows", ID, _headers),
    _m("brand renamed in the header", BRAND, ways.without("brand_name")),
    _m("file cut at the end of a line", ("fewer",), ways.ended(), (0.02, 0.2, 0.6)),
    ways.FileMutation("file cut off", TABLE, (TABLE,), ways.cut),
    ways.FileMutation("file in UTF-16", TABLE, (TABLE,), lambda data, share: data.decode().encode("utf-16")),
    ways.FileMutation("file in another encoding", TABLE, (TABLE,), lambda data, share: (
        data.decode().replace("a", "å", max(1, int(1000 * share))).encode("cp1252", "replace"))),
    ways.FileMutation("file separated by semicolons", TABLE, (TABLE,),
                 lambda data, share: data.replace(b"\t", b";")),
)  # fmt: skip
