"""The weekly list to triage by: what is open, what is new, what became of last week's list.

    retrace weekly WORLD                     at the end of the data
    retrace weekly WORLD --at 2025-06-02     that morning

For a world whose part `worklist` has `cases`. Reads raw data and the models of `dvc repro`; both
lists are made of what was known at their moment, so that no list is kept. Writes
reports/WORLD/weekly-<day>.html, .csv and .xlsx.
"""

import argparse
from pathlib import Path

import pandas as pd

from monitoring.weekly import to_csv, to_html, to_xlsx, weekly
from problems import parts
from problems.served import OpenCases, Worklist
from retrace.base.errors import RetraceError
from retrace.base.files import replacing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("world", help="a world of params.yaml that has open cases")
    parser.add_argument(
        "--at", metavar="DATE", help="the moment, local time, or a day for its morning; "
        "without it the end of the data",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    part, source = parts.worklist(args.world), parts.source_of(args.world)
    if part.cases is None:
        raise RetraceError(f"problems/{args.world}/worklist has no `cases`: no weekly list.")
    now = part.cases(source, args.at)
    before, why = _before(part, source, now)
    found = weekly(args.world, now, before)
    top = Path("reports") / args.world
    forms = {"html": to_html(found).encode(), "csv": to_csv(found).encode(), "xlsx": to_xlsx(found)}
    for suffix, content in forms.items():
        path = top / f"weekly-{found.at:%Y-%m-%d}.{suffix}"
        with replacing(path) as partial:
            partial.write_bytes(content)
        print(path)
    if why:
        print(f"No list of the week before: {why}")
    print(", ".join(f"{n:,} {words}" for words, n in found.counts.items())
          + f"; {found.n_look:,} worth looking at")  # fmt: skip
    return 0


def _before(part: Worklist, source: Path, now: OpenCases) -> tuple[OpenCases | None, str]:
    """Return the list of the same hour a week before; None and why where there was none."""
    at = now.at - pd.DateOffset(days=7)
    assert part.cases is not None
    try:
        return part.cases(source, at.isoformat()), ""
    except RetraceError as error:
        return None, str(error)
