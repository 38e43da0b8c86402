"""Watch what is served: drift, performance, who is served worse, money, and what to do.

    retrace watch                        look at every problem once, and say what was found
    retrace watch price --every 1h       again and again; --port serves /metrics and /daily
    retrace watch --store postgresql://USER@HOST/DATABASE
    retrace watch --at 2026-03-01        as if it were then, for simulated time

Reads the store alone, and the files of the models that are in use. Only days of which answers or
outcomes have come since the last pass are looked at again. docs/monitoring.md says what each alarm
means. Exit status: 0 all is well, 1 something could not be looked at, 3 there are open alarms.
"""

import argparse
import os
import re

from experiments.installed import server_packages
from retrace.base.params import read_key

ALARMS, NOT_LOOKED = 3, 1
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("problems", nargs="*", metavar="PROBLEM", help="by default all")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--once", action="store_true", help="the default")
    how.add_argument("--every", type=span, metavar="1h", help="such as 10m, 1h or 1d")
    parser.add_argument("--at", help="a local date or time to take for now, in simulated time")
    parser.add_argument("--models", default="", help="a folder that has models/, if served so")
    parser.add_argument("--port", type=int, help="serve /metrics and /daily there, with --every")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--store", help="SQLite or PostgreSQL by URL")


def span(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if not found:
        raise argparse.ArgumentTypeError(f"'{text}': expected a number and s, m, h or d, as in 1h")
    return float(found[1]) * SECONDS[found[2]]


def run(args: argparse.Namespace) -> int:
    with server_packages():
        from experiments.watching import Watching
        from store.messages import SETTING

    if not args.every:  # what was asked for once is words in a pipe, too
        os.environ.setdefault(SETTING, "text")
    watching = Watching(args.problems or list(read_key("problems")), args.store, args.models)
    if args.port and args.every:
        watching.listen(args.host, args.port, args.every)
    while True:
        n_open = watching.look(args.at)
        if not args.every:
            return NOT_LOOKED if n_open is None else ALARMS if n_open else 0
        watching.wait(args.every)
