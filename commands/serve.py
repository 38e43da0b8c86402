"""Serve the models that are in use over HTTP.

    retrace serve                           every problem of params.yaml: what is in prod
    retrace serve price fraud --port 8001
    retrace serve --models FOLDER           what `dvc repro` has made in another folder
    retrace serve --rev v1.2                the models of a commit
    retrace serve --store postgresql://USER@HOST/DATABASE

A problem of which nothing is in prod is served from the working tree. docs/serving.md has the API.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.git import git
from experiments.promotion.tags import was_assigned
from problems.parts import find_problem
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.params import read_key

if TYPE_CHECKING:
    from serving.app import PlannedModel

HOST, PORT = "127.0.0.1", 8000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("problems", nargs="*", metavar="PROBLEM", help="by default all")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--stage", default="prod", help="of the registry; by default prod")
    which.add_argument("--rev", help="a commit, branch or tag whose models are served")
    which.add_argument(
        "--models", type=lambda text: Path(text).absolute(), help="a folder that has models/"
    )
    parser.add_argument("--host", default=HOST)
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--workers", type=int, default=1, help="processes, by default 1")
    parser.add_argument("--store", help="SQLite or PostgreSQL by URL")
    parser.add_argument("--log", type=lambda text: Path(text).absolute(), help="its folder")


def run(args: argparse.Namespace) -> int:
    try:
        from serving.app import ServingPlan
        from serving.run import run as serve
    except ModuleNotFoundError as error:
        raise RetraceError(
            f"{error.name} is not installed: the server's packages are a group of their own. "
            "`make serve` installs them."
        ) from None
    from store.database import DEFAULT
    from store.log import FOLDER

    names = args.problems or list(read_key("problems"))
    models = tuple(_model(name, args) for name in names)
    for model in models:
        print(f"{model.problem}: {model.version}", flush=True)
    plan = ServingPlan(models, args.store or DEFAULT, str(args.log or FOLDER), max(args.workers, 1))
    serve(plan, args.host, args.port)
    return 0


def _model(name: str, args: argparse.Namespace) -> "PlannedModel":
    from serving.app import PlannedModel

    find_problem(name)
    if args.models is not None:
        return PlannedModel(name, str(args.models), args.models.name)
    if args.rev:
        top = fetched(name, args.rev, args.rev)
        is_tag = args.rev in git("tag", "--list").split()
        return PlannedModel(name, str(top), args.rev if is_tag else top.name[:12])
    assigned = None
    if was_assigned(name, args.stage):
        from experiments.promotion.registry import in_stages

        assigned = next((one for one in in_stages(name) if one.stage == args.stage), None)
    if assigned is None:
        print(f"{name}: nothing is in {args.stage}; the working tree's model is served")
        return PlannedModel(name)
    return PlannedModel(name, str(fetched(name, assigned.commit, assigned.tag)), assigned.version)


def fetched(name: str, commit: str, called: str) -> Path:
    """Return a folder with a commit's model, state and decision, brought there once."""
    full = git("rev-parse", "--verify", f"{commit}^{{commit}}").strip()
    top = Path("served/models") / full
    whole = top / f"{name}.whole"
    if whole.exists():
        return top
    from experiments.promotion.bundles import fetch, fetch_bundle, recorded_hash

    fetch_bundle(called, full, paths.bundle(name), top / paths.bundle(name))
    for path in (paths.state(name), paths.serving(name)):
        if recorded_hash(full, path) is not None:
            fetch(called, full, path, top / path)
    whole.touch()
    return top
