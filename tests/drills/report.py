"""Keep each drill's latest result as JSON, and write tests/DRILLS.md from all of them."""

import importlib
import importlib.metadata
import json
import os
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.drills import DRILLS, Outcome, Size

RESULTS = Path(__file__).parent / "results"
REPORT = Path(__file__).parents[1] / "DRILLS.md"
PACKAGES = ("dvc", "lightgbm", "numpy", "pandas", "pyarrow", "hypothesis")
SIZES: dict[Size, str] = {
    "drill": "small sizes (`make drills`)",
    "full": "default sizes (`make drills-full`)",
}
HEAD = """# Drills

Each drill breaks the project on purpose and counts what is lost. `make drills` runs them all on
small sizes and writes this file; `make drills-full` takes the default sizes and a night. `make
test` runs a short version of most. `tests/drills/` has one module a drill. What only reports, such
as other processors and the weakest faults, is not counted here; it stands in the drill's section.

"""


def save(name: str, size: Size, outcome: Outcome, seconds: float) -> None:
    """Write one drill's result: small, so that Git shows what moved."""
    record = {
        "size": size,
        "minutes": round(seconds / 60, 1),
        "machine": machine(),
        "figure": outcome.figure,
        "rows": [asdict(row) for row in outcome.rows],
        "details": outcome.details,
    }
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    (RESULTS / f"{key(name, size)}.json").write_text(text, encoding="utf-8")


def key(name: str, size: Size) -> str:
    """Name a drill's result: small and default sizes have one each."""
    return name if size == "drill" else f"{name}-{size}"


def machine() -> str:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    cores = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    return f"Python {platform.python_version()}, {cores}; {versions}"


def write_report() -> None:
    """Write DRILLS.md: a row a drill and size, then a section each."""
    records: dict[str, Any] = {}
    for name in DRILLS:
        for size in SIZES:
            path = RESULTS / f"{key(name, size)}.json"
            if path.exists():
                record = json.loads(path.read_text(encoding="utf-8"))
                records[key(name, size)] = {**record, "name": name}
    sections = "".join(_section(anchor, record) for anchor, record in records.items())
    REPORT.write_text(HEAD + _overview(records) + sections, encoding="utf-8")


def _overview(records: dict[str, Any]) -> str:
    lines = ["| drill | what came of it | minutes | tried | survived | lost |"]
    lines += ["|---|---|---:|---:|---:|---:|"]
    for anchor, record in records.items():
        counted = [row for row in record["rows"] if row["allowed"] < row["times"]]
        times = sum(row["times"] for row in counted)
        lost = sum(row["lost"] for row in counted)
        lines.append(
            f"| [{_title(record)}](#{anchor}) | {record['figure']} | {record['minutes']:g} "
            f"| {times:,} | {times - lost:,} | {lost:,} |"
        )
    return "\n".join(lines) + "\n"


def _section(anchor: str, record: dict[str, Any]) -> str:
    size = "" if record["size"] == "drill" else f"--size {record['size']} "
    lines = [
        f'\n<a id="{anchor}"></a>\n\n## {_title(record)}\n',
        f"`python -m tests.drills {size}{record['name']}`: "
        f"{SIZES[record['size']]}, {record['minutes']:g} minutes.",
        f"{record['machine']}.\n",
        "| tried | times | survived | lost | of which may be lost |",
        "|---|---:|---:|---:|---:|",
    ]
    for row in record["rows"]:
        lines.append(
            f"| {row['tried']} | {row['times']:,} | {row['times'] - row['lost']:,} "
            f"| {row['lost']:,} | {row['allowed']:,} |"
        )
    details = f"\n{record['details'].strip()}\n" if record["details"] else ""
    return "\n".join(lines) + "\n" + details


def _title(record: dict[str, Any]) -> str:
    title = str(importlib.import_module(f"tests.drills.{record['name']}").TITLE)
    return title if record["size"] == "drill" else f"{title}, default sizes"
