"""What the system knows of a person or a thing.

    retrace events fraud customer_id C000042
    retrace events fraud customer_id C000042 --store URL

Prints, as JSON, what the states of the problem's models have of it, its newest events, and the
predictions whose rows name it.
"""

import argparse
import json

from problems.parts import find_problem
from retrace.base.errors import RetraceError

MOST = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("problem")
    parser.add_argument("type", help="the column that names it, such as customer_id")
    parser.add_argument("id")
    parser.add_argument("--store", help="SQLite or PostgreSQL by URL")


def run(args: argparse.Namespace) -> int:
    from store.database import Store, answering
    from store.forget import subject_of
    from store.shown import shown

    problem = find_problem(args.problem)
    store = Store(args.store, existing=True)
    with answering(store):
        found = shown(store, problem, args.type, args.id, subject_of(args.id), MOST)
    if not any(found.values()):
        raise RetraceError(f"nothing is known of {args.type} {args.id} in {store.place}.")
    print(json.dumps(found, indent=2, ensure_ascii=False))
    return 0
