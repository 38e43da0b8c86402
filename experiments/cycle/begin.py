"""The first half of a cycle, in the copy that was called: lock and clone, and then over there."""

from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pandas as pd

from experiments.cycle.place import CycleJob, find_origin, go_there, make_clone, store_of
from experiments.cycle.record import Recorder
from experiments.cycle.settings import cycle_params
from experiments.watching import moment_of
from monitoring.settings import monitoring_params


def begin(
    problem: str, work: Path, store: str | None, at: str | None, *, is_plan: bool
) -> NoReturn:
    """Take the lock, make the clone, and go on there; a plan needs no lock, and has a clone of its
    own.

    Raises Locked, which says who has it, and RetraceError where there is no origin.
    """
    url, branch = find_origin()
    moment = ""
    if at:
        micros = moment_of(at, monitoring_params().time_zone)
        moment = pd.Timestamp(micros, unit="us", tz="UTC").isoformat()
    top = str(Path.cwd())
    job = CycleJob(problem, top, str(work), url, branch, moment, "", is_plan)
    work.mkdir(parents=True, exist_ok=True)
    lock = job.lock_of()
    if not is_plan:
        lock.acquire(cycle_params(problem).wait_minutes)
        job = replace(job, lock=lock.mine)
    try:
        last = Recorder(work).record
        was_killed = bool(last.begun_at) and last.outcome is None
        make_clone(job, anew=is_plan or was_killed)
        go_there(job, store_of(store))
    except BaseException:
        lock.release()
        raise
