"""What the page's small drawings need: lengths as shares of their frame."""

from dataclasses import dataclass
from typing import Any

from retrace.report.inputs import ProblemInputs, ShownTable, TextRows
from retrace.report.numbers import cells, count, number, percent, to_number
from retrace.report.verdicts import Verdict, headline_of

TYPES = {"int": "whole number", "float": "number", "bool": "yes or no", "date": "time"}


@dataclass(frozen=True)
class Bar:
    """One model's headline metric as a bar; `length` is a share of the longest."""

    name: str
    text: str
    length: float
    verdict: Verdict | None


def headline_bars(problem: ProblemInputs, verdicts: list[Verdict]) -> list[Bar]:
    """Put the model and the baselines whose headline metric is known on one scale from zero."""
    _, value, _ = headline_of(problem)
    longest = max([value, *(v.value for v in verdicts if v.value is not None)]) or 1.0
    bars = [Bar("model", number(value), value / longest, None)]
    for verdict in verdicts:
        text = "" if verdict.value is None else number(verdict.value)
        bars.append(Bar(verdict.baseline, text, (verdict.value or 0.0) / longest, verdict))
    return bars


@dataclass(frozen=True)
class Whisker:
    """An interval on a line with zero: all four as shares of the line."""

    zero: float
    lower: float
    middle: float
    upper: float


def whiskers(verdicts: list[Verdict]) -> dict[str, Whisker]:
    """Put the intervals of the loss differences on one line that has zero."""
    ends = [0.0, *(v.lower for v in verdicts), *(v.upper for v in verdicts)]
    low, high = min(ends), max(ends)
    span = (high - low) or 1.0
    low, span = low - 0.04 * span, 1.08 * span
    return {
        v.baseline: Whisker(
            *((value - low) / span for value in (0.0, v.lower, v.difference, v.upper))
        )
        for v in verdicts
    }


@dataclass(frozen=True)
class SliceRow:
    """One slice: texts, and lengths of its bars (error from 0, bias from the middle)."""

    value: str
    rows: str
    error: str
    error_length: float
    bias: str
    bias_length: float
    coverage: str
    coverage_at: float
    small: bool


COVERAGE_FROM = 0.5  # where the coverage bars begin; below it a bar is empty


def slice_groups(table: TextRows) -> dict[str, list[SliceRow]]:
    """Return the slices by label column; bars are scaled to the slices that are not small."""
    large = [row for row in table if row["small"] == "0"] or table
    error_scale = max((float(row.get("error") or 0) for row in large), default=0) or 1.0
    bias_scale = max((abs(float(row.get("bias") or 0)) for row in large), default=0) or 1.0
    groups: dict[str, list[SliceRow]] = {}
    if table and "observed_rate" in table[0]:
        return _classifier_groups(table, large)
    for row in table:
        error, bias, share = (float(row[name]) for name in ("error", "bias", "coverage"))
        groups.setdefault(row["slice"], []).append(
            SliceRow(
                value=row["value"],
                rows=count(float(row["rows"])),
                error=number(error),
                error_length=min(error / error_scale, 1.0),
                bias=("+" if bias > 0 else "") + number(bias),
                bias_length=max(-1.0, min(bias / bias_scale, 1.0)),
                coverage=percent(share, 0),
                coverage_at=coverage_length(share),
                small=row["small"] != "0",
            )
        )
    return groups


