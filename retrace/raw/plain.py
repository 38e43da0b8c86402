"""Read a plain table by declared types: each row is clean, or rejected with file, row and reason.

    kinds = {"id": Kind("int64"), "at": Kind(TIME), "price": Kind("float64")}
    found = read_plain(source, kinds, key=("id",), reading=Reading(time_zone="Europe/Oslo"))
    found.clean       # the declared columns in their types, sorted by the key
    found.rejected    # file, row, reason; the first reason that applies

What a declared column is called in the files, and how times and missing values are written, is
`Reading`. Columns that are not declared never leave the files.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from retrace.base.errors import RetraceError
from retrace.base.params import Params
from retrace.raw import fingerprint, read_raw
from retrace.raw.hints import no_number
from retrace.raw.reasons import Reasons, also, first_reason
from retrace.raw.times import Clock, Zone, read_times
from retrace.raw.values import arrow_text, as_integer, as_number, clean_text, raw_text

TIME = "datetime64[us, UTC]"
TRUTH_WORDS = {"true": True, "t": True, "yes": True, "y": True, "1": True, "1.0": True} | {
    "false": False, "f": False, "no": False, "n": False, "0": False, "0.0": False
}  # fmt: skip
CHUNK_ROWS = 50_000
BRACKETS, MINUS = "()", "\N{MINUS SIGN}"  # signs of numbers below zero
_SPACES = {".": r"\.", ",": ",", " ": r"[ \x{A0}\x{202F}]", "'": r"['\x{2019}]"}


@dataclass(frozen=True)
class Kind:
    """The type of a clean column as pandas names it: str, bool, a time in UTC, a number of any size
    (`Int64` has missing values, `int64` has none)."""

    dtype: str
    nullable: bool = False
    required: bool = True  # in the files


class Reading(Params):
    """How a plain table is written; the settings of `<world>.ingest` that every one has.

    columns : the files' names of declared columns that have others there; several, such as a day
        and an hour, are read as one text with a space between them
    missing : words that stand for no value, in any case, beside those of retrace.raw.values
    decimal, thousands : signs of numbers that are text
    signs : what stands before or after numbers, such as € or %; "()" says that numbers in brackets
        are below zero, and "−" that this, and not "-", is their minus
    truths : of a bool column, or of one of 0 and 1, the words that mean true and false, in small
        letters
    time_zone : of times without an offset, such as Europe/Oslo; null refuses them
    time_format : of times that are not ISO 8601, such as "%d/%m/%Y %H:%M", perhaps by column; null
        finds it out
    row_id : a declared text column that no file has: a name for each row, made of its content, so
        that it is the same wherever the row stands; of rows with one content the later ones get a
        number
    twins : likewise, the same for all rows with one content, whatever their key
    """

    columns: dict[str, str | list[str]] = Field(default_factory=dict)
    missing: list[str] = Field(default_factory=list)
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'"] = ""
    signs: list[str] = Field(default_factory=list)
    truths: dict[str, dict[str, bool]] = Field(default_factory=dict)
    time_zone: Zone | None = None
    time_format: str | dict[str, str] | None = None
    row_id: str | None = None
    twins: str | None = None

    @property
    def has_signs(self) -> bool:
        """Whether numbers are written in another way than `as_number` reads them."""
        return self.decimal != "." or bool(self.thousands or self.signs)

    def number(self, column: pd.Series) -> pd.Series:
        """Return a raw column with its numbers as `as_number` reads them."""
        text = not pd.api.types.is_numeric_dtype(column.dtype)
        if not text or not self.has_signs:
            return column
        values = pc.utf8_trim_whitespace(arrow_text(column))
        for sign in self.signs:
            if sign == BRACKETS:
                values = pc.replace_substring_regex(values, r"^\((.*)\)$", r"-\1")
            else:
                plain = "-" if sign == MINUS else ""
                values = pc.utf8_trim_whitespace(pc.replace_substring(values, sign, plain))
        if self.thousands:
            grouped = (
                rf"^[-+]?[1-9]\d{{0,2}}({_SPACES[self.thousands]}\d{{3}})+(\{self.decimal}\d*)?$"
            )
            bare = pc.replace_substring_regex(values, _SPACES[self.thousands], "")
            values = pc.if_else(pc.match_substring_regex(values, grouped), bare, values)
        if self.decimal == ",":  # a point is no decimal sign here: 1.5 must not become a number
            values = pc.replace_substring(pc.replace_substring(values, ".", ";"), ",", ".")
        dtype = pd.StringDtype("pyarrow", na_value=np.nan)
        return pd.Series(pd.array(values, dtype=dtype), column.index, name=column.name)


@dataclass(frozen=True)
class Plain:
    """Every raw row once: clean, or rejected with `file`, `row` and `reason`."""

    clean: pd.DataFrame
    rejected: pd.DataFrame
    fingerprint: str


def read_plain(
    source: Path,
    kinds: Mapping[str, Kind],
    *,
    key: Sequence[str],
    reading: Reading,
    section: str = "ingest",
) -> Plain:
    """Read the table at `source`, a file or a folder, into the columns of `kinds`.

    Rows are sorted by `key`; of rows with the same one the first is clean. `section` of params.yaml
    is named where a setting must change.

    Raises RetraceError for files that cannot be read at all (see `retrace.raw.read_raw`).
    """
    names = _names(kinds, reading, section)
    needed = [one for name, of in names.items() if kinds[name].required for one in of]
    others = [one for name, of in names.items() if not kinds[name].required for one in of]
    needed = list(dict.fromkeys(needed))
    others = [one for one in dict.fromkeys(others) if one not in needed]
    table = read_raw(source, needed, others, signs=not reading.has_signs)
    raw = table.rows
    reading = reading.model_copy(update={"missing": [word.lower() for word in reading.missing]})
    columns, reasons = {}, []
    for name, of in names.items():
        if all(one in raw for one in of):
            column = _joined(raw, of)
            columns[name], why = _column(name, kinds[name], column, reading, section, raw, key)
            reasons += why
    clean = pd.DataFrame(columns, index=raw.index)
    content = [name for name in sorted(map(str, clean)) if name not in key]
    clean = clean.assign(**_names_of_rows(clean[content], reading))
    clean = clean[[name for name in kinds if name in clean]]
    reason = first_reason(reasons, raw.index)
    names_of_key = ", ".join(key)
    again = clean.loc[reason == "", list(key)].duplicated()
    reason = also(reason, f"{names_of_key} is that of an earlier row", again.index[again])
    good = clean[reason == ""].sort_values(list(key), ignore_index=True)
    good = good.astype({name: kind.dtype for name, kind in kinds.items() if name in good})
    bad = raw.assign(reason=reason).loc[reason != "", ["file", "row", "reason"]]
    rejected = pd.concat([bad, table.malformed[["file", "row", "reason"]]])
    rejected = rejected.sort_values(["file", "row"], ignore_index=True, kind="stable")
    return Plain(good, rejected, fingerprint(source))


def _names(kinds: Mapping[str, Kind], reading: Reading, section: str) -> dict[str, list[str]]:
    unknown = [name for name in reading.columns if name not in kinds]
    if unknown:
        raise RetraceError(
            f"params.yaml: `{section}.columns` maps the unknown name '{unknown[0]}'; the table "
            f"declares {', '.join(kinds)}."
        )
    made = (reading.row_id, reading.twins)
    found = {name: reading.columns.get(name, name) for name in kinds if name not in made}
    return {name: [one] if isinstance(one, str) else list(one) for name, one in found.items()}


def _joined(raw: pd.DataFrame, names: Sequence[str]) -> pd.Series:
    if len(names) == 1:
        return raw[names[0]]
    parts = [clean_text(raw[name]) for name in names]
    joined = parts[0]
    for part in parts[1:]:
        joined = joined + " " + part
    empty = np.logical_or.reduce([(part == "").to_numpy(bool) for part in parts])
    return joined.mask(empty, "").rename(" ".join(names))


def _column(
    name: str,
    kind: Kind,
    column: pd.Series,
    reading: Reading,
    section: str,
    place: pd.DataFrame,
    key: Sequence[str],
) -> tuple[pd.Series, Reasons]:
    """Return a column's values, missing where they cannot be read, and why rows cannot be used."""
    text = clean_text(column)
    gone = (text.eq("") | text.str.lower().isin(reading.missing)).to_numpy(bool)
    column = column.mask(gone)
    unread: Reasons
    if kind.dtype.startswith("datetime64"):
        form = reading.time_format
        form = form.get(name) if isinstance(form, dict) else form
        times = read_times(column, Clock(reading.time_zone, form, params=section), place)
        values, unread = times.at, [(why, mask & ~gone) for why, mask in times.reasons(name)]
    else:
        family = _family(kind.dtype)
        read, what = _READERS[family]
        if family == "bool" or name in reading.truths:
            values = _truths(column, reading.truths.get(name, TRUTH_WORDS))
        else:
            column = column if family == "str" else reading.number(column)
            values = read(column, kind.dtype)
        why = no_number(name, column) if what != "text" else []
        unread = [*why, (f"{name} is not {what}", values.isna().to_numpy(bool) & ~gone)]
    if name in key or not (kind.nullable or kind.dtype == "str"):
        unread = [(f"{name} is missing", gone), *unread]
    return values, unread


