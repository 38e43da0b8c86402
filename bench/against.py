"""The model of a reproduced project against other predictions of its test rows.

    python -m bench.against order_completion other.parquet

`other.parquet` is data/predictions/PROBLEM.parquet of another run. Prints by how much the mean loss
of the metric is lower than the other's, with its paired 95 % interval, on their common rows.
"""

import sys
from pathlib import Path

import stages  # noqa: F401  (before NumPy: pins its instructions)
from experiments.predictions import compare_predictions
from problems.parts import find_problem
from retrace.base import paths
from retrace.base.files import read_table
from retrace.judge.comparison import plain


def main(name: str, other: str) -> None:
    mine, theirs = read_table(paths.predictions(name)), read_table(Path(other))
    found = compare_predictions(find_problem(name), mine, theirs, None).difference
    gain, low, high = plain(found.mean, found.lower, found.upper, digits=3, sign="+")
    print(f"mean loss lower by {gain} (95 % {low} to {high}) on {found.n_rows:,} common rows")


if __name__ == "__main__":
    main(*sys.argv[1:])
