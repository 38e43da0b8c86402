"""The daily page: are we well, what changed, what to do; what a lead reads over coffee.

    retrace daily                       now, into reports/daily.html
    retrace daily --at 2026-03-01       as of that morning, with what was open then
    retrace daily --store postgresql://USER@HOST/DATABASE --out /srv/www/daily.html

One file that opens without a network, on all problems, of what `retrace watch` has found. A watch
that goes on keeps the newest page itself: its own /daily has it, and so has that of the server.
"""

import argparse
import re
from pathlib import Path

from experiments.installed import server_packages
from retrace.base.files import replacing
from retrace.base.params import read_key

MORNING = "T08:00"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("problems", nargs="*", metavar="PROBLEM", help="by default all")
    parser.add_argument("--at", metavar="DAY", help="a local day, for its morning, or a time")
    parser.add_argument("--out", type=absolute, default=Path("reports/daily.html"))
    parser.add_argument("--store", help="SQLite or PostgreSQL by URL")


def absolute(text: str) -> Path:
    return Path(text).absolute()  # before the command goes to the top folder


def run(args: argparse.Namespace) -> int:
    with server_packages():
        from experiments.daily import Daily
        from experiments.watching import moment_of
        from monitoring.settings import monitoring_params
        from monitoring.well import moment
        from store.database import Store
    at = None
    if args.at:
        text = args.at + MORNING if re.fullmatch(r"\d{4}-\d\d-\d\d", args.at) else args.at
        at = moment(moment_of(text, monitoring_params().time_zone))
    store = Store(args.store, existing=True)
    store.upgrade()
    page = Daily(store, args.problems or list(read_key("problems"))).page(at, at)
    with replacing(args.out) as partial:
        partial.write_text(page, encoding="utf-8", newline="\n")
    print(args.out)
    return 0
