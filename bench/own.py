"""From one file to a judged model: seconds, memory, and what came of it.

    python -m bench.own                    20,000 rows of 12 columns, and 1,000,000 of 48
    python -m bench.own small              one of both
    python -m bench.own large --rows 200000

The tables are drawn with numbers, categories of few and of 10,000 values, days, short texts, gaps,
and a target of some of them. `retrace new` and then the stages of that problem and the report run
in a copy of the project; memory is the peak of one process.
"""

import argparse
import json
import os
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from bench.clone import command, copy_project, cpu_seconds
from bench.results import Rows, write

TITLE = "From one file to a judged model"
WORDS = np.array(
    ["red", "blue", "green", "old", "new", "large", "small", "wool", "steel", "glass", "chair",
     "lamp", "coat", "boot"]
)  # fmt: skip


@dataclass(frozen=True)
class Size:
    """A table's rows, its columns of numbers and of categories, and the target's kind."""

    rows: int
    numbers: int
    categories: int
    target: str
    aim: str


SIZES = {
    "small": Size(20_000, 5, 3, "paid", "under 3 minutes"),
    "large": Size(1_000_000, 30, 14, "paid", "under 15 minutes and 8 GB"),
    "large_yes_or_no": Size(1_000_000, 30, 14, "returned", "under 15 minutes and 8 GB"),
}


def table(size: Size) -> pd.DataFrame:
    """Draw a table; the same for the same size."""
    rng = np.random.default_rng(1)
    n = size.rows
    found = pd.DataFrame(
        {f"n{i}": rng.normal(size=n).astype(np.float32).round(3) for i in range(size.numbers)}
    )
    codes = rng.integers(0, 10_000, n)
    shop = rng.normal(0, 0.3, 10_000)
    few = {f"c{i}": rng.integers(0, 4 + 5 * i, n) for i in range(size.categories)}
    found = found.assign(
        **{name: "k" + pd.Series(one).astype("str") for name, one in few.items()},
        shop="s" + pd.Series(codes).astype("str"),
        day=(
            pd.Timestamp("2022-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 900, n)), "D")
        ).strftime("%Y-%m-%d"),
    )
    picked = rng.integers(0, len(WORDS), (n, 4))
    words = [pd.Series(WORDS[one]) for one in picked.T]
    found["title"] = words[0] + " " + words[1] + " " + words[2] + " " + words[3]
    found.loc[rng.random(n) < 0.1, "n1"] = np.nan
    level = 0.5 * found["n0"] + 0.3 * np.sin(3 * found["n2"]) + 0.2 * few["c1"] + shop[codes]
    level = level + 0.4 * (picked == 7).any(axis=1) + rng.normal(0, 0.5, n)
    if size.target == "paid":
        return found.assign(paid=np.exp(3 + level).round(2))
    return found.assign(returned=level > level.quantile(0.9))


def measure(name: str, rows: int | None) -> Rows:
    size = SIZES[name]
    drawn = table(size if rows is None else replace(size, rows=rows))
    with tempfile.TemporaryDirectory() as temporary:
        project, source = Path(temporary) / "project", Path(temporary) / "own.csv"
        project.mkdir()
        copy_project(project)
        drawn.to_csv(source, index=False)
        load = os.getloadavg()[0]
        found = [(f"**{name}**", f"{len(drawn):,} rows", f"{drawn.shape[1]} columns; {size.aim}")]
        total = np.zeros(2)
        words = ("-m", "commands", "new", "own", str(source), "--target", size.target, "--yes")
        steps = {"`retrace new`": words, "ingest": ("ingest", "own")}
        for stage in ("validate", "featurize", "train", "evaluate", "page"):
            steps[stage] = (stage, "own")
        for step, given in steps.items():
            run = given if step.startswith("`") else ("-m", f"stages.{given[0]}", given[1])
            before = cpu_seconds()
            seconds, memory, _ = command(project, sys.executable, *run)
            cpu = cpu_seconds() - before
            total += (seconds, cpu)
            found.append((step, f"{seconds:.0f} s", f"{cpu:.0f} s of CPU, {memory:.1f} GB"))
            print(" | ".join(found[-1]), flush=True)
        figures = json.loads((project / "metrics/own.json").read_text())
        said = ", ".join(f"{key} {value:.4g}" for key, value in list(figures.items())[:3])
        half = (
            f"{total[1]:.0f} s of CPU, at least {total[1] / 2:.0f} s on two cores; load {load:.0f}"
        )
        return [*found, ("together", f"{total[0]:.0f} s", f"{half}; {said}")]


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.own")
    parser.add_argument("sizes", nargs="*", metavar="SIZE", help=", ".join(SIZES))
    parser.add_argument("--rows", type=int, help="other than the size has")
    options = parser.parse_args(words)
    if unknown := {*options.sizes} - {*SIZES}:
        parser.error(f"no size {', '.join(unknown)}; there are {', '.join(SIZES)}")
    for name in options.sizes or SIZES:
        rows = measure(name, options.rows)
        write(f"{TITLE}: {name}", rows, [])


if __name__ == "__main__":
    main(sys.argv[1:])
