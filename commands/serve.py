"""Serve the models that are in use over HTTP.

    retrace serve                           every problem of params.yaml: what is in prod
    retrace serve price fraud --port 8001
    retrace serve --models FOLDER           what `dvc repro` has made in another folder
    retrace serve --rev v1.2                the models of a commit
    retrace serve --store postgresql://USER@HOST/DATABASE

A problem of which nothing is in prod is served from the working tree. A promotion, a rollback and a
change of rollout.yaml are followed within seconds. docs/serving.md has the API.
"""

import argparse
import gc
from pathlib import Path

from experiments.installed import server_packages
from retrace.base.params import read_key
from retrace.base.pins import pin

HOST, PORT = "127.0.0.1", 8000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("problems", nargs="*", metavar="PROBLEM", help="by default all")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--stage", default="prod", help="of the registry; by default prod")
    which.add_argument("--rev", default="", help="a commit, branch or tag whose models are served")
    which.add_argument(
        "--models", type=lambda text: Path(text).absolute(), help="a folder that has models/"
    )
    parser.add_argument("--host", default=HOST)
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--workers", type=int, default=1, help="processes, by default 1")
    parser.add_argument("--store", help="SQLite or PostgreSQL by URL")
    parser.add_argument("--log", type=lambda text: Path(text).absolute(), help="its folder")
    parser.add_argument("--arm", default="champion", help="what answers are recorded under")
    parser.add_argument("--called", default="", help="the version that a folder's models are")


def run(args: argparse.Namespace) -> int:
    pin(light=True)  # before NumPy and LightGBM are loaded
    gc.disable()  # what is loaded stays: to look it through would take a fifth of the start
    with server_packages():
        from experiments.rollout.follow import first_plan
        from experiments.rollout.watch import keep_watching, seen_now
        from serving.run import run as serve
        from serving.wanted import Wanted
    from store.database import url_of
    from store.log import FOLDER
    from store.messages import say

    wanted = Wanted(
        tuple(args.problems or read_key("problems")),
        url_of(args.store),
        str(args.log or FOLDER),
        max(args.workers, 1),
        args.stage,
        args.rev,
        str(args.models or ""),
        args.arm,
        f"{args.host}:{args.port}",
        args.called,
    )
    seen = seen_now() if wanted.is_followed else ""
    plan = first_plan(wanted)
    for model in plan.models:
        say(f"{model.problem}: {model.arm} is {model.version}", "serve")
    watched = wanted._replace(seen="" if plan.rollouts or plan.waits else seen)
    serve(plan, args.host, args.port, beside=lambda: keep_watching(watched))
    return 0
