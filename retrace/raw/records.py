"""Find the records of a delimited file: which separators and line ends count, and which are text.

1. Without quotes, or if all lines have the header's number of separators (and the header's names
   are not in quotes): every line is a record, and quotes are text.
2. If quotes are well-formed over the whole file, as RFC 4180 has it: what is inside them is text.
3. Otherwise both kinds are mixed, or some rows are broken. Every line is read by itself, by its
   quotes or without them, whichever gives the header's number of fields. A quoted field may run
   over lines, but never over one that is a whole record: a lone quote must not swallow rows.
"""

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]
Mask = NDArray[np.bool_]
Kind = Literal["unquoted", "even", "quoted"]
KINDS: tuple[Kind, ...] = ("unquoted", "even", "quoted")  # the first two are 1. above, then 2.

_QUOTE, _LINE, _RETURN = b'"'[0], b"\n"[0], b"\r"[0]
_OPEN = b'"[^"]*(?:""[^"]*)*'  # a quoted field without its closing quote
_MOST_LINES = 500  # of one record in a file of kind 3; bounds the search for a closing quote


@dataclass(frozen=True)
class Records:
    """Where records and their fields are. Record 0 is the header; blank lines are no records.

    starts, stops: bytes of each record without its line end, shape (records,).
    separators: all that count, rising; `first` is the index of each record's first one.
    counts: number of fields of each record. open_end: the last record ends inside quotes.
    """

    starts: Positions
    stops: Positions
    separators: Positions
    first: Positions
    counts: Positions
    open_end: bool

    @property
    def width(self) -> int:
        return int(self.counts[0])

    def bounds(self, records: Positions, column: int) -> tuple[Positions, Positions]:
        """Return begin and end of one column's field in `records`, which must have it."""
        first = self.first[records] + column
        begin = self.separators[first - 1] + 1 if column else self.starts[records]
        last = column == self.width - 1
        return begin, self.stops[records] if last else self.separators[first]


def find_records(data: bytearray, separator: bytes) -> Records:
    """Find the records of `data`, which ends with a line end."""
    lines = _Lines(data, separator)
    if not lines.has_quotes() or lines.are_even():
        return _records(lines.bytes, lines.ends, lines.separators)
    quotes = np.flatnonzero(lines.bytes == _QUOTE)
    return _quoted(lines, quotes) or _mixed(lines, quotes)


def find_records_so(data: bytearray, separator: bytes, kind: Kind) -> Records | None:
    """Find the records of a part of a file, header first, of which all parts are of this kind: they
    are those of the whole then. None where this part is not."""
    lines = _Lines(data, separator)
    if kind == "quoted":
        return _quoted(lines, np.flatnonzero(lines.bytes == _QUOTE))
    fits = lines.are_even() if kind == "even" else not lines.has_quotes()
    return _records(lines.bytes, lines.ends, lines.separators) if fits else None


class _Lines:
    """Physical lines: where they start and end, and how many separators each has."""

    def __init__(self, data: bytearray, separator: bytes) -> None:
        self.data = data
        self.separator = separator
        self.bytes = np.frombuffer(data, np.uint8)
        self.ends = np.flatnonzero(self.bytes == _LINE)
        self.starts = np.concatenate([[0], self.ends[:-1] + 1])
        self.separators = np.flatnonzero(self.bytes == separator[0])
        until = np.searchsorted(self.separators, self.ends)
        self.counts = np.diff(until, prepend=0)
        length = self.ends - self.starts
        self.blank = (length == 0) | ((length == 1) & (self.bytes[self.starts] == _RETURN))

    def has_quotes(self) -> bool:
        return b'"' in self.data

    def are_even(self) -> bool:
        """Whether all lines are like the header, so that no quote can mean anything."""
        counts = self.counts[~self.blank]
        same = len(counts) > 0 and counts[0] > 0 and (counts == counts[0]).all()
        return bool(same and not self.quoted_header())

    def quoted_header(self) -> bool:
        """Whether a tool that puts all fields in quotes wrote this: then quotes are no text."""
        return bool(self.bytes[self.starts[np.argmin(self.blank)]] == _QUOTE)

    def are_edges(self, neighbours: NDArray[np.uint8]) -> Mask:
        """Tell which bytes, beside a quote, are the end of a field."""
        edges: Mask = (neighbours == self.separator[0]) | (neighbours == _LINE)
        return edges


def _records(
    text: NDArray[np.uint8], ends: Positions, separators: Positions, open_end: bool = False
) -> Records:
    starts = np.concatenate([[0], ends[:-1] + 1])
    stops = ends - ((text[ends - 1] == _RETURN) & (ends > starts))
    until = np.searchsorted(separators, ends)
    counts = np.diff(until, prepend=0)
    there = stops > starts
    if there.any() and counts[np.argmax(there)]:  # with two columns, only spaces are blank as well
        for record in np.flatnonzero(there & (counts == 0)):
            there[record] = bool(text[starts[record] : stops[record]].tobytes().strip())
    first = (until - counts)[there]
    return Records(starts[there], stops[there], separators, first, counts[there] + 1, open_end)


def _misplaced(lines: _Lines, quotes: Positions, closing: Mask) -> Mask:
    """Tell which quotes break RFC 4180, if those of `closing` close a field and the others open it.

    A doubled quote inside a field is, seen this way, a closing and an opening one side by side.
    """
    text, last = lines.bytes, len(lines.bytes) - 1  # the last byte is a line end
    before = np.where(quotes > 0, text[quotes - 1], _LINE)
    after = text[quotes + 1]
    at_return = (after == _RETURN) & (text[np.minimum(quotes + 2, last)] == _LINE)
    closes = lines.are_edges(after) | (after == _QUOTE) | at_return
    opens = lines.are_edges(before) | (before == _QUOTE)
    misplaced: Mask = (closing & ~closes) | (~closing & ~opens)
    return misplaced


