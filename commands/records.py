"""What was doubted when it came, and is held until somebody decides.

    retrace records                                    what is held, the newest first
    retrace records fraud --status refused
    retrace records fraud --let-in ID ID --reason "the shop has confirmed it"
    retrace records --refuse ID --reason "a device that was stuck"
    retrace records service_time --let-in --all --doubt improbable

What is let in counts as if it came now: servers that run take it into their states within a second.
"""

import argparse
import getpass

from sqlalchemy import ColumnElement, and_, func, select

from retrace.base.errors import RetraceError
from serving.settings import serving_params
from store.database import Store, answering
from store.facts import WorldEvents
from store.held import listed, refuse
from store.newest import changed_since
from store.shown import moment
from store.tables import held

MOST = 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("problem", nargs="?", help="a problem, or a world for its rows")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--let-in", nargs="*", metavar="ID", help="let these count")
    what.add_argument("--refuse", nargs="*", metavar="ID", help="these never count")
    parser.add_argument("--all", action="store_true", help="all that is held, of the problem")
    parser.add_argument("--doubt", choices=["impossible", "clock", "repeated", "improbable"])
    parser.add_argument("--reason", default="", help="why; it is kept beside the decision")
    parser.add_argument("--status", choices=["held", "let in", "refused"], default="held")
    parser.add_argument("--most", type=int, default=MOST, help="how many are listed")
    parser.add_argument("--store", help="SQLite or PostgreSQL by URL")


def run(args: argparse.Namespace) -> int:
    which = [held.c.status == args.status]
    if args.problem:
        of_world = (held.c.world == args.problem) & (held.c.problem == "")
        which.append((held.c.problem == args.problem) | of_world)
    if args.doubt:
        which.append(held.c.doubt == args.doubt)
    ids = args.refuse if args.let_in is None else args.let_in
    if ids is not None:
        if bool(ids) == args.all:
            raise RetraceError("name the ids to decide on, or --all.")
        if ids:
            which.append(held.c.id.in_(ids))
    store = Store(args.store, existing=True)
    with answering(store):
        store.upgrade()
        if ids is None:
            _list(store, and_(*which), args)
        else:
            _decide(store, and_(*which), args)
    return 0


def _list(store: Store, which: ColumnElement[bool], args: argparse.Namespace) -> None:
    with store.reading() as connection:
        rows = list(listed(connection, which, args.most))
        number = connection.execute(select(func.count()).select_from(held).where(which)).scalar()
        changed = changed_since(connection)
    for topic, at in changed.items():
        print(
            f"{topic}: since {moment(at)} so many outcomes are improbable that the world has "
            "changed; none is held for that."
        )
    for row in rows:
        decided = f", {row.status} by {row.decided_by}" if row.decided_by else ""
        note = f" ({row.note})" if row.note else ""
        print(f"{row.id}  {row.problem or row.world}  {row.name}  {moment(row.received_at)}")
        print(f"    {row.doubt} {row.score:.1f}: {row.reason}{decided}{note}")
    more = "" if number == len(rows) else f"; the newest {len(rows)} are shown, --most shows more"
    print(f"{number:,} {args.status}{more}.")


def _decide(store: Store, which: ColumnElement[bool], args: argparse.Namespace) -> None:
    by = getpass.getuser()
    if args.let_in is None:
        with store.writing() as connection:
            print(f"{refuse(connection, which, by, args.reason):,} refused.")
        return
    late = serving_params().late_days
    with store.reading() as connection:
        worlds = list(connection.execute(select(held.c.world).where(which).distinct()).scalars())
    number = sum(
        WorldEvents(store, [], late).let_in(world, which, by, args.reason) for world in worlds
    )
    print(f"{number:,} let in.")
