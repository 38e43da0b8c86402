"""What goes wrong with raw card payments."""

import pandas as pd

from tests.drills import mutations as ways

SIZES = {"short": {"transactions": 20_000}, "drill": {"transactions": 20_000}, "full": {}}
TABLE = "transactions.parquet"
AMOUNT, CUSTOMER, TERMINAL = ("amount",), ("customer_id",), ("terminal_id",)
AT, LABEL, KNOWN = ("at", "time"), ("is_fraud", "label"), ("known_at", "label")
ID = ("transaction_id", "id", "all but transaction_id")


def _at(column: str, text: str) -> ways.Change:
    return ways.to(column, pd.Timestamp(text, tz="UTC"))


_m = ways.of_table(TABLE)
MUTATIONS = (
    _m("amount in cents", AMOUNT, ways.times("amount", 100)),
    _m("amount in cents, in scattered rows", AMOUNT, ways.times("amount", 100, scattered=True)),
    _m("amount in another currency (x 10)", AMOUNT, ways.times("amount", 10)),
    _m("amount in another currency (x 0.1)", AMOUNT, ways.times("amount", 0.1)),
    _m("amount with a decimal comma", AMOUNT, ways.on("amount", ways.decimal_comma, text=True)),
    _m("amount with a dot between thousands", AMOUNT, ways.on("amount", ways.with_thousands, text=True)),
    _m("amount with its currency", AMOUNT, ways.on("amount", lambda v: "$" + v, text=True)),
    _m("amount times 0.9", AMOUNT, ways.times("amount", 0.9)),
    _m("amount with its sign flipped", AMOUNT, ways.times("amount", -1)),
    _m("amount stuck at one value", AMOUNT, ways.to("amount", 25.0)),
    _m("amount 0", AMOUNT, ways.to("amount", 0.0)),
    _m("amount missing", AMOUNT, ways.to("amount", None)),
    _m("amount of the row before", AMOUNT, ways.shifted("amount")),
    _m("amount cut at 50", AMOUNT, ways.on("amount", lambda v: v.clip(upper=50.0))),
    _m("amount with typing errors (x 1000)", AMOUNT, ways.times("amount", 1000, scattered=True), ways.FEW),
    _m("amount tells the label", AMOUNT, ways.leaked("amount", lambda r: r["amount"] * (1 + 99 * r["is_fraud"]))),
    _m("another currency", ("currency",), ways.to("currency", "SEK")),
    _m("time in another zone", AT, ways.later("at"), ways.HOURS),
    _m("time in another zone, of some days", AT, ways.later("at", whole=False)),
    _m("time of the label in another zone", KNOWN, ways.later("known_at", whole=False)),
    _m("time without its hour", AT, ways.on("at", lambda v: v.dt.floor("D"))),
    _m("time stuck at one value", AT, _at("at", "2025-03-01")),
    _m("time in the future", AT, ways.on("at", lambda v: v + pd.Timedelta(days=3650), scattered=True), ways.FEW),
    _m("time missing", AT, ways.to("at", None)),
    _m("time in words", AT, ways.on("at", lambda v: "on " + v, text=True)),
    _m("time with day and month exchanged", AT, ways.on("at", lambda v: (
        v.dt.strftime("%Y-%d-%m %H:%M:%S").where(v.dt.day <= 12, v.astype("str")).pipe(
            lambda t: pd.to_datetime(t, utc=True, format="mixed").astype("datetime64[us, UTC]"))))),
    _m("customer stuck at one value", CUSTOMER, ways.to("customer_id", "C0000001")),
    _m("customer missing", CUSTOMER, ways.to("customer_id", None)),
    _m("customer missing, in words", CUSTOMER, ways.on("customer_id", ways.null_words)),
    _m("customer of the row before", CUSTOMER, ways.shifted("customer_id")),
    _m("customers merged by a cut id", CUSTOMER, ways.on("customer_id", lambda v: v.str[:6])),
    _m("customers under new ids", CUSTOMER, ways.on("customer_id", lambda v: "N" + v), ways.SOME),
    _m("customer and terminal exchanged", (*CUSTOMER, *TERMINAL), ways.swapped("customer_id", "terminal_id")),
    _m("terminal stuck at one value", TERMINAL, ways.to("terminal_id", "M0000001")),
    _m("terminal missing", TERMINAL, ways.to("terminal_id", None)),
    _m("terminal of the row before", TERMINAL, ways.shifted("terminal_id")),
    _m("terminals merged by a cut id", TERMINAL, ways.on("terminal_id", lambda v: v.str[:6])),
    _m("terminal in a wrong encoding", TERMINAL, ways.on("terminal_id", lambda v: ways.mojibake(v + "a"))),
    _m("terminal as HTML", TERMINAL, ways.on("terminal_id", lambda v: v + "&amp;")),
    _m("terminal tells the label", TERMINAL, ways.leaked("terminal_id", lambda r: "M" + ways.as_text(r["is_fraud"]))),
    _m("labels reversed", LABEL, ways.on("is_fraud", lambda v: 1 - v)),
    _m("labels lost: none is fraud", LABEL, ways.to("is_fraud", 0)),
    _m("labels all fraud", LABEL, ways.to("is_fraud", 1)),
    _m("label of the row before", LABEL, ways.shifted("is_fraud")),
    _m("label missing", LABEL, ways.on("is_fraud", lambda v: [""] * len(v), text=True)),
    _m("label in words", LABEL, ways.on("is_fraud", lambda v: "fraud" + v, text=True)),
    _m("label missing of one terminal", LABEL, ways.missing_where("is_fraud", "terminal_id")),
    _m("label known at the payment", KNOWN, ways.leaked("known_at", lambda r: r["at"])),
    _m("label known before the payment", KNOWN, ways.leaked("known_at", lambda r: r["at"] - pd.Timedelta(days=1))),
    _m("time of the label stuck", KNOWN, _at("known_at", "2026-03-01")),
    _m("time of the label missing", KNOWN, ways.to("known_at", None)),
    _m("rows doubled under new ids", ID, ways.doubled(identity="transaction_id", letter="X")),
    _m("ids doubled", ID, ways.on("transaction_id", lambda v: v.iloc[0])),
    _m("ids missing", ID, ways.to("transaction_id", None)),
    _m("rows lost in the middle", AT, ways.lost(), (0.02, 0.2, 0.6)),
    _m("file cut at the end of a row", ("fewer",), ways.ended(), (0.02, 0.2, 0.6)),
    _m("amount renamed in the header", AMOUNT, ways.without("amount")),
    ways.FileMutation("file cut off", TABLE, (TABLE,), ways.cut),
    ways.FileMutation("bytes changed", TABLE, (TABLE,), lambda data, share: (
        data[: len(data) - 200] + bytes(200))),
)  # fmt: skip
