"""trials/<problem>/: a CSV for each run of a search, one line a finished trial, appended at once.

A run never writes into the file of another, so that Git merges those of two people, and
`git checkout .` leaves alone what is in no commit yet. Parameters are one JSON column.
"""

import csv
import io
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from experiments.tune.space import Point

HEADER = (
    "fingerprint",
    "seed",
    "trial",
    "state",
    "score",
    "rounds",
    "seconds",
    "parameters",
    "curve",
    "reason",
)
DONE, STOPPED, FAILED = "done", "stopped", "failed"


@dataclass(frozen=True)
class Trial:
    """A finished trial. `curve` is the best validation loss so far at every 25th round."""

    fingerprint: str  # of features, space and what else is fixed
    seed: int
    trial: int
    state: str  # done; stopped, when it was worse than most; failed, with the reason
    score: float | None  # the problem's metric on the validation window
    rounds: int
    seconds: float
    parameters: Point
    curve: tuple[float, ...] = ()
    reason: str = ""


def folder_of(problem: str) -> Path:
    return Path("trials") / problem


def new_path(problem: str) -> Path:
    """Return the file of a run that begins now; the names of files are in the order of runs."""
    return folder_of(problem) / f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.csv"


def append(path: Path, trial: Trial) -> None:
    """Append one line and have it on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        header = "" if os.fstat(handle).st_size else _line(HEADER)
        os.write(handle, (header + _line(_cells(trial))).encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def read(folder: Path) -> tuple[list[Trial], int]:
    """Return the trials in the order of files and lines, each once, and how many lines are
    unreadable, as the last that a killed process wrote."""
    found: dict[tuple[str, int, int], Trial] = {}
    torn = 0
    for path in sorted(folder.glob("*.csv")):
        for line in path.read_text("utf-8", errors="replace").splitlines():
            trial = _parse(line)
            if trial is not None:
                found.setdefault((trial.fingerprint, trial.seed, trial.trial), trial)
            elif line.strip() and line != _line(HEADER).rstrip("\n"):
                torn += 1
    return list(found.values()), torn


def _line(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _cells(trial: Trial) -> list[str]:
    return [
        trial.fingerprint,
        str(trial.seed),
        str(trial.trial),
        trial.state,
        "" if trial.score is None else repr(trial.score),
        str(trial.rounds),
        f"{trial.seconds:.2f}",
        json.dumps(trial.parameters),
        " ".join(f"{loss:.6g}" for loss in trial.curve),
        " ".join(trial.reason.split())[:300],
    ]


def _parse(line: str) -> Trial | None:
    try:
        cells = next(csv.reader([line], strict=True))
        row = dict(zip(HEADER, cells, strict=True))
        if row["state"] not in (DONE, STOPPED, FAILED):
            return None
        return Trial(
            fingerprint=row["fingerprint"],
            seed=int(row["seed"]),
            trial=int(row["trial"]),
            state=row["state"],
            score=float(row["score"]) if row["score"] else None,
            rounds=int(row["rounds"]),
            seconds=float(row["seconds"]),
            parameters=dict(json.loads(row["parameters"])),
            curve=tuple(float(loss) for loss in row["curve"].split()),
            reason=row["reason"],
        )
    except (ValueError, csv.Error, StopIteration, TypeError):
        return None
