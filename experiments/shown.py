"""What DVC knows of one problem's workspace, commits and experiments, as rows of a table."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from experiments.dag import dvc
from experiments.parameters import changed
from experiments.predictions import Compared
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.params import PATH, read_key

Block = Mapping[str, Any]
QUOTE = '"'


@dataclass(frozen=True)
class Revision:
    """The workspace, a commit or an experiment on a commit.

    One with a `state` has no results: DVC shows those of its baseline there.
    """

    name: str
    rev: str
    is_experiment: bool = False
    state: str = ""  # Queued, Running, Failed; of a workspace: Not run
    cause: str = ""  # of the failure
    changed: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    compared: Compared | None = None  # against the baseline, the last commit
    why_not: str = ""  # compared

    @property
    def parameters(self) -> list[str]:
        texts = {key: json.dumps(value) for key, value in self.changed.items()}
        return [f"{key}={text.strip(QUOTE)}" for key, text in texts.items()]


def exp_show(commits: int) -> list[dict[str, Any]]:
    """Return what `dvc exp show` has, as it is."""
    done = dvc("exp", "show", "--json", "--num", str(commits))
    if done.returncode != 0:
        raise RetraceError(f"dvc exp show failed:\n{done.stderr.strip()}")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def read_revisions(shown: Sequence[Block], problem: str, world: str) -> Iterator[Revision]:
    """Yield workspace and commits, each commit followed by its experiments."""
    head = next((_params(entry) for entry in shown if entry["rev"] != "workspace"), {})
    for entry in shown:
        metrics = _metrics(entry, problem)
        if entry["rev"] == "workspace":
            changes = changed(head, _params(entry), problem, world)
            state = "Not run" if _changed_since_run(problem, world) else ""
            yield Revision("workspace", "", False, state, "", changes, {} if state else metrics)
            continue
        rev = entry["rev"][:7]
        yield Revision(entry.get("name") or rev, rev, metrics=metrics)
        for experiment in entry.get("experiments") or []:
            last = experiment["revs"][0]
            name = experiment.get("name") or last.get("name") or last["rev"][:7]
            state = _state(experiment, last)
            yield Revision(
                name,
                last["rev"][:7],
                is_experiment=True,
                state=state,
                cause=_cause(name) if state == "Failed" else "",
                changed=changed(_params(entry), _params(last), problem, world),
                metrics={} if state else _metrics(last, problem),
            )


def _state(experiment: Block, last: Block) -> str:
    if last.get("error"):
        return "Failed"
    state = str((experiment.get("executor") or {}).get("state") or "").capitalize()
    return "" if state == "Success" else state


def _cause(name: str) -> str:
    """Return the last words of a failed experiment's log before DVC's own: the stage's."""
    lines = [line.strip() for line in dvc("queue", "logs", name).stdout.splitlines()]
    before = [*lines[: next((n for n, x in enumerate(lines) if x.startswith("ERROR:")), None)]]
    words = [line for line in before if line] or [line for line in lines if line]
    return words[-1] if words else f"dvc queue logs {name} says more"


def _changed_since_run(problem: str, world: str) -> bool:
    """Return whether params.yaml has other numbers than those that the last run has used."""
    try:
        lock = yaml.load(Path("dvc.lock").read_text("utf-8"), yaml.CSafeLoader) or {}
    except FileNotFoundError:
        return False
    for stage in lock.get("stages", {}).values():
        for key, value in stage.get("params", {}).get(str(PATH), {}).items():
            if key.split(".")[0] in (problem, world) and _value(key) != value:
                return True
    return False


def _value(key: str) -> Any:
    try:
        return read_key(key)
    except RetraceError:  # it is gone
        return None


def _params(entry: Block) -> dict[str, Any]:
    files = (entry.get("data") or {}).get("params") or {}
    return dict((files.get(str(PATH)) or {}).get("data") or {})


def _metrics(entry: Block, problem: str) -> dict[str, Any]:
    files = (entry.get("data") or {}).get("metrics") or {}
    return dict((files.get(paths.metrics(problem).as_posix()) or {}).get("data") or {})
