"""Read an event log in XES (IEEE 1849-2023), the exchange format of process mining, as a table.

A row is an event. Its attributes are columns under their own keys, those of its trace under `case:`
and the key, as pm4py names them; an attribute inside another one is `outer:inner`. What `<global>`
declares are placeholders for editors, and what is said of the log as a whole is true of no event.
The file is parsed piece by piece, and only values are held: a tenth of what a tree of it takes.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat  # nosec B406: declarations of types and entities are refused

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrace.base.errors import RetraceError
from retrace.raw.packed import AGAIN, pieces

CASE = "case:"  # begins the columns of traces
NAME = "concept:name"
NAMES = (NAME, "identity:id")  # of a trace, the first that is filled; else its number
APART = ("global", "extension", "classifier")
_TEXT = pd.StringDtype("pyarrow", na_value=np.nan)


class Xes:
    """One .xes file, perhaps with .gz: `names` of its columns, and `read` for some of them."""

    def __init__(self, path: Path) -> None:
        self._log = _parsed(path)
        if not self._log.trace:
            raise RetraceError(f"{path}: the log has no <event> in a <trace>. {AGAIN}")
        of_traces = [CASE + key for key in self._log.of_traces]
        self.names: list[str] = [*of_traces, *self._log.of_events]

    def read(self, columns: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return `columns` of text and `row`, and an empty table: an event has the attributes that
        it has."""
        log, n = self._log, len(self._log.trace)
        trace = np.frombuffer(log.trace, np.int64)
        values = {}
        for name in columns:
            if name in log.of_events:
                found = log.of_events[name].whole(n)
            else:
                found = log.of_traces[name.removeprefix(CASE)].whole(log.traces)[trace]
            values[name] = pd.array(found, dtype=_TEXT)
        rows = pd.DataFrame(values | {"row": np.arange(1, n + 1)})
        return rows, pd.DataFrame({"row": np.arange(0), "text": pd.Series(dtype="str")})


@dataclass
class _Values:
    """An attribute's values, and the numbers of the events or traces that have one."""

    places: "array[int]" = field(default_factory=lambda: array("q"))
    values: list[str] = field(default_factory=list)

    def whole(self, n: int) -> NDArray[np.object_]:
        """Return the value of each of `n`, "" where there is none."""
        found = np.full(n, "", object)
        found[np.frombuffer(self.places, np.int64)] = self.values
        return found


class _Log:
    """What a parser tells of: the trace of each event, and attributes by key."""

    def __init__(self) -> None:
        self.trace = array("q")
        self.traces = 0
        self.of_traces: dict[str, _Values] = {NAME: _Values()}
        self.of_events: dict[str, _Values] = {}
        self._inside: list[str] = []  # keys of open attributes
        self._apart = 0  # depth below what is of no trace
        self._trace: dict[str, str] | None = None
        self._event: dict[str, str] | None = None
        self._words: dict[str, str] = {}  # one object for values that are the same

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if self._apart or tag in APART:
            self._apart += 1
        elif tag == "trace":
            self._trace = {}
        elif tag == "event" and self._trace is not None:
            self._event = {}
        elif self._trace is not None:
            self._attribute(attributes)
        elif tag != "log":
            self._apart = 1

    def end(self, tag: str) -> None:
        if self._apart:
            self._apart -= 1
        elif tag == "event" and self._event is not None:
            self._keep(self.of_events, len(self.trace), self._event)
            self.trace.append(self.traces)
            self._event = None
        elif tag == "trace" and self._trace is not None:
            self._trace[NAME] = next(
                (self._trace[key] for key in NAMES if self._trace.get(key)), str(self.traces + 1)
            )
            self._keep(self.of_traces, self.traces, self._trace)
            self.traces += 1
            self._trace = None
        elif self._inside:
            self._inside.pop()

    def _attribute(self, attributes: dict[str, str]) -> None:
        key, value = attributes.get("key", ""), attributes.get("value")
        self._inside.append(key)
        if value is not None and key:
            name = key if len(self._inside) == 1 else ":".join(filter(None, self._inside))
            into = self._trace if self._event is None else self._event
            assert into is not None
            into.setdefault(name, self._words.setdefault(value, value))

    def _keep(self, columns: dict[str, _Values], place: int, found: dict[str, str]) -> None:
        for key, value in found.items():
            if key not in columns:
                columns[key] = _Values()
            columns[key].places.append(place)
            columns[key].values.append(value)


def _parsed(path: Path) -> _Log:
    log, parser = _Log(), expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = log.start, log.end
    parser.StartDoctypeDeclHandler = lambda *_: _refuse(path)
    try:
        for piece in pieces(path):
            parser.Parse(piece)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise RetraceError(
            f"{path}: not whole XML: {expat.ErrorString(error.code)} in line {error.lineno}, after "
            f"{len(log.trace):,} events. The file is cut off or damaged. {AGAIN}"
        ) from None
    return log


def _refuse(path: Path) -> None:
    raise RetraceError(
        f"{path}: it declares a document type, which no event log needs and whose entities can "
        "grow without end. Remove the <!DOCTYPE> declaration."
    )
