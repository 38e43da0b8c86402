"""What became of the raw rows, in words; too many that cannot be used stop the run."""

from collections.abc import Iterator
from pathlib import Path

from problems.contract import Ingested
from retrace.base.errors import RetraceError


def in_and_out(found: Ingested) -> str:
    """Return what became of the raw rows; those of an event log make other clean rows."""
    rejected, clean = len(found.rejected), len(found.clean)
    used = found.rows_in - rejected
    made = "" if used == clean else f", which make {clean:,} clean rows"
    return f"{found.rows_in:,} rows in: {rejected:,} in quarantine, {used:,} used{made}"


def fewer_rows(before: int, now: Ingested) -> Iterator[str]:
    """Say where a source has fewer rows than in the last run: nothing else shows that a file was
    cut at the end of a line, or that a part of a delivery did not come."""
    if now.rows_in < before:
        yield (
            f"{now.rows_in:,} rows in, {before - now.rows_in:,} fewer than in the last run. If "
            "nobody took them out, a file was cut, or one did not come."
        )


def check_quarantined(
    ingested: Ingested, limit: float, name: str, source: str, written_to: Path
) -> None:
    """Stop with a table of reasons when more than the share `limit` of rows cannot be used."""
    share = len(ingested.rejected) / max(ingested.rows_in, 1)
    if share <= limit and len(ingested.clean):
        return
    reasons = ingested.rejected.groupby("reason").agg(rows=("row", "size"), first=("row", "min"))
    lines = "\n".join(
        f"  {row.rows:>10,}  {reason} (first in row {row.first})"
        for reason, row in reasons.sort_values("rows", ascending=False).iterrows()
    )
    raise RetraceError(
        f"{len(ingested.rejected):,} of {ingested.rows_in:,} rows of {source} cannot be used "
        f"({share:.1%}; {name}.ingest.max_quarantined is {limit:.1%}):\n{lines}\n"
        f"Each row and its reason: {written_to}. Correct the source or raise the limit."
    )