def _quoted(lines: _Lines, quotes: Positions) -> Records | None:
    """Read the whole file as RFC 4180 has it; None if a quote breaks that.

    None as well if quotes that happen to match hold whole lines together: two lone quotes do that.
    """
    closing = np.arange(len(quotes)) % 2 == 1
    if len(quotes) % 2 or _misplaced(lines, quotes, closing).any():
        return None
    ends = np.flatnonzero(np.searchsorted(quotes, lines.ends) % 2 == 0)
    inside = np.searchsorted(quotes, lines.separators) % 2 == 1
    separators = lines.separators[~inside]
    if not lines.quoted_header():
        counts = np.diff(np.searchsorted(separators, lines.ends[ends]), prepend=0)
        width = counts[np.argmin(lines.blank[ends])]
        length = np.diff(ends, prepend=-1)
        whole = np.diff(np.cumsum(lines.counts == width)[ends], prepend=0) == length
        if width and ((length > 1) & (whole | (counts != width))).any():
            return None
    return _records(lines.bytes, lines.ends[ends], separators)


def _mixed(lines: _Lines, quotes: Positions) -> Records:
    """Read every line by itself, then those that have an open quote with the lines after it."""
    lines_in = len(lines.ends)
    before = np.searchsorted(quotes, lines.starts)
    quotes_in = np.diff(before, append=len(quotes))
    line_of = np.repeat(np.arange(lines_in), quotes_in)
    closing = (np.arange(len(quotes)) - before[line_of]) % 2 == 1
    misplaced = line_of[_misplaced(lines, quotes, closing)]
    broken = quotes_in % 2 == 1
    broken[misplaced] = True

    line_of_separator = np.repeat(np.arange(lines_in), lines.counts)
    inside = (np.searchsorted(quotes, lines.separators) - before[line_of_separator]) % 2 == 1
    inside &= ~broken[line_of_separator]
    counts = np.bincount(line_of_separator[~inside], minlength=lines_in)
    header = int(np.argmin(lines.blank))
    width = counts[header]
    literal = (counts != width) & (lines.counts == width)
    inside &= ~literal[line_of_separator]

    starting = np.zeros(lines_in, bool)  # a quote elsewhere than at a field's start opens nothing
    starting[line_of[lines.are_edges(np.where(quotes > 0, lines.bytes[quotes - 1], _LINE))]] = True
    broken &= starting
    broken[: header + 1] = False
    whole = literal | (counts == width)
    joined = _join(lines, broken, whole, int(width), inside)
    last = lines_in - 1 - int(np.argmin(lines.blank[::-1]))
    open_end = bool(broken[last]) and _is_open(lines, int(lines.starts[last]))
    return _records(lines.bytes, lines.ends[~joined], lines.separators[~inside], open_end)


def _join(lines: _Lines, broken: Mask, whole: Mask, width: int, inside: Mask) -> Mask:
    """Return which lines go on in the next one, since a quoted field does.

    Updates `inside` (which separators are text) and `broken` for the lines that are now read.
    """
    joined = np.zeros(len(lines.ends), bool)
    stops = np.append(np.flatnonzero(whole), len(lines.ends) - 1)
    pattern = _field_pattern(lines.separator)
    free = 0
    for line in np.flatnonzero(broken):
        if line < free:
            continue
        stop = stops[np.searchsorted(stops[:-1], line, "right")]
        if whole[line] and whole[stop] and stop > line:
            stop -= 1
        stop = min(stop, line + _MOST_LINES)
        cuts = _record(lines.data, pattern, int(lines.starts[line]), int(lines.ends[stop]) + 1)
        if len(cuts) != width + 1:
            continue
        first, last = np.searchsorted(lines.separators, [lines.starts[line], cuts[-1]])
        inside[first:last] = ~np.isin(lines.separators[first:last], cuts)
        free = int(np.searchsorted(lines.ends, cuts[-1])) + 1
        joined[line : free - 1] = True
        broken[line:free] = False
    return joined


def _field_pattern(separator: bytes) -> re.Pattern[bytes]:
    return re.compile(b"(?:%b)(?=%b|\\r?\\n)" % (_field(separator), separator))


def _field(separator: bytes) -> bytes:
    plain = b'(?:[^"%b\\n][^%b\\n]*)?' % (separator, separator)
    return _OPEN + b'"|' + plain


def _is_open(lines: _Lines, start: int) -> bool:
    """Tell whether what comes from `start` on ends in a quoted field that is not closed."""
    pattern = b"(?:(?:%b)%b)*" % (_field(lines.separator), lines.separator) + _OPEN
    return re.fullmatch(pattern, bytes(lines.data[start:])) is not None


def _record(data: bytearray, pattern: re.Pattern[bytes], start: int, stop: int) -> list[int]:
    """Return where the fields of the record at `start` end, as RFC 4180 has it.

    The last one ends at a line feed before `stop`; an empty list if a quote is never closed.
    """
    cuts: list[int] = []
    while match := pattern.match(data, start, stop):
        end = match.end()
        if data[end] == _RETURN and data[end + 1] == _LINE:
            return [*cuts, end + 1]
        cuts.append(end)
        if data[end] == _LINE:
            return cuts
        start = end + 1
    return []
