"""Faults under load: what was answered is on record, once."""

import contextlib
from pathlib import Path

from tests.drills import Outcome, Row, Size
from tests.drills.repo import reproduced
from tests.drills.server import mount_allowed, small_disk
from tests.online.faults import FAULTS, harm
from tests.online.server import RunningServer

TITLE = "Nothing lost"
TIMES = {"short": 10, "drill": 205, "full": 1000}
DISK_BYTES = 1 << 27  # of the log, where this user may mount one: it is filled


def run(size: Size, folder: Path) -> Outcome:
    place = reproduced(size).copy(folder / "project").path
    log = folder / "served/log"
    log.mkdir(parents=True)
    with small_disk(log, DISK_BYTES) if mount_allowed(folder) else contextlib.nullcontext():
        server = RunningServer(place, ["fraud"], folder / "served").start()
        try:
            found = harm(server, TIMES[size])
        finally:
            server.stop()
    rows = (
        Row(
            "answers and events on record after the faults", found.answered + found.told, found.lost
        ),
        Row("the same, on record once", found.answered + found.told, found.doubled),
    )
    kinds = ", ".join(fault.__name__.replace("_", " ") for fault in FAULTS)
    figure = f"{found.faults} faults: {found.lost} lost, {found.doubled} doubled"
    refused = ", ".join(f"{n:,} with {status}" for status, n in found.refused.items()) or "none"
    return Outcome(rows, figure, f"The faults, in turn: {kinds}. Requests refused: {refused}.")