def _classifier_groups(
    table: list[dict[str, str]], large: list[dict[str, str]]
) -> dict[str, list[SliceRow]]:
    """A classifier's slices: average precision (of several classes accuracy) as error, promised
    less observed rate as bias, and the observed rate as coverage."""
    measure = "average_precision" if "average_precision" in table[0] else "accuracy"

    def gap(row: dict[str, str]) -> float:
        return float(row["predicted_rate"]) - float(row["observed_rate"])

    bias_scale = max((abs(gap(row)) for row in large), default=0) or 1.0
    rate_scale = max((float(row["observed_rate"]) for row in large), default=0) or 1.0
    groups: dict[str, list[SliceRow]] = {}
    for row in table:
        precision, rate = to_number(row[measure]), float(row["observed_rate"])
        groups.setdefault(row["slice"], []).append(
            SliceRow(
                value=row["value"],
                rows=count(float(row["rows"])),
                error=number(precision),
                error_length=precision or 0.0,
                bias=("+" if gap(row) > 0 else "") + percent(gap(row)),
                bias_length=max(-1.0, min(gap(row) / bias_scale, 1.0)),
                coverage=percent(rate),
                coverage_at=min(rate / rate_scale, 1.0),
                small=row["small"] != "0",
            )
        )
    return groups


def coverage_length(share: float) -> float:
    """Return where a coverage lies on its bar."""
    return max(0.0, (share - COVERAGE_FROM) / (1 - COVERAGE_FROM))


@dataclass(frozen=True)
class Heading:
    """A column of a problem's own table: its words and unit, and whether it has numbers."""

    words: str
    unit: str
    is_number: bool


def headings(table: ShownTable) -> list[Heading]:
    return [
        Heading(column.words, column.unit, column.kind not in ("text", "month", "flag"))
        for column in table.columns.values()
    ]


def written(table: ShownTable) -> list[list[str]]:
    """Return the rows as text, each column written alike."""
    texts = [
        cells(column, [row[name] for row in table.rows]) for name, column in table.columns.items()
    ]
    return [list(row) for row in zip(*texts, strict=True)]


@dataclass(frozen=True)
class Profiled:
    """One column of the clean table; `bars` or `strip` is its drawing, `words` what is typical."""

    name: str
    type: str
    missing: str
    missing_length: float
    distinct: str
    bars: list[float]
    strip: list[float]
    words: str


def profiled(profile: list[dict[str, Any]]) -> list[Profiled]:
    """Describe the columns of a profile in words and small drawings."""
    return [_column(record) for record in profile]


def _column(record: dict[str, Any]) -> Profiled:
    shares = record.get("histogram", {}).get("shares", [])
    highest = max(shares, default=0) or 1.0
    top = record.get("top", [])
    words = ", ".join(f"{value} {percent(share)}" for value, share in top[:3])
    if "quantiles" in record:
        low, p05, _, median, _, p95, high = (number(value) for value in record["quantiles"])
        words = f"median {median}; 90 % in {p05} to {p95}; all in {low} to {high}"
    elif "first" in record:
        words = f"{record['first']} to {record['last']}"
    kind = str(record["type"])
    return Profiled(
        name=str(record["column"]),
        type=next((name for start, name in TYPES.items() if kind.startswith(start)), "text"),
        missing=percent(record["missing_share"]),
        missing_length=record["missing_share"],
        distinct=count(record["distinct"]),
        bars=[share / highest for share in shares],
        strip=[share for _, share in top],
        words=words,
    )


def ingest_figures(ingest: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the world's own numbers on its ingest: what is not a count of rows."""
    known = {"rows_in", "rows_out", "rows_quarantined", "fingerprint", "quarantined"}
    return [
        (key.removesuffix("_share").replace("_", " "), write(value))
        for key, value in ingest.items()
        if key not in known and isinstance(value, int | float)
        for write in [percent if key.endswith("_share") else number]
    ]


def quarantined(ingest: dict[str, Any]) -> list[tuple[str, str, float]]:
    """Return reason, rows and share of the quarantine, most frequent first."""
    reasons = ingest.get("quarantined") or {}
    total = sum(reasons.values()) or 1
    order = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return [(reason, count(rows), rows / total) for reason, rows in order]


def check_value(check: str, value: float | None) -> str:
    """Write what a check found: shares as per cent, q-values as chances."""
    if value is None:
        return "nothing to measure"
    return percent(value) if check.split(" ")[0].endswith("_share") else number(value)
