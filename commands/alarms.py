"""List alarms, and say what became of one.

    retrace alarms                          those that are open; --all for every one there was
    retrace alarms rows 1f3c > rows.csv     the answers that it is about, the worst first
    retrace alarms ack 1f3c --note "..."    somebody looks at it
    retrace alarms mute 1f3c --days 7       no word of it until then, while its cause lasts
    retrace alarms close 1f3c --true        it was right; --false if it was not

What was right and what was not is kept: `retrace alarms --all` shows it.
"""

import argparse
import getpass
import sys
import time

from experiments.installed import server_packages

DAY = 86_400_000_000  # microseconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="closed ones too")
    parser.add_argument("--store", help="SQLite or PostgreSQL by URL")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    for name, words in (
        ("rows", "the answers that it is about, as CSV"),
        ("ack", "somebody looks at it"),
        ("mute", "no word of it for some days"),
        ("close", "it is done with"),
    ):
        one = actions.add_parser(name, help=words)
        one.add_argument("id", help="or how it begins")
        if name != "rows":
            one.add_argument("--note", default="")
        if name == "mute":
            one.add_argument("--days", type=float, default=7.0)
        if name == "close":
            was = one.add_mutually_exclusive_group(required=True)
            was.add_argument("--true", dest="is_true", action="store_true")
            was.add_argument("--false", dest="is_true", action="store_false")


def run(args: argparse.Namespace) -> int:
    with server_packages():
        from monitoring import alarms, summary
        from monitoring.behind import rows_behind
        from monitoring.said import of_alarm
        from monitoring.settings import monitoring_params
    from store.database import Store

    store = Store(args.store, existing=True)
    store.upgrade()
    if args.action == "rows":
        _, rows = rows_behind(store, args.id, monitoring_params())
        rows.to_csv(sys.stdout, index=False)
        return 0
    if args.action:
        now, by = time.time_ns() // 1000, {"by": getpass.getuser()}
        said = by | ({"note": args.note} if args.note else {})
        if args.action == "ack":
            said["state"] = summary.ACKNOWLEDGED
        elif args.action == "mute":
            said |= {"state": summary.MUTED, "muted_until": now + round(args.days * DAY)}
        else:
            said |= {"state": summary.CLOSED, "closed_at": now, "is_true": args.is_true}
        print(of_alarm(alarms.change(store, args.id, **said)))
        return 0
    found = [one for one in alarms.alarms(store) if args.all or one.state != summary.CLOSED]
    for one in found:
        print(of_alarm(one))
    if not found:
        print("no alarm is open" if not args.all else "there was no alarm yet")
    return 0
