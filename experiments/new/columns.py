"""Find out what the columns of a raw table are: numbers, flags, words, texts, times, names."""

import keyword
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from experiments.new.times import Form, form_of, of_numbers
from retrace.raw.plain import BRACKETS, MINUS, TRUTH_WORDS, Reading
from retrace.raw.values import as_integer, as_number, clean_text

Sort = Literal[
    "number", "whole", "flag", "words", "text", "time", "name", "row number", "empty", "one value"
]
UNUSED = ("name", "row number", "empty", "one value")  # sorts that no model sees

READABLE = 0.995  # of a column of numbers: what is no number then is a fault of its row
MOSTLY = 0.5  # share of numbers in a column of words, from which somebody should know
OF_WORDS = 0.9  # of a column of numbers where a few words stand for no value
WORDS_LEAST = 0.002  # of the rows, for each such word
FEW, MANY = 50, 0.9  # values of a category; share of different values from which it names rows
TEXT_WORDS = 3.0  # in the mean, from which it is a text
TEXT_LENGTH = 40.0  # in the mean, likewise
CODES_LEAST = 0.001  # share of numbers that begin with a zero, from which all are codes
ROWS_A_VALUE = 20  # from which it is a category, however long its names are
SAMPLE = 200_000  # rows; every k-th of a longer table is enough
# Names that tables of the stages give to columns of their own.
RESERVED = {
    "file", "row", "row_id", "row_twins", "target", "window", "fold", "outcome", "prediction",
    "rule", "naive", "oracle", "lower", "upper", "p50", "p80", "p90", "threshold", "refused",
    "rule_threshold", "slice",
}  # fmt: skip
AS_TARGET = ("target", "outcome")
# Decimal sign, sign of thousands, and whether numbers have signs of their own; the simplest first.
STYLES = (
    (".", "", False), (",", ".", False), (".", ",", False), (",", " ", False), (".", " ", False),
    (".", "'", False), (".", "", True), (",", ".", True), (".", ",", True), (",", " ", True),
)  # fmt: skip
_CURRENCIES = "EUR|USD|GBP|NOK|SEK|DKK|CHF|JPY|INR|PLN|BRL|kr|Kr|Rs|R\\$|US\\$"
_SIGN = (
    rf"^(?:[^\w.,+()\-−]+|(?:{_CURRENCIES})\.?)(?=\s*[-+−(]?\d)"
    r"|(?<=\d)\s*(?:[^\w\s.,()]+|[A-Za-z]{1,8}[²³]?(?:/[A-Za-z]{1,4}[²³]?)?)$"  # of a unit
)
_BELOW_ZERO = {BRACKETS: r"^[^\w(]*\([^\w]*\d[\d., ]*\)$", MINUS: r"^−\s*\d"}
_NAMELESS = re.compile(r"(Unnamed: \d+)?\s*")  # what R and pandas write above the numbers of rows
_TIMES = re.compile(
    r"(?i:(^|_|\b)(at|on|ts|time|times|date|day|datetime|timestamp|epoch|created|updated)($|_|\b))"
    r"|[a-z](At|On|Date|Time|Timestamp)$"
)
IDS = re.compile(
    r"(?i)(^|_|\b)(id|key|uuid|guid|index|code|zip|zipcode|postal|postcode|no|nr)$|[a-z]Id$|[a-z]ID$"
)


@dataclass(frozen=True)
class SourceColumn:
    """A column of the file: its `name` in the clean table, what it is, and how far it is filled."""

    raw: str
    name: str
    sort: Sort
    missing: float
    distinct: int
    form: Form | None = None
    faults: tuple[tuple[int, str], ...] = ()  # rows whose value does not fit, and the value
    words: tuple[str, ...] = ()  # that stand for no value
    numeric: bool = False  # as the file has it

    @property
    def is_id(self) -> bool:
        """Whether its words name a customer, a machine or a town: by its name, or as numbers."""
        return self.numeric or bool(IDS.search(self.raw))

    @property
    def dtype(self) -> str:
        """The type in the clean table; what has gaps, or may get them, is a float."""
        whole = "int64" if not self.missing else "float64"
        return {
            "number": "float64", "whole": whole, "flag": "bool", "time": "datetime64[us, UTC]",
        }.get(self.sort, "str")  # fmt: skip


