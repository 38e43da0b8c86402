"""A value of a row as JSON has it: read, checked and described, by a column of the schema."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from retrace.base.arrays import texts
from retrace.base.errors import RetraceError

Kind = Literal["text", "number", "integer", "boolean", "time"]
JSON_TYPES = {
    "text": "string",
    "number": "number",
    "integer": "integer",
    "boolean": "boolean",
    "time": "string",
}
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
FIRST_YEAR, LAST_YEAR = 1971, 2099
LONGEST = 10_000  # characters of a text
NOT_EMPTY = "not empty"  # how schemas name the check of a text that must be there
NOT_A_TIME = np.iinfo(np.int64).min


class RefusedRow(RetraceError):
    """A row that cannot be used: which one, which column, and why."""

    def __init__(self, row: int, column: str, reason: str) -> None:
        self.row, self.column, self.reason = row, column, reason
        super().__init__(f"row {row + 1}, {column}: {reason}")


@dataclass(frozen=True)
class RowColumn:
    """A column of the clean table as a request has it.

    low, high : bounds of a number, both inclusive unless `above` says that low is not
    choices   : the values that there are; none where there are others
    checks    : (function of an array, reason) for what has no other place here
    """

    name: str
    kind: Kind
    dtype: str
    optional: bool
    nullable: bool
    words: str = ""
    low: float | None = None
    high: float | None = None
    above: bool = False
    choices: tuple[Any, ...] = ()
    pattern: str = ""
    filled: str = ""  # why an empty text is refused; "" where it is not
    checks: tuple[tuple[Callable[[Any], Any], str], ...] = ()
    range_words: str = ""

    @cached_property
    def _matches(self) -> Callable[[str], Any]:
        return re.compile(self.pattern).match

    def read(self, values: Sequence[Any]) -> list[Any]:
        """Return the values as an array of the clean table has them; RefusedRow for a bad one."""
        read, found = self._read, []
        for place, value in enumerate(values):
            if value is None:
                if not (self.nullable or self.optional):
                    raise RefusedRow(place, self.name, f"is missing; expected {self.expected}")
                found.append(self.missing)
                continue
            try:
                found.append(read(value))
            except ValueError as error:
                raise RefusedRow(place, self.name, str(error)) from None
        return found

    def check(self, array: NDArray[Any]) -> None:
        """RefusedRow for the first value that breaks what the schema asks further."""
        for check, reason in self.checks:
            kept = check(array)
            if not np.all(kept):
                raise RefusedRow(int(np.argmin(kept)), self.name, reason)

    @cached_property
    def _read(self) -> Callable[[Any], Any]:
        read: Callable[[Any], Any] = getattr(self, f"_read_{self.kind}")
        return read

    @cached_property
    def array_type(self) -> np.dtype[Any]:
        return np.dtype(self.dtype)

    @cached_property
    def missing(self) -> Any:
        kinds = {"text": "", "number": np.nan, "time": NOT_A_TIME, "integer": 0, "boolean": False}
        return kinds[self.kind]

    @cached_property
    def expected(self) -> str:
        """What a value must be, in words."""
        if self.choices:
            return "one of " + ", ".join(map(str, self.choices))
        words = {
            "text": f"a text of at most {LONGEST:,} characters",
            "number": "a number",
            "integer": "a whole number",
            "boolean": "true or false",
            "time": f"a time with its offset, from {FIRST_YEAR} to {LAST_YEAR}, such as "
            "2026-01-31T12:00:00Z",
        }[self.kind]
        return f"{words}, {self.range_words}" if self.range_words else words

    def _read_text(self, value: Any) -> str:
        if type(value) is not str or len(value) > LONGEST:
            raise ValueError(f"{_short(value)}; expected {self.expected}")
        if not value and self.filled:
            raise ValueError(self.filled)
        if self.choices and value not in self.choices:
            raise ValueError(f"{_short(value)}; expected {self.expected}")
        if self.pattern and not self._matches(value):
            raise ValueError(f"{_short(value)}; expected a text like {self.pattern}")
        if "\x00" in value or not value.isprintable():
            value.encode("utf-8")  # a lone surrogate is no text; UnicodeEncodeError is a ValueError
            if "\x00" in value:
                raise ValueError("has a NUL character")
        return value

    def _read_number(self, value: Any) -> float:
        if type(value) is not float and type(value) is not int:
            raise ValueError(f"{_short(value)}; expected {self.expected}")
        self._in_range(value)
        return float(value)

    def _read_integer(self, value: Any) -> int:
        if type(value) is not int:
            raise ValueError(f"{_short(value)}; expected {self.expected}")
        self._in_range(value)
        return value

    def _in_range(self, value: float) -> None:
        low, high = self.low, self.high
        if self.choices and value not in self.choices:
            raise ValueError(f"{_short(value)}; expected {self.expected}")
        if low is not None and (value < low or (self.above and value == low)):
            raise ValueError(f"{_short(value)}; expected {self.expected}")
        if (high is not None and value > high) or not abs(value) < 1e300:
            raise ValueError(f"{_short(value)}; expected {self.expected}")

    def _read_boolean(self, value: Any) -> bool:
        if type(value) is not bool:
            raise ValueError(f"{_short(value)}; expected {self.expected}")
        return value

    def _read_time(self, value: Any) -> int:
        try:
            at = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise ValueError(f"{_short(value)}; expected {self.expected}") from None
        if at.tzinfo is None or not FIRST_YEAR <= at.year <= LAST_YEAR:
            raise ValueError(f"{_short(value)}; expected {self.expected}")
        return (at - EPOCH) // MICROSECOND

    def json_schema(self) -> dict[str, Any]:
        """Return the column as JSON Schema has it."""
        found: dict[str, Any] = {"type": JSON_TYPES[self.kind], "description": self.words}
        if self.nullable or self.optional:
            found["type"] = [found["type"], "null"]
        if self.kind == "time":
            found["format"] = "date-time"
        if self.kind == "text":
            found["maxLength"] = LONGEST
        if self.choices:
            found["enum"] = [*self.choices, *([None] if self.nullable or self.optional else [])]
        if self.pattern:
            found["pattern"] = self.pattern
        if self.low is not None:
            found["exclusiveMinimum" if self.above else "minimum"] = self.low
        if self.high is not None:
            found["maximum"] = self.high
        if self.kind == "text" and not (self.optional or self.nullable):
            found["minLength"] = 1
        return {key: value for key, value in found.items() if value != ""}


def row_column(name: str, column: Any) -> RowColumn:
    """Return a column of a schema as a request has it."""
    kind, dtype = _kind(str(column.dtype))
    known: dict[str, Any] = {}
    checks: list[tuple[Callable[[Any], Any], str]] = []
    for check in column.checks:
        said = dict(check.statistics or {})
        if check.name == "in_range":
            known |= {"low": said["min_value"], "high": said["max_value"]}
            known["above"] = not said.get("include_min", True)
        elif check.name in ("greater_than_or_equal_to", "greater_than"):
            known |= {"low": said["min_value"], "above": check.name == "greater_than"}
        elif check.name in ("less_than_or_equal_to", "less_than"):
            known["high"] = said["max_value"]
        elif check.name == "isin":
            known["choices"] = tuple(said["allowed_values"])
        elif check.name == "str_matches":
            pattern = said["pattern"]
            known["pattern"] = getattr(pattern, "pattern", pattern)
        else:
            reason = str(check.error or check.name)
            if kind == "text" and reason.endswith(NOT_EMPTY):  # said of any row, it is cheap to ask
                known["filled"] = reason
            else:
                checks.append((check._check_fn, reason))
            continue
        said_so = str(check.error or check.name)
        known["range_words"] = "" if re.fullmatch(r"\w+(\(.*\))?", said_so) else said_so
    known["range_words"] = known.get("range_words") or _range_words(known)
    if kind == "integer":
        limits = np.iinfo(dtype)
        known["low"] = max(known.get("low", limits.min), limits.min)
        known["high"] = min(known.get("high", limits.max), limits.max)
    nothing = texts([""])
    limited = any(known.get(name) for name in ("pattern", "choices", "filled"))
    empty = kind == "text" and not limited and all(np.all(check(nothing)) for check, _ in checks)
    return RowColumn(
        name,
        kind,
        dtype,
        optional=empty or not column.required,
        nullable=bool(column.nullable),
        words=str(column.description or ""),
        checks=tuple(checks),
        **known,
    )


def _range_words(known: Mapping[str, Any]) -> str:
    """Say which numbers there may be, where the check does not."""
    low, high = known.get("low"), known.get("high")
    least = "" if low is None else f"{'above' if known.get('above') else 'from'} {low:g}"
    most = "" if high is None else f"{'up ' if low is None else ''}to {high:g}"
    return f"{least}{' on' if least and not most and not known.get('above') else ''} {most}".strip()


def _kind(dtype: str) -> tuple[Kind, str]:
    if dtype.startswith("datetime64"):
        return "time", "datetime64[us]"
    if dtype.startswith(("int", "uint")):
        return "integer", dtype
    if dtype.startswith("float"):
        return "number", dtype
    if dtype.startswith("bool"):
        return "boolean", "bool"
    return "text", "object"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
