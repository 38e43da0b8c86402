"""PostgreSQL away under load: questions are answered meanwhile, and are on record afterwards."""

from pathlib import Path

from tests.drills import Outcome, Row, Size
from tests.drills.repo import reproduced
from tests.online.faults import database_away
from tests.online.postgres import postgres, programs
from tests.online.server import RunningServer

TITLE = "PostgreSQL away"
SECONDS = {"short": 3.0, "drill": 60.0, "full": 600.0}


def run(size: Size, folder: Path) -> Outcome:
    if programs() is None:
        return Outcome((), "PostgreSQL is not installed")
    place, seconds = reproduced(size).copy(folder / "project").path, SECONDS[size]
    with postgres() as database:
        server = RunningServer(place, ["fraud"], folder / "served", store=database.url).start()
        try:
            found, meanwhile = database_away(server, database, seconds)
        finally:
            server.stop()
    n_refused = sum(found.refused.values())
    n_told = found.answered + found.told
    rows = (
        Row("questions while it was away", meanwhile + n_refused, n_refused),
        Row("answers and events on record afterwards", n_told, found.lost),
        Row("the same, on record once", n_told, found.doubled),
    )
    figure = (
        f"{seconds:.0f} seconds: {found.lost} of {found.answered:,} predictions and events lost"
    )
    return Outcome(rows, figure, "Events are refused while it is away.")
