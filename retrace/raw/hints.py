"""Say of a raw table's text what is likely a fault of its export, and what to do.

Nothing is changed: a text that only looks like a fault would be lost.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from retrace.base.marks import ENTITY, MOJIBAKE
from retrace.raw.reasons import Reasons
from retrace.raw.values import arrow_text, is_missing_word, raw_text

_NO_NUMBER = {
    "a decimal comma": r"^\s*[-+]?(\d+|\d{1,3}([. ]\d{3})+),\d{1,2}\s*$",
    "the sign of a currency": r"^\s*[-+]?\s*(\p{Sc}\s*[-+]?\d[\d.,]*|\d[\d.,]*\s*\p{Sc})\s*$",
}
_LIKELY = {
    "the marks of a wrong encoding": MOJIBAKE,
    "HTML entities": ENTITY,
    **_NO_NUMBER,
}
_TODO = {
    "the marks of a wrong encoding": "Export the table as UTF-8.",
    "HTML entities": "Export it as plain text.",
    "a decimal comma": "Export numbers with a decimal point.",
    "the sign of a currency": "Export the number alone.",
}
_LEAST = 0.001  # the share of values from which they are said
_ROWS = 50_000  # every k-th row of a longer table is enough
_THOUSANDS = r"^[-+]?[1-9]\d{0,2}(\.\d{3})+$"
_UNDER_1000 = r"^[-+]?\d{1,3}$"
_FEWEST = 5  # numbers with a dot before three digits, below which they may be chance


def hints(
    rows: pd.DataFrame, *, signs: bool = True, read: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Yield a sentence for each column and each thing about its text that looks like a fault;
    without `signs` none on how numbers are written. `read` has the columns whose numbers are read
    as they are written, and what they have, such as a decimal comma."""
    read = read or {}
    for name in rows:
        if name in read:
            yield f"column '{name}': its numbers are read with {read[str(name)]}."
        if not pd.api.types.is_string_dtype(rows[name].dtype):
            continue
        text = _filled(rows[name])
        if not len(text):
            continue
        words = is_missing_word(text)
        if pc.any(words).as_py():
            yield f"{_said(name, text, words)} are read as missing values."
        for what, pattern in _LIKELY.items():
            if what in _NO_NUMBER and (name in read or not signs):
                continue
            found = pc.match_substring_regex(text, pattern)
            if pc.mean(found).as_py() > _LEAST:
                yield f"{_said(name, text, found)} have {what}. {_TODO[what]}"
        dotted = pc.match_substring_regex(text, _THOUSANDS)
        if signs and _dot_is_no_decimal_point(text, dotted):
            yield (
                f"{_said(name, text, dotted)} are read with a decimal point, but no other number "
                "has one: does the dot separate thousands? Export them without it."
            )


def no_number(name: str, column: pd.Series) -> Reasons:
    """Return why values of a raw column are no numbers, where that can be told."""
    text = arrow_text(column)
    masks = {what: pc.match_substring_regex(text, one) for what, one in _NO_NUMBER.items()}
    return [
        (f"{name} is not a number: it has {what}", np.asarray(mask)) for what, mask in masks.items()
    ]


def _filled(column: pd.Series) -> pa.Array:
    text = raw_text(column.iloc[:: -(-len(column) // _ROWS) or 1])
    return text.filter(pc.not_equal(text, ""))


def _dot_is_no_decimal_point(text: pa.Array, dotted: pa.Array) -> bool:
    """Whether numbers are whole and below 1,000, but for those with a dot before three digits."""
    whole, n_dotted = pc.match_substring_regex(text, _UNDER_1000), pc.sum(dotted).as_py()
    n_whole = pc.sum(whole).as_py()
    return bool(n_dotted >= _FEWEST and n_whole > 0 and n_dotted + n_whole > 0.99 * len(text))


def _said(name: object, text: pa.Array, found: pa.Array) -> str:
    place = int(np.flatnonzero(found.to_numpy(zero_copy_only=False))[0])
    shown = " ".join(text[place].as_py().split())[:40]
    return f"column '{name}': {pc.mean(found).as_py():.2%} of the values, such as '{shown}',"
