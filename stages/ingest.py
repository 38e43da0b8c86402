"""Raw files to one clean typed table; what cannot be used goes to quarantine with the reason.

    python -m stages.ingest price

reads   worlds.price.source            a file or a folder of raw data
writes  data/clean/price.parquet       the clean table
        data/quarantine/price.parquet  file, row and reason of each row that cannot be used
        data/truth/price/              what a simulator knows of this data; empty for any other
        metrics/ingest/price.json      rows in and out, the fingerprint of the raw data
"""

import shutil
from pathlib import Path

from problems import parts
from retrace.base import paths
from retrace.base.files import NOTHING, read_json, replacing, write_json, write_table
from retrace.base.params import read_params
from retrace.raw import TRUTH
from stages.runner import run_stage, say
from workflow.ingest import check_quarantined, fewer_rows, in_and_out


def main(name: str) -> None:
    world = parts.reader(name)
    settings = read_params(world.settings, f"{name}.ingest")
    source = parts.source_of(name)
    ingested = world.ingest(source, settings)
    write_table(ingested.rejected, paths.quarantine(name))
    for note in (*ingested.notes, *fewer_rows(last_rows(name, source), ingested)):
        say(f"{name}: {note}")
    check_quarantined(ingested, settings.max_quarantined, name, str(source), paths.quarantine(name))
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


def last_rows(name: str, source: Path) -> int:
    """Return how many rows the same source had in the last run, 0 where that is not known."""
    path = paths.ingest_metrics(name)
    last = read_json(path) if path.exists() else {}
    same = last.get("source") == str(source) and not (source / TRUTH).is_dir()  # not simulated
    return int(last["rows_in"]) if same else 0


def write_truth(beside: Path, fingerprint: str, name: str) -> None:
    """Pass on what a simulator knows of this very data; of any other nothing is known."""
    with replacing(paths.truth(name).parent) as folder:
        folder.mkdir()
        if beside.is_dir() and read_json(beside / "truth.json")["raw"] == fingerprint:
            for path in sorted(beside.iterdir()):
                shutil.copyfile(path, folder / path.name)
        else:  # DVC warns of an empty folder
            (folder / NOTHING).write_text("No simulator made this data.\n", "utf-8")


if __name__ == "__main__":
    run_stage(main)
