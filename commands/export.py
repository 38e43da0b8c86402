"""Rows and their outcomes out of the store, as raw files to train on: one a month.

    retrace export fraud                     into data/external/fraud, for `dvc add`
    retrace export fraud --into FOLDER
    retrace export fraud --at 2026-03-01     as of that moment, for simulated time

The newest file is of the open month, and grows. A month before it is closed: its file keeps its
bytes. Rows are there until their outcomes are known, the slow ones too (`backtest.mature_days`).
`retrace cycle` does it by itself, where `source` of the world names that folder.
"""

import argparse
from pathlib import Path

import pandas as pd

from experiments.installed import server_packages
from problems.parts import find_problem


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("problem", help="a problem of params.yaml, such as fraud")
    parser.add_argument("--into", type=lambda text: Path(text).absolute(), metavar="FOLDER")
    parser.add_argument("--at", help="a local date or time to take for now, in simulated time")
    parser.add_argument("--store", help="SQLite or PostgreSQL by URL")


def run(args: argparse.Namespace) -> int:
    with server_packages():
        from experiments.exported import monthly_folder, write_months
        from experiments.watching import moment_of
        from monitoring.settings import monitoring_params
        from store.database import Store
    problem = find_problem(args.problem)
    now = pd.Timestamp.now("UTC")
    if args.at:
        moment = moment_of(args.at, monitoring_params().time_zone)
        now = pd.Timestamp(moment, unit="us", tz="UTC")
    folder = args.into or monthly_folder(problem)
    found = write_months(Store(args.store, existing=True), problem, folder, now)
    for path, n_new in found.items():
        print(f"{path}: {n_new:,} new rows")
    if not found:
        print("Nothing new.")
    return 0
