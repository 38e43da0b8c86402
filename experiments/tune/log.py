"""trials/<problem>.csv: one line a finished trial, appended at once, never rewritten.

Git merges two people's files line by line (`merge=union` in .gitattributes), so a line stands for
itself: parameters are one JSON column, a second header line or a torn line is passed over.
"""

import csv
import io
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
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


def path_of(problem: str) -> Path:
    return Path("trials") / f"{problem}.csv"


def append(path: Path, trial: Trial) -> None:
    """Append one line and have it on the disk; a torn line before it is closed first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        size = os.fstat(handle).st_size
        text = "" if size else _line(HEADER)
        if size and os.pread(handle, 1, size - 1) != b"\n":
            text = "\n"
        os.write(handle, (text + _line(_cells(trial))).encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def read(path: Path) -> tuple[list[Trial], int]:
    """Return the trials in the order of the file, each once, and how many lines are unreadable."""
    if not path.exists():
        return [], 0
    found: dict[tuple[str, int, int], Trial] = {}
    torn = 0
    for line in path.read_text("utf-8", errors="replace").splitlines():
        if not line.strip() or line == _line(HEADER).rstrip("\n"):
            continue
        trial = _parse(line)
        if trial is None:
            torn += 1
        else:
            found.setdefault((trial.fingerprint, trial.seed, trial.trial), trial)
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
