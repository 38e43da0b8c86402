"""What ingest and validate say to raw data, as they would in the DAG, without writing outputs."""

import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from problems import parts
from problems.contract import Ingested, IngestParams
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.checks.pairs import LOOKS
from retrace.checks.profile import profile, ran_dry, scaled
from retrace.checks.screens import screen
from tests.conftest import ROOT
from tests.data.clean import limits
from workflow.ingest import check_quarantined, fewer_rows
from workflow.validate import check_schema, roles, run_checks, stop_on_hard

PARAMS: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Reception:
    """How raw data was received. `stopped` is the message of what stopped it, or "".

    reasons: rows in quarantine by reason. columns: of failed checks. hints: what was only said.
    words: all messages.
    """

    stopped: str
    reasons: Counter[str]
    columns: frozenset[str]
    words: str
    ingested: Ingested | None
    hints: tuple[str, ...] = ()

    @property
    def silent(self) -> bool:
        return not self.stopped and not self.columns and not self.hints

    def names(self, columns: Iterable[str]) -> bool:
        """Whether a failed check is one of `columns`, or a message names one of them."""
        said = " ".join((self.stopped, *self.hints))
        return not self.columns.isdisjoint(columns) or named_in(said, columns)


def named_in(message: str, columns: Iterable[str]) -> bool:
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", message) for name in columns)


def receive(world: str, source: Path, last: Ingested | None = None) -> Reception:
    """Run ingest and validate on `source` with the limits of checks.yaml, after a run that had
    ingested `last`."""
    ingest = parts.reader(world)
    settings = ingest.settings(**PARAMS[world]["ingest"])
    try:
        with _warnings(source) as hints:
            ingested: Ingested = ingest.ingest(source, settings)
    except RetraceError as error:
        message = _without(str(error), source)
        return Reception(message, Counter(), frozenset(), message, None)
    hints += ingested.notes
    if last is not None:
        hints += fewer_rows(last.rows_in, ingested)
    found = _of_ingested(world, ingested, settings, last)
    return replace(found, hints=tuple(hints), words="; ".join(filter(None, (found.words, *hints))))


@contextmanager
def _warnings(source: Path) -> Iterator[list[str]]:
    """Collect what the readers warn of."""
    said: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(_without(record.getMessage(), source))

    handler = Collector()
    readers = logging.getLogger("retrace.raw")
    readers.addHandler(handler)
    try:
        yield said
    finally:
        readers.removeHandler(handler)


def _of_ingested(
    world: str, ingested: Ingested, settings: IngestParams, last: Ingested | None
) -> Reception:
    reasons = Counter(ingested.rejected["reason"])
    try:
        limit, written_to = settings.max_quarantined, paths.quarantine(world)
        check_quarantined(ingested, limit, world, "raw data", written_to)
    except RetraceError as error:
        return Reception("; ".join(reasons), reasons, frozenset(), str(error), ingested)
    found, params = parts.world(world), limits(world)
    rows = ingested.clean
    stopped, failed = "", []
    try:
        if len(rows) < params.rows_min:
            raise RetraceError(f"{len(rows)} row(s); rows_min is {params.rows_min}")
        check_schema(found, rows, params.example_rows)
        records = run_checks(rows, params.listed(), found)
        stop_on_hard(rows, params, records, world)
        records += screen(rows, params.screens, roles(found))
        failed = [record for record in records if not record["passed"]]
    except RetraceError as error:
        stopped = "; ".join(re.findall(r"column '.*", str(error))) or str(error)
    words = [f"{record['column']}: {record['check']} {record['found']}" for record in failed]
    columns = {name for record in failed for name in _names(record)}
    if last is not None and not stopped:
        before, now = profile(last.clean), profile(rows)
        columns |= {column for column, _ in (*scaled(before, now), *ran_dry(before, now))}
    return Reception(stopped, reasons, frozenset(columns), stopped or "; ".join(words), ingested)


def _names(record: dict[str, Any]) -> list[str]:
    """Return the columns that a failed check's message names."""
    kind, _, other = str(record["check"]).partition(" ")
    return [str(record["column"]), *([other] if kind in LOOKS else [])]


def _without(message: str, source: Path) -> str:
    """The folder's name must not pass for a column's."""
    return message.replace(str(source), "").split(" Found: ")[0].split(" Expected: ")[0]
