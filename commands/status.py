"""What is promoted, and what is being served now, everywhere.

    retrace status                  every problem: commit, version, and which server answers with it
    retrace status price --store postgresql://USER@HOST/DATABASE

Servers say every few seconds what they serve; those of one database are listed together.
"""

import argparse

from experiments.installed import server_packages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("problem", nargs="?", help="by default all")
    parser.add_argument("--store", help="SQLite or PostgreSQL by URL")


def run(args: argparse.Namespace) -> int:
    with server_packages():
        from experiments.rollout.everywhere import everywhere
    print(everywhere(args.problem, args.store))
    return 0
