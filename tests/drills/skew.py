"""The test months through a real server: every answer is that of the batch, to the bit."""

from pathlib import Path

from tests.drills import Outcome, Row, Size
from tests.drills.repo import reproduced
from tests.online.faults import wait_until_loaded
from tests.online.replay import judged, play, stored_ids
from tests.online.server import RunningServer

TITLE = "Skew"
PROBLEMS = ("price", "service_time", "fraud", "order_completion", "order_stuck")
KILL_EVERY = 300  # requests, by chance


def run(size: Size, folder: Path) -> Outcome:
    place = reproduced(size).copy(folder / "project").path
    rows, details, kills = [], [], 0
    for name in PROBLEMS:
        top = folder / name
        judged(place, name, top / "models")
        words = ["--models", str(top / "models")]
        server = RunningServer(place, [name], top / "served", words).start()
        try:
            played = play(server, place, name, kill_every=KILL_EVERY)
            wait_until_loaded(server)
            missing = played.ids - set(stored_ids(server))
        finally:
            server.stop()
        kills += played.kills
        rows += [
            Row(f"{name}: answers equal to the batch", played.asked, len(played.different)),
            Row(f"{name}: answers on record", len(played.ids), len(missing)),
        ]
        details += [f"- {one}" for one in played.different[:3]]
        details.append(
            f"- {name}: {played.kills} kills -9; {played.swapped:,} events were swapped, "
            f"{played.doubled:,} doubled; {played.late:,} times one was late"
        )
    asked = sum(row.times for row in rows[::2])
    different = sum(row.lost for row in rows[::2])
    figure = f"{different} of {asked:,} answers differ, with {kills} kills -9"
    return Outcome(tuple(rows), figure, "\n".join(details))
