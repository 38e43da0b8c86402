"""New data to a better model in use, by itself: for cron, CI, a CronJob or Airflow.

    retrace cycle fraud             take in what is new, train, ask the gate, promote or try
    retrace cycle fraud --plan      say what it would do now; origin and remote stay as they are
    retrace cycle fraud --store postgresql://USER@HOST/DATABASE
    retrace cycle fraud --at 2026-03-01     as if it were then, for simulated time

Works in a clone of its own, from what origin has, and pushes there. Killed anywhere, the next run
goes on. Exit status: 0 nothing to do, or done; 3 a new model was made or tried, and the one in use
is kept; 4 a challenger is on live traffic; 5 new data failed the checks and was set aside; 6
another cycle is at work; 1 something is wrong, and the model in use stays.
"""

import argparse
import sys
from pathlib import Path

from experiments.installed import server_packages
from problems.parts import find_problem

WORK = Path("served/cycle")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("problem", help="a problem of params.yaml, such as fraud")
    parser.add_argument("--plan", action="store_true", help="only say what it would do now")
    parser.add_argument("--store", help="SQLite or PostgreSQL by URL")
    parser.add_argument(
        "--work",
        type=lambda text: Path(text).absolute(),
        metavar="FOLDER",
        help="for clone and record; by default served/cycle/PROBLEM",
    )
    parser.add_argument("--at", help="a local date or time to take for now, in simulated time")


def run(args: argparse.Namespace) -> int:
    with server_packages():
        from experiments.cycle.begin import begin
        from experiments.cycle.lock import Locked
        from experiments.cycle.status import LOCKED
    problem = find_problem(args.problem).name
    work = args.work or (WORK / problem).absolute()
    try:
        begin(problem, work, args.store, args.at, is_plan=args.plan)
    except Locked as error:
        print(f"retrace cycle: {error}", file=sys.stderr)
        return LOCKED
