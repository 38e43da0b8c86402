"""Put the previous champion back into stage prod, and record it.

retrace rollback price --reason "prices of shoes are far too high"
retrace rollback price --dry-run
"""

import argparse

from experiments.promotion.promote import finish, roll_back
from problems.parts import find_problem


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("problem", help="a problem of params.yaml, such as price")
    parser.add_argument("--reason", default="", metavar="TEXT", help="for the record")
    parser.add_argument("--dry-run", action="store_true", help="only print; change nothing")
    parser.add_argument(
        "--no-push", action="store_true", help="no remote is asked, and nothing is pushed"
    )


def run(args: argparse.Namespace) -> int:
    name = find_problem(args.problem).name
    left = finish(name, push=not args.no_push) if not args.dry_run else ""
    if left:
        print(f"{left}: it had been cut short, and is complete now.")
        return 0
    done = roll_back(name, args.reason, push=not args.no_push, dry_run=args.dry_run)
    back, out = done.facts.back.version, done.facts.out.version
    if not done.tag:
        print(f"It would put {name} {back} back, recorded as:\n\n{done.text}", end="")
        return 0
    print(f"{name} {back} is back in prod; {out} is out ('{done.tag}').")
    return 0
