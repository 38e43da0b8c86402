"""Put the model of the current commit into stage prod, if the gate passes.

    retrace promote price
    retrace promote price --dry-run     only print what the gate says and what would be recorded
    retrace promote price --no-push     on this machine alone

The champion is what GTO has in prod. It predicts the same rows, with the code of its own tag. On a
no the exit status is 1, and the weightiest reason comes first.
"""

import argparse

from experiments.promotion import record
from experiments.promotion.promote import Promotion, finish, promote
from problems.parts import find_problem


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("problem", help="a problem of params.yaml, such as price")
    parser.add_argument("--dry-run", action="store_true", help="only print; change nothing")
    parser.add_argument(
        "--no-push", action="store_true", help="no remote is asked, and nothing is pushed"
    )
    parser.add_argument(
        "--store", help="the server's database, where gate.evidence asks for live traffic"
    )


def run(args: argparse.Namespace) -> int:
    problem = find_problem(args.problem)
    done = finish(args.problem, push=not args.no_push) if not args.dry_run else ""
    if done:
        print(f"{done}: it had been cut short, and is complete now.")
        return 0
    outcome = promote(problem, push=not args.no_push, dry_run=args.dry_run, store=args.store)
    reasons = outcome.judgement.verdict.reasons
    if args.dry_run and not reasons:
        print(outcome.text)  # the table is in it
    else:
        print(*record.same_rows(problem, outcome.facts.champion, outcome.judgement), "", sep="\n")
    if reasons:
        print(f"No: {args.problem} is not promoted.", *(f"  {why}" for why in reasons), sep="\n")
        return 1
    report_outcome(args.problem, outcome, pushed=not args.no_push)
    return 0


def report_outcome(name: str, outcome: Promotion, *, pushed: bool) -> None:
    version = outcome.facts.challenger.name
    path = record.path_of(name, version)
    if not outcome.tags:
        print(f"Yes: it would be {name} {version}, recorded like this in {path}.")
        return
    print(f"Yes: {name} {version} is in prod, recorded in {path}.")
    tags = " ".join(f"'{tag}'" for tag in outcome.tags)
    if pushed:
        print(f"Commit and tags are pushed: {tags}")
    else:
        print(f"Not pushed. `git push --atomic REMOTE BRANCH {tags}` gives it to others.")
