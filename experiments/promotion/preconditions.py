"""Is the challenger fit to be judged? It is the model of the current commit and nothing else."""

from pathlib import Path

import yaml

from experiments import dag
from problems.contract import Problem
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.files import read_json


def check_challenger(problem: Problem, *, push: bool) -> None:
    """Raise RetraceError, which says what to do, for the first thing that is not as it must be."""
    check_artifact(problem.name)
    check_current(problem.name)
    check_data(problem.world)
    if push:
        check_pushed(problem.name)


def check_artifact(name: str) -> None:
    """DVC and GTO know a model by its entry in dvc.yaml."""
    artifacts = yaml.safe_load(Path("dvc.yaml").read_text("utf-8")).get("artifacts") or {}
    path = (artifacts.get(name) or {}).get("path")
    if path != paths.bundle(name).as_posix():
        raise RetraceError(
            f"dvc.yaml: `artifacts` has no entry '{name}' with path {paths.bundle(name)}, so that "
            "nobody could fetch a version of it. Add it, with type: model."
        )


def check_current(name: str) -> None:
    stale = dag.stale(f"evaluate@{name}")
    if stale:
        raise RetraceError(
            f"the DAG is not up to date: {', '.join(stale)}. `dvc repro` and commit dvc.lock, so "
            "that the version is what its commit says."
        )


def check_data(world: str) -> None:
    """Soft failures count too: what nobody has looked at should not become the champion."""
    found = read_json(paths.validation_metrics(world))
    failed = [
        f"  {item['column']}: {item['check']} is {item['found']}, expected {item['limit']}"
        for item in found["results"]
        if not item["passed"]
    ]
    if failed:
        raise RetraceError(
            f"data checks have failed ({paths.validation_metrics(world)}):\n"
            + "\n".join(failed)
            + f"\nMend the source; or, if the data is right, change the limit in "
            f"{paths.checks(world)}, and commit why."
        )


def check_pushed(name: str) -> None:
    missing = dag.not_in_remote(f"evaluate@{name}")
    if missing:
        raise RetraceError(
            f"not in the DVC remote: {', '.join(missing)}. `dvc push` first, or nobody else "
            "could fetch this version; --no-push promotes on this machine alone."
        )
