"""Try challengers on live traffic beside the champion: in shadow, or on a share of the subjects.

    retrace rollout status                              what is tried, and what is served
    retrace rollout start price v0.0.3 --mode shadow
    retrace rollout start service_time v0.0.2 --mode ab --share 0.1 --where region=Sandvika
    retrace rollout ramp service_time v0-0-2 0.2        more subjects; none goes back
    retrace rollout verdict service_time                promote, stop, or wait
    retrace rollout stop service_time v0-0-2
    retrace rollout check                               whether rollout.yaml keeps to its schema

Each change is a commit of rollout.yaml alone, which servers follow within seconds of having it.
docs/rollout.md has the guide.
"""

import argparse
import re

from experiments.installed import server_packages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    status = actions.add_parser("status", help="what is tried, and what is served")
    status.add_argument("problem", nargs="?")
    start = actions.add_parser("start", help="try a version")
    start.add_argument("problem")
    start.add_argument("version", help="of the registry (v0.0.2), a commit, or a folder")
    start.add_argument("--mode", choices=["shadow", "ab"], default="shadow")
    start.add_argument("--arm", help="its name; by default made of the version")
    start.add_argument("--share", type=share, default=0.1, help="of the subjects; with ab")
    start.add_argument(
        "--where", action="append", default=[], metavar="COLUMN=VALUE[,VALUE]", type=condition
    )
    start.add_argument("--subject", default="", help="column that is assigned as a whole")
    start.add_argument("--until", default="", help="when it ends by itself, such as 2026-12-31")
    ramp = actions.add_parser("ramp", help="give an arm another share")
    ramp.add_argument("problem")
    ramp.add_argument("arm")
    ramp.add_argument("share", type=share)
    stop = actions.add_parser("stop", help="take an arm out")
    stop.add_argument("problem")
    stop.add_argument("arm")
    verdict = actions.add_parser("verdict", help="promote, stop, or wait")
    verdict.add_argument("problem")
    verdict.add_argument("arm", nargs="?")
    actions.add_parser("check", help="whether rollout.yaml keeps to its schema")
    for one in (status, verdict):
        one.add_argument("--store", help="SQLite or PostgreSQL by URL")


def share(text: str) -> float:
    value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is no share: expected 0 to 1, or 10%")
    return value


def condition(text: str) -> tuple[str, list[str]]:
    name, sign, values = text.partition("=")
    if not (name and sign and values):
        raise argparse.ArgumentTypeError(f"'{text}': expected COLUMN=VALUE, or several by commas")
    return name, values.split(",")


def run(args: argparse.Namespace) -> int:
    with server_packages():
        from experiments.rollout import edit, shown
        from problems.parts import find_problem
        from serving.rollout import AB, read_rollouts
    if args.action == "check":
        for name in read_rollouts():
            find_problem(name)
        return 0
    if args.action == "status":
        print(shown.status(args.problem, args.store))
        return 0
    problem = find_problem(args.problem)
    if args.action == "start":
        arm = args.arm or re.sub(r"[^A-Za-z0-9_-]+", "-", args.version).strip("-")
        given = {"where": dict(args.where), "subject": args.subject, "until": args.until}
        shared = args.share if args.mode == AB else 0.0
        print(edit.start(problem, arm, args.version, mode=args.mode, share=shared, **given))
    elif args.action == "ramp":
        print(edit.ramp(problem, args.arm, args.share))
    elif args.action == "stop":
        print(edit.stop(problem, args.arm))
    else:
        print(shown.verdicts(problem, args.arm, args.store))
    return 0
