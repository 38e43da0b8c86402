"""Read raw columns as text or numbers; what cannot be read is missing, so that a row can say so.

So is a word that databases and tools write where there is no value: see `MISSING`.
"""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

MISSING = ("na", "n/a", "#n/a", "nan", "<na>", "nat", "null", "none", r"\n", "?")  # in any case
_LONGEST = 4 + 2  # bytes of such a word, with a space at either end
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?$|^[+-]?(?i:inf|infinity)$"
_INTEGER = r"^[+-]?\d{1,18}(\.0*)?$"
_POINT_ZERO = r"^-?\d+\.0+$"
_EXACT = 2.0**53  # smaller whole numbers are exact as floats
_OTHER_SPACE = (
    r"\t-\r\x1C-\x1F\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}"
)


def as_text(column: pd.Series) -> "pd.Series[str]":
    """Return a raw column of any type as text, as it is; missing values and `MISSING` become ""."""
    return _series(arrow_text(column), column.index)


def clean_text(column: pd.Series) -> "pd.Series[str]":
    """Return text in Unicode's form NFC with every run of white space as one space, none outside.

    Missing values become "".
    """
    return _series(_cleaned(arrow_text(column)), column.index)


def as_id(column: pd.Series) -> "pd.Series[str]":
    """Return names of things as text, so that the same one in two tables is the same text.

    12, 12.0 and "12 " are "12", as numbers become floats in a column with gaps. Leading zeros stay;
    white space is that of `clean_text`. Missing values become "".
    """
    text = arrow_text(column)
    if column.dtype.kind == "f":  # the text of a large float has an exponent
        number = column.to_numpy(np.float64, na_value=np.nan)
        whole = (np.abs(number) < _EXACT) & (np.floor(number) == number)
        exact = pc.cast(pa.array(np.where(whole, number, 0).astype(np.int64)), text.type)
        text = pc.if_else(pa.array(whole), exact, text)
    text = _cleaned(text)
    text = _where(text, pc.match_substring_regex(text, _POINT_ZERO), _whole)
    return _series(text, column.index)


def as_number(column: pd.Series) -> NDArray[np.float64]:
    """Return a raw column as float64, shape (n,); NaN where it is missing or not a number.

    A number is written with a decimal point and without separators of thousands (`1234.5`, `1e3`).
    Infinities are kept, so that the caller can tell them from what is no number at all.
    """
    if column.dtype.kind in "iuf":
        return np.asarray(column.to_numpy(np.float64, na_value=np.nan))
    return np.asarray(_parsed(column, _NUMBER, pa.float64()).to_numpy(zero_copy_only=False))


def as_integer(column: pd.Series) -> "pd.Series[int]":
    """Return a raw column as nullable whole numbers (Int64); missing where it is none (`3.5`).

    `3`, `3.0` and ` 3 ` are the same; at most 18 digits.
    """
    values = pd.arrays.ArrowExtensionArray(_parsed(column, _INTEGER, pa.int64()))
    return pd.Series(values, index=column.index).astype("Int64")


def _parsed(column: pd.Series, pattern: str, kind: pa.DataType) -> pa.Array:
    text = pc.utf8_trim_whitespace(arrow_text(column))
    readable = pc.match_substring_regex(text, pattern)
    text = pc.if_else(readable, text, pa.scalar(None, pa.large_string()))
    text = pc.replace_substring_regex(text, r"^\+", "")
    if pa.types.is_integer(kind):
        text = pc.replace_substring_regex(text, r"\..*$", "")
    return pc.cast(text, kind)


def arrow_text(column: pd.Series) -> pa.Array:
    """Return a raw column of any type as one Arrow array of text; missing values and the words of
    `MISSING` become ""."""
    text = raw_text(column)
    return pc.if_else(is_missing_word(text), pa.scalar("", text.type), text)


def is_missing_word(text: pa.Array) -> pa.Array:
    """Mark the texts that are a word for no value; few are short enough to be looked at."""
    short = pc.less_equal(pc.binary_length(text), _LONGEST)
    words = pc.utf8_lower(pc.utf8_trim_whitespace(text.filter(short)))
    found = pc.is_in(words, pa.array(MISSING, words.type))
    return pc.replace_with_mask(pc.and_(short, False), short, found)


def raw_text(column: pd.Series) -> pa.Array:
    """Return a raw column of any type as one Arrow array of text, as it is; missing values become
    ""."""
    if column.dtype == object:  # mixed, as when one file has numbers and another one text
        column = column.where(column.notna(), "")
        return pa.array([str(value) for value in column], pa.large_string())
    array = pa.array(column, from_pandas=True)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return pc.fill_null(array.cast(pa.large_string()), "")


def _cleaned(text: pa.Array) -> pa.Array:
    # Nearly all rows need neither; to look is ten times faster than to rewrite.
    text = _where(text, pc.invert(pc.string_is_ascii(text)), _composed)
    text = _where(text, pc.match_substring_regex(text, f"[{_OTHER_SPACE}]|  "), _collapsed)
    return pc.utf8_trim_whitespace(text)


def _where(text: pa.Array, mask: pa.Array, change: Any) -> pa.Array:
    chosen = text.filter(mask)
    return pc.replace_with_mask(text, mask, change(chosen)) if len(chosen) else text


def _composed(text: pa.Array) -> pa.Array:
    return pc.utf8_normalize(text, form="NFC")


def _whole(text: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(text, r"\..*$", "")


def _collapsed(text: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(text, f"[ {_OTHER_SPACE}]+", " ")


def _series(text: pa.Array, index: pd.Index) -> "pd.Series[str]":
    dtype = pd.StringDtype("pyarrow", na_value=np.nan)
    return pd.Series(pd.array(text, dtype=dtype), index=index)
