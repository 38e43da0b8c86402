"""Faults under load: what was answered is on record, once."""

import contextlib
from pathlib import Path

from tests.drills import Outcome, Row, Size
from tests.drills.repo import reproduced
from tests.drills.server import mount_allowed, small_disk
from tests.online.faults import FAULTS, Harm, database_away, harm
from tests.online.postgres import postgres, programs
from tests.online.server import RunningServer

TITLE = "Nothing lost"
TIMES = {"short": 10, "drill": 205, "full": 1000}
AWAY_SECONDS = {"short": 3.0, "drill": 60.0, "full": 600.0}
DISK_BYTES = 1 << 27  # of the log, where this user may mount one: it is filled


def run(size: Size, folder: Path) -> Outcome:
    place = reproduced(size).copy(folder / "project").path
    found = faults(place, folder, TIMES[size])
    kinds = ", ".join(fault.__name__.replace("_", " ") for fault in FAULTS)
    figure = f"{found.faults} faults: {found.lost} lost, {found.doubled} doubled"
    details = f"The faults, in turn: {kinds}. Requests refused: {refused(found)}."
    rows = rows_of(found, "the faults")
    if programs() is None:
        return Outcome(rows, figure, f"{details} PostgreSQL is not installed.")
    away, meanwhile = without_database(place, folder, AWAY_SECONDS[size])
    spell = f"PostgreSQL was away for {AWAY_SECONDS[size]:.0f} seconds"
    details += f" While {spell}, {meanwhile:,} questions were answered; refused: {refused(away)}."
    return Outcome((*rows, *rows_of(away, spell)), figure, details)


def faults(place: Path, folder: Path, times: int) -> Harm:
    """Let so many faults happen to a server with a SQLite."""
    log = folder / "served/log"
    log.mkdir(parents=True)
    with small_disk(log, DISK_BYTES) if mount_allowed(folder) else contextlib.nullcontext():
        server = RunningServer(place, ["fraud"], folder / "served").start()
        try:
            return harm(server, times)
        finally:
            server.stop()


def without_database(place: Path, folder: Path, seconds: float) -> tuple[Harm, int]:
    with postgres() as database:
        server = RunningServer(place, ["fraud"], folder / "away", store=database.url).start()
        try:
            return database_away(server, database, seconds)
        finally:
            server.stop()


def rows_of(found: Harm, after: str) -> tuple[Row, Row]:
    n_told = found.answered + found.told
    return (
        Row(f"answers and events on record after {after}", n_told, found.lost),
        Row(f"the same after {after}, on record once", n_told, found.doubled),
    )


def refused(found: Harm) -> str:
    return ", ".join(f"{n:,} with {status}" for status, n in found.refused.items()) or "none"