def _names_of_rows(clean: pd.DataFrame, reading: Reading) -> dict[str, pd.Series]:
    """Name rows by their content, in whatever format the file is."""
    if reading.row_id is None and reading.twins is None:
        return {}
    between = pa.scalar("\x1f", pa.large_string())
    joined = pc.binary_join_element_wise(*(raw_text(clean[name]) for name in clean), between)
    content = [
        hashlib.blake2b(row.encode(), digest_size=8).hexdigest()
        for start in range(0, len(joined), CHUNK_ROWS)  # of a wide table, all texts are gigabytes
        for row in joined.slice(start, CHUNK_ROWS).to_pylist()
    ]
    found = {} if reading.twins is None else {reading.twins: content}
    if reading.row_id is not None:
        seen: Counter[str] = Counter()
        named = []
        for name in content:
            seen[name] += 1
            named.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
        found[reading.row_id] = named
    return {name: pd.Series(values, clean.index, dtype="str") for name, values in found.items()}


def _family(dtype: str) -> str:
    family = dtype.lower().rstrip("0123456789").removeprefix("u")
    family = {"boolean": "bool", "string": "str", "object": "str"}.get(family, family)
    if family not in _READERS:
        raise ValueError(f"a plain table has str, bool, int, float or times; no {dtype}")
    return family


def _texts(column: pd.Series, _dtype: str) -> pd.Series:
    return clean_text(column)


def _whole(column: pd.Series, dtype: str) -> pd.Series:
    values, bounds = as_integer(column), np.iinfo(dtype.lower())
    return values.where(values.between(bounds.min, bounds.max))


def _numbers(column: pd.Series, _dtype: str) -> pd.Series:
    values = as_number(column)
    return pd.Series(np.where(np.isinf(values), np.nan, values), index=column.index)


def _truths(column: pd.Series, words: Mapping[str, bool]) -> pd.Series:
    return clean_text(column).str.lower().map(words).astype("boolean")


_READERS: dict[str, tuple[Callable[[pd.Series, str], pd.Series], str]] = {
    "str": (_texts, "text"),
    "int": (_whole, "a whole number that fits"),
    "float": (_numbers, "a number"),
    "bool": (_texts, "true or false"),
}
