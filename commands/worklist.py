"""What is open at a moment, as a list that people work off: HTML and CSV.

    retrace worklist WORLD                          at the end of the data
    retrace worklist WORLD --at 2025-03-03          that morning
    retrace worklist WORLD --at 2025-03-03T14:30    local time, or with an offset

For a world whose package has the part `worklist`. Reads the raw data that `worlds.WORLD.source`
names, as it was at the moment, and the models of `dvc repro`. Writes reports/WORLD/<moment>.html
and .csv.
"""

import argparse
from pathlib import Path

from problems import parts
from retrace.base.files import replacing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("world", help="a world of params.yaml that has open cases")
    parser.add_argument(
        "--at",
        metavar="DATE",
        help="the moment, local time: 2025-06-02T14:30, or a day for its morning; "
        "without it the end of the data",
    )


def run(args: argparse.Namespace) -> int:
    source = parts.source_of(args.world)
    listed = parts.worklist(args.world).make(source, args.at)
    for suffix, text in (("html", listed.page), ("csv", listed.table)):
        path = Path("reports") / args.world / f"{listed.moment}.{suffix}"
        with replacing(path) as partial:
            partial.write_text(text, encoding="utf-8", newline="\n")
        print(path)
    print(listed.summary)
    return 0
