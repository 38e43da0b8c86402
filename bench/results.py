"""RESULTS.md: a section a part, each replaced when the part is measured again."""

import importlib.metadata
import os
import platform
from collections.abc import Sequence
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"
Rows = list[tuple[str, ...]]


def machine() -> str:
    packages = ("dvc", "pandas", "numpy", "lightgbm", "scikit-learn", "pyarrow")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    cores = f"{os.cpu_count()} cores, {platform.machine()}"
    return f"Python {platform.python_version()}, {cores}; {versions}."


def write(title: str, rows: Rows, order: Sequence[str]) -> None:
    """Replace the section of this title; sections stand in `order`, others at the end."""
    head = "# Measured\n\nWritten by `make bench`.\n"
    text = RESULTS.read_text() if RESULTS.exists() else head
    sections = {part.split("\n")[0]: part for part in text.split("\n## ")[1:]}
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    sections[title] = (
        f"{title}\n\n{machine()}\n\n| what | measured | with |\n|---|---|---|\n{table}\n"
    )
    names = [*order, *(name for name in sections if name not in order)]
    kept = [sections[name].rstrip() + "\n" for name in names if name in sections]
    RESULTS.write_text(head + "".join(f"\n## {section}" for section in kept))


def measured(title: str) -> Rows:
    """Return the rows of a section as it stands; none without one."""
    text = RESULTS.read_text() if RESULTS.exists() else ""
    part = text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in part.splitlines() if line[:2] == "| "]
    return [tuple(line) for line in lines[1:]]
