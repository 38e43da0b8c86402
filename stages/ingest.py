"""Raw files to one clean typed table; what cannot be used goes to quarantine with the reason.

    python -m stages.ingest price

reads   worlds.price.source            a file or a folder of raw data
writes  data/clean/price.parquet       the clean table
        data/quarantine/price.parquet  file, row and reason of each row that cannot be used
        data/truth/price/              what a simulator knows of this data; empty for any other
        metrics/ingest/price.json      rows in and out, the fingerprint of the raw data
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

from problems import parts
from problems.contract import Ingested
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.files import NOTHING, read_json, replacing, write_json, write_table
from retrace.base.params import read_params
from retrace.raw import TRUTH
from stages.runner import run_stage, say


def main(name: str) -> None:
    world = parts.reader(name)
    settings = read_params(world.settings, f"{name}.ingest")
    source = parts.source_of(name)
    ingested = world.ingest(source, settings)
    write_table(ingested.rejected, paths.quarantine(name))
    for note in (*ingested.notes, *fewer_rows(last_rows(name, source), ingested)):
        say(f"{name}: {note}")
    check_quarantined(ingested, settings.max_quarantined, name, str(source))
    write_table(ingested.clean, paths.clean(name))
    reasons = ingested.rejected["reason"].value_counts().sort_index()
    figures = {
        "source": str(source),
        "rows_in": ingested.rows_in,
        "rows_out": len(ingested.clean),
        "rows_quarantined": len(ingested.rejected),
        **ingested.figures,
        "quarantined": {str(reason): int(n) for reason, n in reasons.items()},
        "fingerprint": ingested.fingerprint,
    }
    write_json(figures, paths.ingest_metrics(name))
    write_truth(source / TRUTH, ingested.fingerprint, name)
    say(f"{name}: {in_and_out(ingested)}")


def in_and_out(found: Ingested) -> str:
    """Return what became of the raw rows; those of an event log make other clean rows."""
    rejected, clean = len(found.rejected), len(found.clean)
    used = found.rows_in - rejected
    made = "" if used == clean else f", which make {clean:,} clean rows"
    return f"{found.rows_in:,} rows in: {rejected:,} in quarantine, {used:,} used{made}"


def last_rows(name: str, source: Path) -> int:
    """Return how many rows the same source had in the last run, 0 where that is not known."""
    path = paths.ingest_metrics(name)
    last = read_json(path) if path.exists() else {}
    same = last.get("source") == str(source) and not (source / TRUTH).is_dir()  # not simulated
    return int(last["rows_in"]) if same else 0


def fewer_rows(before: int, now: Ingested) -> Iterator[str]:
    """Say where a source has fewer rows than in the last run: nothing else shows that a file was
    cut at the end of a line, or that a part of a delivery did not come."""
    if now.rows_in < before:
        yield (
            f"{now.rows_in:,} rows in, {before - now.rows_in:,} fewer than in the last run. If "
            "nobody took them out, a file was cut, or one did not come."
        )


def write_truth(beside: Path, fingerprint: str, name: str) -> None:
    """Pass on what a simulator knows of this very data; of any other nothing is known."""
    with replacing(paths.truth(name).parent) as folder:
        folder.mkdir()
        if beside.is_dir() and read_json(beside / "truth.json")["raw"] == fingerprint:
            for path in sorted(beside.iterdir()):
                shutil.copyfile(path, folder / path.name)
        else:  # DVC warns of an empty folder
            (folder / NOTHING).write_text("No simulator made this data.\n", "utf-8")


def check_quarantined(ingested: Ingested, limit: float, name: str, source: str) -> None:
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
        f"Each row and its reason: {paths.quarantine(name)}. Correct the source or raise the limit."
    )


if __name__ == "__main__":
    run_stage(main)