@dataclass(frozen=True)
class Guessed:
    """The columns in the order of the file, and how their values are written."""

    columns: dict[str, SourceColumn]  # by the file's names
    reading: Reading


def guess(rows: pd.DataFrame, names: Sequence[str], target: str) -> Guessed:
    """Guess what the columns `names` of a raw table are. The target may be called what stages call
    it as well."""
    thin = rows.iloc[:: -(-len(rows) // SAMPLE)]
    reading = _style(thin[list(names)])
    taken: set[str] = set()
    columns = {}
    for raw in names:
        name = raw if raw == target and raw in AS_TARGET else clean_name(raw, taken)
        taken.add(name)
        columns[raw] = _column(raw, name, thin[raw], thin["row"], reading)
    words = sorted({word for column in columns.values() for word in column.words})
    return Guessed(columns, reading.model_copy(update={"missing": words}))


def clean_name(raw: str, taken: set[str]) -> str:
    """Return a name of letters, digits and underscores that nothing else has."""
    name = re.sub(r"\W+", "_", raw.strip()).strip("_") or "column"
    name = f"n_{name}" if name[0].isdigit() else name
    if name.lower() in RESERVED or keyword.iskeyword(name) or name.startswith("probability_"):
        name = f"own_{name}"
    found, number = name, 2
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found


def _style(rows: pd.DataFrame) -> Reading:
    """Return the way of writing numbers by which the most columns are numbers: the simplest one of
    those that read the same."""
    texts = {}
    for name in rows:
        if pd.api.types.is_numeric_dtype(rows[name].dtype) or rows[name].dtype == object:
            continue
        text = clean_text(rows[name])
        text = text[text != ""].iloc[:5000]
        if (
            len(text)
            and np.isnan(as_number(text)).mean() > 1 - OF_WORDS
            and text.str.contains(r"\d").mean() > OF_WORDS
            and text.str.contains(r"\d:\d\d").mean() < OF_WORDS  # a time: AM is no sign
        ):
            texts[name] = text
    best, most = Reading(), 0.0
    commas = any(text.str.contains(r"\d,\d{3}").any() for text in texts.values())
    found = {sign.strip() for text in texts.values() for sign in signs_of(text)}
    below = [
        s for s, form in _BELOW_ZERO.items() if any(t.str.match(form).any() for t in texts.values())
    ]
    signs = [*sorted(found, key=lambda sign: (-len(sign), sign)), *below]
    for decimal, thousands, with_signs in STYLES:
        if with_signs and not signs:
            continue
        one = Reading.model_validate(
            {"decimal": decimal, "thousands": thousands, "signs": signs if with_signs else []}
        )
        shares = [1 - np.isnan(as_number(one.number(text))).mean() for text in texts.values()]
        score = sum(share for share in shares if share > OF_WORDS)
        # 1,234 and 12,345 are thousands rather than numbers of three decimals each
        groups = (decimal, thousands) == (".", ",") and score >= most > 0
        groups = groups and with_signs == bool(best.signs) and commas
        if score > most + 1e-9 or groups:
            best, most = one, float(score)
    return best


def signs_of(text: "pd.Series[str]") -> list[str]:
    """Return the currencies and units that most of the numbers stand with."""
    found = text.str.extract(f"({_SIGN})")[0].dropna()
    common = found.value_counts(normalize=False)
    return [str(sign) for sign in common.index[common > 0.5 * len(text)]]


def _column(
    raw: str, name: str, column: pd.Series, row: pd.Series, reading: Reading
) -> SourceColumn:
    text = clean_text(column)
    gone = (text == "").to_numpy(bool)
    missing, values = float(gone.mean()), text[~gone]
    distinct = int(values.nunique())

    def found(sort: Sort, **more: Any) -> SourceColumn:
        return SourceColumn(raw, name, sort, missing, distinct, **more)

    if not len(values):
        return found("empty")
    if distinct == 1:
        return found("one value" if not missing else "words")
    if pd.api.types.is_bool_dtype(column.dtype) or _is_flag(values, missing):
        return found("flag" if not missing else "words", numeric=set(values) == {"0", "1"})
    form = form_of([column]) or (of_numbers(column) if _TIMES.search(raw) else None)
    if form is not None:
        return found("time", form=form)
    number = as_number(reading.number(column[~gone]))
    bad = np.isnan(number) | np.isinf(number)
    words: tuple[str, ...] = ()
    if 0 < bad.mean() <= 1 - OF_WORDS:
        counts = values[bad].str.lower().value_counts()
        often = counts.index[counts >= max(2, WORDS_LEAST * len(values))]
        words = tuple(word for word in map(str, often) if not re.search(r"\d", word))
        stands = values.str.lower().isin(words).to_numpy(bool)
        missing += float(stands.mean()) * (1 - missing)
        number, bad = number[~stands], bad[~stands]
        values, gone = values[~stands], gone | text.str.lower().isin(words).to_numpy(bool)
    if bad.mean() <= 1 - READABLE:
        faults = tuple(zip(row[~gone][bad].tolist(), values[bad].tolist(), strict=True))
        whole = as_integer(reading.number(column[~gone][~bad])).notna().all()
        if whole and not missing and distinct == len(text):
            if _NAMELESS.fullmatch(raw):
                return found("row number", numeric=True)
            if _names_rows(name, number):
                return found("name", numeric=True)
        if whole and IDS.search(name) and distinct > FEW:  # a code: its size says nothing
            return found("words", numeric=True)
        if whole and _is_code(values):
            return found("words", numeric=True)
        return found("whole" if whole else "number", faults=faults, words=words, numeric=True)
    sort = _of_words(values, distinct)
    strays: tuple[tuple[int, str], ...] = ()
    if bad.mean() <= 1 - MOSTLY:  # such as "> 40" among minutes
        strays = tuple(zip(row[~gone][bad].tolist(), values[bad].tolist(), strict=True))
    return found(
        "row number" if sort == "name" and _NAMELESS.fullmatch(raw) else sort, faults=strays
    )


def _is_code(values: "pd.Series[str]") -> bool:
    """Whether digits are a code, such as 02139: of one length, and some begin with a zero."""
    lengths = values.str.len()
    least = max(2, CODES_LEAST * len(values))
    same = bool(lengths.min() == lengths.max() and values.str.isdigit().all())
    return same and int(values.str.fullmatch(r"0\d{3,}").sum()) >= least


def _is_flag(values: "pd.Series[str]", missing: float) -> bool:
    """Whether the values are two words for true and false; 0 and 1 with gaps are numbers."""
    words = set(values.str.lower().unique())
    return len(words) == 2 and words <= set(TRUTH_WORDS) and not (missing and words == {"0", "1"})


def _names_rows(name: str, number: np.ndarray) -> bool:
    steps = np.diff(np.sort(number))
    return bool(IDS.search(name)) or bool(len(steps) and (steps == 1).mean() > 0.99)


def _of_words(values: "pd.Series[str]", distinct: int) -> Sort:
    if distinct <= max(FEW, len(values) / ROWS_A_VALUE):
        return "words"
    words = float(values.str.count(r"\S+").mean())
    if words >= TEXT_WORDS or float(values.str.len().mean()) > TEXT_LENGTH:
        return "text"
    return "name" if distinct > MANY * len(values) else "words"
