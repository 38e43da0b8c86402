"""Take a person out of log, predictions, events and states.

    retrace forget customer_id C000042
    retrace forget customer_id C000042 --store URL --log FOLDER

What DVC keeps (raw data, clean tables, models) is not touched: leave the person out of the raw data
and run `make repro`. What others' numbers have learnt, such as a region's mean, tells nobody.
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("type", help="the column that names the person, such as customer_id")
    parser.add_argument("id")
    parser.add_argument("--store", help="SQLite or PostgreSQL by URL")
    parser.add_argument("--log", type=lambda text: Path(text).absolute(), help="its folder")


def run(args: argparse.Namespace) -> int:
    from store import log
    from store.database import Store, answering
    from store.forget import forget

    store = Store(args.store, existing=True)
    with answering(store):
        found = forget(store, args.log or log.FOLDER, args.type, args.id)
    print(", ".join(f"{number:,} of {kind}" for kind, number in found.items()) + " are gone.")
    return 0
