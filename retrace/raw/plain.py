"""Read a plain table by declared types: each row is clean, or rejected with file, row and reason.

    kinds = {"id": Kind("int64"), "at": Kind(TIME), "price": Kind("float64")}
    found = read_plain(source, kinds, key=("id",), reading=Reading(time_zone="Europe/Oslo"))
    found.clean       # the declared columns in their types, sorted by the key
    found.rejected    # file, row, reason; the first reason that applies

What a declared column is called in the files, and how times and missing values are written, is
`Reading`. Columns that are not declared never leave the files.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from retrace.base.errors import RetraceError
from retrace.base.params import Params
from retrace.raw import fingerprint, read_raw
from retrace.raw.hints import no_number
from retrace.raw.reasons import Reasons, also, first_reason
from retrace.raw.times import Clock, Zone, read_times
from retrace.raw.values import as_integer, as_number, clean_text

TIME = "datetime64[us, UTC]"
TRUTH_WORDS = {"true": True, "t": True, "yes": True, "y": True, "1": True, "1.0": True} | {
    "false": False, "f": False, "no": False, "n": False, "0": False, "0.0": False
}  # fmt: skip


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
    time_zone : of times without an offset, such as Europe/Oslo; null refuses them
    time_format : of times that are not ISO 8601, such as "%d/%m/%Y %H:%M"; null finds it out
    """

    columns: dict[str, str | list[str]] = Field(default_factory=dict)
    missing: list[str] = Field(default_factory=list)
    time_zone: Zone | None = None
    time_format: str | None = None


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
    table = read_raw(source, needed, [one for one in dict.fromkeys(others) if one not in needed])
    raw = table.rows
    clock = Clock(reading.time_zone, reading.time_format, params=section)
    words = [word.lower() for word in reading.missing]
    clean, reasons = pd.DataFrame(index=raw.index), []
    for name, kind in kinds.items():
        if all(one in raw for one in names[name]):
            column = _joined(raw, names[name])
            clean[name], why = _column(name, kind, column, words, clock, raw, key)
            reasons += why
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
    found = {name: reading.columns.get(name, name) for name in kinds}
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
    missing: Sequence[str],
    clock: Clock,
    place: pd.DataFrame,
    key: Sequence[str],
) -> tuple[pd.Series, Reasons]:
    """Return a column's values, missing where they cannot be read, and why rows cannot be used."""
    text = clean_text(column)
    gone = (text.eq("") | text.str.lower().isin(list(missing))).to_numpy(bool)
    column = column.mask(gone)
    unread: Reasons
    if kind.dtype.startswith("datetime64"):
        times = read_times(column, clock, place)
        values, unread = times.at, [(why, mask & ~gone) for why, mask in times.reasons(name)]
    else:
        read, what = _READERS[_family(kind.dtype)]
        values = read(column, kind.dtype)
        why = no_number(name, column) if what != "text" else []
        unread = [*why, (f"{name} is not {what}", values.isna().to_numpy(bool) & ~gone)]
    if name in key or not (kind.nullable or kind.dtype == "str"):
        unread = [(f"{name} is missing", gone), *unread]
    return values, unread


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


def _truths(column: pd.Series, _dtype: str) -> pd.Series:
    return clean_text(column).str.lower().map(TRUTH_WORDS).astype("boolean")


_READERS: dict[str, tuple[Callable[[pd.Series, str], pd.Series], str]] = {
    "str": (_texts, "text"),
    "int": (_whole, "a whole number that fits"),
    "float": (_numbers, "a number"),
    "bool": (_truths, "true or false"),
}
