"""What ingest and validate say to raw data, as they would in the DAG, without writing outputs."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from problems import parts
from problems.contract import Ingested
from retrace.base.errors import RetraceError
from retrace.checks.pairs import LOOKS
from retrace.checks.screens import screen
from stages.ingest import check_quarantined
from stages.validate import check_schema, optional, roles, run_checks, stop_on_hard
from tests.conftest import ROOT
from tests.data.clean import limits

PARAMS: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Verdict:
    """How raw data was received. `stopped` is the message of what stopped it, or "".

    reasons: rows in quarantine by reason. columns: of failed checks. words: all messages.
    """

    stopped: str
    reasons: Counter[str]
    columns: frozenset[str]
    words: str
    ingested: Ingested | None

    @property
    def silent(self) -> bool:
        return not self.stopped and not self.columns

    def names(self, columns: Iterable[str]) -> bool:
        """Whether a failed check is one of `columns`, or what stopped names one of them."""
        return not self.columns.isdisjoint(columns) or named_in(self.stopped, columns)


def named_in(message: str, columns: Iterable[str]) -> bool:
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", message) for name in columns)


def judge(world: str, source: Path) -> Verdict:
    """Run ingest and validate on `source` with the limits of checks.yaml."""
    ingest = parts.reader(world)
    try:
        settings = ingest.settings(**PARAMS[world]["ingest"])
        ingested: Ingested = ingest.ingest(source, settings)
    except RetraceError as error:
        message = _without(str(error), source)
        return Verdict(message, Counter(), frozenset(), message, None)
    reasons = Counter(ingested.rejected["reason"])
    try:
        check_quarantined(ingested, settings.max_quarantined, world, str(source))
    except RetraceError as error:
        return Verdict("; ".join(reasons), reasons, frozenset(), str(error), ingested)
    found, params = parts.world(world), limits(world)
    rows = ingested.clean
    stopped, failed = "", []
    try:
        if len(rows) < params.rows_min:
            raise RetraceError(f"{len(rows)} row(s); rows_min is {params.rows_min}")
        check_schema(found, rows, params.example_rows)
        records = run_checks(rows, params.listed(), optional(found), found.typed_prefixes)
        stop_on_hard(rows, params, records, world)
        records += screen(rows, params.screens, roles(found))
        failed = [record for record in records if not record["passed"]]
    except RetraceError as error:
        stopped = "; ".join(re.findall(r"column '.*", str(error))) or str(error)
    words = [f"{record['column']}: {record['check']} {record['found']}" for record in failed]
    columns = {name for record in failed for name in _names(record)}
    return Verdict(stopped, reasons, frozenset(columns), stopped or "; ".join(words), ingested)


def _names(record: dict[str, Any]) -> list[str]:
    """Return the columns that a failed check's message names."""
    kind, _, other = str(record["check"]).partition(" ")
    return [str(record["column"]), *([other] if kind in LOOKS else [])]


def _without(message: str, source: Path) -> str:
    """The folder's name must not pass for a column's."""
    return message.replace(str(source), "").split(" Found: ")[0].split(" Expected: ")[0]
