"""What is in which stage, with its headline metric.

retrace champions
"""

import argparse

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from experiments.git import json_at
from experiments.promotion.facts import check_history
from experiments.promotion.registry import in_stages
from retrace.base import paths
from retrace.base.params import read_key

WIDTH = 100
COLUMNS = ("problem", "stage", "version", "headline, on its own test window", "commit", "by", "on")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing to choose."""


def run(args: argparse.Namespace) -> int:  # noqa: ARG001
    check_history()
    rows = [row for problem in read_key("problems") for row in stages_of(problem)]
    if not rows:
        print("No version is in any stage yet: `retrace promote PROBLEM` makes the first.")
        return 0
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for column in COLUMNS:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console = Console(highlight=False, emoji=False)
    console.width = min(WIDTH, console.width) if console.is_terminal else WIDTH
    console.print(table)
    return 0


def stages_of(problem: str) -> list[tuple[str, ...]]:
    """Return the cells of each stage that has a version of this problem."""
    return [
        (
            problem,
            item.stage,
            item.version,
            headline_at(problem, item.commit),
            item.commit[:7],
            item.by,
            f"{item.at:%Y-%m-%d}",
        )
        for item in in_stages(problem)
    ]


def headline_at(problem: str, commit: str) -> str:
    figures = json_at(commit, paths.metrics(problem))
    test = (one for one in figures.items() if not one[0].startswith("valid_"))
    return next((f"{name} {value:.5g}" for name, value in test), "none in Git")
