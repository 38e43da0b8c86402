"""What is promoted, and what is being served now, everywhere.

    retrace status                  every problem: commit, version, and which server answers with it
    retrace status price --store postgresql://USER@HOST/DATABASE

Servers say every few seconds what they serve; those of one database are listed together.
"""

import argparse

from retrace.base.errors import RetraceError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("problem", nargs="?", help="by default all")
    parser.add_argument("--store", help="SQLite or PostgreSQL by URL")


def run(args: argparse.Namespace) -> int:
    try:
        from experiments.rollout.everywhere import everywhere
    except ModuleNotFoundError as error:
        raise RetraceError(
            f"{error.name} is not installed: the server's packages are a group of their own. "
            "`make environment` installs them."
        ) from None
    print(everywhere(args.problem, args.store))
    return 0
