"""A month of traffic with a shadow, two arms and a bad challenger: what is lost, what is said."""

from pathlib import Path

from tests.drills import Outcome, Row, Size
from tests.drills.repo import reproduced
from tests.online import month
from tests.online.month import GUARD_SECONDS, NAME, WITHIN_SECONDS
from tests.online.server import RunningServer

TITLE = "Rollouts"
SIZES = {
    "short": month.Size(days=12, kills=1),
    "drill": month.Size(),
    "full": month.Size(days=60, kills=20),
}


def run(size: Size, folder: Path) -> Outcome:
    place = reproduced(size).copy(folder / "project").path
    month.two_versions(place)
    server = RunningServer(place, [NAME], folder / "served").start()
    try:
        found = month.play(place, server, SIZES[size])
    finally:
        server.stop()
    n, late = len(found.answered), [s for s in found.changes.values() if s > WITHIN_SECONDS]
    rows = (
        Row("answers on record", n, found.lost),
        Row("answers on record once", n, found.doubled),
        Row("requests answered, but for those that a kill met", n, found.failed.total()),
        Row("answers of the arm that rollout.yaml gives", n, found.wrong_arm),
        Row(
            "subjects in one arm, but for who is taken over by a ramp", found.subjects, found.moved
        ),
        Row("verdicts as the truth is", len(found.verdicts), len(found.wrong_verdicts)),
        Row(f"changes served within {WITHIN_SECONDS:.0f} s", len(found.changes), len(late)),
        Row(f"bad challenger stopped within {GUARD_SECONDS:.0f} s", 1, not _is_stopped(found)),
    )
    slowest = max(found.changes.values())
    figure = (
        f"{found.lost} of {n:,} answers lost with {found.kills} kills -9; changes served within "
        f"{slowest:.1f} s"
    )
    said = "\n".join(f"- {arm}: {said}, expected {wanted}" for arm, wanted, said in found.verdicts)
    details = (
        f"{said}\n- the guard after {found.guard_seconds:.0f} s: {found.guard_said}\n"
        f"- not answered: {dict(found.failed) or 'none'}"
    )
    return Outcome(rows, figure, details)


def _is_stopped(found: month.Found) -> bool:
    return bool(found.guard_said) and found.guard_seconds <= GUARD_SECONDS
