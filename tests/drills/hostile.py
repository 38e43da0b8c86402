"""Hostile input: what reads from outside gets damaged and hostile bytes, and must end clearly.

Each reader of tests/drills/readers.py runs in a process of its own, with a limit of memory and of
time a case. What counts as lost: any end but a result or a clear error, a crash of the process, a
case over time, and a row that is neither clean nor in quarantine.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.drills import Outcome, Row, Size

TITLE = "Hostile input"
CASES = {  # in `make drills`: most of those that take a millisecond, few of those that take 50
    "models": 38_000,
    "delimited": 30_000,
    "tables": 12_000,
    "values": 10_000,
    "parquet": 5_000,
    "params": 3_000,
    "command": 2_000,
    "bundle": 600,
    "price": 250,
    "fraud": 250,
    "service_time": 50,
    "orders": 100,
    "olist": 100,
}
TITLES = {
    "delimited": "delimited files with damaged bytes",
    "tables": "delimited files with hostile values",
    "values": "columns of hostile values",
    "parquet": "Parquet files with damaged bytes",
    "params": "params.yaml with damaged bytes",
    "bundle": "bundles with damaged files, loaded and used",
    "models": "LightGBM models with damaged text",
    "command": "command lines",
    "olist": "Olist's tables with hostile values",
}
TIMES = {"drill": 1, "full": 10}
SHORT = ("delimited", "tables", "values", "parquet", "price", "params", "models", "command")
SHORT_CASES = 30
CRASHES = 20  # after which a reader is given up
WAIT = 3600


def run(size: Size, folder: Path) -> Outcome:
    if size == "short":  # in one process, since to begin takes longer than the cases
        found, read = fuzz(",".join(SHORT), SHORT_CASES, folder)
        row = Row("readers, a few cases each", SHORT_CASES * len(SHORT), len(found))
        return Outcome((row,), f"{len(found)} ended badly", details([("", one) for one in found]))
    rows, findings = [], []
    n_read = 0
    counts = {name: cases * TIMES[size] for name, cases in CASES.items()}
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # each waits for a process
        ends = pool.map(lambda name: fuzz(name, counts[name], folder / name), counts)
    for (name, count), (found, read) in zip(counts.items(), ends, strict=True):
        rows.append(
            Row(TITLES.get(name, f"{name}: raw rows with hostile values"), count, len(found))
        )
        findings += [(name, finding) for finding in found]
        n_read += read
    times, lost = sum(row.times for row in rows), sum(row.lost for row in rows)
    figure = f"{lost} of {times:,} hostile inputs ended badly; {n_read:,} could be read"
    return Outcome(tuple(rows), figure, details(findings))


def fuzz(name: str, count: int, folder: Path) -> tuple[list[dict[str, Any]], int]:
    """Run `count` cases of a reader; return what ended badly, and how many could be read.

    A process that dies is started again behind the case that it died of.
    """
    found: list[dict[str, Any]] = []
    read = first = crashes = 0
    while first < count and crashes < CRASHES:
        place = folder / str(first)
        place.mkdir(parents=True)
        words = [sys.executable, "-m", "tests.drills.fuzz", name, str(first), str(count - first)]
        done = subprocess.run(
            [*words, str(place)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=WAIT,
            check=False,
        )
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        found += [line for line in lines if "case" in line]
        read += sum(line["read"] for line in lines if "read" in line)
        if done.returncode == 0:
            break
        mark = place / "case"
        if not mark.exists():
            raise RuntimeError(f"{name} did not begin:\n{done.stderr[-2000:]}")
        case = int(mark.read_text())
        found.append({"case": case, "found": f"the process ended with {done.returncode}"})
        first, crashes = case + 1, crashes + 1
    return found, read


def details(findings: list[tuple[str, dict[str, Any]]]) -> str:
    if not findings:
        return ""
    kinds = Counter((name, str(one["found"]), str(one.get("where", ""))) for name, one in findings)
    cases: dict[tuple[str, str, str], int] = {}
    for name, one in findings:
        cases.setdefault((name, str(one["found"]), str(one.get("where", ""))), one["case"])
    lines = ["| reader | how it ended | times | first case |", "|---|---|---:|---:|"]
    for kind, times in kinds.most_common(20):
        text = " ".join(kind[1:]).replace("|", "/").replace("\n", " ")
        lines.append(f"| {kind[0]} | {text} | {times:,} | {cases[kind]} |")
    return "\n".join(lines)
